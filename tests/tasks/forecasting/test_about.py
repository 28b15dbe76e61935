"""A card tells what a forecaster reads and where its knowledge ends."""

from pathlib import Path
from typing import Any

from lockgate import Fitted


def test_the_folder_has_a_card(trained: tuple[Fitted, Path]) -> None:
    fitted: Any = trained[0]
    text = (trained[1] / "README.md").read_text(encoding="utf-8")
    learned = fitted.preprocessing
    assert f"# A forecaster of {learned.target}\n" in text
    assert f"forecasts: {learned.target}, 3 steps of {learned.frequency} ahead" in text
    assert "reads: 7 steps of " in text
    assert f"It knows nothing of what came after {learned.seen_until}" in text
    assert f"| this model | {fitted.metrics['test']['mae']:.2f}"[:20] in text
    assert "| last value |" in text
