"""Baselines of labels at steps: each step by itself and the few around it."""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from sklearn.preprocessing import StandardScaler

from lockgate.scoring.arrays import FloatArray, IntArray
from lockgate.scoring.baselines import Grid
from lockgate.tasks.labelling.baselines.common import FitData, Items, Logistic, fit_logistic
from lockgate.tasks.labelling.labelled import Ragged
from lockgate.tasks.labelling.parts import Rows
from lockgate.training.losses import IGNORED

REACH = 2
"""Steps before and after a step that are seen with it."""
STRENGTHS = Grid((1e-6, 1e-5, 1e-4, 1e-3, 0.01, 0.1, 1.0, 10.0, 100.0, 1e3, 1e4), 3, 8)
MOST_STEPS = 100_000
"""Most steps that are learned from, and as many to choose by; of more a sample is drawn."""


class StepLogistic(NamedTuple):
    """Logistic regression on the values of a step and of those around it."""

    scaler: Any
    model: Logistic
    name: str = "steps around + logistic regression"

    @property
    def setting(self) -> str:
        """What is seen, and the chosen strength, in words."""
        return f"{REACH} steps before and after, {self.model.setting}"

    def probabilities(self, items: Items, rows: Rows) -> FloatArray:
        """Classify every step of the sequences `rows`, `(steps, K)`."""
        places, around = _around(items, rows)
        # in pieces: the features of all steps at once may not fit
        parts = np.array_split(np.arange(len(places)), -(-len(places) // MOST_STEPS))
        return np.concatenate([self._classify(items, around[part]) for part in parts])

    def _classify(self, items: Items, around: Rows) -> FloatArray:
        return self.model.probabilities(_features(self.scaler, items, around))


def fit_step_logistic(data: FitData, seed: int) -> StepLogistic:
    """Fit a logistic regression, C one of `STRENGTHS` by the log loss on validation."""
    assert isinstance(data.items, Ragged)
    rng = np.random.default_rng(seed)
    known = [_known(*_around(data.items, rows), data.y) for rows in (data.train, data.validation)]
    steps = [_sampled(*places, rng) for places in known]
    scaler = StandardScaler().fit(data.items.values[steps[0][0]].astype(np.float64))
    train, validation = (
        (_features(scaler, data.items, around), data.y[places]) for places, around in steps
    )
    model, _ = fit_logistic(train, validation, data.classes, STRENGTHS)
    return StepLogistic(scaler, model)


def step_places(items: Items, rows: Rows) -> Rows:
    """Return where the steps of the sequences `rows` are among all steps, end to end."""
    assert isinstance(items, Ragged)
    return np.concatenate(
        [np.arange(items.starts[row], items.starts[row + 1]) for row in rows.tolist()]
    )


def labels_of_steps(data: FitData) -> IntArray:
    """Return the classes of the training steps that have a label."""
    y = data.y[step_places(data.items, data.train)]
    return np.asarray(y[y != IGNORED])


def _around(items: Items, rows: Rows) -> tuple[Rows, Rows]:
    """Return the places (S,) of the steps and those around them, (S, 2 * REACH + 1).

    Beyond either end of a sequence is its first or last step.
    """
    assert isinstance(items, Ragged)
    places, lengths = step_places(items, rows), items.lengths[rows]
    first = np.repeat(items.starts[rows], lengths)[:, None]
    last = np.repeat(items.starts[rows + 1] - 1, lengths)[:, None]
    return places, np.clip(places[:, None] + np.arange(-REACH, REACH + 1), first, last)


def _known(places: Rows, around: Rows, y: npt.NDArray[Any]) -> tuple[Rows, Rows]:
    """Return those of steps that have a label."""
    labelled = y[places] != IGNORED
    return places[labelled], around[labelled]


def _sampled(places: Rows, around: Rows, rng: np.random.Generator) -> tuple[Rows, Rows]:
    if len(places) <= MOST_STEPS:
        return places, around
    drawn = np.sort(rng.choice(len(places), MOST_STEPS, replace=False))
    return places[drawn], around[drawn]


def _features(scaler: Any, items: Items, around: npt.NDArray[np.int64]) -> FloatArray:
    """Return the scaled values of the steps around, (S, (2 * REACH + 1) * channels)."""
    assert isinstance(items, Ragged)
    values = items.values[around].astype(np.float64)
    scaled: FloatArray = (values - scaler.mean_) / scaler.scale_
    return scaled.reshape(len(around), -1)
