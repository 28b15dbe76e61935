"""Columns that are known ahead are read at the steps forecast, and nothing else is."""

import json
import shutil
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch

import lockgate
from lockgate import DataError, Fitted, Forecaster
from lockgate.tasks.forecasting.config import ForecastConfig
from lockgate.tasks.forecasting.fitted import _later
from lockgate.tasks.forecasting.known_future import known_ahead
from lockgate.tasks.forecasting.prepare import make_windows, prepare, read
from lockgate.tasks.forecasting.windows import Windows

ROWS, HORIZON, LOOKBACK = 240, 5, 10
SETTINGS: dict[str, Any] = {
    "target": "sold",
    "horizon": HORIZON,
    "lookback": LOOKBACK,
    "hidden_size": 6,
    "max_epochs": 2,
    "learning_rate": 0.01,
    "members": 1,
    "mix": False,
}


KNOWN = {"known_future": "promo,price"}


def make_frame(shop: str = "north", rows: int = ROWS, later: int = HORIZON) -> pl.DataFrame:
    """Days whose sales are three times as high where there is a promotion; `later` are to come."""
    rng = np.random.default_rng(len(shop))
    promo = (rng.random(rows + later) < 0.3).astype(float)
    sold = 10 + 20 * promo + rng.normal(size=rows + later)
    sold[rows:] = np.nan
    days = [datetime(2024, 1, 1) + timedelta(days=day) for day in range(rows + later)]
    frame = pl.DataFrame(
        {
            "day": days,
            "shop": [shop] * len(days),
            "sold": sold,
            "promo": promo,
            "price": rng.normal(size=rows + later).round(2),
            "rain": rng.normal(size=rows + later),
        }
    )
    return frame.with_columns(pl.col("sold").fill_nan(None))


def two_shops() -> pl.DataFrame:
    return pl.concat([make_frame("north"), make_frame("southern", rows=200)])


