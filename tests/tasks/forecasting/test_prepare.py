"""A prepared table yields the windows of each part, and none that looks ahead."""

import re
from datetime import datetime
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from lockgate.errors import DataError
from lockgate.tasks.base import PARTS
from lockgate.tasks.forecasting import layout
from lockgate.tasks.forecasting import prepare as preparing
from lockgate.tasks.forecasting.config import ForecastConfig, TableConfig
from lockgate.tasks.forecasting.forks import Forks
from lockgate.tasks.forecasting.prepare import (
    Prepared,
    count_possible,
    make_windows,
    prepare,
    read,
)
from lockgate.tasks.forecasting.preprocessing import Arrays, Preprocessing
from lockgate.tasks.forecasting.runs import Runs
from lockgate.tasks.forecasting.split import Split
from lockgate.tasks.forecasting.table import Table, read_table
from lockgate.tasks.forecasting.task import TASK

ROWS = 120
CONFIG = TableConfig(target="T", horizon=3, lookback=5, split=("0.5", "0.25", "0.25"))


def make_columns(seed: int = 0) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    return {"T": rng.normal(size=ROWS), "wind": rng.normal(size=ROWS)}


def make_frame(columns: dict[str, np.ndarray]) -> pl.DataFrame:
    time = np.datetime64(datetime(2024, 1, 1), "us") + np.arange(ROWS) * np.timedelta64(1, "h")
    return pl.DataFrame({"time": time, **columns})


def make_table(columns: dict[str, np.ndarray]) -> Table:
    return read_table(make_frame(columns), target="T")


def make_preprocessing(lookback: int, horizon: int) -> Preprocessing:
    return Preprocessing(
        target="T",
        frequency="1h",
        columns=("T",),
        means=(0.0,),
        stds=(1.0,),
        with_holes=(),
        calendar=(),
        seasons=(),
        max_gap=3,
        lookback=lookback,
        horizon=horizon,
        dropped=(),
        seen_until="2024-01-01 00:00:00",
    )


def loop_origins(
    usable: list[bool],
    known: list[bool],
    observed: list[bool],
    lookback: int,
    horizon: int,
    part: range,
    second: int,
    late: int,
) -> list[int]:
    """Find the windows of two series one by one: the second begins at a row, and later."""
    origins = []
    for origin in range(len(usable)):
        inputs = [origin - step for step in range(lookback)]
        targets = [origin + step for step in range(1, horizon + 1)]
        if (
            all(row >= 0 and usable[row] for row in inputs)
            and targets[-1] < len(usable)
            and all(known[row] for row in targets)
            and len({row >= second for row in (*inputs, *targets)}) == 1
            and all((row - second + late if row >= second else row) in part for row in targets)
            and any(observed[row] for row in targets)
        ):
            origins.append(origin)
    return origins


FLAGS = st.lists(st.sampled_from([True, True, True, False]), min_size=3, max_size=30)


@settings(deadline=None, max_examples=200)
@given(FLAGS, st.integers(1, 8), st.integers(1, 6), st.data())
def test_windows_agree_with_a_loop(
    usable: list[bool], lookback: int, horizon: int, data: st.DataObject
) -> None:
    rows = len(usable)
    observed = data.draw(st.lists(st.booleans(), min_size=rows, max_size=rows))
    known = data.draw(st.lists(st.sampled_from([True, True, False]), min_size=rows, max_size=rows))
    ends = sorted(data.draw(st.tuples(*[st.integers(0, rows)] * 2)))
    series = np.where(observed, np.arange(rows), np.nan).astype(np.float32)
    second = data.draw(st.integers(0, rows)) % rows  # first row of a second series
    late = data.draw(st.integers(0, 3))  # steps that it begins after the first
    starts = np.unique([0, second])
    steps = np.concatenate([np.arange(second), late + np.arange(rows - second)])
    arrays = Arrays(
        np.arange(rows, dtype=np.float32)[:, None],
        series,
        np.array(usable),
        np.array(known),
        np.empty(rows, "M8[us]"),
        steps,
        starts,
        *np.ones((3, len(starts))),
    )
    split = Split(*ends, rows)

    for part in PARTS:
        windows = make_windows(arrays, make_preprocessing(lookback, horizon), split.rows(part))

        expected = loop_origins(
            *(usable, known, observed, lookback, horizon, split.rows(part), second, late)
        )
        assert windows.origins.tolist() == expected
        assert len(windows) == len(expected)
        if expected:
            x, y, *_ = windows.batch(slice(None))
            assert x[..., 0].tolist() == [list(range(o - lookback + 1, o + 1)) for o in expected]
            for origin, targets in zip(expected, y.numpy(), strict=True):
                np.testing.assert_array_equal(targets, series[origin + 1 : origin + horizon + 1])


