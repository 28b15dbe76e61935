"""A batch is what the finished trials, the seed and its number make it, and it learns."""

import math

import numpy as np
import pytest

from lockgate.tuning.sampler import AT_RANDOM, as_frozen, distributions, propose
from lockgate.tuning.space import Choices, Range
from lockgate.tuning.trial import Trial

SPACE = {
    "model.hidden_size": Range(2, 64, log=True, whole=True),
    "training.learning_rate": Range(1e-4, 1e-1, log=True),
    "model.dropout": Range(0.0, 0.5),
    "model.cell": Choices(("lstm", "gru")),
}


def finished(number, values, score, state="complete"):
    by_fold = {} if score is None else {"a": score, "b": score}
    return Trial(number=number, batch=number // 6, values=values, state=state, by_fold=by_fold)


def loss(values):
    """Least at a rate of 1e-2 and with a GRU."""
    return abs(math.log10(values["training.learning_rate"]) + 2) + (values["model.cell"] != "gru")


def search(batches, seed=0):
    trials = []
    for batch in range(batches):
        for values in propose(SPACE, trials, 6, batch=batch, seed=seed):
            trials.append(finished(len(trials), values, loss(values)))
    return trials


def test_a_batch_is_the_same_whenever_it_is_asked_for():
    trials = search(4)

    again = propose(SPACE, trials[:18], 6, batch=3, seed=0)

    assert again == [trial.values for trial in trials[18:24]]
    assert again != propose(SPACE, trials[:18], 6, batch=4, seed=0)
    assert again != propose(SPACE, trials[:18], 6, batch=3, seed=1)
    assert again[:4] == propose(SPACE, trials[:18], 4, batch=3, seed=0)


def test_values_lie_in_their_ranges_and_have_three_digits():
    for trial in search(3):
        for path, one in SPACE.items():
            assert trial.values[path] in one
        assert isinstance(trial.values["model.hidden_size"], int)
        rate = trial.values["training.learning_rate"]
        assert rate == float(f"{rate:.3g}")


def test_it_learns_where_trials_are_good():
    trials = search(8)

    first = np.mean([loss(trial.values) for trial in trials[:AT_RANDOM]])
    last = np.mean([loss(trial.values) for trial in trials[-12:]])

    assert last < 0.6 * first


@pytest.mark.parametrize("state", ["halved", "diverged"])
def test_what_was_halved_or_diverged_is_learned_from_as_bad(state):
    """Trials of LSTMs fail, those of GRUs are fine: GRUs are asked for."""
    rng, trials = np.random.default_rng(0), []
    for number in range(24):
        cell = ("lstm", "gru")[number % 2]
        values = {
            "model.hidden_size": int(rng.integers(2, 64)),
            "training.learning_rate": float(f"{10 ** rng.uniform(-4, -1):.3g}"),
            "model.dropout": float(f"{rng.uniform(0, 0.5):.3g}"),
            "model.cell": cell,
        }
        good = cell == "gru"
        score = -0.1 if good else 0.5 if state == "halved" else None
        trials.append(finished(number, values, score, "complete" if good else state))

    cells = [one["model.cell"] for one in propose(SPACE, trials, 12, batch=4, seed=0)]

    assert cells.count("gru") >= 9


def test_refused_trials_are_no_evidence_and_the_default_is_some():
    values = {
        "model.hidden_size": 8,
        "training.learning_rate": 1e-2,
        "model.dropout": 0.1,
        "model.cell": "gru",
    }
    trials = search(3)
    refused = finished(18, values, None, "refused")

    plain = propose(SPACE, trials, 6, batch=4, seed=0)

    assert propose(SPACE, [*trials, refused], 6, batch=4, seed=0) == plain
    assert propose(SPACE, trials, 6, batch=4, seed=0, default=values) != plain


def test_a_trial_is_kept_as_optuna_keeps_one():
    values = search(1)[0].values
    states = {}
    for state in ("complete", "halved", "diverged"):
        frozen = as_frozen(finished(0, values, 0.5, state), distributions(SPACE))
        states[state] = frozen.state.name, frozen.value, frozen.intermediate_values

    assert states == {
        "complete": ("COMPLETE", 0.5, {0: 0.5, 1: 0.5}),
        "halved": ("PRUNED", None, {0: 0.5, 1: 0.5}),
        "diverged": ("PRUNED", None, {}),
    }
