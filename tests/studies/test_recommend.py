"""What to do is said first, in words that need no other."""

from typing import Any

import made
import pytest

from lockgate.studies.recommend import network_words, recommendation

Results = dict[str, Any]
BOTH = made.TRICKS["both"]
STACK = made.TRICKS["stacked"]


@pytest.fixture
def results() -> Results:
    """A study without a pair, whose selected rung is the plain LSTM."""
    results = made.make()
    results["verdict"] |= {"pairs": [], "selected": "lstm", "baseline": None}
    results["delivered"]["effect"] = None
    return results


def said(results: Results) -> list[str]:
    return recommendation(results, made.TRICKS)


def with_pairs(results: Results, *pairs: Results) -> Results:
    results["verdict"]["pairs"] = list(pairs)
    return results


def one(rung: str, outcome: str, numbers: tuple = (-6.0, -9.0, -3.0), **more: Any) -> Results:
    return made.make_pair(rung, "lstm", numbers, outcome, **more)


def baseline(outcome: str, percent: float | None = 28.0, low: float | None = 20.0) -> Results:
    high = None if low is None else 36.0
    effect = {"name": "ridge", "percent": percent, "low": low, "high": high}
    return {**effect, "outcome": outcome, "better": []}


def test_a_trick_that_helps_is_to_be_used(results: Results) -> None:
    results["verdict"]["selected"] = "both"

    assert said(with_pairs(results, one("both", "helps"))) == [
        f"Use an LSTM with {BOTH}: it lowers a single network's error by 6.0 % [3.0, 9.0] against "
        "the plain LSTM (10 rounds)."
    ]


def test_the_best_of_several_is_said_to_be_flattered(results: Results) -> None:
    results["verdict"]["selected"] = "both"

    [use] = said(with_pairs(results, one("both", "helps"), one("input-dropout", "helps")))

    assert use.endswith("(10 rounds), the best of 2 that help, which may flatter it.")


def test_what_a_search_found_is_named_without_what_it_began_with(results: Results) -> None:
    like = results["rungs"][0]
    results["rungs"] += [
        {**like, "name": "default", "parent": "lstm", "cell": "gru"},
        {**like, "name": "tuned", "parent": "default", "cell": "gru"},
    ]
    results["verdict"]["selected"] = "tuned"
    tricks = {"default": "the default of the search", "tuned": "the best of the search (cell gru)"}

    assert network_words(results, tricks) == "a GRU with the best of the search (cell gru)"


def test_what_hurts_and_what_makes_no_difference_are_left_out(results: Results) -> None:
    pairs = [
        one("stacked", "hurts", (5.0, 2.0, 8.0)),
        one("both", "no difference", (0.1, -1.0, 1.0)),
    ]

    assert said(with_pairs(results, *pairs)) == [
        "Use a plain LSTM: no trick is shown to help it.",
        f"Do not use {STACK}: it raises the error by 5.0 % [2.0, 8.0]. Leave out {BOTH}: it makes "
        "no difference that matters.",
    ]


def test_what_gives_no_gain_is_left_out_by_itself(results: Results) -> None:
    pairs = [
        one("stacked", "no gain", (5.0, -1.0, 11.0)),
        one("both", "no difference", (0.1, -1.0, 1.0)),
    ]

    assert said(with_pairs(results, *pairs))[1] == (
        f"Leave out {BOTH}: it makes no difference that matters. Leave out {STACK}: it gives no "
        "gain that matters."
    )


@pytest.mark.parametrize("outcome", ["no difference", "no gain", "hurts"])
def test_what_the_selected_network_is_made_from_is_not_left_out(
    results: Results, outcome: str
) -> None:
    results["verdict"]["selected"] = "stacked-both"
    pairs = [
        one("stacked", outcome, (2.1, 1.0, 3.0)),
        made.make_pair("stacked-both", "stacked", (-6.0, -9.0, -3.0), "helps"),
    ]

    [use] = said(with_pairs(results, *pairs))

    assert use.startswith(f"Use an LSTM with {STACK} and {made.TRICKS['stacked-both']}: it lowers")
    assert "against stacked (10 rounds)" in use


@pytest.mark.parametrize(
    ("numbers", "as_it_looks"),
    [((-6.0, -13.0, 1.0), "good"), ((6.0, -1.0, 13.0), "bad"), ((0.5, -6.0, 7.0), "small")],
)
def test_an_open_trick_has_its_chance_its_rounds_and_the_command(
    results: Results, numbers: tuple, as_it_looks: str
) -> None:
    pairs = [one("stacked", "open", numbers, chance=0.7, needed=[5, 9])]

    assert said(with_pairs(results, *pairs))[1] == (
        f"Open: {STACK} (70 % likely to help). 5 to 9 more rounds (5 to 9 min) would tell if it is "
        f"as {as_it_looks} as it looks: `--resume --rounds 20`."
    )


def test_of_several_open_tricks_the_one_soonest_decided_has_its_rounds(results: Results) -> None:
    pairs = [
        one("stacked", "open", chance=0.7, needed=[50, 90]),
        one("both", "open", chance=0.6, needed=[1, 1]),
    ]

    assert said(with_pairs(results, *pairs))[1].endswith(
        f"1 more round (61 s) would tell if {BOTH} is as good as it looks: `--resume --rounds 15`."
    )


