"""Masks that a batch shares are compared at equal steps and in equal time, on the same folds."""

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import shared_masks_studies as studies
import truth_stages as stages

FASTER = 1.5
STEPS = 4
IN_TIME = f"{studies.EQUAL_TIME}-6"


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> tuple[studies.Study, Path]:
    folder = tmp_path_factory.mktemp("data")
    hours = np.arange(600)
    wave = np.sin(hours / 4) + np.random.default_rng(0).normal(0, 0.1, 600)
    pl.DataFrame({"hour": hours, "y": wave}).write_csv(folder / "wave.csv")
    settings: dict[str, Any] = {"target": "y", "horizon": 3, "lookback": 6, "hidden_size": 8}
    settings |= {"row_order": True, "exclude": ("hour",), "folds": 2}
    return studies.Study("waves", "wave.csv", settings, STEPS, FASTER), folder


def test_equal_time_is_more_steps_of_the_same_network(small: Any) -> None:
    planned = studies.plan(*small, workers=1)

    runs = {r.name: stages.run_of(planned, r, "lstm") for r in planned.rungs}
    shared, longer = runs[studies.EQUAL_STEPS], runs[IN_TIME]
    assert shared.model == longer.model
    assert shared.model.mask_for == "batch"
    assert runs[studies.EACH].model == shared.model.model_copy(update={"mask_for": "sample"})
    steps = {name: run.training.max_steps for name, run in runs.items()}
    assert steps == {
        "lstm": STEPS,
        studies.EACH: STEPS,
        studies.EQUAL_STEPS: STEPS,
        IN_TIME: STEPS * FASTER,
    }


@pytest.mark.slow
def test_page_tells_each_comparison_and_its_steps(small: Any, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(studies, "ALL", {"waves": small[0]})
    stages.play(studies.plan(*small, workers=1), tmp_path / "waves", 1, commit="abc1234")
    kept = stages.read(tmp_path / "waves")
    assert kept is not None

    page = studies.page({"waves": kept})

    assert kept.pairs == [
        (studies.EACH, "lstm"),
        (studies.EQUAL_STEPS, studies.EACH),
        (IN_TIME, studies.EACH),
    ]
    assert "Of 2 verdicts on shared masks: " in page
    assert "| waves | shared masks, against masks for each row | 4 |" in page
    assert "| waves | the same in equal time (1.50 times the steps) | 6 |" in page
    assert "- waves: 8 fits of " in page
    assert "abc1234" in page


def test_how_much_faster_a_step_is_can_be_measured(small: Any) -> None:
    assert 0.1 < studies.measured(*small) < 10.0