def test_no_window_straddles_a_part_and_later_parts_look_back() -> None:
    prepared = prepare(make_table(make_columns()), CONFIG)

    origins = {part: prepared.windows(part).origins for part in PARTS}

    assert prepared.split == Split(60, 90, 120)
    assert origins["train"].tolist() == list(range(4, 57))
    assert origins["validation"].tolist() == list(range(59, 87))
    assert origins["test"].tolist() == list(range(89, 117))


def test_no_window_reads_across_a_hole_that_is_longer_than_max_gap() -> None:
    columns = make_columns()
    columns["wind"][20:23] = np.nan
    columns["wind"][40:44] = np.nan

    origins = prepare(make_table(columns), CONFIG).windows("train").origins.tolist()

    # row 43 is the fourth of its hole; the hole at row 20 is filled whole
    assert origins == [o for o in range(4, 57) if not o - 4 <= 43 <= o]


def test_a_hole_in_the_target_breaks_inputs_but_stays_missing_in_targets() -> None:
    columns = make_columns()
    columns["T"][30:32] = np.nan
    windows = prepare(make_table(columns), CONFIG).windows("train")

    x, y, *_ = windows.batch(windows.origins == 29)
    assert np.isnan(y[0].numpy()).tolist() == [True, True, False]
    x, y, *_ = windows.batch(windows.origins == 31)
    assert x[0, -1, 0] == x[0, -2, 0] == x[0, -3, 0]
    assert y.isfinite().all()


@pytest.mark.parametrize("cut", [10, 57, 60, 75, 91])
def test_windows_up_to_an_origin_depend_on_no_later_row(cut: int) -> None:
    columns = make_columns()
    columns["wind"][[8, 9, 10, 56, 74]] = np.nan
    before = prepare(make_table(columns), CONFIG)
    later = {name: np.where(np.arange(ROWS) > cut, 1e3, v) for name, v in columns.items()}
    # what is learned must be the same for the comparison: below the training part's end it is not
    after = Prepared(
        before.preprocessing.apply(make_table(later)), *(before.split, before.preprocessing)
    )

    for part in PARTS:
        windows, changed = before.windows(part), after.windows(part)
        earlier, same = windows.origins <= cut, changed.origins <= cut
        assert torch.equal(windows.origins[earlier], changed.origins[same])
        assert torch.equal(windows.batch(earlier).x, changed.batch(same).x)


def test_later_rows_change_nothing_of_the_training_part() -> None:
    columns = make_columns()
    later = {name: np.where(np.arange(ROWS) >= 60, 1e3 * v, v) for name, v in columns.items()}

    before, after = (prepare(make_table(c), CONFIG) for c in (columns, later))

    assert before.preprocessing == after.preprocessing
    for mine, other in zip(
        *(p.windows("train").batch(slice(None))[:2] for p in (before, after)), strict=True
    ):
        assert torch.equal(mine, other)


def test_windows_share_the_memory_of_the_arrays() -> None:
    prepared = prepare(make_table(make_columns()), CONFIG)

    for part in PARTS:
        windows = prepared.windows(part)
        assert windows.inputs.data_ptr() == prepared.arrays.inputs.ctypes.data
        assert windows.target.data_ptr() == prepared.arrays.target.ctypes.data


def test_a_prepared_table_is_mapped_from_disk_unchanged(tmp_path: Path) -> None:
    prepared = prepare(make_table(make_columns()), CONFIG)

    prepared.save(tmp_path)
    loaded = Prepared.load(tmp_path, prepared.split, prepared.preprocessing)

    for name, array in prepared.arrays._asdict().items():
        np.testing.assert_array_equal(getattr(loaded.arrays, name), array, err_msg=name)
    index = torch.tensor([7, 2])
    for mine, other in zip(
        loaded.windows("test").batch(index)[:2],
        prepared.windows("test").batch(index)[:2],
        strict=True,
    ):
        assert torch.equal(mine, other)


