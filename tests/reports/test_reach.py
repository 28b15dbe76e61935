"""Every rung that was measured has a line of its own, and the sentence says what the numbers do."""

from typing import Any

import pytest

from lockgate.reports.reach import reach_lines, reach_words

Results = dict[str, Any]


def measured(**factors: float) -> Results:
    """A study of 21 steps whose rungs have these factors."""

    def verdict(factor: float) -> str:
        return "vanishes" if factor**20 < 0.01 else "explodes" if factor**20 > 100 else "holds"

    rungs = [
        {"name": name, "reach": {"shares": [1.0], "factor": factor, "verdict": verdict(factor)}}
        for name, factor in factors.items()
    ]
    return {"rungs": rungs, "verdict": {"selected": ""}}


def test_each_rung_has_a_line_that_differs(odd: Results) -> None:
    lines = reach_lines(odd)

    assert [line.name for line in lines] == [r["name"] for r in odd["rungs"] if r["reach"]]
    assert len({(line.colour, line.dash) for line in lines}) == len(lines)


def test_the_whole_ladder_can_be_told_apart() -> None:
    lines = reach_lines(measured(**{f"rung-{i}": 0.9 for i in range(15)}))

    assert len({(line.colour, line.dash) for line in lines}) == 15


def test_the_selected_rung_stands_out(results: Results) -> None:
    looks = {line.name: (line.colour, line.width) for line in reach_lines(results)}

    selected = "recurrent-dropout"
    assert looks[selected] == ("model", 3.0)
    assert [name for name, (colour, _) in looks.items() if colour == "model"] == [selected]


@pytest.mark.parametrize(
    ("factors", "words"),
    [
        (
            {"rnn": 0.6, "lstm": 0.75, "gru": 0.9},
            "vanishes in rnn and lstm; it holds in gru. "
            "It falls off fastest in rnn: a step back leaves 60.0\xa0% of it.",
        ),
        ({"rnn": 1.4, "lstm": 1.0}, "explodes in rnn; it holds in lstm."),
        (
            {"rnn": 0.7, "gru": 0.5},
            "vanishes in every rung. It falls off fastest in gru: "
            "a step back leaves 50.0\xa0% of it.",
        ),
        (
            {"rnn": 0.9968, "gru": 1.0},
            "holds in every rung. It falls off fastest in rnn: "
            "a step back leaves 99.68\xa0% of it.",
        ),
        ({"rnn": 0.5}, "vanishes in rnn."),
    ],
    ids=["both", "explodes", "every", "hardly", "one"],
)
def test_the_sentence_says_where_the_gradient_goes(factors: dict[str, float], words: str) -> None:
    sentence = reach_words(measured(**factors))

    assert sentence == f"From the last step of the window to the first the gradient {words}"
