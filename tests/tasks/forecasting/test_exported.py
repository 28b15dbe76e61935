"""What no graph can hold is refused before anything is written."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import lockgate
from lockgate.tasks.forecasting.exported import exportable


@pytest.fixture(scope="module")
def fitted(tmp_path_factory: pytest.TempPathFactory) -> Any:
    settings = {"horizon": 26, "lookback": 52, "hidden_size": 4, "max_epochs": 1}
    out = tmp_path_factory.mktemp("co2") / "run"
    return lockgate.train("sample:co2", out=out, members=2, mix=False, **settings)[0]


def test_levels_are_those_that_are_asked_for_or_can_be_told(fitted: Any) -> None:
    assert exportable(fitted, [80]).schema["bounds"] == ["forecast-lo-80", "forecast-hi-80"]
    assert exportable(fitted, []).schema["bounds"] == []
    told = set(exportable(fitted, None).schema["bounds"])
    assert told == {
        f"forecast-{side}-{level}"
        for side in ("lo", "hi")
        for level in (80, 95)
        if fitted.intervals.can_tell_level(level)
    }
    with pytest.raises(lockgate.DataError, match=r"level must be at most \d+ .* got 99.9"):
        exportable(fitted, [99.9])


def test_a_model_without_intervals_refuses_levels(fitted: Any, tmp_path: Path) -> None:
    bare = replace(fitted, intervals=None)
    assert exportable(bare, None).graph.outputs == ("forecast", "spread")
    with pytest.raises(lockgate.DataError, match="level must be left out of this model"):
        lockgate.export(bare, tmp_path / "out", level=[80])
    assert not (tmp_path / "out").exists()


def test_intervals_of_passes_are_refused_with_the_remedy(fitted: Any) -> None:
    model = fitted.config.model.model_copy(update={"spread": "mc_dropout"})
    passes = replace(fitted, config=fitted.config.model_copy(update={"model": model}))
    assert passes.config.model.by_passes
    with pytest.raises(lockgate.DataError, match=r"level must be left out \(--level none\)"):
        exportable(passes, [80])
    assert exportable(passes, None).schema["bounds"] == []
