"""The verdict's sentences, word for word."""

import pytest

from lockgate.studies.words import signed, signed_percent, verdict_words

PAIR = {"rung": "both", "parent": "lstm", "percent": -4.04, "low": -6.12, "high": -1.96}
BASELINE = {"name": "ridge", "percent": -1.2, "low": -3.0, "high": 0.72, "better": []}
TRICKS = {
    "both": "input dropout 0.25 with recurrent dropout 0.25",
    "stacked": "a stack of 2 layers",
}


def pair_words(**more):
    pair = {**PAIR, "smallest_visible": None, **more}
    return verdict_words([pair], {**BASELINE, "outcome": "beats"}, "both", TRICKS, "mae")[1]


def baseline_words(outcome, **more):
    baseline = {**BASELINE, "outcome": outcome, **more}
    return verdict_words([], baseline, "both", TRICKS, "rmse")[0]


BOTH = "Input dropout 0.25 with recurrent dropout 0.25"
EFFECT = "−4.0 % MAE [−6.1, −2.0] against lstm"


@pytest.mark.parametrize(
    ("outcome", "sentence"),
    [
        ("helps", f"{BOTH} helps: {EFFECT}."),
        ("hurts", f"{BOTH} hurts: {EFFECT}."),
        ("no real difference", f"{BOTH} makes no real difference: {EFFECT}."),
        (
            "undecided",
            f"{BOTH}: undecided, {EFFECT}; an effect under 2.1 % could not have been seen.",
        ),
        (
            "undecided (budget)",
            f"{BOTH}: undecided against lstm, because a limit of steps cut fits short.",
        ),
        ("no verdict", f"{BOTH}: no verdict against lstm, too few seeds or test blocks."),
    ],
)
def test_a_pair_in_words(outcome, sentence):
    assert pair_words(outcome=outcome, smallest_visible=2.08) == sentence


RIDGE = "−1.2 % RMSE [−3.0, +0.7]"


@pytest.mark.parametrize(
    ("outcome", "sentence"),
    [
        ("beats", f"The selected network (both) beats ridge: {RIDGE}."),
        ("ties", f"The selected network (both) ties with ridge: {RIDGE}."),
        ("loses", f"The selected network (both) loses to ridge: {RIDGE}."),
        (
            "no verdict",
            "The selected network (both) against ridge: no verdict (−1.2 % RMSE), "
            "too few seeds or test blocks.",
        ),
    ],
)
def test_the_baseline_in_words(outcome, sentence):
    assert baseline_words(outcome) == sentence


def test_other_baselines_that_did_better_are_named():
    words = baseline_words("ties", better=["ridge", "drift", "last value"])

    assert words.endswith("; drift, last value did better on the test part.")
    assert baseline_words("ties", better=["ridge"]).endswith(f"{RIDGE}.")


def test_without_a_score_nothing_is_invented():
    words = baseline_words("no verdict", percent=None, low=None, high=None)

    assert words == (
        "The selected network (both) against ridge: no verdict, too few seeds or test blocks."
    )


def test_the_baseline_comes_first_and_clear_verdicts_before_open_ones():
    outcomes = ["no verdict", "undecided", "no real difference", "hurts", "helps"]
    pairs = [{**PAIR, "smallest_visible": 1.0, "outcome": outcome} for outcome in outcomes]

    words = verdict_words(pairs, {**BASELINE, "outcome": "ties"}, "both", TRICKS, "mae")

    assert words[0].startswith("The selected network")
    firsts = [sentence.removeprefix(BOTH).split()[0] for sentence in words[1:]]
    assert firsts == ["helps:", "hurts:", "makes", ":", ":"]


def test_numbers_have_a_sign_and_the_minus_is_no_hyphen():
    assert [signed(v) for v in (-4.04, 0.26, 0.0, 12)] == ["\u22124.0", "+0.3", "+0.0", "+12.0"]
    assert signed_percent(-0.5) == "\u22120.5 %"
    assert "-" not in pair_words(outcome="helps")
