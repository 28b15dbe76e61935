"""What the next batch of trials tries: a tree-structured Parzen estimator over finished trials.

Bergstra et al. (2011), as Optuna has it. A batch is asked as a whole from the trials of the batches
before it, in the order of their numbers, by a sampler whose seed is that of the search and of the
batch. So it depends on nothing else: not on which fit ended first, nor on how often the search was
broken off.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from lockgate.tuning.optional import optuna, told_little
from lockgate.tuning.space import Choices, Range, Space, short
from lockgate.tuning.trial import Trial

AT_RANDOM = 10
"""Trials that are drawn at random before there are enough to learn from."""


def distributions(space: Space) -> dict[str, Any]:
    """Return a space as Optuna has it."""
    kinds, found = optuna().distributions, {}
    for path, one in space.items():
        if isinstance(one, Choices):
            found[path] = kinds.CategoricalDistribution(one.values)
        else:
            kind = kinds.IntDistribution if one.whole else kinds.FloatDistribution
            found[path] = kind(one.low, one.high, log=one.log)
    return found


def propose(
    space: Space,
    finished: Sequence[Trial],
    count: int,
    *,
    batch: int,
    seed: int,
    default: Mapping[str, Any] | None = None,
) -> list[dict[str, Any]]:
    """Return the settings of a batch, by their paths.

    Args:
        space: What may be tried.
        finished: The trials of all batches before, in the order of their numbers.
        count: How many to propose.
        batch: Number of the batch, from 0.
        seed: Seed of the search.
        default: The default settings where they lie in the space: what they score is known.
    """
    optuna_, all_of = optuna(), distributions(space)
    drawn = np.random.SeedSequence([seed, batch]).generate_state(1)[0]
    sampler = optuna_.samplers.TPESampler(n_startup_trials=AT_RANDOM, seed=int(drawn))
    with told_little():
        study = optuna_.create_study(sampler=sampler)
        if default is not None:
            study.add_trial(
                optuna_.trial.create_trial(value=0.0, params=dict(default), distributions=all_of)
            )
        for trial in finished:
            if trial.state != "refused":
                study.add_trial(as_frozen(trial, all_of))
        return [_shortened(study.ask(all_of).params, space) for _ in range(count)]


def _shortened(values: Mapping[str, Any], space: Space) -> dict[str, Any]:
    """Return settings that can be read and typed, still in their ranges."""
    found = {}
    for path, value in values.items():
        one = space[path]
        is_rate = isinstance(one, Range) and not one.whole
        near = short(value) if is_rate else value
        found[path] = near if near in one else value
    return found


def as_frozen(trial: Trial, all_of: Mapping[str, Any]) -> Any:
    """Return a trial as Optuna keeps a finished one: what was halved or diverged was pruned."""
    states = optuna().trial.TrialState
    judged = trial.state in ("complete", "halved")
    return optuna().trial.create_trial(
        state=states.COMPLETE if trial.state == "complete" else states.PRUNED,
        value=trial.change,
        params=trial.values,
        distributions=all_of,
        # a trial that was pruned without a value counts as the worst
        intermediate_values=dict(enumerate(trial.by_fold.values())) if judged else {},
    )
