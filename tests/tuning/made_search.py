"""Folds and fits made by hand, so that what a search does with them can be counted."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np

from lockgate.settings import resolve
from lockgate.studies.stretches import Stretch
from lockgate.tasks.base import Scorer
from lockgate.tasks.folds import Fold
from lockgate.tasks.forecasting.config import ForecastConfig
from lockgate.tuning.bench import DEFAULT, Entrant, Fitted, Place

RUN = resolve(ForecastConfig, {"target": "sold", "horizon": 3})


def made_scorer(counts: Any, groups: Any = None) -> Scorer:
    """A scorer for which a prediction is how much each row loses."""
    scorer: Any = SimpleNamespace(
        counts=np.asarray(counts, dtype=float),
        groups=None if groups is None else np.asarray(groups),
        horizon=1,
        losses=lambda prediction: np.asarray(prediction, dtype=float),
        scores=lambda prediction: {"mae": float(np.sum(prediction) / np.sum(counts))},
    )
    return scorer


def made_stretch(number: int, rows: Any, counts: Any = None, groups: Any = None) -> Stretch:
    """A fold that judges some rows."""
    rows = np.asarray(rows)
    fold = Fold(number, 0, range(1), range(1, 2), rows)
    scorer = made_scorer(np.ones(len(rows)) if counts is None else counts, groups)
    return Stretch(fold, scorer, rows, (), ())


class MadePreparation:
    """Folds of ten rows each."""

    root = None

    def __init__(self, folds: int = 3) -> None:
        self._made = tuple(made_stretch(i, np.arange(10) + 10 * i) for i in range(folds))

    def stretches(self, of_pass: int) -> tuple[Stretch, ...]:  # noqa: ARG002
        """Give the same folds in each pass."""
        return self._made


class MadeBench:
    """Fits whose loss is what `loss` says of the settings and the fold; None diverges."""

    power = 1.0

    def __init__(self, loss: Callable[[str, Any, int], float | None]) -> None:
        self._loss = loss
        self.wanted: list[tuple[str, Place]] = []

    def fit(self, wanted: Any) -> dict[tuple[str, Place], Fitted]:
        """Note what is wanted, and make it."""
        return {(one.name, place): self._made(one, place) for one, place in wanted}

    def _made(self, one: Entrant, place: Place) -> Fitted:
        self.wanted.append((one.name, place))
        stretch = one.preparation.stretches(place.of_pass)[place.fold]
        loss = self._loss(one.name, one.run, place.fold)
        fit: Any = SimpleNamespace(seconds=2.0, parameters=7)
        return Fitted(fit, stretch, None if loss is None else np.full(10, loss))


def made_default(preparation: Any) -> Entrant:
    """The default settings."""
    return Entrant(DEFAULT, RUN, preparation)
