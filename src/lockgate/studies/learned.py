"""What the rounds tell of a model that is then fitted to all but the test part.

Every row judged was seen by no network and by no baseline that predicts it. So they tell the steps
of a fit, how probabilities are calibrated, and how much of a mixture should be the networks.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from statistics import median
from typing import Any, NamedTuple, Protocol

import numpy as np

from lockgate.errors import DataError
from lockgate.scoring.arrays import FloatArray
from lockgate.scoring.mixture import cross_fitted, mixing_weight
from lockgate.studies.delivery import DIVERGED, Delivery, FitAll, Member, finite, none_kept
from lockgate.studies.fits import Fit
from lockgate.studies.gather import Judged
from lockgate.studies.stretches import Stretch, best_baseline, mean_of, naive
from lockgate.tasks.base import Candidate, Committees, Compared, HeldOut, Task
from lockgate.tasks.results import Scores


class FitsAndRounds(Protocol):
    """What was fitted and judged."""

    @property
    def fits(self) -> Sequence[Fit]:
        """All fits."""
        ...

    @property
    def rounds(self) -> Sequence[Judged]:
        """What they predict of the rows judged."""
        ...


class Like(NamedTuple):
    """The settings and the temperature that a joined model takes over."""

    config: Any
    temperature: float


class Learned(NamedTuple):
    """What the rounds tell of the selected network."""

    epochs: float  # of a fit, up to the weights kept
    temperature: float
    weight: float  # of the networks in the mixture
    baseline: str | None  # the other part of it
    why_not_mixed: str | None
    scores: Scores  # of the mixture on the rows judged, means over folds
    held_out: tuple[HeldOut, ...]  # the rows judged, mixed by the weights of other folds


def learn(
    task: Task, config: Any, compared: Sequence[Candidate], played: FitsAndRounds, rung: str
) -> Learned:
    """Learn from the rounds how the selected network is fitted, calibrated and mixed.

    Args:
        task: The task.
        config: The settings of the study.
        compared: The baselines, of which a model may be able to keep some.
        played: The rounds.
        rung: The selected rung.

    Raises:
        DataError: If all its fits diverged.
    """
    fits = [fit for fit in played.fits if fit.rung == rung and fit.seed and not fit.diverged]
    if not fits:
        raise DataError(DIVERGED)
    networks = _networks(played, rung)
    name: str | None = None
    why_not: str | None = "mix is false"
    if task.committees is not None and config.mix:
        name, why_not = _mixable(task.committees, compared, networks, config.training.metric)
    weight = 1.0
    if name is not None:
        weight = mixing_weight(*_stacked(networks, name))
    mixed = [
        one.scorer.scores(
            prediction
            if name is None
            else weight * prediction + (1.0 - weight) * naive(one, name).judged
        )
        for one, prediction in networks
    ]
    return Learned(
        epochs=median(fit.history.best_epoch for fit in fits),
        temperature=math.exp(median(math.log(fit.temperature) for fit in fits)),
        weight=weight,
        baseline=name,
        why_not_mixed=why_not,
        scores=mean_of(mixed),
        held_out=_held_out(networks, name, _spreads(played, rung)),
    )


def deliver_learned(
    task: Task,
    data: Any,
    prepared: Any,
    config: Any,
    fit_all: FitAll,
    learned: Learned,
    compared: Compared,
) -> Delivery:
    """Fit networks and baseline to all but the test part, by what the rounds told.

    Args:
        task: One that has committees.
        data: What was read.
        prepared: What `task.prepare` made of it.
        config: A run of the selected network.
        fit_all: Does fits, and returns what came of each in their order.
        learned: What the rounds told.
        compared: The baselines.

    Raises:
        DataError: If every fit diverged.
    """
    committees = task.committees
    assert committees is not None
    training = config.training
    windows = min(len(task.part(prepared, "development")), training.epoch_windows)
    steps = max(1, round(learned.epochs * math.ceil(windows / training.batch_size)))
    limited = training.model_copy(update={"max_steps": steps, "max_epochs": steps})
    frozen = config.model_copy(update={"training": limited})
    fits = finite(
        fit_all([Member(seed, frozen, "development", None) for seed in range(config.members)])
    )
    like = Like(config, learned.temperature)
    fitted = committees.join([one for one, _ in fits], prepared, None, like=like)
    baseline = None
    if learned.baseline is not None:
        found = next(one for one in compared.baselines if one.name == learned.baseline)
        baseline = committees.refit(data, prepared, config, found)
        fitted = committees.mixed(fitted, baseline, learned.weight)
    return Delivery(
        fitted=committees.with_held_out(fitted, learned.held_out),
        members=len(fits),
        weight=learned.weight,
        baseline=baseline,
        why_not_mixed=learned.why_not_mixed,
        histories=tuple(history for _, history in fits),
        compared=compared,
    )


def _networks(played: FitsAndRounds, rung: str) -> list[tuple[Stretch, FloatArray]]:
    """Return for each fold of the first pass what the networks predict of it, on average.

    Folds that are drawn anew have no second round on the same rows.
    """
    by_fold: dict[str, list[FloatArray]] = {}
    for one in played.rounds:
        if rung in one.predictions:
            by_fold.setdefault(one.stretch.fold.name, []).append(one.predictions[rung])
    stretches = {one.stretch.fold.name: one.stretch for one in played.rounds}
    return [
        (stretches[name], np.mean(own, axis=0))
        for name, own in by_fold.items()
        if stretches[name].naive
    ]


def _spreads(played: FitsAndRounds, rung: str) -> dict[str, FloatArray]:
    """Return for each fold the mean of the spreads that the networks forecast, if they do."""
    by_fold: dict[str, list[FloatArray]] = {}
    for one in played.rounds:
        if rung in one.spreads:
            by_fold.setdefault(one.stretch.fold.name, []).append(one.spreads[rung])
    return {name: np.mean(own, axis=0) for name, own in by_fold.items()}


def _mixable(
    committees: Committees,
    compared: Sequence[Candidate],
    networks: Sequence[tuple[Stretch, FloatArray]],
    metric: str,
) -> tuple[str | None, str | None]:
    """Return the best baseline on the rows judged that a model can keep, or why there is none."""
    names = [one.name for one in compared]
    kept = [one.name for one in compared if committees.mixes(one)]
    if not kept:
        return None, none_kept(names)
    stretches = [stretch for stretch, _ in networks]
    best = best_baseline(stretches, metric, kept)
    return best, None if best else f"none has a finite {metric} in every fold"


def _held_out(
    networks: Sequence[tuple[Stretch, FloatArray]],
    name: str | None,
    spreads: Mapping[str, FloatArray],
) -> tuple[HeldOut, ...]:
    """Return what is predicted of each fold's rows by the weight of the others."""
    predictions = [prediction for _, prediction in networks]
    if name is not None:
        losses, ours, theirs = _stacked(networks, name)
        sizes = [len(prediction) for prediction in predictions]
        folds = np.repeat(np.arange(len(sizes)), sizes)
        mixed = cross_fitted(losses, ours, theirs, folds)
        predictions = np.split(mixed, np.cumsum(sizes)[:-1])
    return tuple(
        HeldOut(stretch.fold.name, stretch.scorer, prediction, spreads.get(stretch.fold.name))
        for (stretch, _), prediction in zip(networks, predictions, strict=True)
    )


def _stacked(
    networks: Sequence[tuple[Stretch, FloatArray]], name: str
) -> tuple[Callable[[FloatArray], FloatArray], FloatArray, FloatArray]:
    """Put the rows of all folds below each other: how they lose, and both predictions of them."""
    ends = np.cumsum([len(prediction) for _, prediction in networks])[:-1]
    scorers = [one.scorer for one, _ in networks]

    def losses(prediction: FloatArray) -> FloatArray:
        parts = np.split(prediction, ends)
        own = [scorer.losses(part) for scorer, part in zip(scorers, parts, strict=True)]
        return np.concatenate(own)

    ours = np.concatenate([prediction for _, prediction in networks])
    return losses, ours, np.concatenate([naive(one, name).judged for one, _ in networks])