def one(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.drop("shop")


@pytest.fixture(scope="module")
def fitted(tmp_path_factory: pytest.TempPathFactory) -> tuple[Fitted, Path]:
    folder = tmp_path_factory.mktemp("known") / "model"
    return lockgate.train(one(make_frame()), out=folder, **SETTINGS, **KNOWN)


@pytest.fixture(scope="module")
def of_two(tmp_path_factory: pytest.TempPathFactory) -> Fitted:
    folder = tmp_path_factory.mktemp("two") / "model"
    return lockgate.train(two_shops(), out=folder, id="shop", **SETTINGS, **KNOWN)[0]


def values(forecast: pl.DataFrame) -> np.ndarray:
    return forecast["forecast"].to_numpy()


def changed(frame: pl.DataFrame, column: str, rows: list[int], by: float = 7.0) -> pl.DataFrame:
    here = pl.int_range(pl.len()).is_in(rows)
    return frame.with_columns(
        pl.when(here).then(pl.col(column) + by).otherwise(column).alias(column)
    )


def awake(model: Fitted) -> Fitted:
    """Return the model with an effect of what is known that no training has to find."""
    torch.manual_seed(0)
    for network in model.models:
        torch.nn.init.normal_(network.ahead.out.weight)
    return model


def test_each_step_reads_what_is_known_of_it(fitted: tuple[Fitted, Path]) -> None:
    model, frame = awake(lockgate.load(fitted[1])), one(make_frame())
    before = values(model.predict(frame))

    for step in range(HORIZON):
        for column in ("promo", "price"):
            after = values(model.predict(changed(frame, column, [ROWS + step])))

            assert (after != before).tolist() == [k == step for k in range(HORIZON)]
    after = values(model.predict(changed(frame, "rain", list(range(ROWS, ROWS + HORIZON)))))
    assert np.array_equal(after, before)


def test_columns_known_ahead_are_read_in_the_past_too(fitted: tuple[Fitted, Path]) -> None:
    model, frame = lockgate.load(fitted[1]), one(make_frame())

    before, after = (
        values(model.predict(one_frame))
        for one_frame in (frame, changed(frame, "promo", [ROWS - 2]))
    )

    assert (after != before).any()
    assert model.preprocessing.channels_known == ("promo", "price", "weekday sin", "weekday cos")


def windows_of(model: Fitted, frame: pl.DataFrame) -> Windows:
    table = read(frame, model.config.data, model.preprocessing.laid_on)
    arrays = model.preprocessing.apply(table)
    return make_windows(arrays, model.preprocessing, range(len(table.layout.axis)))


@pytest.mark.parametrize("baseline", ["network", "ridge"])
def test_no_forecast_reads_what_comes_after_its_origin(of_two: Fitted, baseline: str) -> None:
    awake(of_two)
    forecast: Callable[[Windows], np.ndarray] = (
        of_two.forecast if baseline == "network" else of_two.ridge.forecast
    )
    frame, origin = two_shops(), 120
    steps = list(range(origin + 1, origin + 1 + HORIZON))
    windows = windows_of(of_two, frame)
    place = windows.origins.tolist().index(origin)
    before = forecast(windows)[place]
    south = ROWS + HORIZON
    canaries = {
        "the target": changed(frame, "sold", list(range(origin + 1, ROWS))),
        "a column of the past": changed(frame, "rain", list(range(origin + 1, ROWS))),
        "another series": changed(changed(frame, "sold", [south + 150]), "promo", [south + 150]),
        "what is known of later steps": changed(frame, "promo", list(range(steps[-1] + 1, ROWS))),
    }

    for what, canary in canaries.items():
        # scales are those of the training rows, as they were
        after = forecast(windows_of(of_two, canary))[place]
        assert np.array_equal(after, before), what
    seen = forecast(windows_of(of_two, changed(frame, "promo", steps)))[place]
    assert (seen != before).all()


def without(frame: pl.DataFrame, rows: list[int]) -> pl.DataFrame:
    return frame.filter(~pl.int_range(pl.len()).is_in(rows))


def emptied(frame: pl.DataFrame, column: str, rows: list[int]) -> pl.DataFrame:
    here = pl.int_range(pl.len()).is_in(rows)
    return frame.with_columns(pl.when(here).then(None).otherwise(column).alias(column))


BOTH, FIRST = "'promo', 'price'", "2024-08-28 00:00:00"


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda f: f.head(ROWS), f"{BOTH} for the steps forecast, got none at {FIRST} and 4 later"),
        (lambda f: f.head(-2), f"{BOTH} .* got none at 2024-08-31 00:00:00 and 1 later step;"),
        (lambda f: without(f, [ROWS, ROWS + 2]), f"{BOTH} .* at {FIRST} and 1 later step;"),
        (lambda f: emptied(f, "promo", [ROWS + 4]), "'promo' for .* none at 2024-09-01 00:00:00;"),
        (lambda f: emptied(f, "price", [ROWS]), f"'price' for the steps .* at {FIRST}; add"),
    ],
    ids=["absent", "short", "with-gaps", "last-cell", "first-cell"],
)
def test_what_is_not_known_of_a_step_is_named(
    fitted: tuple[Fitted, Path], spoil: Callable[[pl.DataFrame], pl.DataFrame], message: str
) -> None:
    with pytest.raises(DataError, match=f"known_future must hold values of {message}") as caught:
        fitted[0].predict(spoil(one(make_frame())))

    assert str(caught.value).endswith("; add them to the table, in rows whose target is empty")


def test_rows_that_are_off_the_steps_are_refused(fitted: tuple[Fitted, Path]) -> None:
    frame = one(make_frame())
    noon = pl.when(pl.int_range(pl.len()) >= ROWS).then(pl.col("day") + timedelta(hours=12))

    with pytest.raises(DataError, match="off the 1d grid"):
        fitted[0].predict(frame.with_columns(noon.otherwise("day").alias("day")))


def test_of_several_series_the_one_that_lacks_a_row_is_named(of_two: Fitted) -> None:
    frame = two_shops()
    forecast = of_two.predict(frame)
    assert forecast["unique_id"].to_list() == ["north"] * HORIZON + ["southern"] * HORIZON
    assert forecast["ds"][0] == datetime(2024, 8, 28)
    assert forecast["ds"][HORIZON] == datetime(2024, 7, 19)

    with pytest.raises(DataError, match=r"at 2024-07-22 00:00:00 of 'southern' and 1 more step;"):
        of_two.predict(frame.head(-2))


def test_each_series_reads_what_is_known_of_its_own_steps(of_two: Fitted) -> None:
    awake(of_two)
    frame = two_shops()

    before = values(of_two.predict(frame))
    after = values(of_two.predict(changed(frame, "promo", [len(frame) - 1])))

    assert (after != before).tolist() == [step == 9 for step in range(2 * HORIZON)]


