"""What a network does not read has no importance, and what it reads has that of a loop."""

from typing import Any

import numpy as np
import polars as pl
import pytest
import torch

from lockgate.settings import resolve
from lockgate.tasks.forecasting.config import ForecastConfig
from lockgate.tasks.forecasting.importance import (
    SHUFFLES,
    Read,
    _shuffled,
    importance,
    parts_of,
)
from lockgate.tasks.forecasting.task import TASK
from lockgate.tasks.forecasting.windows import Series, Windows

HORIZON, LOOKBACK = 2, 11


@pytest.fixture(scope="module")
def prepared() -> Any:
    rng = np.random.default_rng(0)
    hours = pl.datetime_range(pl.datetime(2024, 1, 1), pl.datetime(2024, 2, 4), "1h", eager=True)
    columns = {name: rng.normal(size=len(hours)) for name in ("y", "helper", "idle")}
    table = pl.DataFrame({"ds": hours, **columns}).with_columns(
        pl.when(pl.int_range(pl.len()) % 53 != 9).then("idle").alias("idle")
    )
    settings = {"target": "y", "horizon": HORIZON, "lookback": LOOKBACK}
    config = resolve(ForecastConfig, settings)
    return TASK.prepare(TASK.read(table, config), config)


class Reader:
    """Forecasts what the helper was at the latest step but two, in the target's unit."""

    def forecast(self, windows: Windows) -> np.ndarray:
        helper = windows.x(slice(None))[:, -3, 1]
        return windows.invert(helper[:, None].expand(-1, HORIZON).numpy())


def test_only_what_is_read_matters(prepared: Any) -> None:
    rows = importance(Reader(), prepared.windows("test"), prepared.preprocessing)

    told = {row["name"]: row for row in rows}
    assert [row["name"] for row in rows if row["kind"] == "stretch"] == [
        "1 back",
        "2 to 3 back",
        "4 to 7 back",
        "8 to 11 back",
    ]
    assert {row["name"] for row in rows if row["kind"] == "column"} == {
        "y",
        "helper",
        "idle",
        "calendar",
    }
    for name in ("y", "idle", "calendar", "1 back", "4 to 7 back", "8 to 11 back"):
        assert (told[name]["low"], told[name]["percent"], told[name]["high"]) == (0.0, 0.0, 0.0)
    assert told["helper"]["percent"] == told["2 to 3 back"]["percent"] != 0.0


def test_importance_is_the_change_of_the_error_window_by_window(prepared: Any) -> None:
    windows, seed = prepared.windows("test"), 5
    truth = windows.invert(windows.truth().numpy())
    generator = torch.Generator().manual_seed(seed)
    changes = []
    helper = windows.x(slice(None))[:, -3, 1].numpy()
    own = windows.invert(np.repeat(helper[:, None], HORIZON, axis=1))
    for _ in range(SHUFFLES):
        order = torch.randperm(len(windows), generator=generator).numpy()
        other = windows.invert(np.repeat(helper[order][:, None], HORIZON, axis=1))
        changes.append(
            100.0 * (np.nanmean(np.abs(other - truth)) / np.nanmean(np.abs(own - truth)) - 1.0)
        )

    rows = importance(Reader(), windows, prepared.preprocessing, seed)

    [row] = [row for row in rows if row["name"] == "helper"]
    assert row["percent"] == pytest.approx(np.mean(changes))
    assert (row["low"], row["high"]) == pytest.approx((min(changes), max(changes)))


def test_parts_are_all_channels_and_all_steps_once(prepared: Any) -> None:
    preprocessing = prepared.preprocessing
    parts = [*parts_of(preprocessing)]

    channels = [c for part in parts if part.kind == "column" for c in part.channels]
    steps = [s for p in parts if p.kind == "stretch" for s in range(LOOKBACK)[p.steps]]
    assert sorted(channels) == [*range(len(preprocessing.channels))]
    assert sorted(steps) == [*range(LOOKBACK)]
    assert "was missing: idle" in preprocessing.channels


def test_of_one_column_only_stretches_are_told(prepared: Any) -> None:
    alone = prepared.preprocessing.model_copy(
        update={"columns": ("y",), "with_holes": (), "calendar": ()}
    )

    assert {part.kind for part in parts_of(alone)} == {"stretch"}


def test_without_observed_truth_nothing_is_told(prepared: Any) -> None:
    windows = prepared.windows("test").select(slice(0, 1))

    assert importance(Reader(), windows, prepared.preprocessing) == []


class Ahead:
    """Forecasts the helper as it is known of each step, in the target's unit."""

    def forecast(self, windows: Windows) -> np.ndarray:
        known = windows.ahead(slice(None))
        assert known is not None
        return windows.invert(known[..., 0].numpy())


def test_what_is_known_ahead_is_shuffled_with_its_column() -> None:
    rng = np.random.default_rng(0)
    hours = pl.datetime_range(pl.datetime(2024, 1, 1), pl.datetime(2024, 2, 4), "1h", eager=True)
    table = pl.DataFrame({"ds": hours, "y": rng.normal(size=len(hours))}).with_columns(
        helper=pl.col("y") + rng.normal(size=len(hours)),
        kind=pl.when(pl.int_range(pl.len()) % 3 == 0).then(pl.lit("a")).otherwise(pl.lit("b")),
    )
    settings = {"target": "y", "horizon": HORIZON, "lookback": LOOKBACK}
    named = {"known_future": "helper", "categorical": "kind"}
    config = resolve(ForecastConfig, {**settings, **named})
    prepared = TASK.prepare(TASK.read(table, config), config)

    rows = importance(Ahead(), prepared.windows("test"), prepared.preprocessing)

    told = {row["name"]: row["percent"] for row in rows if row["kind"] == "column"}
    assert {*told} == {"y", "helper", "kind", "calendar"}
    assert told.pop("helper") > 10.0
    assert {*told.values()} == {0.0}
    assert {row["percent"] for row in rows if row["kind"] == "stretch"} == {0.0}


def test_shuffled_windows_keep_their_own_padding() -> None:
    inputs = torch.randn(30, 2, generator=torch.Generator().manual_seed(0))
    series = Series(np.array([0, 3]), np.zeros(2), np.ones(2))
    origins = torch.tensor([1, 2, 20, 5])
    windows = Windows(inputs, inputs[:, 0], origins, 6, 1, series)
    order, part = torch.tensor([2, 0, 1, 3]), Read("1 to 3 back", "stretch", [0, 1], slice(3, 6))

    shuffled = _shuffled(windows, order, part)

    assert torch.equal(shuffled.mask(slice(None)), windows.mask(slice(None)))
    assert shuffled.mask(slice(None)).sum(dim=1).tolist() == [2, 3, 6, 3]
    own, other = windows.x(slice(None)), windows.x(order)
    assert torch.equal(shuffled.x(slice(None))[:, :3], own[:, :3])
    assert torch.equal(shuffled.x(slice(None))[:, 3:], other[:, 3:])
