"""All that is learned comes from the training rows, and all that is filled comes from the past."""

from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np
import polars as pl
import pytest

from lockgate.errors import DataError
from lockgate.tasks.forecasting.config import TableConfig
from lockgate.tasks.forecasting.learning import learn
from lockgate.tasks.forecasting.preprocessing import Preprocessing
from lockgate.tasks.forecasting.table import Table, read_table

ROWS, TRAIN, SEEN = 300, 200, 250
CONFIG = TableConfig(target="T", horizon="2h", missing=(-9999.0,))
LATE = np.arange(ROWS) >= TRAIN


def make_columns() -> dict[str, np.ndarray]:
    """Draw a day's wave with noise, and beside it one input, one with holes, three useless."""
    rng = np.random.default_rng(0)
    rows = np.arange(ROWS)
    return {
        "T": 10 + 3 * np.sin(2 * np.pi * rows / 24) + 0.3 * rng.normal(size=ROWS),
        "wind": rng.exponential(size=ROWS),
        "holed": np.where(rng.random(ROWS) < 0.1, np.nan, rng.normal(size=ROWS)),
        "still": np.full(ROWS, 7.0),
        "unseen": np.where(rows < ROWS - 1, np.nan, 1.0),
        "row": 5.0 + rows,
    }


def make_table(columns: dict[str, np.ndarray], begin: datetime = datetime(2024, 1, 1)) -> Table:
    rows = len(columns["T"])
    time = np.datetime64(begin, "us") + np.arange(rows) * np.timedelta64(1, "h")
    return read_table(pl.DataFrame({"time": time, **columns}), target="T", missing=CONFIG.missing)


def learned(columns: dict[str, np.ndarray], config: TableConfig = CONFIG) -> Preprocessing:
    return learn(make_table(columns), config, TRAIN, SEEN)


def later(columns: dict[str, np.ndarray], name: str, values: object) -> dict[str, np.ndarray]:
    return {**columns, name: np.where(LATE, values, columns[name])}


PERTURBED = {
    "values": lambda c: later(c, "T", 1e6 * c["T"] ** 2),
    "another input": lambda c: later(c, "wind", -1e6),
    "sentinels": lambda c: later(c, "T", np.where(np.arange(ROWS) % 3, c["T"], -9999.0)),
    "holes": lambda c: later(
        later(c, "wind", np.nan), "T", np.where(LATE & (c["T"] > 9), np.nan, 1)
    ),
    "no more holes": lambda c: later(c, "holed", 1.5),
    "a constant that varies": lambda c: later(c, "still", np.arange(ROWS)),
    "an empty one that fills": lambda c: later(c, "unseen", np.arange(ROWS) ** 0.5),
    "a count that jumps": lambda c: later(c, "row", -(np.arange(ROWS) ** 2)),
    "another season": lambda c: later(c, "T", 9e3 * np.sin(2 * np.pi * np.arange(ROWS) / 7)),
}


@pytest.mark.parametrize("perturb", PERTURBED.values(), ids=PERTURBED.keys())
def test_nothing_learned_depends_on_later_rows(perturb) -> None:
    columns = make_columns()

    assert learned(perturb(columns)) == learned(columns)


def test_a_year_that_only_later_rows_repeat_is_no_feature() -> None:
    y = np.random.default_rng(0).normal(size=900)
    days = np.datetime64("2020-01-01", "us") + np.arange(900) * np.timedelta64(1, "D")
    table = read_table(pl.DataFrame({"time": days, "T": y}), target="T")
    config = TableConfig(target="T", horizon=1)

    assert learn(table, config, 700, 800).calendar == ("weekday",)
    assert learn(table, config, 800, 850).calendar == ("weekday", "season")


def test_learning_needs_no_later_rows() -> None:
    columns = make_columns()
    del columns["unseen"]  # without later rows the reader takes it for a column of nothing
    seen = {name: values[:SEEN] for name, values in columns.items()}

    assert learned(seen) == learned(columns)


def test_what_is_learned_is_that_of_the_training_rows() -> None:
    columns = make_columns()
    train = {name: values[:TRAIN] for name, values in columns.items()}

    result = learned(columns)

    assert result.columns == ("T", "wind", "holed")
    np.testing.assert_allclose(result.means, [np.nanmean(train[c]) for c in result.columns])
    np.testing.assert_allclose(result.stds, [np.nanstd(train[c]) for c in result.columns])
    assert result.seasons == (24,)
    assert (result.horizon, result.lookback, result.frequency) == (2, 20, "1h")
    assert result.std == result.stds[0]
    assert [d.column for d in result.dropped] == ["still", "unseen", "row"]
    assert result.seen_until == "2024-01-11 09:00:00"


