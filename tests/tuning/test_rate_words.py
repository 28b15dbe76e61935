"""What a picture says is told with what was set, and as no verdict."""

import pytest

from lockgate.training.sweep import Sweep
from lockgate.tuning.rate_words import in_words, rate_words
from lockgate.tuning.steepest import Suggestion

SWEPT = Sweep((1e-5, 1e-2, 0.3), (1.0, 0.5, 9.0), diverged=True, epochs=1.25)
FOUND = Suggestion(0.001, 0.0032, 0.01)


@pytest.mark.parametrize(
    ("rate", "place"),
    [
        (0.003, "what is set lies in it."),
        (0.0001, "what is set is 10 times lower."),
        (0.05, "what is set is 5 times higher."),
    ],
)
def test_the_suggestion_is_told_beside_what_is_set(rate, place):
    first, second, third, last = rate_words(SWEPT, FOUND, rate)

    assert first == (
        f"training.learning_rate is {in_words(rate)}; the picture suggests 0.001 to 0.01."
    )
    assert second == (
        "The loss falls fastest at 0.0032, and at least half as fast from 0.001 to 0.01; " + place
    )
    assert third == (
        "The sweep began at 1e-05 and ended where it diverged, at 0.3, after 3 batches (1.2 times "
        "the training part)."
    )
    assert last.startswith("A suggestion, not a verdict: it is the training loss of one short run")
    assert "`lockgate tune --space learning_rate=0.001,0.01,log` judges." in last


def test_where_nothing_is_suggested_it_is_said():
    words = [*rate_words(SWEPT._replace(diverged=False), None, 0.003)]

    assert words[0].startswith(
        "training.learning_rate is 0.003; the picture suggests none: nowhere does the loss fall "
        "beyond its noise."
    )
    assert "ended at 0.3, not diverged" in words[1]
    assert words[2].endswith("A study or `lockgate tune` judges.")
