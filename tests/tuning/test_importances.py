"""The setting that trials differ by is the important one."""

import numpy as np

from lockgate.tuning.importances import LEAST_TRIALS, importances
from lockgate.tuning.space import Choices, Range
from lockgate.tuning.trial import Trial

SPACE = {
    "model.dropout": Range(0.0, 0.5),
    "training.learning_rate": Range(1e-4, 1e-1, log=True),
    "model.cell": Choices(("lstm", "gru")),
}


def trials(count, state="complete"):
    rng = np.random.default_rng(0)
    for number in range(count):
        rate = float(10 ** rng.uniform(-4, -1))
        values = {
            "model.dropout": float(rng.uniform(0, 0.5)),
            "training.learning_rate": rate,
            "model.cell": str(rng.choice(["lstm", "gru"])),
        }
        score = abs(float(np.log10(rate)) + 2)
        yield Trial(number=number, batch=0, values=values, state=state, by_fold={"a": score})


def test_the_setting_that_makes_the_score_has_most_of_the_share():
    shares = importances(SPACE, list(trials(30)))

    assert list(shares) == list(SPACE)
    assert shares["training.learning_rate"] > 0.8
    assert abs(sum(shares.values()) - 1) < 1e-9
    assert importances(SPACE, list(trials(30))) == shares


def test_few_trials_tell_nothing():
    assert importances(SPACE, list(trials(LEAST_TRIALS - 1))) == {}
    assert importances(SPACE, list(trials(30, "halved"))) == {}
    same = [one.model_copy(update={"by_fold": {"a": 0.5}}) for one in trials(30)]
    assert importances(SPACE, same) == {}