def test_rows_to_come_are_no_rows_to_learn_from() -> None:
    config = ForecastConfig(data=SETTINGS_OF_DATA)
    frame = one(make_frame())
    whole, observed = read(frame, config.data), read(frame.head(ROWS), config.data)
    both = read(two_shops(), config.data.model_copy(update={"id": "shop"}))

    assert whole.frame.equals(observed.frame)
    assert whole.fingerprint == observed.fingerprint
    assert len(whole.later) == HORIZON
    assert observed.later.is_empty()
    assert len(both.layout.axis) == ROWS
    assert both.later.group_by("unique_id", maintain_order=True).len()["len"].to_list() == [5, 5]
    assert both.between(0, 100).later.is_empty()


SETTINGS_OF_DATA = {name: SETTINGS[name] for name in ("target", "horizon", "lookback")}
SETTINGS_OF_DATA["known_future"] = ("promo", "price")


def test_a_hole_in_what_is_known_breaks_the_windows_that_forecast_it() -> None:
    config = ForecastConfig(data=SETTINGS_OF_DATA).data
    frame = emptied(one(make_frame()), "promo", [60, 61, 100, 101, 102, 103])

    prepared = prepare(read(frame, config), config)

    train = prepared.windows("train").origins.tolist()
    # of 4 rows, the last is more than max_gap behind: no window reads or forecasts it
    gone = set(range(LOOKBACK - 1, prepared.split.train - HORIZON)) - set(train)
    assert gone == set(range(103 - HORIZON, 103 + LOOKBACK))


@pytest.mark.parametrize("categorical", [(), ("price",)])
def test_a_column_that_must_be_known_is_not_advised_to_be_excluded(
    categorical: tuple[str, ...],
) -> None:
    config = ForecastConfig(data={**SETTINGS_OF_DATA, "categorical": categorical}).data
    holes = [row for row in range(ROWS) if row % 9]
    frame = one(make_frame())
    cool = emptied(emptied(frame, "promo", holes), "rain", holes)

    with pytest.raises(DataError, match=r'hole longer than max_gap 3.*; pass max_gap="8"'):
        prepare(read(cool, config), config)
    with pytest.raises(DataError, match=r'; pass exclude="rain" .* or max_gap="8"'):
        prepare(read(emptied(frame, "rain", holes), config), config)


def test_a_window_holds_the_rows_of_its_steps() -> None:
    config = ForecastConfig(data=SETTINGS_OF_DATA).data
    table = read(two_shops(), config.model_copy(update={"id": "shop"}))
    prepared = prepare(table, config)
    learned, windows = prepared.preprocessing, prepared.windows("validation")

    known = windows.batch(torch.arange(len(windows)).flip(0)).known.numpy()

    places = [learned.columns.index(name) for name in ("promo", "price")]
    raw = table.frame.select("promo", "price").to_numpy()
    scaled = (raw - np.array(learned.means)[places]) / np.array(learned.stds)[places]
    for row, origin in enumerate(reversed(windows.origins.tolist())):
        expected = scaled[origin + 1 : origin + 1 + HORIZON]
        np.testing.assert_allclose(known[row, :, :2], expected, rtol=1e-5, atol=1e-6)
        for step in range(HORIZON):
            angle = 2 * np.pi * table.frame["ds"][origin + 1 + step].weekday() / 7
            np.testing.assert_allclose(
                known[row, step, 2:], [np.sin(angle), np.cos(angle)], atol=1e-6
            )


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"known_future": "promos"}, "known_future must name columns .* did you mean 'promo'"),
        ({"known_future": "sold"}, "known_future must not name the target, got 'sold'"),
        ({"known_future": "rain", "exclude": "rain"}, "got 'rain', which exclude leaves out"),
        (
            {"known_future": "shop"},
            "known_future must name numeric columns, got 'shop': holds text",
        ),
    ],
)
def test_columns_that_cannot_be_known_ahead_raise(
    settings: dict[str, Any], message: str, tmp_path: Path
) -> None:
    with pytest.raises(DataError, match=message):
        lockgate.train(make_frame(), out=tmp_path / "model", **SETTINGS | KNOWN | settings)


def test_what_is_rare_may_be_absent_from_the_rows_of_a_fold() -> None:
    config = ForecastConfig(data={**SETTINGS_OF_DATA, "inputs": ("rain",)}).data
    frame = one(make_frame()).with_columns(promo=(pl.int_range(pl.len()) > 200).cast(pl.Float64))

    learned = prepare(read(frame, config), config).preprocessing

    assert learned.columns == ("sold", "rain", "price")
    assert learned.channels_known == ("price", "weekday sin", "weekday cos")
    assert learned.dropped == (("promo", "constant in the training part"),)


