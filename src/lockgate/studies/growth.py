"""How the effect of a trick changes where there are more rows to learn from."""

import math
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from scipy import special

from lockgate.charts.formats import metric_name
from lockgate.scoring.arrays import FloatArray
from lockgate.studies.phrases import signed_percent
from lockgate.tasks.results import Results, changes_by_fold

LEVEL = 0.05
"""Chance that any pair of a study whose effect stays is said to change."""
LEAST_FOLDS = 5
GROWN = 1.5
"""The most rows are so many times the fewest, or little can be told of more."""


class Growth(NamedTuple):
    """An effect that changes with the rows learned from, by a line over their logarithm."""

    rung: str
    parent: str
    fewest: int
    """Rows that the first fold learns from."""
    most: int
    """Rows that the last one does."""
    first: float
    """Change of the score with the fewest rows, in per cent; below 0 is better."""
    last: float
    """The same with the most rows."""

    def words(self, trick: str, metric: str) -> str:
        """Say how the effect changes.

        Example:
            >>> one = Growth("input-dropout", "gru", 3000, 6000, -16.0, 1.5)
            >>> one.words("Input dropout", "mae")
            'Input dropout does less the more rows there are: −16.0 % MAE where 3,000 are learned \
from, +1.5 % where 6,000 are, by a line through the folds.'
        """
        more = "more" if abs(self.last) > abs(self.first) else "less"
        first, last = signed_percent(self.first), signed_percent(self.last)
        return (
            f"{trick} does {more} the more rows there are: {first} {metric_name(metric)} where "
            f"{self.fewest:,} are learned from, {last} where {self.most:,} are, by a line through "
            "the folds."
        )


def growths(results: Results) -> Iterator[Growth]:
    """Yield the pairs whose effect clearly changes as folds learn from more rows.

    Clearly is what a straight line over the logarithm of the rows shows at a level of 5 % for all
    pairs together, and what changes by more than the smallest effect that matters. It is a hint of
    what more rows may bring and no verdict, as folds next to each other are taken to be apart.
    """
    sizes = {fold["name"]: fold["train"] for fold in results["folds"]}
    if len(sizes) < LEAST_FOLDS or max(sizes.values()) < GROWN * max(min(sizes.values()), 1):
        return
    verdict = results["verdict"]
    for pair in verdict["pairs"]:
        # folds that later passes draw anew are none of these
        changes = changes_by_fold(pair, results)
        effects = {name: changes[name] for name in sizes if name in changes}
        if len(effects) < LEAST_FOLDS:
            continue
        rows = np.array([sizes[name] for name in effects], dtype=np.float64)
        ratios = np.log1p(np.array(list(effects.values())) / 100.0)
        ends = _line(np.log(rows), ratios, LEVEL / len(verdict["pairs"]))
        if ends is None or abs(ends[1] - ends[0]) < math.log1p(verdict["smallest_effect"] / 100.0):
            continue
        first, last = (100.0 * math.expm1(end) for end in ends)
        yield Growth(*(pair["rung"], pair["parent"], int(rows.min()), int(rows.max()), first, last))


def _line(x: FloatArray, y: FloatArray, level: float) -> tuple[float, float] | None:
    """Return where a line through points begins and ends; None if it is not clearly inclined."""
    centred = x - x.mean()
    spread = float(centred @ centred)
    if not spread:
        return None
    slope = float(centred @ y) / spread
    rest = y - y.mean() - slope * centred
    dof = len(x) - 2
    error = math.sqrt(float(rest @ rest) / dof / spread)
    if not abs(slope) > -float(special.stdtrit(dof, level / 2.0)) * error:
        return None
    mean = float(y.mean())
    return mean + slope * float(centred.min()), mean + slope * float(centred.max())
