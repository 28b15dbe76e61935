"""A saved model predicts as before, forecasts the steps past the end, and no file runs code."""

import datetime
import itertools
import json
import pickle
import re
import resource
import shutil
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest
import torch
from safetensors.torch import load_file, save_file

import lockgate
from lockgate import DataError, FittedForecaster, load
from lockgate.tasks.forecasting.prepare import make_windows, read
from lockgate.tasks.forecasting.windows import Series, Windows

FILES = {"config.json", "metrics.json", "model.safetensors", "preprocessing.json"}
FILES |= {"ridge.safetensors"}


@pytest.fixture
def folder(trained, tmp_path) -> Path:
    return Path(shutil.copytree(trained[1], tmp_path / "model"))


def edit(path: Path, *place: str, value: object) -> None:
    content = json.loads(path.read_text())
    inner = content
    for key in place[:-1]:
        inner = inner[key]
    inner[place[-1]] = value
    path.write_text(json.dumps(content))


def train(source: object, tmp_path: Path, **settings: object) -> FittedForecaster:
    one = {"members": 1, "mix": False}
    told = {"lookback": 7, "hidden_size": 4, "max_epochs": 1, **one, **settings}
    return lockgate.train(source, out=tmp_path / "trained", **told)[0]


def predict(fitted: FittedForecaster, source: object) -> pl.DataFrame:
    return fitted.predict(read(source, fitted.config.data))


@pytest.mark.parametrize(
    "network",
    [{}, {"cell": "gru", "num_layers": 2}, {"cell": "rnn", "bidirectional": True}],
    ids=["lstm", "stacked-gru", "bidirectional-rnn"],
)
def test_a_loaded_model_predicts_bit_for_bit_the_same(table, tmp_path, network):
    fitted = train(table, tmp_path, target="sold", horizon=3, **network)

    fitted.save(tmp_path / "copy")
    loaded = load(tmp_path / "copy")

    assert predict(loaded, table).equals(predict(fitted, table))
    assert loaded.config == fitted.config
    assert loaded.preprocessing == fitted.preprocessing
    # the card is for people: nothing of it is read
    assert {file.name for file in (tmp_path / "copy").iterdir()} == {*FILES, "README.md"}


def test_a_folder_with_something_in_it_is_not_written_over(trained, tmp_path):
    (tmp_path / "notes.txt").write_text("mine")

    with pytest.raises(FileExistsError, match="must be new or empty"):
        trained[0].save(tmp_path)

    assert [file.name for file in tmp_path.iterdir()] == ["notes.txt"]


