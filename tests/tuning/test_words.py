"""What to do is told in a few sentences that follow from the numbers."""

from copy import deepcopy

import pytest

from lockgate.tuning.words import recommendation, settings_in_words, tuned_pair, tuning_words

EFFECT = {"percent": -6.0, "low": -9.0, "high": -3.0}


@pytest.fixture
def results(searched):
    """Of two trials that were fitted again the second is the best."""
    found = deepcopy(searched.results)
    first, second, *_ = found["verdict"]["pairs"]
    found["verdict"]["pairs"] = [first, second]
    for one in (first, second):
        one.update(percent=-2.0, low=-5.0, high=1.0, outcome="open", chance=0.8, needed=[6, 12])
        one["limit"] = None
    found["entrants"] = found["entrants"][:3]
    found["entrants"][1]["searched"] = -9.0
    found["entrants"][2]["searched"] = -8.0
    found["search"]["done"] = 40
    found["verdict"].update(tuned=second["rung"], selected="default", baseline=None)
    found["delivered"]["words"] = ["The model is one GRU network."]
    return found


def outcome(results, name, **effect):
    tuned_pair(results).update(outcome=name, **effect)
    if name == "helps":
        results["verdict"]["selected"] = results["verdict"]["tuned"]
    return recommendation(results)


def test_a_trial_that_helps_is_to_be_used(results):
    [use] = outcome(results, "helps", rounds=10, **EFFECT)

    name = results["verdict"]["tuned"].replace("-", " ")
    assert use == (
        f"Use the settings of {name}: they lower a single network's error by 6.0 % [3.0, 9.0] "
        "against the default settings (10 rounds)."
    )


def test_what_makes_no_difference_is_not_used(results):
    [keep] = outcome(results, "no difference", percent=-0.4, low=-1.2, high=0.4)

    assert keep.startswith("Keep the default settings: tuning makes no difference that matters, ")
    assert keep.endswith("the best of 40 trials, has −0.4 % MAE [−1.2, +0.4].")


def test_what_gives_no_gain_is_not_used(results):
    [keep] = outcome(results, "no gain", percent=2.4, low=-1.2, high=6.4)

    assert keep.startswith("Keep the default settings: tuning gives no gain that matters, trial ")
    assert keep.endswith("the best of 40 trials, has +2.4 % MAE [−1.2, +6.4].")


def test_what_hurts_is_not_used(results):
    [keep] = outcome(results, "hurts", percent=6.0, low=3.0, high=9.0)

    assert keep.startswith("Keep the default settings: tuning hurts, trial ")
    assert "raises the error by 6.0 % [3.0, 9.0]" in keep


def test_what_is_open_is_told_with_its_chance_and_what_would_tell(results):
    keep, still_open = outcome(results, "open")
    assert keep == "Keep the default settings: tuning is not shown to help."
    assert "has −2.0 % MAE [−5.0, +1.0], 80 % likely to help; 6 to 12 more rounds would tell" in (
        still_open
    )

    _, still_open = outcome(results, "open", limit="rows")
    assert still_open.endswith("more rows would tell, more rounds would not.")
    _, still_open = outcome(results, "open", limit=None, needed=None)
    assert still_open.endswith("more rounds would tell (`--resume --rounds`).")


def test_without_a_verdict_or_a_trial_the_default_is_kept(results):
    [keep] = outcome(results, "no verdict", reason="fewer than 3 folds", percent=None)
    assert keep == (
        "Keep the default settings: that tuning helps has no verdict (fewer than 3 folds)."
    )
    results["verdict"].update(tuned=None, pairs=[])
    assert recommendation(results) == [
        "Keep the default settings: none of 40 trials could be judged on every fold."
    ]


def test_a_baseline_that_is_better_comes_first_and_what_is_delivered_before_it(results):
    results["verdict"]["baseline"] = {
        "name": "ridge",
        "percent": 30.0,
        "low": 20.0,
        "high": 40.0,
        "outcome": "loses",
        "better": [],
    }
    results["delivered"]["effect"] = None
    first, *_ = recommendation(results)
    assert first == (
        "Use ridge alone: a single network has 30.0 % [20.0, 40.0] larger errors, tuned or not."
    )
    results["delivered"]["effect"] = {"name": "ridge", "outcome": "beats", **EFFECT, "better": []}
    use, keep, *_ = recommendation(results)
    assert use.startswith("Use what is delivered: on the test part it has 6.0 % [3.0, 9.0] smaller")
    assert keep.startswith("Keep the default")


@pytest.mark.parametrize(
    ("again", "told"),
    [
        (-3.5, "it has −3.5 %: 5.5 points were luck, as the best of 40 trials has it."),
        (2.0, "it has +2.0 %: 11.0 points were luck"),
        (-9.2, "it has −9.2 %: the search did not flatter it."),
        (-8.8, "it has −8.8 %: the search did not flatter it."),
    ],
)
def test_the_luck_of_the_search_is_told_of_the_trial_that_looked_best(results, again, told):
    results["verdict"]["pairs"][0]["percent"] = again
    name = results["entrants"][1]["name"].replace("-", " ")

    [line] = [one for one in tuning_words(results) if one.startswith("In the search")]

    assert line.startswith(f"In the search {name} looked best, −9.0 % MAE; fitted again in rounds")
    assert told in line


def test_every_trial_that_was_fitted_again_is_told_with_its_settings(results):
    words = tuning_words(results)

    for one in results["entrants"][1:]:
        name = one["name"].replace("-", " ").capitalize()
        assert any(
            line.startswith(f"{name} is open") and settings_in_words(one["values"]) in line
            for line in words
        )
    assert words[-1] == "The model is one GRU network."


@pytest.mark.parametrize(("seconds", "told"), [(250.0, False), (600.0, True)])
def test_a_search_that_took_longer_than_it_was_given_says_so(results, seconds, told):
    results["config"]["budget"], results["seconds"] = "4m", seconds

    lines = [line for line in tuning_words(results) if line.startswith("It took")]

    assert bool(lines) == told
    if told:
        assert lines[0].startswith("It took 10 min where the budget was 4m: one batch")


def test_a_search_that_ran_out_of_time_says_so(results):
    results["search"].update(ended="budget", done=12, asked=40)

    assert any("enough for 12 of 40 trials" in line for line in tuning_words(results))
