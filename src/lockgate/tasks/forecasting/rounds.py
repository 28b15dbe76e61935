"""Folds of a series: each learns from what lies before the stretch that it is judged on."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from lockgate.errors import count_of, option
from lockgate.scoring.arrays import IntArray
from lockgate.tasks.folds import FOLDS, Fold, Folds, Round, rolling_folds, telling
from lockgate.tasks.forecasting.choose import choose
from lockgate.tasks.forecasting.config import ForecastConfig, TableConfig
from lockgate.tasks.forecasting.prepare import Prepared, make_windows, prepare_split
from lockgate.tasks.forecasting.split import Split
from lockgate.tasks.forecasting.table import Table

LEAST_HORIZONS = 3
"""Horizons that have at most as many steps as a part of a fold has windows: windows of fewer are
about as good as one."""


@dataclass(frozen=True)
class ForecastRounds:
    """Rolling-origin folds of the rows before the test part."""

    ample = 10
    """More folds with half of the rows each tell as much of the rows, and more of how a trick's
    effect differs from one stretch of time to another."""

    def folds(
        self,
        data: Table,
        prepared: Prepared,
        config: ForecastConfig,
        of_pass: int = 0,  # noqa: ARG002 - time has one order
    ) -> Folds:
        """Give the folds, which are the same in each pass."""
        settings, rows = config.data, prepared.split.validation
        least = _least(prepared.preprocessing.horizon)
        gap = data.slots.steps(settings.gap, "gap") if settings.gap else 0
        asked = settings.folds or FOLDS
        laid = rolling_folds(rows, asked, least=least, window=settings.window, gap=gap)
        held = [fold for fold in laid if _holds_windows(prepared, fold)]
        folds = tuple(fold._replace(number=number) for number, fold in enumerate(held))
        fewer = _why_fewer(prepared, settings, asked, len(laid))
        why = [*fewer, *_why_left_out(len(laid) - len(folds))]
        return Folds(folds, "; ".join(why) or None)

    def prepare(self, data: Table, config: ForecastConfig, fold: Fold) -> Round:
        """Cut the table to the fold, learn from its training rows and choose what is left open."""
        train, stopping, judged = _ranges(fold)
        learned, stopped, end = (rows.stop - train.start for rows in (train, stopping, judged))
        split = Split(learned, stopped, end, gap=stopping.start - train.stop)
        own = data.between(train.start, train.start + end)
        with telling(fold):
            return Round(own, choose(prepare_split(own, split, config.data), config))

    def when(self, data: Table, fold: Fold) -> tuple[str, str]:
        """Tell the stamps of the first and the last row judged."""
        ds = data.layout.axis
        return str(ds[int(fold.judged[0])]), str(ds[int(fold.judged[-1])])

    def judged(self, fold: Fold, prepared: Prepared, scorer: object) -> IntArray:  # noqa: ARG002
        """Give the step of each window's last input: of several series, windows share it."""
        steps = prepared.arrays.steps[prepared.windows("test").origins.numpy()]
        return np.asarray(steps + _ranges(fold)[0].start, dtype=np.int64)


def _least(horizon: int) -> int:
    """Return the rows of a stretch with as many windows as `LEAST_HORIZONS` have steps."""
    return (LEAST_HORIZONS + 1) * horizon - 1


def _holds_windows(prepared: Prepared, fold: Fold) -> bool:
    """Tell whether each part holds enough windows, by the lookback and columns of the whole run."""
    preprocessing = prepared.preprocessing
    train, *later = _ranges(fold)
    least = LEAST_HORIZONS * preprocessing.horizon
    # what is learned from reads no row before the first
    learned = prepared.arrays.between(train.start, train.stop)
    held = [len(make_windows(learned, preprocessing, range(len(train))))]
    held += [len(make_windows(prepared.arrays, preprocessing, part)) for part in later]
    return min(held) >= least


def _ranges(fold: Fold) -> tuple[range, ...]:
    """Return the rows that are learned from, those that stop and those that are judged."""
    return tuple(range(int(rows[0]), int(rows[-1]) + 1) for rows in fold[2:])


def _why_fewer(prepared: Prepared, settings: TableConfig, asked: int, laid: int) -> Iterator[str]:
    """Tell that the stretches would be too short, with the horizon for which they are not."""
    horizon, rows = prepared.preprocessing.horizon, prepared.split.validation
    half = rows - rows // 2
    if half // _least(horizon) >= asked:
        if laid < asked:
            yield (
                f"no row to learn from is left of {count_of(asked - laid, 'fold')} by "
                f"{option('gap', settings.gap)}"
            )
        return
    enough = (half // asked + 1) // (LEAST_HORIZONS + 1)
    remedy = f"; {asked} need a horizon of at most {count_of(enough, 'step')}" if enough else ""
    yield (
        f"a fold is judged on {count_of(_least(horizon), 'row')} or more, which hold windows of "
        f"{LEAST_HORIZONS} horizons, and half of what is before the test part has "
        f"{count_of(half, 'row')}{remedy}"
    )


def _why_left_out(folds: int) -> Iterator[str]:
    if folds:
        yield (
            f"{count_of(folds, 'fold')} left out, of which a part holds fewer windows than "
            f"{LEAST_HORIZONS} horizons have steps: the lookback or a hole is too long"
        )
