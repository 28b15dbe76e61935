"""A table as it lay at a step holds nothing later, and forecasts are laid out in Nixtla's form."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

import lockgate
from lockgate.settings import resolve
from lockgate.tasks.forecasting.as_of import (
    as_of,
    baseline_columns,
    histories,
    learned_from,
    long_frame,
    model_columns,
)
from lockgate.tasks.forecasting.config import ForecastConfig
from lockgate.tasks.forecasting.prepare import prepare, read

HORIZON, LOOKBACK = 3, 7


@pytest.fixture
def config(small):
    return resolve(ForecastConfig, small)


@pytest.fixture
def long(table):
    """Three series: the whole, one that ends after 300 days, one that begins after 200."""
    days = table.select("day", "sold", "price")
    parts = [days, days.head(300), days.tail(200).with_columns(pl.col("sold") * 10)]
    named = [part.with_columns(unique_id=pl.lit(n)) for part, n in zip(parts, "abc", strict=True)]
    return pl.concat(named)


def holes(data, rows):
    """Take the target and the price of some rows away."""
    return replace(
        data,
        frame=data.frame.with_columns(
            pl.when(pl.int_range(pl.len()).is_in(rows)).then(None).otherwise(name).alias(name)
            for name in ("y", "price")
        ),
    )


def test_a_window_ends_with_the_cutoff_and_what_is_cut_holds_nothing_later(table, config):
    data = read(table, config.data)
    preprocessing = prepare(data, config.data).preprocessing

    known, windows, rows, _ = as_of(data, preprocessing, 350)

    assert rows.tolist() == windows.origins.tolist() == [350]
    assert len(known.frame) == len(windows.inputs) == len(windows.target) == 351
    whole = preprocessing.apply(data)
    np.testing.assert_array_equal(windows.inputs, whole.inputs[:351])
    np.testing.assert_array_equal(windows.target, whole.target[:351])


@pytest.mark.parametrize(
    ("step", "names"),
    [
        *[(190, "ab"), (199, "ab"), (200, "abC"), (205, "abC"), (206, "abc"), (296, "abc")],
        *[(297, "ac"), (396, "ac"), (397, "")],
    ],
)
def test_series_that_have_begun_and_have_a_whole_horizon_are_forecast(long, config, step, names):
    data = read(long, config.data)
    preprocessing = prepare(data, config.data).preprocessing

    _, windows, rows, naive = as_of(data, preprocessing, step)
    whole = as_of(data, preprocessing, step, padded=False)

    assert "".join(data.frame["unique_id"][rows]) == names.lower()
    assert "".join(data.frame["unique_id"][whole.rows]) == names.replace("C", "")
    padding = [LOOKBACK - (step - 200) - 1 if name == "C" else 0 for name in names]
    found = windows.padding
    assert (found.tolist() if found is not None else [0] * len(names)) == padding
    assert set(data.layout.steps[rows].tolist()) <= {step}
    assert len(naive) == len(windows) == len(names)
    last = windows.invert(windows.target[windows.origins].numpy()[:, None])[:, 0]
    np.testing.assert_allclose(last, data.frame["y"].to_numpy()[rows], rtol=1e-5)


def test_a_window_with_a_hole_that_is_too_long_is_not_forecast(table, config):
    data = read(table, config.data)
    preprocessing = prepare(data, config.data).preprocessing
    short, long = (holes(data, range(348 - length, 348)) for length in (3, 4))

    assert len(as_of(short, preprocessing, 350).windows) == 1
    assert len(as_of(long, preprocessing, 350).windows) == 0
    assert len(as_of(long, preprocessing, 347 + LOOKBACK).windows) == 1


def test_a_hole_of_the_series_before_keeps_no_short_series_from_being_forecast(long, config):
    data = read(long, config.data)
    preprocessing = prepare(data, config.data).preprocessing
    holed = holes(data, range(400 + 196, 400 + 201))

    rows = as_of(holed, preprocessing, 202).rows

    assert "".join(data.frame["unique_id"][rows]) == "ac"


def test_a_forecast_is_that_of_predicting_from_the_table_cut_there(trained, table):
    fitted, _ = trained
    data = read(table, fitted.config.data)

    columns = model_columns(fitted, as_of(data, fitted.preprocessing, 371))

    assert list(columns) == ["lockgate"]
    assert columns["lockgate"].shape == (1, HORIZON)
    expected = fitted.predict(table.head(372))["forecast"]
    np.testing.assert_array_equal(columns["lockgate"][0], expected)


def test_what_is_known_ahead_is_read_at_the_steps_forecast(table, small, tmp_path):
    settings = {**small, "known_future": "price", "members": 1, "mix": False}
    fitted, _ = lockgate.train(table, out=tmp_path / "model", **settings)
    data = read(table, fitted.config.data)
    hidden = pl.when(pl.int_range(pl.len()) <= 371).then("sold").alias("sold")

    columns = model_columns(fitted, as_of(data, fitted.preprocessing, 371))

    expected = fitted.predict(table.head(372 + HORIZON).with_columns(hidden))["forecast"]
    np.testing.assert_array_equal(columns["lockgate"][0], expected)
    other = data.frame.with_columns(price=pl.col("price") + 5.0 * (pl.int_range(pl.len()) == 373))
    moved = model_columns(fitted, as_of(replace(data, frame=other), fitted.preprocessing, 371))
    unlike = moved["lockgate"][0] != columns["lockgate"][0]
    assert unlike[1]


def test_a_step_whose_value_is_not_known_is_not_forecast(table, small):
    config = resolve(ForecastConfig, {**small, "known_future": "price"})
    data = read(table, config.data)
    preprocessing = prepare(data, config.data).preprocessing
    gap = pl.when(~pl.int_range(pl.len()).is_between(351, 356)).then("price").alias("price")
    holed = replace(data, frame=data.frame.with_columns(gap))

    # three of the six are filled
    assert len(as_of(holed, preprocessing, 350).windows) == 1
    assert len(as_of(holed, preprocessing, 352).windows) == 0


@pytest.mark.parametrize("steps", [range(200), range(31, 231)])
def test_what_is_learned_is_of_its_steps_alone(table, config, steps):
    data = read(table, config.data)

    own, prepared = learned_from(data, steps, config)

    y = data.frame["y"].to_numpy()[steps.start : steps.stop]
    np.testing.assert_array_equal(own.frame["y"].to_numpy(), y)
    train, held, end, gap = prepared.split
    assert (train, held, end, gap) == (165, 200, 200, 0)
    assert prepared.preprocessing.means[0] == pytest.approx(y[:165].mean())
    assert prepared.preprocessing.seen_until == str(table["day"][steps.stop - 1])
    assert int(prepared.windows("validation").origins.max()) == 200 - 1 - HORIZON


def test_baselines_have_the_names_of_nixtla_and_are_those_of_a_loop(table, config):
    data = read(table, config.data)
    prepared = prepare(data, config.data)
    windows = as_of(data, prepared.preprocessing, 350).windows
    y = data.frame["y"].to_numpy()[:351]

    columns = baseline_columns(windows, (7, 30), None, None)

    names = ["naive", "seasonal_naive", "seasonal_naive_30", "drift", "window_mean"]
    assert list(columns) == names
    expected = {
        "naive": [y[-1]] * HORIZON,
        "seasonal_naive": [y[-7 + step] for step in range(HORIZON)],
        "seasonal_naive_30": [y[-30 + step] for step in range(HORIZON)],
        "drift": [y[-1] + step * (y[-1] - y[-LOOKBACK]) / (LOOKBACK - 1) for step in (1, 2, 3)],
        "window_mean": [y[-LOOKBACK:].mean()] * HORIZON,
    }
    for name, values in expected.items():
        np.testing.assert_allclose(columns[name][0], values, rtol=1e-5, err_msg=name)
    assert list(baseline_columns(windows, (), None, None)) == ["naive", "drift", "window_mean"]
    bounded = baseline_columns(windows, (7,), None, 60.0)
    for name, values in bounded.items():
        np.testing.assert_array_equal(values, np.maximum(columns[name], 60.0), err_msg=name)


def test_histories_end_with_their_row_and_have_no_holes(long, config):
    data = holes(read(long, config.data), [250, 251, 500])
    rows = np.array([251, 400 + 150])

    first, second = histories(data, rows, None)

    y = data.frame["y"].fill_null(strategy="forward").to_numpy()
    np.testing.assert_array_equal(first, y[:252])
    assert first[-1] == first[-3]
    np.testing.assert_array_equal(second, y[400:551])
    assert [len(part) for part in histories(data, rows, 20)] == [20, 20]
    np.testing.assert_array_equal(histories(data, rows, 20)[1], y[531:551])


def test_the_frame_has_a_row_for_each_series_and_step_ahead(long, config):
    data = holes(read(long, config.data), [207])
    rows = as_of(data, prepare(data, config.data).preprocessing, 206).rows
    values = np.arange(9.0).reshape(3, HORIZON)

    frame = long_frame(data, rows, HORIZON, {"lockgate": values, "naive": -values})

    assert frame.columns == ["unique_id", "ds", "cutoff", "y", "lockgate", "naive"]
    assert frame["unique_id"].to_list() == list("aaabbbccc")
    days = long["day"]
    assert frame["cutoff"].to_list() == [days[206]] * 9
    assert frame["ds"].to_list() == [days[207 + step] for step in range(HORIZON)] * 3
    sold = long["sold"]
    assert frame["y"].to_list() == [None, *sold[208:210], *sold[607:610], *sold[707:710]]
    assert frame["lockgate"].to_list() == list(range(9))