def test_only_columns_with_holes_in_training_get_a_channel_for_them() -> None:
    columns = later(make_columns(), "wind", np.where(np.arange(ROWS) % 5, 1.0, np.nan))
    result = learned(columns)

    assert result.with_holes == ("holed",)
    assert result.channels == (
        *("T", "wind", "holed", "was missing: holed"),
        *("hour sin", "hour cos", "weekday sin", "weekday cos"),
    )

    inputs = result.apply(make_table(columns)).inputs
    np.testing.assert_array_equal(inputs[:, 3], np.isnan(columns["holed"]))
    assert inputs.shape == (ROWS, len(result.channels))


def test_a_target_with_holes_gets_a_channel_too() -> None:
    columns = make_columns()
    columns["T"][[3, 17]] = np.nan
    result = learned(columns, CONFIG.model_copy(update={"inputs": "target"}))

    assert result.channels[:2] == ("T", "was missing: T")
    flags = result.apply(make_table(columns)).inputs[:, 1]
    assert np.flatnonzero(flags).tolist() == [3, 17]


def test_a_hole_tells_how_long_it_is_where_asked_to() -> None:
    columns = make_columns()
    columns["T"][[3, 17, 18, 19, *range(40, 47)]] = np.nan
    settings = {"inputs": "target", "holes": "age", "max_gap": 4}
    result = learned(columns, CONFIG.model_copy(update=settings))

    assert result.channels[:2] == ("T", "steps since seen: T")
    ages = result.apply(make_table(columns)).inputs[:, 1]
    expected = np.zeros(ROWS)
    expected[3] = 1
    expected[17:20] = 1, 2, 3
    expected[40:47] = 1, 2, 3, 4, 5, 5, 5  # what is too long ago is all alike
    np.testing.assert_allclose(ages, np.log(1 + expected) / np.log(6), rtol=1e-6)


def test_the_age_of_a_hole_begins_anew_in_each_series() -> None:
    hours = pl.datetime_range(
        datetime(2024, 1, 1), datetime(2024, 1, 1) + timedelta(hours=ROWS - 1), "1h", eager=True
    )
    frame = pl.DataFrame(
        {
            "id": ["a"] * ROWS + ["b"] * ROWS,
            "ds": [*hours, *hours],
            "y": np.tile(make_columns()["T"], 2),
            "wind": np.tile(make_columns()["holed"], 2),
        }
    )
    frame[ROWS - 1, "wind"] = frame[ROWS, "wind"] = None
    settings = {"target": "y", "id": "id", "horizon": 2, "lookback": 20, "holes": "age"}
    config = CONFIG.model_copy(update=settings)
    table = read_table(frame, target="y", id_columns="id")

    result = learn(table, config, TRAIN, TRAIN)

    channel = result.channels.index("steps since seen: wind")
    ages = result.apply(table).inputs[:, channel]
    assert ages[ROWS] == 1.0  # never seen in this series
    assert 0 < ages[ROWS - 1] < 1.0


def test_inputs_are_filled_and_scaled_and_targets_are_never_filled() -> None:
    columns = make_columns()
    columns["T"][[50, 51, 52, 53, 270]] = np.nan
    columns["wind"][100:102] = np.nan
    result = learned(columns, CONFIG.model_copy(update={"max_gap": 3}))

    arrays = result.apply(make_table(columns))

    scaled = (columns["T"] - result.means[0]) / result.stds[0]
    np.testing.assert_allclose(arrays.target, scaled, rtol=1e-5)
    assert np.flatnonzero(np.isnan(arrays.target)).tolist() == [50, 51, 52, 53, 270]
    expected = scaled.copy()
    expected[[50, 51, 52, 53, 270]] = [scaled[49]] * 3 + [0.0] + [scaled[269]]
    np.testing.assert_allclose(arrays.inputs[:, 0], expected, rtol=1e-5)
    wind = (columns["wind"] - result.means[1]) / result.stds[1]
    np.testing.assert_allclose(arrays.inputs[100:102, 1], wind[99], rtol=1e-5)
    assert np.flatnonzero(~arrays.usable).tolist() == [53]
    assert np.isfinite(arrays.inputs).all()


