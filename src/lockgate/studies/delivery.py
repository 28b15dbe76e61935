"""What is delivered: the mean of several fits of one network, mixed with a baseline.

Validation is halved. Networks fitted to the training part stop by the first half, which sets the
choices of the baselines too; the second half sets the weight of the networks in the mixture. Then
steps, choices and weight are frozen, and networks and baseline are fitted anew to all rows but
those of the test part. So no weight is learned from rows that have stopped a fit. How far off the
model may be is told by the second half too, each stretch of it mixed by the weight of the others.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from lockgate.errors import DataError, listed
from lockgate.running.local import run_in_threads, threads_of_each
from lockgate.scoring.arrays import FloatArray
from lockgate.scoring.baselines import reference
from lockgate.scoring.mixture import cross_fitted, mixing_weight
from lockgate.tasks.base import (
    Candidate,
    Committees,
    Compared,
    Fitted,
    HeldOut,
    OnEpoch,
    Scorer,
    Span,
    Task,
)
from lockgate.training.group import here
from lockgate.training.history import History
from lockgate.training.origin import warn_if_elsewhere


class Member(NamedTuple):
    """One fit to do."""

    seed: int
    config: Any
    learn: Span
    stop: Span | None

    @property
    def name(self) -> str:
        """What tells it from the others."""
        return f"{self.learn}-{self.seed}"

    def checkpoint(self, folder: Path) -> Path:
        """Return the file of a folder from which it goes on if it is killed."""
        return folder / f"{self.name}.safetensors"


STRETCHES = 5
"""Of the second half of validation, each of which is mixed by the weight of the others."""
DIVERGED = "training diverged in its first epoch: pass a smaller learning_rate"
Fits = Sequence[tuple[Fitted, History]]
FitAll = Callable[[Sequence[Member]], Fits]


class Delivery(NamedTuple):
    """What is delivered, and what it was put together from."""

    fitted: Fitted
    members: int
    weight: float  # of the networks
    baseline: Candidate | None  # fitted anew; None where none is mixed in
    why_not_mixed: str | None
    histories: tuple[History, ...]  # of the fits that stopped by validation
    compared: Compared  # the baselines, fitted to the training part alone
    tried: Fitted | None = None  # the networks fitted to the training part alone, if there are any
    judged: Span = "validation"  # what of validation stopped none of these
    interrupted: bool = False  # whether fits were cut short, or none done to all but the test part


def is_single(task: Task, config: Any) -> bool:
    """Tell whether a run is of one network, which is kept as validation stopped it."""
    return task.committees is None or (config.members == 1 and not config.mix)


def deliver(task: Task, data: Any, prepared: Any, config: Any, fit_all: FitAll) -> Delivery:
    """Fit `config.members` networks twice, and put the second fits together with a baseline.

    A fit that diverges is left out. If training is interrupted, the networks that were fitted so
    far are delivered, without a baseline.

    Args:
        task: One that has committees.
        data: What was read.
        prepared: What `task.prepare` made of it.
        config: A run.
        fit_all: Does fits, and returns what came of each in their order; fewer if interrupted.

    Raises:
        DataError: If every fit diverged.
    """
    committees = task.committees
    assert committees is not None
    why_not = committees.why_not_halved(prepared)
    stop: Span = "validation" if why_not else "stopping"
    judged: Span | None = None if why_not else "mixing"
    members = [Member(seed, config, "train", stop) for seed in range(config.members)]
    first = fit_all(members)
    usable = finite(first)
    compared = task.baselines(data, prepared, config, stop)
    tried = committees.join([fitted for fitted, _ in usable], prepared, judged)
    so_far = Delivery(
        fitted=tried,
        tried=tried,
        judged=judged or "validation",
        members=len(usable),
        weight=1.0,
        baseline=None,
        why_not_mixed="training was interrupted",
        histories=tuple(history for _, history in first),
        compared=compared,
        interrupted=True,
    )
    if _interrupted(first, members):
        return so_far
    mixed = _Mixed(None, 1.0, why_not, ())
    if judged:
        mixed = _mixed(task, data, prepared, config, so_far)
    members = [
        Member(member.seed, frozen(config, history), "development", None)
        for member, (fitted, history) in zip(members, first, strict=True)
        if any(fitted is one for one, _ in usable)
    ]
    again = fit_all(members)
    if _interrupted(again, members):
        return so_far
    usable = finite(again)
    fitted = committees.join([one for one, _ in usable], prepared, None, like=tried)
    baseline = mixed.baseline
    if baseline is not None:
        baseline = committees.refit(data, prepared, config, baseline)
        fitted = committees.mixed(fitted, baseline, mixed.weight)
    return so_far._replace(
        fitted=committees.with_held_out(fitted, mixed.held_out),
        members=len(usable),
        weight=mixed.weight,
        baseline=baseline,
        why_not_mixed=mixed.why_not if config.mix else "mix is false",
        interrupted=False,
    )


class _Mixed(NamedTuple):
    """What the second half of validation tells of a mixture."""

    baseline: Candidate | None
    weight: float  # of the networks
    why_not: str | None  # why there is no baseline
    held_out: tuple[HeldOut, ...]


def _mixed(task: Task, data: Any, prepared: Any, config: Any, so_far: Delivery) -> _Mixed:
    """Choose the baseline and the weight of a mixture, and give what it predicts there."""
    committees = task.committees
    assert committees is not None
    baseline, weight, why_not = None, 1.0, None
    scorer = task.scorer(data, prepared, config, so_far.judged)
    networks = task.predict(so_far.tried, prepared, so_far.judged)
    if config.mix:
        metric = config.training.metric
        baseline, why_not = _reference(committees, so_far.compared, scorer, metric)
    theirs = None if baseline is None else baseline.predict(so_far.judged)
    if theirs is not None:
        weight = mixing_weight(scorer.losses, networks, theirs)
    predicted = _cross_fitted(scorer, networks, theirs)
    spreads = committees.spreads(so_far.tried, prepared, so_far.judged)
    held_out = HeldOut("second half of validation", scorer, predicted, spreads)
    return _Mixed(baseline, weight, why_not, (held_out,))


def deliver_one(task: Task, config: Any, fit_all: FitAll, compared: Compared) -> Delivery:
    """Deliver one network, as validation stopped it, beside the baselines `compared`.

    Raises:
        DataError: If it diverged.
    """
    [(fitted, history)] = finite(fit_all([Member(0, config, "train", "validation")]))
    return Delivery(
        fitted=fitted,
        tried=fitted,
        judged="validation",
        members=1,
        weight=1.0,
        baseline=None,
        why_not_mixed="mix is false" if task.committees else "it is a language model",
        histories=(history,),
        compared=compared,
    )


def side_by_side(
    task: Task,
    prepared: Any,
    workers: int,
    on_fit: Callable[[int, int, str], OnEpoch],
    checkpoints: Path | None = None,
) -> FitAll:
    """Return what does fits side by side in threads of this process.

    Threads share the prepared data, and a fit gives up the lock of Python while it computes. Ctrl-C
    ends each fit that runs after its next validation, and begins no other. Where several processes
    train one network together, fits are done one after the other in this thread.

    Args:
        task: The task.
        prepared: What it is fitted to.
        workers: Fits at a time.
        on_fit: Called as a fit begins with its number, from 1, how many there are, and what is
            done; gives what is called after each of its epochs.
        checkpoints: Folder of the files from which fits go on if they are killed; None keeps none.
    """

    def fit_all(members: Sequence[Member]) -> Fits:
        def fit(number: int, member: Member, wanted: Callable[[], bool]) -> tuple[Fitted, History]:
            doing = "fit" if member.stop else "fit to all but the test part"
            shown = on_fit(number, len(members), doing)

            def on_epoch(history: History) -> None:
                shown(history)
                if not wanted():
                    raise KeyboardInterrupt

            return task.train(
                prepared,
                member.config,
                seed=member.seed,
                on_epoch=on_epoch,
                learn=member.learn,
                stop=member.stop,
                checkpoint=checkpoints and member.checkpoint(checkpoints),
            )

        together = here().size > 1
        if checkpoints is not None:
            files = (member.checkpoint(checkpoints) for member in members)
            warn_if_elsewhere(files, None if together else threads_of_each(len(members), workers))
        if together:  # a fit has all processes to itself
            return [fit(number, one, lambda: True) for number, one in enumerate(members, start=1)]
        return run_in_threads(fit, list(enumerate(members, start=1)), workers)

    return fit_all


def frozen(config: Any, history: History) -> Any:
    """Return the run that takes as many steps as a fit did up to the weights that it kept."""
    steps = history.kept_steps
    limits = {"max_steps": steps, "max_epochs": steps}
    return config.model_copy(update={"training": config.training.model_copy(update=limits)})


def _cross_fitted(scorer: Scorer, networks: FloatArray, theirs: FloatArray | None) -> FloatArray:
    """Return the mixture of each of `STRETCHES` by the weight of the others."""
    if theirs is None:
        return networks
    stretches = np.arange(len(networks)) * STRETCHES // max(len(networks), 1)
    return cross_fitted(scorer.losses, networks, theirs, stretches)


def none_kept(names: Sequence[str]) -> str:
    """Say why no baseline can be mixed in, of those that were computed."""
    return f"none of {listed(names)} can be saved with a model" if names else "none was computed"


def _reference(
    committees: Committees, compared: Compared, scorer: Scorer, metric: str
) -> tuple[Candidate | None, str | None]:
    """Return the best baseline on the second half of validation that can be kept, or why none."""
    known = {one.name: one for one in compared.baselines if committees.mixes(one)}
    if not known:
        names = [one.name for one in compared.baselines]
        return None, none_kept(names)
    scores = {name: scorer.scores(one.predict("mixing")) for name, one in known.items()}
    try:
        return known[reference(scores, metric)], None
    except ValueError:
        return None, f"none has a finite {metric} on validation"


def finite(fits: Fits) -> Fits:
    """Return the fits that did not diverge; where all did, those that had finite weights before."""
    usable = [fit for fit in fits if fit[1].stopped != "diverged"]
    usable = usable or [fit for fit in fits if fit[1].kept_look]
    if not usable:
        raise DataError(DIVERGED)
    return usable


def _interrupted(fits: Fits, members: Sequence[Member]) -> bool:
    return len(fits) < len(members) or any(one.stopped == "interrupted" for _, one in fits)
