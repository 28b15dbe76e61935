"""Fit what `train` would deliver to data without a test part, as a backtest does."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from lockgate.errors import DataError
from lockgate.running.local import default_workers
from lockgate.studies.delivery import (
    DIVERGED,
    Delivery,
    FitAll,
    Fits,
    Member,
    deliver,
    is_single,
    side_by_side,
)
from lockgate.tasks.base import Candidate, Compared, Fitted, OnEpoch, Task
from lockgate.training.origin import warn_if_elsewhere


def networks_of(task: Task, config: Any) -> int:
    """Return how many networks are trained for one model."""
    return 1 if is_single(task, config) else 2 * int(config.members)


def fit_anew(
    task: Task,
    data: Any,
    prepared: Any,
    config: Any,
    on_fit: Callable[[int, int, str], OnEpoch],
    checkpoints: Path | None = None,
) -> Fitted:
    """Return the model that `train` would deliver, with the baselines that it keeps fitted alike.

    It has learned from all of `data`, whose end is the validation part; one network alone is kept
    as that part stopped it. Baselines keep what validation chose for them, and are fitted to all.

    Args:
        task: One that has committees.
        data: What may be learned from.
        prepared: The same prepared, no row of it in the test part.
        config: A run.
        on_fit: As `side_by_side` takes it.
        checkpoints: Folder of the files from which fits go on if they are killed; None keeps none.

    Raises:
        DataError: If every fit diverged.
        KeyboardInterrupt: If training was interrupted: what is half trained is no part of a
            backtest.
    """
    committees = task.committees
    assert committees is not None
    if is_single(task, config):
        fitted, compared = _single(task, data, prepared, config, on_fit, checkpoints)
        known: tuple[Candidate, ...] = ()
    else:
        workers = default_workers(config.training.device)
        fit_all = uninterrupted(side_by_side(task, prepared, workers, on_fit, checkpoints))
        delivery: Delivery = deliver(task, data, prepared, config, fit_all)
        fitted, compared = delivery.fitted, delivery.compared
        known = () if delivery.baseline is None else (delivery.baseline,)
    names = {one.name for one in known}
    again = (
        committees.refit(data, prepared, config, one)
        for one in compared.baselines
        if one.name not in names and committees.mixes(one)
    )
    return fitted.with_metrics(task.scales(prepared), (*known, *again))


def uninterrupted(fit_all: FitAll) -> FitAll:
    """Return what does the same fits, and ends with a `KeyboardInterrupt` if one is cut short."""

    def fit(members: Sequence[Member]) -> Fits:
        fits = fit_all(members)
        if len(fits) < len(members) or any(one.stopped == "interrupted" for _, one in fits):
            raise KeyboardInterrupt
        return fits

    return fit


def _single(
    task: Task,
    data: Any,
    prepared: Any,
    config: Any,
    on_fit: Callable[[int, int, str], OnEpoch],
    checkpoints: Path | None,
) -> tuple[Fitted, Compared]:
    checkpoint = checkpoints and Member(0, config, "train", "validation").checkpoint(checkpoints)
    if checkpoint is not None:
        warn_if_elsewhere([checkpoint])
    on_epoch = on_fit(1, 1, "fit")
    fitted, history = task.train(prepared, config, on_epoch=on_epoch, checkpoint=checkpoint)
    if history.stopped == "interrupted":
        raise KeyboardInterrupt
    if not history.best_epoch:
        raise DataError(DIVERGED)
    return fitted, task.baselines(data, prepared, config)
