"""The best trials: judged on every fold, the least change first, equal settings once."""

import pytest

from lockgate.tuning.trial import Trial, best_of


def trial(number, score, state="complete", **values):
    return Trial(
        number=number,
        batch=0,
        values=values or {"x": number},
        state=state,
        by_fold={"a": score - 0.1, "b": score + 0.1},
    )


def test_the_change_is_the_mean_over_folds_of_what_was_judged_on_all():
    assert trial(0, -0.2).change == pytest.approx(-0.2)
    assert trial(0, -0.2, "halved").change is None


def test_the_best_come_first_and_the_same_settings_once():
    trials = [
        trial(0, 0.1),
        trial(1, -0.3, x=7),
        trial(2, -0.5, "halved"),
        trial(3, -0.3, x=7),
        trial(4, -0.3, x=8),
        trial(5, -0.4, "diverged"),
    ]

    assert [one.number for one in best_of(trials, 2)] == [1, 4]
    assert [one.number for one in best_of(trials, 9)] == [1, 4, 0]
    assert best_of(trials[2:3], 3) == []


def test_it_survives_json_to_the_bit():
    one = trial(3, 0.1 + 0.2, x="8,4", y=None, z=True)

    assert Trial.model_validate_json(one.model_dump_json()) == one
    assert one.name == "trial-3"
