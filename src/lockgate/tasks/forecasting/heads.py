"""What heads forecast of each step: a point, how far off it may be, and the loss of a target.

Everything is scaled as the target that a network reads, but for counts: a loss of counts is that of
the target in its own unit, to which each window's series has a mean and a standard deviation.
"""

import math
from typing import NamedTuple, Protocol

import torch
from torch import Tensor
from torch.nn.functional import softplus

from lockgate.tasks.forecasting.config import COUNTS, Head

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
LEAST_SCALE = 1e-3
"""Least scale, in standard deviations of the target, which keeps a likelihood from growing without
end where a target hardly moves."""
LEAST_DEGREES = 2.1
"""Least degrees of freedom: the standard deviation is finite above 2."""
LEAST_MEAN = 1e-6
LEAST_DISPERSION = 1e-3
"""Least dispersion: float32 cannot tell the likelihood of a smaller one from that of Poisson."""

NUMBERS: dict[Head, int] = {
    "point": 1,
    "quantiles": len(QUANTILES),
    "normal": 2,
    "student_t": 2,
    "poisson": 1,
    "negative_binomial": 2,
}
"""Numbers that a head writes for a step; the first is the location."""


class Forecast(Protocol):
    """What is forecast of windows; all are (B, horizon)."""

    @property
    def point(self) -> Tensor:
        """The median or the mean, scaled."""
        ...

    @property
    def spread(self) -> Tensor:
        """How far off the point may be, scaled, above 0."""
        ...

    def losses(self, y: Tensor) -> Tensor:
        """Return the loss of each scaled target, finite for any that is."""
        ...


class Normal(NamedTuple):
    """A normal distribution, by whose negative log likelihood it is trained.

    Example:
        >>> Normal(torch.zeros(1), torch.ones(1)).losses(torch.ones(1))
        tensor([1.4189])
    """

    point: Tensor
    spread: Tensor  # standard deviation

    def losses(self, y: Tensor) -> Tensor:
        """Return the negative log likelihood of each target."""
        z = (y - self.point) / self.spread
        return self.spread.log() + 0.5 * z.square() + 0.5 * math.log(2.0 * math.pi)


class StudentT(NamedTuple):
    """Student's t distribution, of one number of degrees of freedom."""

    point: Tensor
    scale: Tensor
    degrees: Tensor  # ()

    @property
    def spread(self) -> Tensor:
        """The standard deviation."""
        spread: Tensor = self.scale * (self.degrees / (self.degrees - 2.0)).sqrt()
        return spread

    def losses(self, y: Tensor) -> Tensor:
        """Return the negative log likelihood of each target."""
        v, z = self.degrees, (y - self.point) / self.scale
        whole = 0.5 * (v * math.pi).log() + (0.5 * v).lgamma() - (0.5 * (v + 1.0)).lgamma()
        losses: Tensor = whole + self.scale.log() + 0.5 * (v + 1.0) * (z.square() / v).log1p()
        return losses


class Quantiles(NamedTuple):
    """Quantiles that do not cross, trained by the mean of their pinball losses."""

    values: Tensor  # (B, horizon, 5), of QUANTILES

    @property
    def point(self) -> Tensor:
        """The median."""
        return self.values[..., QUANTILES.index(0.5)]

    @property
    def spread(self) -> Tensor:
        """From the lower to the upper quartile."""
        lower, upper = (self.values[..., QUANTILES.index(share)] for share in (0.25, 0.75))
        return (upper - lower).clamp(min=LEAST_SCALE)

    def losses(self, y: Tensor) -> Tensor:
        """Return the mean pinball loss of each target, twice: that of the median is its L1."""
        above = y[..., None] - self.values
        shares = above.new_tensor(QUANTILES)
        return 2.0 * torch.maximum(shares * above, (shares - 1.0) * above).mean(dim=-1)


