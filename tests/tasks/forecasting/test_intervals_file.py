"""The file of the intervals comes back as it was written, and one of strangers is refused."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from held import held_out, made, with_spreads
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from lockgate import DataError
from lockgate.tasks.forecasting.intervals import Intervals
from lockgate.tasks.forecasting.intervals_file import ENTRY, FILE, as_file, read_intervals
from lockgate.tasks.forecasting.stream import Stream


def streamed() -> Intervals:
    """Intervals of two series, of which the last ten errors came after training."""
    intervals = made(held_out(100, series=[0, 1] * 50))
    beyond = np.random.default_rng(0).uniform(size=(3, 10, 2)).astype(np.float32)
    beyond[:, 3, 1] = np.nan
    until = ("2024-03-07 12:00:00", None, "2024-03-07 13:00:00+02:00")
    return intervals._replace(stream=Stream(until, 100, 0.01, np.arange(-9, 1), beyond))


def written(folder: Path, intervals: Intervals) -> Path:
    (folder / FILE).write_bytes(as_file(intervals))
    return folder


def changed(folder: Path, tensors: Any = lambda t: t, **fields: Any) -> None:
    """Write the file anew with other tensors or other fields."""
    with safe_open(folder / FILE, framework="pt") as file:
        stored = json.loads(file.metadata()[ENTRY])
    told = {ENTRY: json.dumps({**stored, **fields})}
    save_file(tensors(load_file(folder / FILE)), folder / FILE, told)


@pytest.mark.parametrize(
    ("intervals", "with_spread"),
    [(made(held_out(100)), False), (made(with_spreads(100)), True), (streamed(), False)],
    ids=["plain", "spreads", "streamed"],
)
def test_what_was_written_comes_back(
    tmp_path: Path, intervals: Intervals, *, with_spread: bool
) -> None:
    read = read_intervals(written(tmp_path, intervals), 2, with_spread=with_spread)

    assert read is not None
    np.testing.assert_array_equal(read.errors, intervals.errors)
    np.testing.assert_array_equal(read.series, intervals.series)
    plain = {"errors": 0, "series": 0, "stream": None}
    assert read._replace(**plain) == intervals._replace(**plain)
    if intervals.stream is not None:
        assert read.stream is not None
        np.testing.assert_array_equal(read.stream.steps, intervals.stream.steps)
        np.testing.assert_array_equal(read.stream.beyond, intervals.stream.beyond)
        none = {"steps": 0, "beyond": 0}
        assert read.stream._replace(**none) == intervals.stream._replace(**none)


def test_a_folder_without_the_file_has_none(tmp_path: Path) -> None:
    assert read_intervals(tmp_path, 2) is None


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("every", 0),
        ("every", "1"),
        ("names", "abc"),
        ("names", [1]),
        ("sources", [{"name": "fold-0"}]),
        ("least", 0.5),
        ("more", 1),
        ("stream", None),
        ("stream", {"until": [None] * 3, "latest": 9, "adapt": 0.0}),
        ("stream", {"until": ["yesterday", None, None], "latest": 9, "adapt": 0.0}),
        ("stream", {"until": ["7"], "latest": 9, "adapt": 0.0}),
        ("stream", {"until": ["7", None, None], "latest": 0, "adapt": 0.0}),
        ("stream", {"until": ["7", None, None], "latest": 9, "adapt": 1.5}),
        ("stream", {"until": ["7", None, None], "latest": 9, "adapt": 0.0, "more": 1}),
    ],
)
def test_values_of_strangers_are_refused(tmp_path: Path, field: str, value: Any) -> None:
    changed(written(tmp_path, streamed()), **{field: value})

    with pytest.raises(DataError, match=r"must hold errors of the model's horizon, 2, and of"):
        read_intervals(tmp_path, 2)


@pytest.mark.parametrize(
    "change",
    [
        lambda t: t | {"errors": t["errors"][:, :1].contiguous()},
        lambda t: t | {"errors": t["errors"].double()},
        lambda t: t | {"errors": torch.full_like(t["errors"], torch.inf)},
        lambda t: t | {"errors": torch.full_like(t["errors"], torch.nan)},
        lambda t: t | {"series": t["series"] + 3},
        lambda t: t | {"series": t["series"][1:]},
        lambda t: {"errors": t["errors"]},
        lambda t: t | {"steps": t["steps"].flip(0)},
        lambda t: t | {"steps": t["steps"] + 1},
        lambda t: t | {"steps": t["steps"][1:]},
        lambda t: t | {"steps": t["steps"].long()},
        lambda t: t | {"beyond": t["beyond"] + 1.0},
        lambda t: t | {"beyond": t["beyond"][:2].contiguous()},
        lambda t: {name: one for name, one in t.items() if name != "beyond"},
    ],
)
def test_errors_of_strangers_are_refused(tmp_path: Path, change: Any) -> None:
    changed(written(tmp_path, streamed()), change)

    with pytest.raises(DataError, match="is no fitted model"):
        read_intervals(tmp_path, 2)


@pytest.mark.parametrize("told", [{}, {ENTRY: "{"}, {ENTRY: "[" * 100_000}, {ENTRY: "[]"}])
def test_a_file_that_tells_nothing_is_refused(tmp_path: Path, told: dict[str, str]) -> None:
    save_file(load_file(written(tmp_path, streamed()) / FILE), tmp_path / FILE, told)

    with pytest.raises(DataError, match="is no fitted model"):
        read_intervals(tmp_path, 2)


@pytest.mark.parametrize(
    ("intervals", "with_spread", "least"),
    [
        (made(with_spreads(100)), False, 0.1),
        (made(held_out(100)), True, None),
        (made(with_spreads(100)), True, 0.0),
        (made(with_spreads(100)), True, "1"),
    ],
)
def test_a_least_spread_goes_with_a_head_that_tells_one(
    tmp_path: Path, intervals: Intervals, least: Any, *, with_spread: bool
) -> None:
    changed(written(tmp_path, intervals), least=least)

    with pytest.raises(DataError, match="with a least spread where its head tells one"):
        read_intervals(tmp_path, 2, with_spread=with_spread)