def test_without_columns_known_ahead_no_step_reads_its_calendar(tmp_path: Path) -> None:
    data = {**SETTINGS_OF_DATA, "known_future": ()}
    config = ForecastConfig(data=data).data

    prepared = prepare(read(one(make_frame(later=0)), config), config)

    assert prepared.windows("train").known is None
    assert prepared.preprocessing.calendar == ("weekday",)
    assert prepared.preprocessing.channels_known == ()
    assert len(prepared.windows("train").batch(slice(0, 2)).inputs) == 1


SHAPES: list[dict[str, Any]] = [
    {"segment_length": 5, "segment_head": "positions", "cell": "gru"},
    {"linear_path": "on", "normalise": "mean_std"},
    {"linear_path": "auto", "members": 2, "mix": True, "bidirectional": True},
]


@pytest.mark.parametrize("shape", SHAPES, ids=["positions", "linear-path", "committee"])
def test_a_loaded_model_predicts_and_evaluates_the_same(
    shape: dict[str, Any], tmp_path: Path
) -> None:
    frame = one(make_frame())
    model, folder = lockgate.train(frame, out=tmp_path / "model", **SETTINGS | KNOWN | shape)

    again = lockgate.load(folder)

    # weights that were read lie elsewhere in memory, which may move the last bits of float32
    np.testing.assert_allclose(
        values(again.predict(frame)), values(model.predict(frame)), rtol=1e-6
    )
    more = one(make_frame(rows=300))
    assert again.evaluate(more) == model.evaluate(more)
    assert {one.name for one in again.evaluate(more).baselines} >= {"ridge", "last value"}
    if "mix" in shape:  # what is mixed has rows left that tell how far off it is
        bounds = again.predict(frame, level=[50])
        assert (bounds["forecast-lo-50"] < bounds["forecast-hi-50"]).all()


def test_what_is_known_ahead_is_learned_from(tmp_path: Path) -> None:
    frame = one(make_frame(rows=400))
    # what is known changes the target by so much, however far the window spreads
    told = SETTINGS | {"max_epochs": 100, "hidden_size": 8, "patience": 20, "normalise": "last"}

    errors = {}
    for known in ((), ("promo", "price")):
        model, _ = lockgate.train(frame, out=tmp_path / str(len(known)), known_future=known, **told)
        errors[known] = model.metrics["test"]["mae"]

    # the noise alone is 0.8
    assert errors["promo", "price"] < 1.3 < 5 < errors[()]


def edited(folder: Path, to: Path, **fields: Any) -> Path:
    copy = Path(shutil.copytree(folder, to))
    path = copy / "preprocessing.json"
    learned = {**json.loads(path.read_text()), **fields}
    path.write_text(json.dumps({name: one for name, one in learned.items() if one != "absent"}))
    return copy


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"known_future": ["sold"]}, "known_future"),
        ({"known_future": ["sun"]}, "known_future"),
        ({"known_future": ["promo"]}, r"ahead.known.weight must have shape \(6, 3\), got \(6, 4\)"),
        ({"calendar_ahead": False}, r"ahead.known.weight must have shape \(6, 2\), got \(6, 4\)"),
        ({"known_future": [], "calendar_ahead": False}, "ahead"),
    ],
    ids=["target", "unknown", "fewer", "no-calendar", "none"],
)
def test_a_folder_that_contradicts_itself_is_refused(
    fitted: tuple[Fitted, Path], tmp_path: Path, fields: dict[str, Any], message: str
) -> None:
    with pytest.raises(DataError, match=message):
        lockgate.load(edited(fitted[1], tmp_path / "copy", **fields))


def test_a_folder_written_before_columns_were_known_ahead_predicts_as_it_did(
    trained: tuple[Fitted, Path], table: pl.DataFrame, tmp_path: Path
) -> None:
    absent = {"known_future": "absent", "calendar_ahead": "absent"}

    old = lockgate.load(edited(trained[1], tmp_path / "copy", **absent))

    assert old.predict(table).equals(trained[0].predict(table))


CALENDARS: dict[str, tuple[pl.Series, dict[str, Any]]] = {
    "hours of a zone that sets its clock back": (
        pl.datetime_range(*(datetime(2024, 10, 17, 3), datetime(2024, 10, 27, 3)), "1h", eager=True)
        .dt.replace_time_zone("UTC")
        .dt.convert_time_zone("Europe/Berlin"),
        {},
    ),
    "business days": (
        pl.Series([d for d in make_frame(rows=360)["day"] if d.weekday() < 5]),
        {},
    ),
    "months": (
        pl.datetime_range(datetime(2004, 1, 31), datetime(2024, 1, 31), "1mo", eager=True),
        {},
    ),
    "rows in their order": (pl.Series([None] * 241, dtype=pl.Int64), {"row_order": True}),
}