class Bomb:
    """Runs when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = str(path)

    def __reduce__(self):
        return (open, (self.path, "w"))


def write_pickle(path: Path, bomb: Bomb) -> None:
    path.write_bytes(pickle.dumps(bomb))


def write_torch(path: Path, bomb: Bomb) -> None:
    torch.save({"head.weight": bomb}, path)


def write_numpy(path: Path, bomb: Bomb) -> None:
    with path.open("wb") as file:
        np.save(file, np.array([bomb], dtype=object), allow_pickle=True)


@pytest.mark.parametrize("write", [write_pickle, write_torch, write_numpy])
@pytest.mark.parametrize("file", sorted(FILES))
def test_no_file_is_ever_unpickled(folder, tmp_path, write, file):
    ran = tmp_path / "ran"
    write(folder / file, Bomb(ran))

    with pytest.raises(DataError):
        load(folder)

    assert not ran.exists()


def test_the_bomb_of_these_tests_goes_off(tmp_path):
    write_pickle(tmp_path / "bomb", Bomb(tmp_path / "ran"))

    pickle.loads((tmp_path / "bomb").read_bytes()).close()  # noqa: S301

    assert (tmp_path / "ran").exists()


DAMAGES = ("absent", "empty", "cut", "garbled", "deep", "oversized")


# folders of earlier versions have no ridge
@pytest.mark.parametrize(
    ("file", "damage"),
    sorted({*itertools.product(FILES, DAMAGES)} - {("ridge.safetensors", "absent")}),
)
def test_a_damaged_file_is_refused_by_name(folder, file, damage):
    path = folder / file
    content = path.read_bytes()
    path.unlink()
    if damage != "absent":
        damaged = {
            "empty": b"",
            "cut": content[: len(content) // 2],
            "garbled": b"\xff\xfe\x00" + content,
            "deep": b"[" * 200_000,
            "oversized": content + b" " * (17 * 2**20),
        }
        path.write_bytes(damaged[damage])

    with pytest.raises(DataError) as caught:
        load(folder)

    assert str(folder) in str(caught.value)
    assert "\n" not in str(caught.value)
    assert "must be JSON: " not in str(caught.value) or damage != "absent"


HUGE = [10**6, 10**9, 10**12, 10**30]


@pytest.mark.parametrize("size", HUGE, ids=lambda n: f"{n:.0e}")
@pytest.mark.parametrize("place", ["hidden_size", "num_layers", "horizon", "lookback"])
def test_a_huge_size_in_a_file_costs_neither_time_nor_memory(folder, place, size):
    if place in ("horizon", "lookback"):
        edit(folder / "preprocessing.json", place, value=size)
    else:
        edit(folder / "config.json", "model", place, value=size)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began = time.perf_counter()

    # a long lookback fits any weights; it takes no memory, only more rows of a table
    with pytest.raises(DataError, match=f"{folder}|at least the lookback of {size} rows"):
        predict(load(folder), make_frame(30))

    assert time.perf_counter() - began < 2
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200_000  # kB


def make_frame(rows: int, start: str = "2021-06-01") -> pl.DataFrame:
    rng = np.random.default_rng(3)
    days = np.datetime64(start, "us") + np.arange(rows) * np.timedelta64(1, "D")
    sold, price = rng.normal(50, 3, rows), rng.normal(10, 2, rows)
    return pl.DataFrame({"day": days, "sold": sold, "price": price})


@pytest.mark.parametrize(
    ("file", "place", "value", "message"),
    [
        ("config.json", ["format_version"], 3, "must have format_version 1, 2, got 3"),
        ("config.json", ["format_version"], None, "must have format_version 1, 2, got None"),
        ("config.json", ["surprise"], 1, "is no fitted model: surprise: Extra inputs"),
        ("config.json", ["model", "surprise"], 1, "is no fitted model: model.surprise: Extra"),
        ("config.json", ["model", "hidden_size"], 5, r"head.weight must have shape \(3, 5\)"),
        ("config.json", ["model", "cell"], "gru", "must hold the weights of config.json's model"),
        ("config.json", ["model", "cell"], "exec", "is no fitted model: model.cell"),
        ("preprocessing.json", ["surprise"], 1, "is no fitted model: surprise: Extra inputs"),
        ("preprocessing.json", ["means"], [1.0], "holds faulty columns"),
        ("preprocessing.json", ["means"], [float("nan")] * 2, "holds faulty means"),
        ("preprocessing.json", ["stds"], [1.0, 0.0], "holds faulty stds"),
        ("preprocessing.json", ["with_holes"], ["nope"], "holds faulty with_holes"),
        ("preprocessing.json", ["calendar"], ["nope"], "holds faulty calendar"),
        ("preprocessing.json", ["seasons"], [0], "holds faulty seasons"),
        ("preprocessing.json", ["lookback"], 0, "holds faulty lookback"),
        ("preprocessing.json", ["lookback"], -5, "holds faulty lookback"),
        ("preprocessing.json", ["seen_until"], "noon", "holds faulty seen_until"),
    ],
    ids=lambda v: v if isinstance(v, str) and v.isidentifier() else None,
)
def test_a_file_that_contradicts_the_format_is_refused(folder, file, place, value, message):
    edit(folder / file, *place, value=value)

    with pytest.raises(DataError, match=message):
        load(folder)


def test_weights_of_another_kind_are_refused(folder):
    path = folder / "model.safetensors"
    state = load_file(path)

    for other, message in (
        ({n: t.double() for n, t in state.items()}, "in float32, got torch.float64"),
        ({**state, "more": torch.zeros(1)}, "Unexpected key"),
        ({n: t for n, t in state.items() if n != "head.bias"}, "Missing key"),
        ({}, "head.weight must have shape"),
    ):
        save_file(other, path)
        with pytest.raises(DataError, match=message):
            load(folder)


def test_the_ridge_of_the_training_rows_is_kept_to_be_compared_with(folder, trained, table):
    own, loaded = trained[0].evaluate(table).baselines, load(folder).evaluate(table).baselines

    assert own == loaded
    assert own[-1].name == "ridge"
    (folder / "ridge.safetensors").unlink()
    assert load(folder).evaluate(table).baselines == own[:-1]


def test_a_ridge_of_another_kind_is_refused(folder):
    path = folder / "ridge.safetensors"
    state = load_file(path)

    for other in (
        {},
        {**state, "more": torch.zeros(1).double()},
        {name: tensor.float() for name, tensor in state.items()},
        {**state, "intercept": state["intercept"][:-1].clone()},
    ):
        save_file(other, path)
        with pytest.raises(DataError, match=r"ridge\.safetensors must hold a ridge of the model's"):
            load(folder)


def test_forecasts_stand_at_the_steps_after_the_last_row(trained, table):
    forecast = predict(trained[0], table)

    last = table["day"][-1]
    assert forecast.columns == ["unique_id", "ds", "forecast"]
    assert forecast["ds"].to_list() == [last + datetime.timedelta(i) for i in (1, 2, 3)]
    assert forecast["unique_id"].to_list() == ["sold"] * 3
    assert forecast["forecast"].is_finite().all()


@pytest.mark.parametrize(
    ("first", "rows", "expected"),
    [
        ("2000-01-31", 170, ["2014-03-31", "2014-04-30", "2014-05-31"]),
        ("2000-01-01", 169, ["2014-02-01", "2014-03-01", "2014-04-01"]),
        ("2000-01-30", 170, ["2014-03-30", "2014-04-30", "2014-05-30"]),
    ],
    ids=["last-days", "first-days", "the-thirtieth-after-february"],
)
def test_months_are_counted_by_the_calendar(tmp_path, first, rows, expected):
    start = pd.Timestamp(first)
    days = [start + pd.DateOffset(months=i) for i in range(rows)]
    frame = pd.DataFrame({"month": days, "sold": np.random.default_rng(0).normal(size=rows)})
    fitted = train(frame, tmp_path, target="sold", horizon=3)

    forecast = predict(fitted, frame)

    assert forecast["ds"].dt.strftime("%Y-%m-%d").to_list() == expected


@pytest.fixture(scope="module")
def in_berlin(tmp_path_factory) -> tuple[FittedForecaster, pd.DataFrame]:
    """A model of hours on the clock of Berlin, and its table, which ends as summer begins."""
    hours = pd.date_range("2021-03-16", "2021-03-28 01:00", freq="h", tz="Europe/Berlin", name="at")
    frame = pd.DataFrame({"load": np.random.default_rng(0).normal(size=len(hours))}, index=hours)
    folder = tmp_path_factory.mktemp("berlin")
    return train(frame, folder, target="load", horizon=3), frame


def test_stamps_of_a_time_zone_go_on_in_it_over_a_change_of_its_clock(in_berlin):
    fitted, frame = in_berlin

    forecast = fitted.predict(frame)

    after = pd.date_range(frame.index[-1], periods=4, freq="h")[1:]
    assert after[0].hour == 3
    assert str(forecast["ds"].dt.tz) == "Europe/Berlin"
    assert forecast["ds"].to_list() == after.to_list()


def test_a_table_in_another_zone_is_converted_to_that_of_the_model(in_berlin, tmp_path):
    fitted, frame = in_berlin
    fitted.save(tmp_path / "model")
    text = pl.DataFrame({"at": [str(stamp) for stamp in frame.index], "load": frame["load"]})

    expected = fitted.predict(frame)

    for source in (frame.tz_convert("America/New_York"), frame.tz_convert("UTC"), text):
        found = load(tmp_path / "model").predict(source)
        assert pl.DataFrame(found).equals(pl.DataFrame(expected))
    evaluated = fitted.evaluate(frame.tz_convert("UTC").set_axis(frame.index + pd.Timedelta("9D")))
    assert evaluated.end == "2021-04-06 02:00:00+02:00"


def test_a_table_without_the_zone_of_the_model_is_refused(in_berlin, table, trained):
    fitted, frame = in_berlin
    message = (
        r"time 'at' must tell its time zone, as the table that the model was fitted to, which is "
        r"in Europe/Berlin, got 2021-03-16 00:00:00; write stamps with their offset, such as "
        r"2021-03-16 00:00:00\+01:00"
    )

    with pytest.raises(DataError, match=message):
        fitted.predict(frame.tz_localize(None))
    zoned = table.with_columns(pl.col("day").dt.replace_time_zone("Asia/Tokyo"))
    with pytest.raises(DataError, match=r"time 'day' must tell no time zone, .* 00:00:00\+09:00; "):
        trained[0].predict(zoned)
    with pytest.raises(
        DataError, match="must be in the time zone Europe/Berlin, got America/New_Y"
    ):
        fitted.predict(read(frame.tz_convert("America/New_York"), fitted.config.data))


def test_a_folder_written_before_zones_were_kept_reads_zones_as_utc(trained, table, folder):
    place = folder / "preprocessing.json"
    content = json.loads(place.read_text())
    del content["slots"]
    place.write_text(json.dumps(content))
    zoned = table.with_columns(pl.col("day").dt.replace_time_zone("UTC"))

    assert load(folder).predict(zoned).equals(trained[0].predict(table))


def test_days_of_a_zone_follow_its_clock(tmp_path):
    days = pd.date_range("2020-01-01", "2021-03-27", freq="D", tz="Europe/Berlin", name="at")
    frame = pd.DataFrame({"load": np.random.default_rng(0).normal(size=len(days))}, index=days)

    forecast = train(frame, tmp_path, target="load", horizon=3).predict(frame)

    after = pd.date_range("2021-03-28", periods=3, freq="D", tz="Europe/Berlin")
    assert forecast["ds"].to_list() == after.to_list()


def test_rows_in_their_order_go_on_by_their_number(table, tmp_path):
    rows = table.drop("day").with_columns(price=None)
    fitted = train(rows, tmp_path, target="sold", horizon=3, row_order=True)

    forecast = load(tmp_path / "trained").predict(rows)

    assert forecast.columns == ["unique_id", "row", "forecast"]
    assert forecast["row"].to_list() == [401, 402, 403]
    assert fitted.preprocessing.calendar == ()
    evaluation = fitted.evaluate(rows)
    assert (evaluation.start, evaluation.end, evaluation.windows) == ("341", "400", 58)
    with pytest.raises(DataError, match=r"must hold 3 rows after 340, the last that the model has"):
        fitted.evaluate(rows.head(341))


@pytest.fixture
def with_intervals(table, tmp_path) -> FittedForecaster:
    told = {"target": "sold", "horizon": 2, "inputs": "target", "at_least": 0}
    several = {"members": 2, "mix": True}
    return train(table, tmp_path, **told, **several)


def test_levels_are_columns_around_the_forecast(with_intervals, table, tmp_path):
    told = with_intervals.predict(table, level=[80, 90])

    assert told.columns[:4] == ["unique_id", "ds", "forecast", "spread"]
    assert told.columns[4:] == [
        f"forecast-{end}-{level}" for level in (80, 90) for end in ("lo", "hi")
    ]
    wide, narrow = (told[f"forecast-hi-{k}"] - told[f"forecast-lo-{k}"] for k in (90, 80))
    assert (wide >= narrow).all()
    with_intervals.save(tmp_path / "again")
    assert load(tmp_path / "again").predict(table, level=[80, 90]).equals(told)


def test_a_level_and_its_quantiles_are_the_same(with_intervals, table):
    level = with_intervals.predict(table, level=[80])
    quantiles = with_intervals.predict(table, quantiles=[0.1, 0.9])

    assert level["forecast-lo-80"].to_list() == quantiles["forecast-q-0.1"].to_list()
    assert level["forecast-hi-80"].to_list() == quantiles["forecast-q-0.9"].to_list()


def test_no_quantile_is_below_the_bound(with_intervals, table):
    far_off = with_intervals.intervals._replace(errors=100.0 * with_intervals.intervals.errors)

    told = replace(with_intervals, intervals=far_off).predict(table, level=[80])

    assert (told["forecast-lo-80"] == 0.0).all()
    assert (told["forecast-hi-80"] > told["forecast"]).all()


def test_intervals_of_a_pandas_series_come_as_a_frame(with_intervals, table):
    series = table.to_pandas().set_index("day")["sold"]

    frame = with_intervals.predict(series, level=80)

    assert isinstance(with_intervals.predict(series), pd.Series)
    assert isinstance(frame, pd.DataFrame)
    assert {"forecast-lo-80", "forecast-hi-80"} <= {*frame.columns}


def test_evaluate_tells_what_intervals_cover(with_intervals, table):
    later = table.with_columns(pl.col("day") + pl.duration(days=table.height))

    evaluation = with_intervals.evaluate(later)

    share = evaluation.intervals["levels"][0]["share"]
    assert evaluation.sections()[1].rows[0]["covers"] == f"{100 * share:.1f} %"
    assert (
        f"On these rows the 80 % interval covers {100 * share:.1f} %"
        in (evaluation.sections()[1].lines[1])
    )


def test_only_the_lookback_and_nothing_before_it_is_read(trained, table):
    longer = table.with_columns(
        pl.when(pl.int_range(pl.len()) < 393)
        .then(pl.col("sold") * 2 + 7)
        .otherwise("sold")
        .alias("sold")
    )

    assert predict(trained[0], longer)["forecast"].equals(predict(trained[0], table)["forecast"])
    assert predict(trained[0], table.tail(7)).equals(predict(trained[0], table))


def with_hole(table: pl.DataFrame, column: str, rows: int) -> pl.DataFrame:
    last = pl.int_range(pl.len()) >= pl.len() - rows
    return table.with_columns(pl.when(last).then(None).otherwise(pl.col(column)).alias(column))


@pytest.mark.parametrize("rows", [1, 3, 4, 60])
def test_a_forecast_begins_after_the_last_observed_target(trained, table, rows, caplog):
    forecast = trained[0].predict(with_hole(table, "sold", rows))

    assert forecast.equals(trained[0].predict(table.head(-rows)))
    after = table["day"][-1 - rows]
    assert forecast["ds"][0] == after + datetime.timedelta(1)
    steps = "step" if rows == 1 else "steps"
    assert [record.getMessage() for record in caplog.records] == [
        f"note: no 'sold' is observed in the last {rows} {steps}, after {after}: left out, "
        'forecasts begin there; a model fitted with known_future="price,tax" (--known-future '
        "price,tax) reads what is known there"
    ]


def test_a_hole_at_the_end_of_an_input_is_filled_up_to_max_gap(trained, table):
    forecast = predict(trained[0], with_hole(table, "price", 3))

    assert forecast["ds"][0] == table["day"][-1] + datetime.timedelta(1)
    assert forecast["forecast"].is_finite().all()


def test_a_longer_hole_at_the_end_of_an_input_is_refused(trained, table):
    with pytest.raises(DataError, match=r"last 7 rows must have no hole .* max_gap 3.* 2021-02-03"):
        predict(trained[0], with_hole(table, "price", 4))


def test_another_table_is_refused(trained, table):
    hourly = table.with_columns(
        pl.Series("day", pd.date_range("2020-01-01", periods=len(table), freq="h"))
    )

    for source, message in (
        (hourly, "must have the frequency 1d, got 1h"),
        (table.drop("price"), r"must have the columns learned from, got none named \['price'\]"),
        (table.drop("sold"), "target must name a column of the table, got 'sold'"),
    ):
        with pytest.raises(DataError, match=message):
            predict(trained[0], source)


def test_columns_that_were_not_learned_from_may_be_absent_or_new(trained, table):
    other = table.drop("tax", "shop").with_columns(new=pl.lit(3.0))

    assert predict(trained[0], other).equals(predict(trained[0], table))


def test_another_series_can_be_chosen_and_no_forecast_is_below_the_bound(tmp_path):
    days = [datetime.datetime(2023, 1, 1) + datetime.timedelta(days=i) for i in range(150)]
    counts = np.random.default_rng(0).poisson(0.3, 300) + 1
    frame = pl.DataFrame({"day": days * 2, "sold": counts, "unique_id": ["A"] * 150 + ["B"] * 150})
    fitted = train(frame, tmp_path, target="sold", horizon=2, where="unique_id=A", at_least=1)

    forecast = fitted.predict(frame, where={"unique_id": "B"})

    assert forecast["unique_id"].unique().to_list() == ["B"]
    data = fitted.config.data.model_copy(update={"at_least": None})
    free = replace(fitted, config=fitted.config.model_copy(update={"data": data}))
    channels = len(fitted.preprocessing.channels)
    low = Series(np.zeros(1, np.int64), np.array([-9.0]), np.array(fitted.preprocessing.stds[:1]))
    windows = Windows(torch.zeros(99, channels), torch.zeros(99), torch.arange(50, 90), 7, 2, low)
    assert free.forecast(windows).max() < 1
    assert fitted.forecast(windows).min() == 1
    assert fitted.predict(frame)["unique_id"].unique().to_list() == ["A"]
    alone = frame.filter(unique_id="B")
    found = fitted.evaluate(frame, where="unique_id=B")
    assert found.notices[0] == "150 rows with unique_id=B of 300"
    assert found._replace(notices=found.notices[1:]) == fitted.evaluate(alone, where=())
    with pytest.raises(DataError, match="must tell how a source is read, got 'several'"):
        fitted.predict(frame, several="|")


@pytest.mark.parametrize("file", sorted(FILES))
def test_a_device_in_place_of_a_file_is_refused_at_once(folder, file):
    (folder / file).unlink()
    (folder / file).symlink_to("/dev/zero")

    with pytest.raises(DataError, match=rf"{file} must be a regular file"):
        load(folder)


def test_weights_and_metrics_of_strangers_are_checked(folder):
    path = folder / "model.safetensors"
    state = load_file(path)
    name = next(iter(state))
    state[name].view(-1)[0] = float("nan")
    save_file(state, path)
    with pytest.raises(DataError, match="must hold finite weights, got others in "):
        load(folder)

    state[name].view(-1)[0] = 0.0
    save_file(state, path)
    edit(folder / "metrics.json", "mase_scale", value="\x1b[2J")
    with pytest.raises(DataError, match="is no fitted model: mase_scale: Input should be a valid"):
        load(folder)


@pytest.fixture(scope="module")
def of_business_days(tmp_path_factory) -> tuple[FittedForecaster, pd.DataFrame]:
    """A model of business days with a few holidays, and its table, which ends on a Friday."""
    days = pd.bdate_range("2021-01-04", "2022-06-24", name="day")
    days = days[~days.isin(pd.to_datetime(["2021-05-03", "2021-12-24", "2022-04-15"]))]
    frame = pd.DataFrame({"sold": np.random.default_rng(0).normal(size=len(days))}, index=days)
    folder = tmp_path_factory.mktemp("business")
    return train(frame, folder, target="sold", horizon="1w", lookback="2w"), frame


def test_a_forecast_of_business_days_goes_on_behind_the_weekend(of_business_days):
    fitted, frame = of_business_days

    assert (fitted.preprocessing.horizon, fitted.preprocessing.lookback) == (5, 10)
    assert fitted.preprocessing.with_holes == ()
    following = pd.bdate_range("2022-06-27", periods=5)
    assert fitted.predict(frame)["ds"].to_list() == following.to_list()


def test_a_short_table_is_laid_on_the_calendar_of_the_model(of_business_days, tmp_path):
    fitted, frame = of_business_days
    fitted.save(tmp_path / "model")
    loaded, calendar_days = load(tmp_path / "model"), frame.tail(15).asfreq("D")

    expected = fitted.predict(frame)

    assert expected["ds"][0] == datetime.datetime(2022, 6, 27)
    for source in (frame.tail(10), frame.tail(13), calendar_days):
        assert loaded.predict(source).equals(expected)


def test_a_model_of_observed_steps_reads_them_from_any_table(tmp_path):
    seconds = np.random.default_rng(0).integers(60, 9_000, 300).cumsum()
    stamps = pd.Timestamp("2024-01-01") + pd.to_timedelta(seconds, unit="s")
    frame = pd.DataFrame({"load": np.random.default_rng(1).normal(size=300)}, index=stamps)
    frame.index.name = "at"
    fitted = train(frame, tmp_path, target="load", horizon=2, calendar="observed")

    forecast = fitted.predict(frame)

    assert fitted.predict(frame.tail(7)).equals(forecast)
    step = datetime.timedelta(seconds=int(np.median(np.diff(seconds))))
    assert forecast["ds"].to_list() == [stamps[-1] + step, stamps[-1] + 2 * step]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("step", "yearly"),
        ("zone", "Europe/Nowhere"),
        ("opening", [[0, 5]]),
        ("opening", [[2, 1]]),
        ("of_rows", {"step": "0h"}),
    ],
)
def test_slots_that_cannot_be_are_refused_by_folder(folder, field, value):
    edit(folder / "preprocessing.json", "slots", field, value=value)

    with pytest.raises(DataError, match=re.escape(str(folder))):
        load(folder)


@pytest.mark.parametrize(
    "kind",
    [
        *({"head": head} for head in ("quantiles", "normal", "student_t", "negative_binomial")),
        {"spread": "mc_dropout"},
    ],
    ids=lambda kind: "-".join(kind.values()),
)
def test_a_loaded_model_with_a_spread_predicts_the_same_of_several_series(tmp_path, kind):
    rng, days = (
        np.random.default_rng(0),
        pl.date_range(datetime.date(2020, 1, 1), datetime.date(2020, 12, 30), eager=True),
    )
    sold = [rng.poisson(mean, len(days)).astype(float) for mean in (3.0, 200.0)]
    frame = pl.DataFrame(
        {"day": [*days, *days], "sold": np.concatenate(sold), "id": ["a"] * 365 + ["b"] * 365}
    )
    told = {"target": "sold", "horizon": 2, "id": "id", "at_least": 0, "members": 2, "mix": True}
    fitted = train(frame, tmp_path, max_epochs=3, **told, **kind)

    loaded, table = load(tmp_path / "trained"), fitted.read(frame, {})

    windows = make_windows(
        fitted.preprocessing.apply(table), fitted.preprocessing, range(len(table.layout.axis))
    )
    spreads, alone = (
        fitted.spreads(windows),
        [replace(fitted, models=(one,)).spreads(windows) for one in fitted.models],
    )
    assert spreads is not None
    np.testing.assert_allclose(spreads, np.mean(alone, axis=0), rtol=1e-6)
    large = windows.series.of(windows.origins.numpy()) == 1
    # of Poisson counts it is the root of 67
    assert spreads[large].mean() > 4.0 * spreads[~large].mean()
    assert loaded.predict(frame, level=[80]).equals(fitted.predict(frame, level=[80]))
    young = pl.DataFrame({"day": days[-3:], "sold": [1.0, 0.0, 4.0], "id": ["new"] * 3})
    new = loaded.predict(pl.concat([frame, young]), level=[80]).filter(unique_id="new")
    assert new["forecast-hi-80"].is_finite().all()
    assert (new["forecast-hi-80"] > new["forecast-lo-80"]).all()
    assert loaded.intervals.least == fitted.intervals.least > 0.0
    np.testing.assert_array_equal(loaded.spreads(windows), spreads)


def test_a_folder_of_before_there_were_heads_forecasts_points(folder, trained, table):
    place = folder / "config.json"
    content = json.loads(place.read_text())
    del content["model"]["head"]
    place.write_text(json.dumps(content))

    loaded = load(folder)

    assert loaded.config.model.head == "point"
    assert predict(loaded, table).equals(predict(trained[0], table))


def test_weights_of_another_head_are_refused(folder):
    edit(folder / "config.json", "model", "head", value="normal")

    with pytest.raises(DataError, match=r"spread\.weight must have shape \(\d+, 4\), got None"):
        load(folder)
