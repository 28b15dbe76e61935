"""The page says what the results say."""

import json
from pathlib import Path

from benchmarks.gpu.__main__ import FOLDER
from benchmarks.gpu.page import page


def test_page_says_what_was_measured_and_what_was_not(results) -> None:
    text = page(json.loads(json.dumps(results)))

    assert "**3 sizes were not reached in time.**" in text
    # cuDNN against masks for the cell and for each gate, at two sizes: root of 3/4 * 3/6
    assert "16 bit, times its speed | 0.61 | 0.5 | 1.0 |" in text
    assert "worst size | 0.50 | 0.25 | 0.7 |" in text
    assert "against the loop with the same masks | 20.0 | 20 | 60 |" in text
    assert "worst size, time | 1.50 | 1.05 | 1 |" in text
    assert "worst size | 0.75 | 1.0 | 0.7 |" in text
    assert "| bf16 | 16 | 128 | 64 | 3.000 | 4.000 | 4.000 | 6.000 | 120.000 | 30.000 |" in text
    assert "| bf16 | 16 | 1024 | 64 | 3.000 | 4.000 | 4.000 | 6.000 |  |  |" in text


def test_what_is_published_is_what_the_results_say() -> None:
    folder = Path(FOLDER)
    for path in folder.glob("*.json"):
        assert path.with_suffix(".md").read_text() == page(json.loads(path.read_text()))