def test_a_part_too_short_for_a_window_is_named() -> None:
    table = make_table(make_columns())

    message = (
        "horizon 31 and lookback 5 must fit the validation part, got 30 rows there; pass a "
        "horizon of at most 30$"
    )
    with pytest.raises(DataError, match=message):
        prepare(table, CONFIG.model_copy(update={"horizon": 31}))
    with pytest.raises(DataError, match=r"got 60 rows there; pass a lookback of at most 57$"):
        prepare(table, CONFIG.model_copy(update={"lookback": 60}))
    with pytest.raises(DataError, match=r"got 60 rows there; pass a lookback of at most 57$"):
        prepare(table, CONFIG.model_copy(update={"lookback": 999}))
    with pytest.raises(
        DataError, match=r"pass a horizon of at most 20 or a lookback of at most 35$"
    ):
        prepare(table, CONFIG.model_copy(update={"lookback": 40, "horizon": 25}))
    prepare(table, CONFIG.model_copy(update={"lookback": 40, "horizon": 20}))
    prepare(table, CONFIG.model_copy(update={"lookback": 35, "horizon": 25}))


def advised(columns: dict[str, np.ndarray], **settings: object) -> list[dict[str, str]]:
    """Return the settings that the error advises, each of which must do."""
    table, config = make_table(columns), CONFIG.model_copy(update=settings)
    with pytest.raises(DataError) as error:
        prepare(table, config)
    remedies = [{n: v} for n, v in re.findall(r'(\w+)="([^"]*)" \(--', str(error.value))]
    for remedy in remedies:
        prepare(table, TableConfig.model_validate({**config.model_dump(), **remedy}))
    return remedies


def test_a_part_without_a_window_names_its_worst_column_and_what_gives_one() -> None:
    columns = make_columns()
    columns["wind"][50:60] = np.nan

    message = (
        "the validation part must hold a window without a hole longer than max_gap 3, got none; "
        "the column with most holes is 'wind', missing in 10% of the 70 rows that it reads, after "
        r'filling; pass exclude="wind" \(--exclude wind\) or max_gap="10" \(--max-gap 10\)$'
    )
    with pytest.raises(DataError, match=message):
        prepare(make_table(columns), CONFIG.model_copy(update={"lookback": 40}))


def test_all_columns_that_break_the_windows_are_advised_at_once() -> None:
    columns = make_columns()
    columns |= {"rain": columns["wind"].copy(), "sun": columns["wind"] + 1}
    columns["wind"][60:] = np.nan
    columns["sun"][:100:20] = np.nan
    columns["rain"][50:95] = np.nan

    assert advised(columns) == [{"exclude": "wind,rain"}]
    assert advised(columns, exclude=("wind",)) == [{"exclude": "wind,rain"}]


def test_what_gives_no_window_is_not_advised() -> None:
    columns = make_columns()
    columns["T"][50:60] = np.nan
    assert advised(columns, lookback=40) == [{"max_gap": "10"}]

    columns["T"][60:90:2] = np.nan
    columns["T"][50:75] = np.nan
    columns["T"][80:90] = np.nan
    assert advised(columns) == []
    columns["T"][60:90] = np.nan
    with pytest.raises(
        DataError, match="must hold values of the target 'T', got none in its 30 row"
    ):
        prepare(make_table(columns), CONFIG)


def test_a_table_is_read_as_the_config_says() -> None:
    columns = make_columns()
    columns["T"][4:6] = -9999.0
    config = CONFIG.model_copy(update={"missing": (-9999.0,), "resample": "2h", "time": "time"})

    table = read(make_frame(columns), config)

    assert str(table.frequency) == "2h"
    assert table.frame["y"].min() > -10


