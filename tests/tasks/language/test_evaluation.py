"""An evaluation is the score of what predict tells, and says what was read."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lockgate

from .conftest import make_text


def test_scores_are_those_of_all_words(trained: Any, tmp_path: Path) -> None:
    _, folder = trained
    (tmp_path / "other.txt").write_text(make_text(30, seed=5) + "strange words\n")

    found = lockgate.evaluate(folder, tmp_path / "other.txt")
    told = lockgate.predict(folder, tmp_path / "other.txt")

    mean = np.average(told["log_loss"], weights=told["words"])
    assert found.words == told["words"].sum() == 303
    assert found.unknown == pytest.approx(2 / 303)
    assert found.scores["log_loss"] == pytest.approx(mean)
    assert found.scores["perplexity"] == pytest.approx(np.exp(mean))
    assert found.metric == "log_loss"


def test_a_terminal_shows_what_was_scored(trained: Any) -> None:
    (section,) = lockgate.evaluate(trained[1], ["w1 w2 w3"]).sections()

    assert section.lines == ("4 words of list, 0.0% unknown",)
    assert section.rows[0].keys() == {"model", "log_loss", "perplexity"}
