"""How far back a model's gradient reaches."""

import math
from collections.abc import Callable
from typing import Any, Literal, NamedTuple

import torch
from torch import Tensor

from lockgate.nn.checks import ShapeError


class Reach(NamedTuple):
    """How the gradient of the last output falls off with the distance of the input step."""

    norms: tuple[float, ...]  # root mean square over a batch; norms[d] at d steps before the last
    factor: float  # by which a step further back multiplies it, of a line through the logarithms

    @property
    def half_life(self) -> float:
        """Steps after which it has halved, or, if negative, doubled."""
        return -math.log(2.0) / self._slope if self._slope else math.inf

    @property
    def verdict(self) -> Literal["vanishes", "explodes", "holds"]:
        """What happens from the last step to the first: a change of 100 times, or less."""
        change = self._slope * (len(self.norms) - 1)
        if change < math.log(0.01):
            return "vanishes"
        return "explodes" if change > math.log(100.0) else "holds"

    @property
    def _slope(self) -> float:
        return math.log(self.factor) if self.factor > 0.0 else -math.inf

    def __str__(self) -> str:
        steps = len(self.norms) - 1
        change = self.norms[-1] / self.norms[0] if self.norms[0] else math.nan
        return f"{self.verdict}: {change:.1e} of it is left after {steps} steps"


def gradient_reach(
    model: Callable[[Tensor], Any],
    x: Tensor,
    *,
    batch_first: bool = False,
    probes: int = 4,
    seed: int = 0,
) -> Reach:
    """Measure how the gradient of the last output falls off with the distance of the input step.

    That it vanishes or explodes is why plain RNNs learn nothing over long lags (Bengio et al. 1994,
    doi:10.1109/72.279181), and what the LSTM was made to cure. Measured is the Frobenius norm of
    the Jacobian, estimated by products with random signs.

    Args:
        model: A layer or a model, called with x as it is, in its mode: put it into evaluation to
            measure it without dropout. Of a tuple, as recurrent layers return it, the first counts;
            of an output with x's time, its last step; else all of it.
        x: `(time, batch, features)`, or `(batch, time, features)` if `batch_first`.
        batch_first: Whether the batch comes first.
        probes: Number of random products; the error falls with their root.
        seed: Seed of the signs.

    Raises:
        ValueError: If x has fewer than 2 steps, or the output does not depend on it.

    Example:
        >>> import torch
        >>> from lockgate.nn import RNN
        >>> layer = RNN(3, 8, nonlinearity="relu")
        >>> with torch.no_grad():
        ...     _ = layer.weight_hh_l0.copy_(0.5 * torch.eye(8))
        ...     _ = layer.bias_ih_l0.fill_(100)  # where relu lets everything through
        >>> reach = gradient_reach(layer, torch.zeros(20, 2, 3))
        >>> round(reach.factor, 3), reach.verdict
        (0.5, 'vanishes')
    """
    time = 1 if batch_first else 0
    if x.ndim != 3 or x.shape[time] < 2:
        axes = "(batch, time, features)" if batch_first else "(time, batch, features)"
        raise ShapeError(f"x must be {axes} with at least 2 steps, got shape {tuple(x.shape)}")
    x = x.detach().requires_grad_()
    with torch.enable_grad():
        output = model(x)
    output = output[0] if isinstance(output, tuple) else output
    if output.ndim == 3 and output.shape[time] == x.shape[time]:
        output = output.select(time, -1)
    if not output.requires_grad:
        raise ValueError("model must give an output that depends on x, got one that does not")
    generator = torch.Generator().manual_seed(seed)
    squares = torch.zeros(x.shape[time], dtype=torch.float64)
    for probe in range(probes):
        signs = torch.randint(0, 2, output.shape, generator=generator) * 2 - 1
        (gradient,) = torch.autograd.grad(
            output, x, signs.to(output), retain_graph=probe + 1 < probes
        )
        by_step = gradient.double().square().sum(2).mean(1 - time)
        squares += by_step.cpu() / probes
    norms = squares.sqrt().flip(0)
    return Reach(tuple(norms.tolist()), _factor(norms))


def _factor(norms: Tensor) -> float:
    """Fit a line to the logarithms; what has vanished altogether is cut off."""
    seen = norms[: int((norms > 0.0).long().cumprod(0).sum())]
    if len(seen) < 2:
        return 0.0
    distance = torch.arange(len(seen), dtype=torch.float64)
    distance, logs = distance - distance.mean(), seen.log() - seen.log().mean()
    return float(((distance * logs).sum() / distance.square().sum()).exp())
