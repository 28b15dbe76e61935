"""How far forecasts may be off: quantiles from the errors of forecasts that were held out."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from lockgate.errors import DataError, count_of
from lockgate.scoring.arrays import FloatArray, IntArray
from lockgate.scoring.conformal import (
    ENOUGH_FOR_SIDES,
    errors_needed,
    levels_as_quantiles,
    offsets,
)
from lockgate.tasks.base import HeldOut
from lockgate.tasks.forecasting.origins import Origins
from lockgate.tasks.forecasting.stream import Stream

MOST_NUMBERS = 4_000_000
"""Errors that are kept; of more those of every second, third, ... step."""
LEAST_SHARE = 0.05
"""Least spread that an error is divided by, as a share of the median spread of rows held out: a
network that is sure of itself now and then must not decide how wide all intervals are."""


class Source(NamedTuple):
    """Where errors are from: a fold, or a part of validation."""

    name: str
    forecasts: int
    size: float
    """Median absolute error; of several series in their standard deviations."""


class Intervals(NamedTuple):
    """Errors of forecasts of rows that had no part in them, and the quantiles that follow.

    Where networks forecast a spread, errors are divided by it, and quantiles are multiplied by that
    of the window at hand: as wide as the input says (locally weighted split conformal prediction;
    Lei et al. 2018, arXiv:1604.04173).

    Quantiles are those of split conformal prediction, step by step, each with its exact rank. They
    are of all series together, in standard deviations of each, but for a series that has enough of
    its own. They would cover what they say if errors to come were like these: the network was
    chosen by them, the networks that made them had seen fewer rows, and what changes is not in
    them. So what they cover of the test part is told beside them.
    """

    errors: FloatArray
    """(N, H) Truth less forecast, in the order of time: in the spread forecast for it, or of
    several series in their standard deviations."""
    series: IntArray  # (N,) which of `names`
    names: tuple[str, ...]
    """The series; none where there is one."""
    every: float
    """Of the forecasts that could be held out one in so many is kept: others were not made, where a
    part is judged by a sample of its windows, or there are too many. Else a whole number."""
    sources: tuple[Source, ...]
    least: float | None = None
    """Of networks that forecast a spread: the least that errors are divided by, in standard
    deviations of the series. None where errors are in these."""
    stream: Stream | None = None
    """What is known of the last of the errors, where they came after training."""

    @classmethod
    def of(cls, held_out: Sequence[HeldOut]) -> "Intervals | None":
        """Keep the errors of forecasts held out; None if no truth of them is observed."""
        held_out = [one for one in held_out if np.isfinite(one.scorer.truth).any()]
        if not held_out:
            return None
        least = _least_of(held_out)
        errors = [one.scorer.truth - one.prediction for one in held_out]
        scaled = [
            own / _scale(one.scorer.origins, one.spreads, least)
            for one, own in zip(held_out, errors, strict=True)
        ]
        sizes = [
            float(np.nanmedian(np.abs(own / one.scorer.origins.stds[:, None])))
            for one, own in zip(held_out, errors, strict=True)
        ]
        names = dict.fromkeys(name for one in held_out for name in one.scorer.origins.names)
        number = {name: place for place, name in enumerate(names)}
        series = [_numbered(one.scorer.origins, number) for one in held_out]
        steps = np.concatenate([one.scorer.origins.steps for one in held_out])
        stacked = np.concatenate(scaled)
        among = -(-stacked.size // MOST_NUMBERS)
        known = np.flatnonzero((steps % among == 0) & np.isfinite(stacked).any(axis=1))
        kept = known[np.argsort(steps[known], kind="stable")]
        return cls(
            stacked[kept].astype(np.float32),
            np.concatenate(series)[kept],
            tuple(names),
            among * _each_of(held_out),
            tuple(
                Source(one.name, len(one.prediction), size)
                for one, size in zip(held_out, sizes, strict=True)
            ),
            least,
        )

    @property
    def horizon(self) -> int:
        """Steps of a forecast."""
        return int(self.errors.shape[1])

    @property
    def forecasts(self) -> int:
        """How many could be held out, about: of the step of which fewest truths are observed."""
        return round(self._observed * self.every)

    @property
    def kept(self) -> int:
        """How many forecasts there are errors of, about."""
        return round(len(self.errors) * self.every)

    @property
    def later(self) -> int:
        """How many of them were made after training, about."""
        if self.stream is None:
            return 0
        return round(min(len(self.stream.steps), len(self.errors)) * self.every)

    def takes(self, steps: IntArray) -> npt.NDArray[np.bool_]:
        """Tell of forecasts made at later steps which are kept as those held out were, (N,).

        All of a step are or none, one step in `every`: where that is no whole number, by chance.
        """
        if self.every == int(self.every):
            return np.asarray(steps % int(self.every) == 0)
        drawn = np.random.default_rng(0).random(int(steps.max(initial=0)) + 1)
        return np.asarray(drawn[steps] < 1.0 / self.every)

    @property
    def independent(self) -> float:
        """How many errors of a step there are that share no target with each other, about."""
        # those that are kept far apart share none
        return min(self.forecasts / self.horizon, self._observed)

    @property
    def _observed(self) -> int:
        return int(np.isfinite(self.errors).sum(axis=0).min())

    @property
    def sides(self) -> bool:
        """Whether there are enough to tell what lies below a forecast from what lies above."""
        return self.independent >= ENOUGH_FOR_SIDES

    def can_tell(self, quantile: float) -> bool:
        """Tell whether there are enough errors for a quantile."""
        return self.independent >= errors_needed(quantile, sides=self.sides)

    def check(self, quantiles: Sequence[float], *, as_level: bool = False) -> None:
        """Refuse quantiles for which there are too few errors.

        Args:
            quantiles: Each in (0, 1).
            as_level: Whether they were asked for as levels.

        Raises:
            DataError: With the number needed.
        """
        farthest = max(quantiles, key=lambda one: abs(one - 0.5), default=0.5)
        if self.can_tell(farthest):
            return
        outside = (1.0 if self.sides else 0.5) / (math.floor(self.independent) + 1.0)
        least = math.ceil(1000.0 * outside) / 1000.0
        if as_level:
            rule = f"level must be at most {math.floor(100.0 * (1.0 - 2.0 * outside))}"
            got = f"{100.0 * (2.0 * max(farthest, 1.0 - farthest) - 1.0):g}"
        else:
            rule, got = f"quantiles must be from {least:g} to {1.0 - least:g}", f"{farthest:g}"
        if outside >= 0.5:
            rule = f"{'level' if as_level else 'quantiles'} must be left out"
        raise DataError(
            f"{rule} for this model, got {got}: it needs "
            f"{errors_needed(farthest, sides=self.sides)} held-out errors that do not overlap, and "
            f"there are {self.independent:.1f} in {count_of(self.forecasts, 'forecast')} of "
            f"{count_of(self.horizon, 'step')}; run a study, or train on more rows"
        )

    def scale(self, origins: Origins, spreads: FloatArray | None) -> FloatArray:
        """Return what errors of forecasts are divided by, (N, H) or (N, 1), in the target's unit.

        Args:
            origins: Of the forecasts.
            spreads: What networks forecast that tell one, (N, H), in the target's unit.
        """
        return _scale(origins, spreads, self.least)

    def quantiles(
        self,
        forecast: FloatArray,
        origins: Origins,
        quantiles: Sequence[float],
        spreads: FloatArray | None = None,
    ) -> FloatArray:
        """Return quantiles of what was forecast, (Q, N, H), in the target's unit.

        Args:
            forecast: (N, H).
            origins: The series that each is of.
            quantiles: Each in (0, 1).
            spreads: As in `scale`.
        """
        told = np.empty((len(quantiles), *forecast.shape))
        if not quantiles:
            return told
        scale = self.scale(origins, spreads)
        sides = self.sides
        shares = None if self.stream is None else self.stream.shares(quantiles, sides=sides)
        for rows, errors in self.by_series(origins):
            own = offsets(errors, quantiles, sides=sides, shares=shares)
            told[:, rows] = own[:, None] * scale[rows] + forecast[rows]
        return told

    def offsets_by_series(self, quantiles: Sequence[float]) -> dict[str, FloatArray]:
        """Return what is added to forecasts to give their quantiles, (Q, H) each, in their scale.

        Under the empty name stands what holds for every series that is not named; named are those
        with errors enough of their own.
        """
        sides = self.sides
        shares = None if self.stream is None else self.stream.shares(quantiles, sides=sides)
        groups = {"": self.errors}
        for name in self._with_own():
            groups[name] = self.errors[self.series == self.names.index(name)]
        return {
            name: offsets(errors, quantiles, sides=sides, shares=shares)
            for name, errors in groups.items()
        }

    def can_tell_level(self, level: float) -> bool:
        """Tell whether there are enough errors for a central interval."""
        return all(map(self.can_tell, levels_as_quantiles([level])))

    def by_series(self, origins: Origins) -> Sequence[tuple[IntArray, FloatArray]]:
        """Return rows that share the errors by which they are judged, and these."""
        if not self.names:
            return [(np.arange(len(origins.steps)), self.errors)]
        own = set(self._with_own())
        with_own = np.array([name in own for name in origins.names], dtype=bool)
        alone = with_own[origins.series]
        groups = [(np.flatnonzero(~alone), self.errors)]
        for number in np.unique(origins.series[alone]):
            known = self.names.index(origins.names[number])
            rows = np.flatnonzero(origins.series == number)
            groups.append((rows, self.errors[self.series == known]))
        return [(rows, errors) for rows, errors in groups if len(rows)]

    def _with_own(self) -> list[str]:
        """Name the series that have errors enough of their own, in the order of `names`."""
        if not self.names:
            return []
        enough = ENOUGH_FOR_SIDES * max(self.horizon / self.every, 1.0)
        observed = np.isfinite(self.errors)
        counts = np.min(
            [np.bincount(self.series, step, len(self.names)) for step in observed.T], axis=0
        )
        return [name for name, count in zip(self.names, counts, strict=True) if count >= enough]


def _each_of(held_out: Sequence[HeldOut]) -> float:
    """Return how many windows each that was forecast stands for; a whole number where it is one."""
    forecasts = sum(len(one.prediction) for one in held_out)
    windows = sum(len(one.prediction) * one.scorer.each for one in held_out)
    each = float(windows / forecasts)
    return int(each) if each.is_integer() else each


def _least_of(held_out: Sequence[HeldOut]) -> float | None:
    """Return the least spread that errors are divided by; None where no spread is forecast."""
    told = [
        (one.spreads / one.scorer.origins.stds[:, None]).ravel()
        for one in held_out
        if one.spreads is not None
    ]
    return LEAST_SHARE * float(np.median(np.concatenate(told))) if told else None


def _scale(origins: Origins, spreads: FloatArray | None, least: float | None) -> FloatArray:
    stds: FloatArray = origins.stds[:, None]
    if least is None:
        return stds
    if spreads is None:
        raise ValueError("spreads must be given where errors are in spreads, got None")
    scale: FloatArray = np.maximum(spreads, least * stds)
    return scale


def _numbered(origins: Origins, number: dict[str, int]) -> IntArray:
    """Return the number of each window's series among all."""
    if not origins.names:
        return np.zeros(len(origins.steps), np.int64)
    return np.array([number[name] for name in origins.names], np.int64)[origins.series]