@pytest.mark.parametrize("name", CALENDARS)
def test_a_step_is_found_by_its_stamp_on_any_calendar(name: str, tmp_path: Path) -> None:
    stamps, settings = CALENDARS[name]
    rows = len(stamps)
    promo = np.random.default_rng(0).integers(0, 100, rows).astype(float)
    sold = np.random.default_rng(1).normal(size=rows)
    frame = pl.DataFrame({"day": stamps, "sold": sold, "promo": promo}).with_columns(
        sold=pl.when(pl.int_range(pl.len()) < rows - HORIZON).then("sold")
    )
    frame = frame.drop(["day"] if settings else [])
    config = ForecastConfig(data={**SETTINGS_OF_DATA, "known_future": "promo", **settings}).data
    table = read(frame, config)
    learned = prepare(table, config).preprocessing

    known = known_ahead(table, learned, _later(table, HORIZON))

    place = learned.columns.index("promo")
    found = known.values[:, 0].numpy() * learned.stds[place] + learned.means[place]
    np.testing.assert_allclose(found, promo[-HORIZON:], rtol=1e-5, atol=1e-4)


def test_columns_side_by_side_share_what_is_known_ahead(tmp_path: Path) -> None:
    frame = one(make_frame()).with_columns(bought=pl.col("sold") * 2)
    told = SETTINGS | {"target": "sold,bought", "max_epochs": 1}

    model, _ = lockgate.train(frame, out=tmp_path / "model", known_future="promo", **told)
    forecast = model.predict(frame)

    assert forecast["unique_id"].to_list() == ["sold"] * HORIZON + ["bought"] * HORIZON
    with pytest.raises(DataError, match=r"at 2024-09-01 00:00:00 of 'sold' and 1 more step;"):
        model.predict(frame.head(-1))


def test_an_estimator_takes_the_same_settings() -> None:
    frame = one(make_frame())
    told = {k: v for k, v in SETTINGS.items() if k not in ("target", "horizon", "members", "mix")}
    model = Forecaster("sold", HORIZON, known_future=("promo", "price"), **told).fit(frame)

    assert model.predict().height == HORIZON
    with pytest.raises(DataError, match="known_future must hold values of 'promo', 'price'"):
        model.predict(frame.head(ROWS))