def test_what_rounds_do_not_decide_asks_for_rows(results: Results) -> None:
    pairs = [one("stacked", "open", chance=0.6, needed=None, limit="rows")]

    assert said(with_pairs(results, *pairs))[1] == (
        f"Open, and no number of rounds would tell: {STACK} (60 % likely to help); more rows would."
    )


def test_what_is_open_for_unknown_rounds_asks_for_a_pass(results: Results) -> None:
    pairs = [one("stacked", "open", chance=0.5, needed=None)]

    assert said(with_pairs(results, *pairs))[1].endswith(
        "Another pass over the folds may tell: `--resume --rounds 15`."
    )


@pytest.mark.parametrize("reason", ["7 blocks of rows, and a verdict needs 8", None])
def test_without_a_verdict_the_reason_and_the_remedy_are_told(
    results: Results, reason: str | None
) -> None:
    pairs = [one("stacked", "no verdict", reason=reason), one("both", "no verdict", reason=reason)]
    why = f" ({reason})" if reason else ""
    because = f"{reason}; " if reason else ""

    assert said(with_pairs(results, *pairs)) == [
        f"Use a plain LSTM: no trick has a verdict{why}. Scores stand without one; more rows "
        "would give one."
    ]
    for other in ("no difference", "open"):
        told = said(with_pairs(results, *pairs[:1], one("both", other)))
        assert f"No verdict on {STACK}: {because}more rows would give one." in told[-1]


@pytest.mark.parametrize(
    ("against", "first"),
    [
        (
            baseline("loses"),
            "Use ridge alone: a single network has 28.0 % [20.0, 36.0] larger errors (10 rounds).",
        ),
        (
            baseline("no verdict", low=None),
            "Use ridge alone: a single network has 28.0 % larger errors, as far as so little can "
            "tell (10 rounds).",
        ),
    ],
    ids=["loses", "no-verdict"],
)
def test_a_better_baseline_is_what_to_use(results: Results, against: Results, first: str) -> None:
    results["verdict"]["baseline"] = against

    assert said(results) == [
        first,
        "If it is to be a network, use a plain LSTM: no trick was tried against it.",
    ]


@pytest.mark.parametrize(
    "against",
    [
        baseline("beats", -3.0),
        baseline("no verdict", 1.0),
        baseline("no verdict", -28.0),
        baseline("no verdict", None),
    ],
    ids=str,
)
def test_a_baseline_that_is_not_better_is_not_put_first(results: Results, against: Results) -> None:
    results["verdict"]["baseline"] = against

    assert said(results) == ["Use a plain LSTM: no trick was tried against it."]


def test_a_baseline_that_ties_is_named_as_the_simpler_one(results: Results) -> None:
    results["verdict"]["baseline"] = baseline("ties", 3.0)
    with_pairs(results, one("stacked", "no difference"))

    assert said(results)[0] == (
        "Use a plain LSTM: no trick is shown to help it. It is not clearly better than ridge "
        "alone, which is simpler."
    )
    results["delivered"]["effect"] = baseline("beats", -3.0)
    assert said(results)[0].endswith(
        " Alone it is not clearly better than ridge, but mixed with ridge it is."
    )


def test_more_rounds_than_a_study_goes_to_are_not_counted(results: Results) -> None:
    with_pairs(results, one("stacked", "open") | {"needed": (1_172, 8_602), "limit": None})

    assert (
        "More rounds than the 100 that a study goes to would tell if it is as good as it looks; "
        "more rows may tell sooner." in said(results)[1]
    )


def test_a_mixture_that_beats_the_better_baseline_is_what_to_use(results: Results) -> None:
    results["verdict"]["baseline"] = baseline("loses")
    results["delivered"]["effect"] = {**baseline("beats", -3.0, -5.0), "high": -1.0}

    assert said(results)[0] == (
        "Use what is delivered: on the test part it has 3.0 % [1.0, 5.0] smaller errors than ridge "
        "alone, where a single network has 28.0 % [20.0, 36.0] larger errors than ridge on the "
        "rows judged."
    )


@pytest.mark.parametrize(
    ("selected", "words"),
    [
        ("lstm", "a plain LSTM"),
        ("bidirectional", "an LSTM reading both directions"),
        ("both", f"an LSTM with {BOTH}"),
    ],
)
def test_networks_are_named_as_one_says_them(results: Results, selected: str, words: str) -> None:
    results["verdict"]["selected"] = selected

    assert network_words(results, made.TRICKS) == words


def test_a_network_of_another_cell_has_its_article(results: Results) -> None:
    results["verdict"]["selected"] = "both"
    results["rungs"][3] |= {"cell": "gru", "parent": "bidirectional"}

    assert network_words(results, made.TRICKS) == f"a GRU reading both directions with {BOTH}"


def test_there_are_one_to_four_sentences_for_every_study() -> None:
    for make in made.ODD.values():
        assert 1 <= len(make()["verdict"]["recommendation"]) <= 4
