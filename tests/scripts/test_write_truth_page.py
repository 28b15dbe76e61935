"""The page of truth counts what made-up rounds are known to hold."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import truth_stages as stages
import write_truth_page as writer

from lockgate.studies.evidence import Table

FOLDS, BLOCKS = 5, 6
NAMES = ("lstm", "input-dropout", "both")
PAIRS = [["input-dropout", "lstm"], ["both", "lstm"]]
ABOUT = {
    "command": "lockgate study hour.csv.gz --target cnt",
    "pairs": PAIRS,
    "fits": 180,
    "diverged": 1,
    "fit_seconds": 720.0,
    "environment": {"cpu": "A CPU", "workers": 2, "torch": "2.13.0", "lockgate": "0.1.0"},
    "date": "2026-11-26",
    "commit": "abc1234",
}


def keep(folder: Path, effects: tuple[float, ...], passes: int, seed: int = 0) -> None:
    """Keep rounds whose rungs differ by `effects`, log ratios, with fits that vary by 0.4 %."""
    rng = np.random.default_rng(seed)
    logs = rng.normal(0.0, 0.004, (passes, FOLDS, len(NAMES))) + np.array(effects)
    moves = np.zeros((passes, FOLDS, len(NAMES), FOLDS * BLOCKS))
    numbers = np.arange(passes * FOLDS).reshape(passes, FOLDS)
    table = Table(NAMES, logs, moves, numbers, np.repeat(np.arange(FOLDS), BLOCKS), fixed=True)
    folder.mkdir(parents=True)
    stages.keep(folder, table, {**ABOUT, "passes": passes})


@pytest.fixture
def page(tmp_path: Path) -> Any:
    def write() -> str:
        writer.main(tmp_path, tmp_path / "truth.md")
        return (tmp_path / "truth.md").read_text(encoding="utf-8")

    return write


def test_effects_that_are_clear_are_found_and_right(page: Any, tmp_path: Path) -> None:
    keep(tmp_path / "bike", (0.0, -0.05, 0.0), passes=12)

    text = page()

    first = "| bike rentals, 24 h | 10 | 66 | 132 | 132 | 66 | 0 | 40 | 26 | 132 | 0 | 0 |"
    assert first in text
    assert (
        "| bike rentals, 24 h | 15 | 200 | 400 | 400 | 200 | 0 | 181 | 19 | 400 | 0 | 0 |" in text
    )
    assert "| bike rentals, 24 h | 10 | 66 of 66 | 100.0 [61.0, 100.0] |" in text
    effect = r"input-dropout against lstm \| −4.\d % \[−[45].\d, −4.\d\]"
    assert re.search(effect + r" \| 66 \| 0 \| 0 \| 0 \| 0 \| 200 \| 0 \|", text)
    assert "lockgate study hour.csv.gz --target cnt" in text
    assert "180 fits of 4.0 s on average, 1 diverged. A CPU, 2 processes of one thread" in text
    assert "commit abc1234, 2026-11-26." in text


def test_stages_that_have_not_run_in_full_are_named(page: Any, tmp_path: Path) -> None:
    keep(tmp_path / "bike", (0.0, -0.05, 0.0), passes=7)
    keep(tmp_path / "etth1", (0.0, -0.05, 0.0), passes=2)
    keep(tmp_path / "imdb" / "subset-0", (0.0, -0.05, 0.0), passes=2)
    keep(tmp_path / "imdb" / "subset-1", (0.0, -0.05, 0.0), passes=1)

    text = page()

    assert "- bike rentals, 24 h: 7 of 12 passes have run." in text
    assert "7 of 12 passes have run, too few" not in text
    assert "oil temperature, 24 h: 2 of 12 passes have run, too few to draw studies from." in text
    assert "- TREC, questions: not run." in text
    assert "- IMDb, film reviews: 1 of 10 subsets have run." in text
    assert "| bike rentals, 24 h | 10 | 21 |" in text
    assert "| ETTh1" not in text.partition("## What is true")[0]


def test_nothing_has_run(page: Any) -> None:
    text = page()

    assert text.count(": not run.") == len(stages.STAGES)
    assert "## Wrong verdicts" not in text


def test_a_subset_that_is_unlike_the_others_is_wrong(page: Any, tmp_path: Path) -> None:
    for number in range(9):
        keep(tmp_path / "imdb" / f"subset-{number}", (0.0, -0.05, 0.0), 2, number)
    keep(tmp_path / "imdb" / "subset-9", (0.0, 0.05, 0.0), 2, 9)

    text = page()

    assert "| IMDb, film reviews | 10 | 10 | 20 | 20 | 9 | 1 | 10 |" in text
    [row] = [
        line for line in text.splitlines() if line.startswith("| IMDb, film reviews | 10 | 10")
    ]
    assert " | 1 | 5.0 [0.9, 23.6] | 10.0 [1.8, 40.4] |" in row


def test_stages_are_summed_by_the_rounds_of_their_studies(page: Any, tmp_path: Path) -> None:
    keep(tmp_path / "bike", (0.0, -0.05, 0.0), passes=12)
    keep(tmp_path / "etth1", (0.0, 0.05, 0.0), passes=12)

    text = page()

    assert "| all of these | 10 | 132 | 264 | 264 | 66 | 66 | 80 | 52 | 264 | 0 | 0 |" in text
    assert "| all of these | 15 | 400 |" in text