class Counts(NamedTuple):
    """Counts of a Poisson distribution, or of a negative binomial one of variance m + a m^2.

    Args:
        mean: m, in the target's own unit, above 0.
        scales: Mean and standard deviation of each window's series, (B, 2).
        dispersion: a; None for Poisson.
    """

    mean: Tensor
    scales: Tensor
    dispersion: Tensor | None = None

    @property
    def point(self) -> Tensor:
        """The mean, scaled."""
        return (self.mean - self.scales[:, :1]) / self.scales[:, 1:]

    @property
    def spread(self) -> Tensor:
        """The root of the variance, scaled."""
        variance = self.mean
        if self.dispersion is not None:
            variance = self.mean + self.dispersion * self.mean.square()
        return variance.sqrt() / self.scales[:, 1:]

    def losses(self, y: Tensor) -> Tensor:
        """Return the negative log likelihood of each target, which is rounded to a whole number."""
        # scaled in float32, a count comes back a little off
        count = (y * self.scales[:, 1:] + self.scales[:, :1]).round().clamp(min=0.0)
        whole, mean = (count + 1.0).lgamma(), self.mean
        if self.dispersion is None:
            return whole + mean - count * mean.log()
        failures = 1.0 / self.dispersion
        total = (failures + mean).log()
        ways = whole + failures.lgamma() - (failures + count).lgamma()
        return ways + failures * (total - failures.log()) + count * (total - mean.log())


def forecast_of(
    head: Head,
    numbers: Tensor,
    level: Tensor,
    width: Tensor,
    degrees: Tensor | None = None,
    scales: Tensor | None = None,
) -> Forecast:
    """Return what a head that writes more than a point forecasts.

    A mean of counts is a level and a change as every other point is, in the target's own unit, and
    then bent into what is above 0 by a softplus in standard deviations of the series: far above 0
    it changes nothing. So any level goes with counts, and a linear path too.

    Args:
        head: Which.
        numbers: What it writes, (B, horizon, `NUMBERS`): the location less the level and what else
            there is, in spreads of the window.
        level: Of the windows, scaled, (B, 1) or (B, horizon).
        width: The windows' own spread, (B, 1).
        degrees: What gives the degrees of freedom, any number, ().
        scales: Mean and standard deviation of each window's series, (B, 2), which counts need.

    Raises:
        ValueError: If counts get no scales.
    """
    location = level + width * numbers[..., 0]
    if head in COUNTS:
        if scales is None:
            raise ValueError(f"scales must be given to the head {head}, got none")
        mean, std = scales[:, :1], scales[:, 1:]
        counted = std * softplus(location + mean / std) + LEAST_MEAN
        if head == "poisson":
            return Counts(counted, scales)
        return Counts(counted, scales, softplus(numbers[..., 1]) + LEAST_DISPERSION)
    if head == "quantiles":
        return Quantiles(_apart(location, width[..., None] * softplus(numbers[..., 1:])))
    scale = width * softplus(numbers[..., 1]) + LEAST_SCALE
    if head == "normal":
        return Normal(location, scale)
    assert degrees is not None
    return StudentT(location, scale, softplus(degrees) + LEAST_DEGREES)


def point_of(output: Tensor | Forecast) -> Tensor:
    """Return the point of what a network gives, scaled, (B, horizon)."""
    return output if isinstance(output, Tensor) else output.point


def spread_of(output: Tensor | Forecast) -> Tensor:
    """Return the spread of what a network gives that forecasts one, scaled, (B, horizon)."""
    assert not isinstance(output, Tensor)
    return output.spread


def _apart(median: Tensor, steps: Tensor) -> Tensor:
    """Return quantiles by their distances from the next, (..., 4): outwards, upper ones first."""
    near_above, far_above, near_below, far_below = steps.unbind(dim=-1)
    upper, lower = median + near_above, median - near_below
    return torch.stack([lower - far_below, lower, median, upper, upper + far_above], dim=-1)
