"""The verdict's sentences, word for word."""

import pytest

from lockgate.studies.words import (
    delivered_words,
    lacking,
    signed,
    signed_percent,
    verdict_words,
)

PAIR = {"rung": "both", "parent": "lstm", "seeds": 2, "percent": -4.04, "low": -6.12, "high": -1.96}
BASELINE = {"name": "ridge", "percent": -1.2, "low": -3.0, "high": 0.72, "better": []}
TRICKS = {
    "both": "input dropout 0.25 with recurrent dropout 0.25",
    "stacked": "a stack of 2 layers",
}


def pair_words(**more):
    pair = {**PAIR, "smallest_visible": None, **more}
    baseline = {**BASELINE, "outcome": "beats"}
    return verdict_words([pair], baseline, "both", TRICKS, "mae", seeds=3, blocks=15)[-1]


def baseline_words(outcome, **more):
    baseline = {**BASELINE, "outcome": outcome, **more}
    return verdict_words([], baseline, "both", TRICKS, "rmse", seeds=3, blocks=5)[-1]


BOTH = "Input dropout 0.25 with recurrent dropout 0.25"
SIMPLE = "ridge, the simple method that did best on validation"
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
        (
            "no verdict",
            f"{BOTH}: no verdict against lstm (−4.0 % MAE), because there are fits of 2 seeds "
            "where a verdict takes 3.",
        ),
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
            "The selected network (both) against ridge: no verdict (−1.2 % RMSE), because the test "
            "part gives 5 blocks where a verdict takes 8.",
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
        "The selected network (both) against ridge: no verdict, because the test part gives "
        "5 blocks where a verdict takes 8."
    )


def test_without_a_verdict_the_better_baselines_are_still_named():
    words = baseline_words("no verdict", percent=28.0, better=["seasonal naive", "ridge"])

    assert "no verdict (+28.0 % RMSE), because" in words
    assert words.endswith(" Better on the test part, for what it tells: seasonal naive, ridge.")


@pytest.mark.parametrize(
    ("seeds", "blocks", "lack"),
    [
        (1, 1, "the test part gives 1 block where a verdict takes 8"),
        (1, 8, "there are fits of 1 seed where a verdict takes 3"),
        (3, 8, "a score is exactly 0, or too few fits are left to tell how seeds differ"),
    ],
)
def test_what_a_verdict_lacks_is_named(seeds, blocks, lack):
    assert lacking(seeds, blocks) == lack


def test_the_baseline_comes_first_and_clear_verdicts_before_open_ones():
    outcomes = ["no verdict", "undecided", "no real difference", "hurts", "helps"]
    pairs = [{**PAIR, "smallest_visible": 1.0, "outcome": outcome} for outcome in outcomes]

    words = verdict_words(
        pairs, {**BASELINE, "outcome": "ties"}, "both", TRICKS, "mae", seeds=3, blocks=15
    )

    assert words[2].startswith("The selected network")
    firsts = [sentence.removeprefix(BOTH).split()[0] for sentence in words[3:]]
    assert firsts == ["helps:", "hurts:", "makes", ":", ":"]


def test_numbers_have_a_sign_and_the_minus_is_no_hyphen():
    assert [signed(v) for v in (-4.04, 0.26, 0.0, 12)] == ["\u22124.0", "+0.3", "+0.0", "+12.0"]
    assert signed_percent(-0.5) == "\u22120.5 %"
    assert "-" not in pair_words(outcome="helps")


@pytest.mark.parametrize(
    ("outcome", "percent", "answer"),
    [
        (
            "beats",
            -11.1,
            f"The network has 11.1 % smaller errors than {SIMPLE}.",
        ),
        (
            "loses",
            5.0,
            f"The network has 5.0 % larger errors than {SIMPLE}: use that.",
        ),
        ("ties", 1.0, f"Neither the network nor {SIMPLE}, is clearly better."),
        (
            "no verdict",
            28.0,
            f"There is too little to tell whether the network is better than {SIMPLE}: here it has "
            "28.0 % larger errors.",
        ),
        (
            "no verdict",
            None,
            f"There is too little to tell whether the network is better than {SIMPLE}.",
        ),
    ],
)
def test_the_answer_comes_first_in_plain_words(outcome, percent, answer):
    baseline = {**BASELINE, "outcome": outcome, "percent": percent, "low": -20.0, "high": 30.0}

    words = verdict_words([], baseline, "both", TRICKS, "mae", seeds=3, blocks=5)

    assert words[0] == answer
    assert len(words) == 2


@pytest.mark.parametrize(
    ("outcomes", "answer"),
    [
        (["undecided"], "This study cannot tell what comes of the only trick tried."),
        (
            ["helps", "no verdict"],
            f"What helps: {TRICKS['both']}. This study cannot tell what comes of 1 of the 2 tricks "
            "tried.",
        ),
        (["undecided"] * 2, "This study cannot tell what comes of any of the 2 tricks tried."),
        (
            ["hurts", "no real difference"],
            f"What hurts: {TRICKS['both']}. 1 trick made no difference.",
        ),
        (["helps", "helps"], f"What helps: {TRICKS['both']}; {TRICKS['stacked']}."),
    ],
)
def test_the_tricks_are_summed_up(outcomes, answer):
    pairs = [
        {**PAIR, "rung": rung, "smallest_visible": 1.0, "outcome": outcome}
        for rung, outcome in zip(("both", "stacked"), outcomes, strict=False)
    ]

    words = verdict_words(
        pairs, {**BASELINE, "outcome": "ties"}, "both", TRICKS, "mae", seeds=3, blocks=15
    )

    assert words[1] == answer


def test_what_is_no_error_goes_by_its_own_name():
    baseline = {**BASELINE, "outcome": "beats", "percent": -11.1, "low": -20.0}

    words = verdict_words([], baseline, "both", TRICKS, "log_loss", seeds=3, blocks=9)

    assert words[0] == f"The network has 11.1 % less log loss than {SIMPLE}."


@pytest.mark.parametrize(
    ("weight", "words"),
    [
        (0.0, "The model is ridge alone, fitted to all but the test part. On validation no share"),
        (0.002, "The model is 1 % the mean of 3 GRU networks and 99 % ridge, fitted to all"),
        (0.62, "The model is 62 % the mean of 3 GRU networks and 38 % ridge, fitted to all"),
        (0.999, "The model is 99 % the mean of 3 GRU networks and 1 % ridge, fitted to all"),
        (1.0, "The model is the mean of 3 GRU networks, fitted to all but the test part. On valid"),
    ],
)
def test_the_shares_of_a_model_are_told_and_never_rounded_away(weight: float, words: str) -> None:
    delivered = {"members": 3, "weight": weight, "baseline": "ridge", "why_not_mixed": None}

    assert delivered_words(delivered, "GRU").startswith(words)


def test_a_model_without_a_baseline_says_why() -> None:
    delivered = {"members": 1, "weight": 1.0, "baseline": None, "why_not_mixed": "mix is false"}

    assert delivered_words(delivered, "LSTM") == (
        "The model is one LSTM network, fitted to all but the test part. No baseline is mixed in: "
        "mix is false."
    )