def test_a_table_is_read_in_the_encoding_of_the_config(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    frame = make_frame(make_columns()).rename({"T": "气温"})
    path.write_bytes(frame.write_csv().encode("utf-16-le"))
    config = CONFIG.model_copy(update={"target": "气温", "encoding": "utf-16-le"})

    table = read(path, config)

    assert (table.target, table.frame.height) == ("气温", ROWS)
    with pytest.raises(DataError, match=r"got binary data; .* encoding=\"utf-16-le\""):
        read(path, config.model_copy(update={"encoding": None}))


def test_dates_of_a_split_and_calendar_channels_are_of_the_local_clock() -> None:
    columns = make_columns()
    utc = make_frame(columns).with_columns(pl.col("time").dt.replace_time_zone("UTC"))
    local = utc.with_columns(pl.col("time").dt.convert_time_zone("Asia/Tokyo"))
    split = ("2024-01-03", "2024-01-05")

    prepared = [
        prepare(read(one, config), config)
        for config in [TableConfig(target="T", horizon=3, lookback=6, split=split)]
        for one in (utc, local)
    ]

    assert prepared[0].split.train - prepared[1].split.train == 9
    hour = [one.preprocessing.channels.index("hour cos") for one in prepared]
    midnight = [int(np.argmax(p.arrays.inputs[:, h])) for p, h in zip(prepared, hour, strict=True)]
    assert midnight == [0, 15]


def shops(lengths: dict[str, tuple[int, int]], align: str = "time") -> Table:
    """Hours of shops that begin and end at some, with a few holes."""
    rng = np.random.default_rng(0)
    time = np.datetime64(datetime(2024, 1, 1), "us") + np.arange(ROWS) * np.timedelta64(1, "h")
    parts = []
    for shop, (start, stop) in lengths.items():
        values = rng.normal(size=stop - start)
        values[1:-1][rng.random(stop - start - 2) < 0.05] = np.nan
        names = [shop] * (stop - start)
        parts.append(pl.DataFrame({"shop": names, "time": time[start:stop], "T": values}))
    return read_table(pl.concat(parts), target="T", id_columns="shop", align=align)


SHOPS = {
    "whole": (0, ROWS),
    "ends": (0, 70),
    "late": (40, ROWS),
    "short": (55, ROWS),  # five rows of the training part
    "ended": (10, 16),
    "new": (115, ROWS),
    "judged": (84, ROWS),
    "tiny": (20, 23),
}


@pytest.mark.parametrize("part", PARTS)
def test_windows_of_short_series_agree_with_a_loop(part: str) -> None:
    table = shops(SHOPS)
    prepared = prepare(table, CONFIG.model_copy(update={"id": ("shop",)}))
    lookback, horizon, steps = 5, 3, prepared.split.rows(part)
    assert (prepared.split.train, prepared.split.validation) == (60, 90)

    windows = prepared.windows(part)

    expected = []
    row = 0
    y = table.frame["y"].to_list()
    for shop, (start, stop) in SHOPS.items():
        whole = min(stop, steps.stop) - start >= lookback + horizon
        for origin in range(start, stop - horizon):
            first = origin - lookback + 1
            if origin + 1 < steps.start or origin + horizon >= steps.stop:
                continue
            if whole and first < start:
                continue
            future = y[row + origin + 1 - start : row + origin + 1 - start + horizon]
            if any(value is not None for value in future):
                expected.append((shop, origin, max(0, start - first)))
        row += stop - start
    found = [
        (name, int(prepared.arrays.steps[origin]), int(padding))
        for origin, padding in zip(windows.origins, windows.padding, strict=True)
        for name in [table.frame["unique_id"][int(origin)]]
    ]
    assert found == expected
    padded = {shop for shop, _, padding in found if padding}
    # a series has padded windows where it is too short for a whole one, and no others
    told = {"train": {"short", "ended"}, "validation": {"judged"}, "test": {"new"}}
    assert padded == told[part]
    assert count_possible(prepared, part) >= len(found)


def test_tables_without_short_series_have_the_windows_of_whole_lookbacks_alone() -> None:
    table = shops({"a": (0, ROWS), "b": (3, 100), "c": (52, ROWS), "d": (0, 8)})
    prepared = prepare(table, CONFIG.model_copy(update={"id": ("shop",)}))

    for part in PARTS:
        windows, steps = prepared.windows(part), prepared.split.rows(part)
        reach = range(steps.start - 1, steps.stop - 3)
        layout = prepared.arrays.layout
        assert set(windows.origins.tolist()) <= set(layout.within(reach, 4, 3).tolist())
        assert windows.padding is None
        batch = windows.batch(slice(None))
        assert (batch.mask, len(batch.inputs)) == (None, 1)
        rows = windows.origins[:, None] + torch.arange(-4, 1)
        assert torch.equal(batch.x, windows.inputs[rows])


def test_series_of_which_none_holds_a_horizon_are_told() -> None:
    config = CONFIG.model_copy(update={"id": ("shop",), "split": ("0.5", "0.25", "0.25")})
    table = shops({f"s{k}": (k * 3, k * 3 + 3) for k in range(40)})

    message = "the horizon of 3 steps must fit a series in the train part, with a row before"
    with pytest.raises(DataError, match=message):
        prepare(table, config)


def test_one_series_has_no_padded_windows() -> None:
    table = make_table(make_columns())
    preprocessing = make_preprocessing(lookback=50, horizon=3)

    windows = make_windows(preprocessing.apply(table), preprocessing, range(52))

    assert (len(windows), windows.padding) == (0, None)


@pytest.mark.parametrize("part", PARTS)
def test_windows_in_runs_are_those_held_one_by_one(
    part: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = CONFIG.model_copy(update={"id": "shop", "holidays": "DE"})
    table = shops(SHOPS)
    held = prepare(table, config).windows(part)
    monkeypatch.setattr(preparing, "MOST_HELD", 0)
    monkeypatch.setattr(layout, "BLOCK_ROWS", 50)

    windows = prepare(table, config).windows(part)

    assert isinstance(windows.origins, Runs)
    assert isinstance(held.origins, torch.Tensor)
    assert windows.known is not None
    assert torch.equal(windows.origins[:], held.origins)
    few = windows.thinned(3)
    for mine, other in [
        (windows.with_scales(), held.with_scales()),
        (windows.weighted("equal"), held.weighted("equal")),
        (few, held.thinned(3)),
    ]:
        index = torch.randperm(len(mine), generator=torch.Generator().manual_seed(2))
        for asked in (index, slice(None), slice(1, 5)):
            for own, its in zip(mine.batch(asked), other.batch(asked), strict=True):
                assert own is its or torch.equal(own.nan_to_num(9.0), its.nan_to_num(9.0))
        assert mine.padding is other.padding or torch.equal(mine.padding, other.padding)
    assert torch.equal(windows.truth().nan_to_num(9.0), held.truth().nan_to_num(9.0))
    assert torch.equal(windows.last, held.last)
    mine, its = (
        Forks(one, 4, 2).draw_batches(8, 99, torch.Generator().manual_seed(1))
        for one in (windows, held)
    )
    assert all(map(torch.equal, mine, its))


def test_what_is_judged_of_large_parts_is_drawn_from_all_of_it_and_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    table = shops({"whole": (0, ROWS), "other": (0, ROWS), "late": (40, ROWS)})
    config = CONFIG.model_copy(update={"id": "shop"})
    assert prepare(table, config).notices == ()
    monkeypatch.setattr(preparing, "MOST_JUDGED", 30)
    monkeypatch.setattr(preparing, "MOST_FITTED", 100)

    prepared = prepare(table, config)
    test, every = prepared.windows("test"), prepared.every("test")

    assert (len(test), len(every) > 70) == (30, True)
    assert set(test.origins.tolist()) < set(every.origins.tolist())
    series = test.series.of(test.origins.numpy())
    assert np.bincount(series).min() >= 9  # of three alike
    assert torch.equal(test.origins, prepare(table, config).windows("test").origins)
    fitted_to = ForecastConfig(data=config)
    assert TASK.scorer(table, prepared, fitted_to, "test").each == len(every) / 30
    assert TASK.scorer(table, prepared, fitted_to, "train").each == 1
    assert prepared.windows("train") is prepared.every("train")
    assert len(prepared.windows("train")) > 100
    assert prepared.notices == (
        f"the validation part is judged on 30 of its {len(prepared.every('validation'))} windows, "
        "drawn evenly from all series and times",
        f"the test part is judged on 30 of its {len(every)} windows, drawn evenly from all series "
        "and times",
        f"the ridge regression is fitted to 100 of the {len(prepared.every('train'))} training "
        "windows, drawn evenly",
    )