def parted(frame: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the rows that have a target, and what is known of those to come."""
    seen = pl.col("sold").is_not_null()
    names = [name for name in ("day", "shop", "promo", "price") if name in frame.columns]
    return frame.filter(seen), frame.filter(~seen).select(names)


KINDS: dict[str, Callable[[pl.DataFrame], Any]] = {
    "polars": lambda frame: frame,
    "lazy": pl.DataFrame.lazy,
    "pandas": pl.DataFrame.to_pandas,
    "pandas-index": lambda frame: frame.to_pandas().set_index("day"),
    "pyarrow": pl.DataFrame.to_arrow,
}


@pytest.mark.parametrize("kind", KINDS)
def test_rows_to_come_may_be_given_apart(fitted: tuple[Fitted, Path], kind: str) -> None:
    model, whole = awake(lockgate.load(fitted[1])), one(make_frame())
    seen, future = map(KINDS[kind], parted(whole))

    forecast = model.predict(seen, future=future)

    expected = model.predict(KINDS[kind](whole))
    assert type(forecast) is type(expected)
    assert forecast.equals(expected)
    assert lockgate.predict(model, seen, future=future).equals(expected)


def test_the_order_of_rows_to_come_and_their_further_columns_say_nothing(of_two: Fitted) -> None:
    awake(of_two)
    seen, future = parted(two_shops())
    expected = of_two.predict(two_shops())

    shuffled = future.sample(fraction=1.0, shuffle=True, seed=1).with_columns(more=pl.lit("x"))

    assert of_two.predict(seen, future=shuffled).equals(expected)
    assert of_two.predict(seen, future=shuffled.with_columns(sold=None)).equals(expected)


def test_a_file_takes_rows_to_come_from_a_file(fitted: tuple[Fitted, Path], tmp_path: Path) -> None:
    model, whole = awake(lockgate.load(fitted[1])), one(make_frame())
    seen, future = parted(whole)
    for name, frame in (("seen", seen), ("future", future)):
        frame.write_csv(tmp_path / f"{name}.csv")

    forecast = model.predict(tmp_path / "seen.csv", future=str(tmp_path / "future.csv"))

    np.testing.assert_allclose(values(forecast), values(model.predict(whole)), rtol=1e-6)
    with pytest.raises(DataError, match=r"future must hold 'day' in the type .* String, got Datet"):
        model.predict(tmp_path / "seen.csv", future=future)


def test_where_chooses_rows_to_come_too(tmp_path: Path) -> None:
    frame = two_shops()
    told = {**SETTINGS, **KNOWN, "where": "shop=north", "max_epochs": 1}
    model = awake(lockgate.train(frame, out=tmp_path / "model", **told)[0])
    seen, future = parted(frame)

    assert model.predict(seen, future=future).equals(model.predict(frame))
    with pytest.raises(
        DataError, match="future: where must name a column of the table, got 'shop'"
    ):
        model.predict(seen, future=future.drop("shop"))


@pytest.mark.parametrize("numbered", [False, True], ids=["rows", "numbers-in-ds"])
def test_rows_in_their_order_go_on_behind_the_table(tmp_path: Path, numbered: bool) -> None:
    frame = one(make_frame()).drop("day")
    if numbered:
        frame = frame.with_columns(ds=pl.int_range(7, 7 + pl.len()))
    told = {**SETTINGS, **KNOWN, "row_order": True, "max_epochs": 1}
    model = awake(lockgate.train(frame, out=tmp_path / "model", **told)[0])
    seen = frame.head(ROWS)
    future = frame.tail(HORIZON).drop("sold", "rain")

    assert model.predict(seen, future=future).equals(model.predict(frame))
    if numbered:
        with pytest.raises(DataError, match=r"future must hold the columns 'ds'.*; add 'ds'"):
            model.predict(seen, future=future.drop("ds"))


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda f: f.head(3), f"known_future must hold values of {BOTH} .* at 2024-08-31 00:00:00"),
        (lambda f: f.drop("price"), f"known_future must hold values of 'price' .* at {FIRST} and"),
        (lambda f: f.drop("day"), "future must hold the columns 'day', .* add 'day'"),
        (lambda f: f.with_columns(sold=1.0), "future must leave the target 'sold' empty, got 1.0;"),
        (
            lambda f: f.with_columns(pl.col("day") - timedelta(days=1)),
            "future must hold rows that the table does not hold, got one of 2024-08-27 00:00:00 in",
        ),
        (
            lambda f: f.with_columns(unique_id=pl.lit("south")),
            "future must hold rows of the one series of the table, 'north', got 'south'; leave the",
        ),
        (lambda f: f.clear(), "future: source must hold rows and columns, got 0"),
    ],
    ids=["short", "no-price", "no-time", "target", "in-both", "other-series", "empty"],
)
def test_rows_to_come_that_do_not_follow_are_refused(
    fitted: tuple[Fitted, Path], spoil: Callable[[pl.DataFrame], pl.DataFrame], message: str
) -> None:
    seen, future = parted(one(make_frame()))
    named = seen.with_columns(unique_id=pl.lit("north"))

    with pytest.raises(DataError, match=message):
        fitted[0].predict(named, future=spoil(future))
    with pytest.raises(TypeError, match=r"future: source must be a path, or .* got int"):
        fitted[0].predict(named, future=3)


def test_of_several_series_rows_to_come_must_name_theirs(of_two: Fitted) -> None:
    seen, future = parted(two_shops())

    with pytest.raises(DataError, match=r"future must hold the columns 'shop', 'day'.* add 'shop'"):
        of_two.predict(seen, future=future.drop("shop"))


def test_a_model_that_reads_nothing_ahead_refuses_rows_to_come(
    trained: tuple[Fitted, Path], table: pl.DataFrame
) -> None:
    future = pl.DataFrame({"day": [datetime(2024, 1, 1)], "price": [3.0]})

    with pytest.raises(DataError, match="future must be left out of this model, which reads noth"):
        trained[0].predict(table, future=future)


def test_what_is_read_already_takes_no_rows_to_come(fitted: tuple[Fitted, Path]) -> None:
    seen, future = parted(one(make_frame()))

    with pytest.raises(TypeError, match="source must be a file or a frame where future is given"):
        fitted[0].predict(read(seen, fitted[0].config.data), future=future)