@pytest.mark.parametrize("cut", [1, 50, 52, 54, ROWS - 1])
def test_a_row_of_the_inputs_depends_on_no_later_row(cut: int) -> None:
    columns = make_columns()
    columns["T"][50:55] = np.nan
    result = learned(columns)
    whole = result.apply(make_table(columns))
    changed = {name: np.where(np.arange(ROWS) < cut, v, -3.0) for name, v in columns.items()}

    apart = result.apply(make_table(changed))

    np.testing.assert_array_equal(apart.inputs[:cut], whole.inputs[:cut])
    np.testing.assert_array_equal(apart.usable[:cut], whole.usable[:cut])


def test_horizon_and_lookback_may_be_durations() -> None:
    told = CONFIG.model_copy(update={"horizon": "1d", "lookback": "30h"})
    result = learned(make_columns(), told)

    assert (result.horizon, result.lookback) == (24, 30)
    with pytest.raises(
        DataError, match="lookback must be a multiple of the frequency 1h, got '9m'"
    ):
        learned(make_columns(), told.model_copy(update={"lookback": "9m"}))


def test_what_was_learned_is_read_back_from_json() -> None:
    result = learned(make_columns())

    assert Preprocessing.model_validate_json(result.model_dump_json()) == result


def test_a_table_of_another_kind_is_refused() -> None:
    columns = make_columns()
    result = learned(columns)
    poorer = {name: values for name, values in columns.items() if name != "wind"}
    two_hourly = read_table(
        make_table(columns).frame.rename({"y": "T"}).drop("unique_id"), target="T", resample="2h"
    )

    with pytest.raises(
        DataError, match=r"must have the columns learned from, got none named .*wind"
    ):
        result.apply(make_table(poorer))
    with pytest.raises(DataError, match="the table must have the frequency 1h, got 2h"):
        result.apply(two_hourly)


def test_the_column_with_most_holes_is_named() -> None:
    columns = make_columns()
    columns["wind"][210:230] = np.nan
    result = learned(columns)

    worst, share = result.worst_column(make_table(columns), range(205, 245))

    assert (worst, share) == ("wind", 17 / 40)


SIZES = {"a": (30.0, 2.0, 260), "b": (50.0, 8.0, 200), "c": (90.0, 2.0, 120)}
"""Floor space and rooms of three shops, and how long they are open."""


def of_shops(**columns: list[float | None]) -> Table:
    """Shops that differ in size, whose size stands in their first rows alone; the last is new."""
    rng = np.random.default_rng(0)
    frames = []
    for shop, (space, rooms, rows) in SIZES.items():
        first = [space if row < 2 else None for row in range(rows)]
        time = np.datetime64(datetime(2024, 1, 1), "us") + np.arange(rows) * np.timedelta64(1, "h")
        noise = {"T": rng.normal(size=rows), "price": rng.normal(size=rows)}
        told = {"shop": [shop] * rows, "time": time, **noise, "space": first}
        frames.append(pl.DataFrame({**told, "rooms": [rooms] * rows}))
    return read_table(pl.concat(frames), target="T", id_columns="shop")


def test_what_never_changes_is_found_and_scaled_over_series() -> None:
    table = of_shops()

    found = learn(table, CONFIG, TRAIN, SEEN)

    assert found.static == ("space", "rooms")
    assert found.with_holes == ()
    for name, place in (("space", 0), ("rooms", 1)):
        values = [told[place] for told in SIZES.values()]
        at = found.columns.index(name)
        assert found.means[at] == pytest.approx(np.mean(values))
        assert found.stds[at] == pytest.approx(np.std(values))
    arrays = found.apply(table)
    assert arrays.usable.all()
    space = arrays.inputs[:, found.columns.index("space")]
    expected = [(told[0] - np.mean([30, 50, 90])) / np.std([30, 50, 90]) for told in SIZES.values()]
    np.testing.assert_allclose(space, np.repeat(expected, [260, 200, 120]), rtol=1e-6)
    assert (found.ages(table)[:, found.columns.index("space")] == 0).all()
    assert found.worst_column(table, range(ROWS)) == ("T", 0.0)


def test_a_value_that_comes_late_is_not_known_before() -> None:
    table = of_shops()
    late = pl.when(pl.int_range(pl.len()) < 5).then(None).otherwise("rooms").alias("rooms")

    arrays = learn(table, CONFIG, TRAIN, SEEN).apply(
        replace(table, frame=table.frame.with_columns(late))
    )

    assert np.flatnonzero(~arrays.usable).tolist() == [0, 1, 2, 3, 4]


