"""Shown are windows of the test part that did best, as usual and worst, with their own history."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import polars as pl
import pytest

from lockgate.settings import resolve
from lockgate.tasks.base import Chosen
from lockgate.tasks.forecasting import prepare as preparing
from lockgate.tasks.forecasting import shown as module
from lockgate.tasks.forecasting.config import ForecastConfig
from lockgate.tasks.forecasting.shown import what_is_shown
from lockgate.tasks.forecasting.task import TASK


@pytest.fixture
def show(table: pl.DataFrame, small: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Show forecasts of the table that are off by what is told of each window."""
    monkeypatch.setattr(module, "_looked_into", lambda *_: {})
    fitted: Any = SimpleNamespace(intervals=None, spreads=lambda _: None)

    def run(rows: pl.DataFrame, off: Any) -> tuple[dict[str, Any], Any, Any]:
        config = resolve(ForecastConfig, small)
        data = TASK.read(rows, config)
        prepared = TASK.prepare(data, config)
        scorer = TASK.scorer(data, prepared, config, "test")
        errors = off(len(scorer.truth))
        forecast = np.nan_to_num(scorer.truth, nan=50.0) + errors[:, None]
        chosen = Chosen(fitted, forecast, "last value", forecast + 1.0)
        return what_is_shown(data, prepared, scorer, chosen), data, prepared

    return run


def test_the_three_windows_are_those_of_the_errors(show: Any, table: pl.DataFrame) -> None:
    told, data, prepared = show(table, lambda rows: np.arange(rows, 0, -1.0))

    windows = prepared.windows("test")
    rows = len(windows)
    expected = {"best": (rows - 1, 1.0), "median": (rows - 1 - rows // 2, 1.0 + rows // 2)}
    expected["worst"] = (0, float(rows))
    for one in told["forecasts"]:
        place, error = expected[one["which"]]
        origin = int(windows.origins[place])
        y = data.frame["y"]
        assert one["error"] == pytest.approx(error)
        assert one["history"]["y"] == y.slice(origin - 6, 7).to_list()
        assert one["future"]["y"] == y.slice(origin + 1, 3).to_list()
        assert (one["series"], one["future"]["intervals"]) == (None, [])


def test_a_window_without_its_whole_truth_is_not_shown(show: Any, table: pl.DataFrame) -> None:
    late = pl.int_range(pl.len()) == 395
    holed = table.with_columns(sold=pl.when(late).then(None).otherwise("sold"))

    told, _, _ = show(holed, np.ones)

    for one in told["forecasts"]:
        assert None not in one["future"]["y"]


def test_without_a_whole_window_nothing_is_shown(show: Any, table: pl.DataFrame) -> None:
    # every second day of the test part is missing
    late = (pl.int_range(pl.len()) > 340) & (pl.int_range(pl.len()) % 2 == 0)
    holed = table.with_columns(sold=pl.when(late).then(None).otherwise("sold"))

    told, _, _ = show(holed, np.ones)

    assert told == {
        "forecasts": [],
        "by_series": None,
        "importance": [],
        "clock": None,
        "residuals": [],
    }


def test_by_how_many_windows_of_a_sample_a_series_is_judged_is_told(
    show: Any, table: pl.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    two = pl.concat([table.with_columns(unique_id=pl.lit(name)) for name in ("one", "two")])
    whole, _, prepared = show(two, lambda rows: np.arange(1.0, rows + 1))
    monkeypatch.setattr(preparing, "MOST_JUDGED", 21)

    sample, _, _ = show(two, lambda rows: np.arange(1.0, rows + 1))

    assert len(prepared.windows("test")) == 21
    assert "windows" not in whole["by_series"]
    fewest, most = sample["by_series"]["windows"]
    assert (fewest + most, most - fewest) == (21, 1)
