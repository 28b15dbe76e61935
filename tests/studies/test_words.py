"""The evidence's sentences, word for word."""

from typing import Any

import made
import pytest

from lockgate.studies.words import delivered_answer, delivered_words, verdict_words

Results = dict[str, Any]
BOTH = "Input dropout 0.25 with recurrent dropout 0.25"
EFFECT = "−4.0 % MAE [−6.1, −2.0] against lstm"


@pytest.fixture
def results() -> Results:
    """A study without a pair and without a baseline in what it delivers."""
    results = made.make()
    results["verdict"] |= {"pairs": [], "selected": "lstm"}
    results["delivered"] |= {"words": [], "effect": None}
    return results


def evidence(results: Results) -> list[str]:
    """The sentences after what to do."""
    words = verdict_words(results, made.TRICKS)
    first = len(made.recommendation(results, made.TRICKS))
    assert words[:first] == made.recommendation(results, made.TRICKS)
    return words[first:]


@pytest.mark.parametrize(
    ("outcome", "more", "sentence"),
    [
        ("helps", {}, f"{BOTH} helps: {EFFECT}, after 10 rounds."),
        ("hurts", {}, f"{BOTH} hurts: {EFFECT}, after 10 rounds."),
        (
            "no difference",
            {"rounds": 5},
            f"{BOTH} makes no difference that matters: {EFFECT}, after 5 rounds.",
        ),
        ("no gain", {}, f"{BOTH} gives no gain that matters: {EFFECT}, after 10 rounds."),
        ("open", {}, f"{BOTH} is open: {EFFECT} after 10 rounds, 70 % likely to help."),
        (
            "open",
            {"limit": "rows"},
            f"{BOTH} is open: {EFFECT} after 10 rounds, 70 % likely to help; more rows would tell, "
            "more rounds would not.",
        ),
        (
            "no verdict",
            {"reason": "7 blocks of rows, and a verdict needs 8"},
            "Without a verdict (7 blocks of rows, and a verdict needs 8): input dropout 0.25 with "
            "recurrent dropout 0.25 (−4.0 % MAE).",
        ),
    ],
)
def test_a_pair_in_words(results: Results, outcome: str, more: Results, sentence: str) -> None:
    numbers = (-4.04, -6.12, -1.96)
    results["verdict"]["pairs"] = [made.make_pair("both", "lstm", numbers, outcome, **more)]

    assert evidence(results)[-1] == sentence


def test_a_change_that_helps_and_is_small_says_so(results: Results) -> None:
    numbers = (-1.5, -2.5, -0.5)
    results["verdict"]["pairs"] = [made.make_pair("both", "lstm", numbers, "helps")]

    assert evidence(results)[-1].endswith("rounds. The change may be too small to matter.")


@pytest.mark.parametrize(
    ("outcome", "sentence"),
    [
        ("beats", "A single network (lstm) beats ridge on the rows judged: {}."),
        ("ties", "A single network (lstm) ties with ridge on the rows judged: {}."),
        ("loses", "A single network (lstm) loses to ridge on the rows judged: {}."),
        (
            "no verdict",
            "A single network (lstm) against ridge, on the rows judged: no verdict (−2.6 % MAE).",
        ),
    ],
)
def test_the_single_network_against_the_baseline(
    results: Results, outcome: str, sentence: str
) -> None:
    results["verdict"]["baseline"]["outcome"] = outcome

    assert evidence(results) == [sentence.format("−2.6 % MAE [−4.9, −0.4]")]


def test_other_baselines_that_did_better_are_named(results: Results) -> None:
    results["verdict"]["baseline"]["better"] = ["ridge", "drift", "last value"]

    assert evidence(results)[0].endswith(" Better on these rows: drift, last value.")


def test_clear_verdicts_come_before_open_ones(results: Results) -> None:
    outcomes = ["no verdict", "open", "no difference", "hurts", "helps"]
    results["verdict"]["pairs"] = [
        made.make_pair("both", "lstm", (-4.0, -6.0, -2.0), outcome) for outcome in outcomes
    ]

    firsts = [words.removeprefix(BOTH).split()[0] for words in evidence(results)[1:]]

    assert firsts == ["helps:", "hurts:", "makes", "is", "Without"]


def effect(percent: float, low: float | None, high: float | None) -> Results:
    return made.make_delivered()["effect"] | {"percent": percent, "low": low, "high": high}


@pytest.mark.parametrize(
    ("test", "alone", "otherwise"),
    [
        (effect(5.0, 1.0, 9.0), False, True),
        (effect(5.0, -1.0, 9.0), False, False),
        (effect(-9.0, -12.0, -6.0), False, False),
        (effect(-9.0, -12.0, -6.0), True, True),
        (effect(-9.0, None, None), True, False),
    ],
    ids=["worse", "may-be-chance", "better-as-a-mean-is", "better-alone", "no-interval"],
)
def test_a_test_part_that_disagrees_beyond_both_intervals_is_told(
    results: Results, test: Results, alone: bool, otherwise: bool
) -> None:
    results["delivered"] |= {"effect": test}
    if alone:
        results["delivered"] |= {"members": 1, "weight": 1.0}

    found = [words for words in evidence(results) if words.startswith("On the test part it is")]

    assert bool(found) == otherwise


def test_what_disagrees_is_told_with_both_numbers(results: Results) -> None:
    results["delivered"]["effect"] = effect(5.0, 1.0, 9.0)

    [_, words] = evidence(results)

    assert words == (
        "On the test part it is otherwise: 5.0 % [1.0, 9.0] larger errors than ridge alone, where "
        "in the rounds a single network has 2.6 % [0.4, 4.9] smaller errors; the rounds tell of 5 "
        "stretches, the test part of the latest one."
    )
    for fold in results["folds"]:
        fold["begins"] = None
    assert evidence(results)[1].endswith(
        "; the rounds tell of many drawings, the test part of other rows."
    )


@pytest.mark.parametrize(
    ("weight", "words"),
    [
        (0.0, "The model is ridge alone, fitted to all but the test part. On unseen rows no share"),
        (0.002, "The model is 1 % the mean of 3 GRU networks and 99 % ridge, fitted to all"),
        (0.62, "The model is 62 % the mean of 3 GRU networks and 38 % ridge, fitted to all"),
        (0.999, "The model is 99 % the mean of 3 GRU networks and 1 % ridge, fitted to all"),
        (1.0, "The model is the mean of 3 GRU networks, fitted to all but the test part. On unsee"),
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


def test_a_baseline_that_is_better_on_the_test_part_is_named() -> None:
    delivered = made.make_delivered()
    assert delivered["effect"] is not None
    delivered["effect"]["better"] = ["ridge", "drift"]

    # what is mixed in was fitted anew: its earlier fit is no other method
    told = delivered_answer(delivered, "LSTM", "mae")[1]
    assert told.endswith("clearly better. Better on the test part: drift.")


def test_the_model_is_told_beside_the_baseline_in_it() -> None:
    assert delivered_answer(made.make_delivered(), "LSTM", "mae")[1] == (
        "On the test part it has 7.5 % smaller errors than ridge alone, fitted to the same rows: "
        "clearly better."
    )