def test_a_column_of_one_series_or_of_what_is_known_ahead_is_not_static() -> None:
    known = CONFIG.model_copy(update={"known_future": ("rooms",)})
    named = CONFIG.model_copy(update={"static": ("rooms",)})

    assert learn(of_shops(), known, TRAIN, SEEN).static == ("space",)
    assert learn(of_shops(), named, TRAIN, SEEN).static == ("rooms",)
    assert learned(make_columns()).static == ()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"static": ("price",)}, r"one value in each series, got 'price', which has .* in 'a'"),
        ({"static": ("T",)}, "static must not name the target, got 'T'"),
        ({"static": ("size",)}, "static must name columns of the table, got 'size'"),
        ({"static": ("rooms",), "known_future": ("rooms",)}, "got 'rooms' in both"),
        ({"static": ("rooms",), "exclude": ("rooms",)}, "got 'rooms', which exclude leaves out"),
    ],
)
def test_columns_that_are_not_static_raise(settings: dict[str, object], message: str) -> None:
    with pytest.raises(DataError, match=message):
        learn(of_shops(), CONFIG.model_copy(update=settings), TRAIN, SEEN)


def test_one_series_has_nothing_static() -> None:
    config = CONFIG.model_copy(update={"static": ("wind",)})

    with pytest.raises(DataError, match="static must be left out of a table of one series"):
        learned(make_columns(), config)


def of_lengths(**lengths: int) -> Table:
    """Days of shops that all end alike, and sell between 9 and 11 times their length."""
    days = pl.datetime_range(pl.datetime(2024, 1, 1), pl.datetime(2024, 3, 30), "1d", eager=True)
    values = 10.0 + np.random.default_rng(0).uniform(-1.0, 1.0, 90)
    frames = [
        pl.DataFrame({"shop": [shop] * n, "day": days[-n:], "sold": n * values[-n:]})
        for shop, n in lengths.items()
    ]
    return read_table(pl.concat(frames), target="sold", id_columns="shop", align="end")


def test_a_short_series_spreads_as_others_of_its_size() -> None:
    config = TableConfig(target="sold", id="shop", horizon=2, lookback=8, align="end")
    table = of_lengths(a=90, b=60, c=10, d=9, e=1)

    found = {one.name: one for one in learn(table, config, 90, 90).series}

    y = {name: table.frame.filter(unique_id=name)["y"].to_numpy() for name in "abcde"}
    for name in "abc":  # ten rows are a whole window and its horizon
        assert (found[name].mean, found[name].std) == (y[name].mean(), y[name].std())
    relative = float(np.median([y[name].std() / y[name].mean() for name in "abc"]))
    for name in "de":
        n, mean = len(y[name]), y[name].mean()
        own = np.sqrt((n * y[name].var() + (relative * mean) ** 2) / (n + 1))
        assert found[name].mean == pytest.approx(mean)
        assert found[name].std == pytest.approx(own, rel=1e-12)
    assert found["e"].std == pytest.approx(relative * y["e"][0] / np.sqrt(2))


def test_a_new_short_series_is_scaled_by_its_own_rows_and_what_is_usual() -> None:
    config = TableConfig(target="sold", id="shop", horizon=2, lookback=8, align="end")
    preprocessing = learn(of_lengths(a=90, b=60, c=10), config, 90, 90)

    table = of_lengths(new=2, other=50, tiny=1)
    y = table.frame.partition_by("unique_id")

    arrays = preprocessing.apply(table)

    first = y[1]["y"].to_numpy()[:8]
    np.testing.assert_allclose(arrays.means, [y[0]["y"].mean(), first.mean(), y[2]["y"][0]])
    assert arrays.stds[1] == first.std()
    relative = np.median([one.std / one.mean for one in preprocessing.series])
    assert arrays.stds[2] == pytest.approx(relative * arrays.means[2] / np.sqrt(2))
    two = y[0]["y"].to_numpy()
    expected = np.sqrt((2 * two.var() + (relative * two.mean()) ** 2) / 3)
    assert arrays.stds[0] == pytest.approx(expected)


@pytest.mark.parametrize(("start", "stop"), [(0, 90), (5, 40), (31, 90), (70, 85), (89, 90)])
def test_arrays_between_steps_are_those_of_the_table_between_them(start: int, stop: int) -> None:
    config = TableConfig(target="sold", id="shop", horizon=2, lookback=8, align="end")
    table = of_lengths(a=90, b=60, c=10)
    preprocessing = learn(table, config, 90, 90)

    cut = preprocessing.apply(table).between(start, stop)

    expected = preprocessing.apply(table.between(start, stop))
    for name, own, other in zip(cut._fields, cut, expected, strict=True):
        np.testing.assert_array_equal(own, other, err_msg=name)
