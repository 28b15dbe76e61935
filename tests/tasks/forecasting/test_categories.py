"""Texts and other categories are read by number, learned from training rows alone."""

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch
from sklearn.linear_model import Ridge as Judge
from sklearn.preprocessing import StandardScaler

import lockgate
from lockgate import DataError
from lockgate.tasks.forecasting.categories import Vocabulary, codes_of
from lockgate.tasks.forecasting.config import ForecastConfig, TableConfig
from lockgate.tasks.forecasting.prepare import Prepared, prepare, read
from lockgate.tasks.forecasting.ridge import fit_ridge
from lockgate.tasks.forecasting.task import TASK

ROWS, HORIZON, LOOKBACK = 240, 4, 8
DATA: dict[str, Any] = {"target": "sold", "horizon": HORIZON, "lookback": LOOKBACK}
FITTED = {"hidden_size": 6, "max_epochs": 2, "learning_rate": 0.01, "members": 1, "mix": False}
EFFECTS = {"rain": -5.0, "sun": 5.0, "fog": 0.0}


def make_frame(rows: int = ROWS, later: int = HORIZON, shop: str = "north") -> pl.DataFrame:
    """Days whose sales follow the weather; storms come only at the end."""
    rng = np.random.default_rng(len(shop))
    weather = rng.choice(list(EFFECTS), rows + later)
    sold = np.array([EFFECTS[one] for one in weather]) + 20 + rng.normal(size=rows + later)
    weather = np.where(np.arange(rows + later) == rows - 3, "storm", weather)
    days = [datetime(2024, 1, 1) + timedelta(days=day) for day in range(rows + later)]
    observed = [None if row >= rows else value for row, value in enumerate(sold.tolist())]
    grade = rng.integers(1, 4, rows + later)
    told = {"day": days, "sold": observed, "weather": weather, "grade": grade}
    return pl.DataFrame({**told, "still": ["x"] * len(days), "shop": [shop] * len(days)})


def prepared_of(frame: pl.DataFrame, **settings: Any) -> Prepared:
    config = TableConfig(**DATA, **settings)
    return prepare(read(frame, config), config)


def test_values_of_the_training_rows_are_numbered_in_order() -> None:
    frame = make_frame()

    prepared = prepared_of(frame, categorical="grade,weather,still")

    learned = prepared.preprocessing
    assert learned.columns == ("sold",)
    assert learned.categories == (
        Vocabulary("grade", ("1", "2", "3")),
        Vocabulary("weather", ("fog", "rain", "sun")),
    )
    assert ("still", "constant in the training part") in learned.dropped
    codes = prepared.arrays.inputs[:, -2:]
    numbers = {"fog": 1, "rain": 2, "sun": 3, "storm": 0}
    assert codes[:, 1].tolist() == [numbers[one] for one in frame["weather"].head(ROWS)]
    assert codes[:, 0].tolist() == frame["grade"].head(ROWS).to_list()


def test_what_is_missing_breaks_no_window_and_is_what_was_never_seen() -> None:
    hole = pl.when(pl.int_range(pl.len()).is_between(50, 60)).then(None).otherwise("weather")

    prepared = prepared_of(make_frame().with_columns(weather=hole), categorical="weather")

    assert (prepared.arrays.inputs[50:61, -1] == 0).all()
    assert prepared.arrays.usable.all()


def test_columns_of_text_are_not_read_unless_they_are_named() -> None:
    prepared = prepared_of(make_frame())

    assert prepared.preprocessing.categories == ()
    assert prepared.windows("train").categories == ()
    assert prepared.preprocessing.columns == ("sold", "grade")


def judged(prepared: Prepared, fit: str, part: str, strength: float) -> np.ndarray:
    """Forecast by scikit-learn, with a flag for each value of the last day and of those ahead."""
    learned, scaled = prepared.preprocessing, {}
    for name in (fit, part):
        windows = prepared.windows(name)
        rows = []
        for origin in windows.origins.tolist():
            window = prepared.arrays.inputs[origin - LOOKBACK + 1 : origin + 1].astype(float)
            last = window[-1, 0]
            window[:, 0] -= last
            ahead = prepared.arrays.inputs[origin + 1 : origin + 1 + HORIZON].astype(float)
            numbers = [*window[:, :-1].ravel(), *[window[-1, -1] == k for k in (1, 2, 3)]]
            waves = ahead[:, [learned.channels.index(f"weekday {w}") for w in ("sin", "cos")]]
            flags = [ahead[step, -1] == k for step in range(HORIZON) for k in (1, 2, 3)]
            rows.append([*numbers, *waves.ravel(), *flags])
        scaled[name] = np.array(rows, dtype=float), windows
    scaler = StandardScaler().fit(scaled[fit][0])
    last = prepared.arrays.inputs[scaled[fit][1].origins.numpy(), :1]
    judge = Judge(alpha=strength * len(last), solver="svd")
    judge.fit(scaler.transform(scaled[fit][0]), scaled[fit][1].truth().numpy() - last)
    x, windows = scaled[part]
    last = prepared.arrays.inputs[windows.origins.numpy(), :1]
    return windows.invert(judge.predict(scaler.transform(x)) + last)


def test_the_ridge_reads_a_flag_for_each_value() -> None:
    settings = {"categorical": "weather", "known_future": "weather", "inputs": "target"}
    prepared = prepared_of(make_frame(), **settings)
    parts = prepared.windows("train"), prepared.windows("validation")

    ridge = fit_ridge(*parts, "mae")

    assert len(ridge.coefficients) == prepared.preprocessing.features == parts[0].features
    expected = judged(prepared, "train", "validation", ridge.strength)
    np.testing.assert_allclose(ridge.forecast(parts[1]), expected, rtol=1e-5)


SHAPES: list[dict[str, Any]] = [
    {},
    {"linear_path": "on", "segment_length": 4},
    {"segment_length": 3, "segment_head": "positions", "cell": "gru", "bidirectional": True},
]


@pytest.mark.parametrize("shape", SHAPES, ids=["plain", "linear-path", "positions"])
def test_a_model_is_read_as_it_was_kept(shape: dict[str, Any], tmp_path: Path) -> None:
    told = {**DATA, **FITTED, "categorical": "weather", "known_future": "weather", **shape}
    model, folder = lockgate.train(make_frame(), out=tmp_path / "model", **told)
    again, frame = lockgate.load(folder), make_frame()

    forecast = again.predict(frame)

    assert forecast.equals(model.predict(frame))
    torch.nn.init.normal_(again.model.ahead.out.weight)
    storm = pl.when(pl.int_range(pl.len()) == ROWS + 1).then(pl.lit("sun")).otherwise("weather")
    fog = pl.when(pl.int_range(pl.len()) == ROWS + 1).then(pl.lit("fog")).otherwise("weather")
    sunny, foggy = (again.predict(frame.with_columns(weather=one)) for one in (storm, fog))
    differs = (sunny["forecast"] != foggy["forecast"]).to_list()
    # the ridge of a linear path reads all steps for each
    assert differs == ([True] * 4 if "linear_path" in shape else [False, True, False, False])


def test_what_is_known_ahead_is_asked_for_in_texts_too(tmp_path: Path) -> None:
    told = {**DATA, **FITTED, "categorical": "weather", "known_future": "weather"}
    model, _ = lockgate.train(make_frame(), out=tmp_path / "model", **told)
    blank = pl.when(pl.int_range(pl.len()) == ROWS + 2).then(pl.lit(" ")).otherwise("weather")

    with pytest.raises(DataError, match=r"'weather' .* none at 2024-08-30 00:00:00; add"):
        model.predict(make_frame().with_columns(weather=blank))
    with pytest.raises(DataError, match=r"columns learned from, got none named \['weather'\]"):
        model.predict(make_frame().drop("weather"))


def test_the_effect_of_a_category_is_learned(tmp_path: Path) -> None:
    told = {**DATA, **FITTED, "max_epochs": 60, "patience": 20, "inputs": "target"}
    told["normalise"] = "last"

    errors = []
    for known in ((), ("weather",)):
        folder = tmp_path / str(len(known))
        model, _ = lockgate.train(
            make_frame(400), out=folder, **told, categorical="weather", known_future=known
        )
        errors.append(model.metrics["test"]["mae"])

    # the noise alone is 0.8
    assert errors[1] < 1.3 < 3 < errors[0]


def two_shops() -> pl.DataFrame:
    region = pl.Series(["coast"] * ROWS + ["hills"] * 200)
    frames = [make_frame(later=0), make_frame(200, 0, "southern")]
    return pl.concat(frames).with_columns(region=region)


def test_a_text_that_never_changes_is_a_category_of_the_series(tmp_path: Path) -> None:
    first = pl.when(pl.int_range(pl.len()).over("shop") < 1).then("region")
    frame = two_shops().with_columns(region=first)
    told = {**DATA, **FITTED, "id": "shop", "static": "region", "inputs": "target"}

    model, folder = lockgate.train(frame, out=tmp_path / "model", **told)

    learned = model.preprocessing
    assert learned.static == ("region",)
    assert learned.categories == (Vocabulary("region", ("coast", "hills")),)
    table = read(frame, model.config.data)
    codes = learned.apply(table).inputs[:, -1]
    assert codes.tolist() == [1.0] * ROWS + [2.0] * 200
    moved = frame.with_columns(region=pl.when(pl.col("region") == "coast").then(pl.lit("sea")))
    again = lockgate.load(folder)
    assert (again.predict(frame)["forecast"] != again.predict(moved)["forecast"]).all()


@pytest.mark.parametrize("name", ["shop", "unique_id"])
def test_the_series_itself_may_be_a_category(name: str, tmp_path: Path) -> None:
    frame = two_shops().rename({"shop": name})
    told = {**DATA, **FITTED, "id": name, "categorical": name, "inputs": "target"}

    model, _ = lockgate.train(frame, out=tmp_path / "model", **told)

    assert model.preprocessing.categories == (Vocabulary(name, ("north", "southern")),)
    new = frame.with_columns(pl.lit("new").alias(name)).head(ROWS)
    assert model.predict(new)["forecast"].is_finite().all()
    table = read(new, model.config.data)
    assert (model.preprocessing.apply(table).inputs[:, -1] == 0).all()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"categorical": "wether"}, "categorical must name columns .* did you mean 'weather'"),
        ({"categorical": "sold"}, "categorical must not name the target, got 'sold'"),
        ({"categorical": "weather", "exclude": "weather"}, "'weather', which exclude leaves out"),
        (
            {"known_future": "weather"},
            "must name numeric .* 'weather': holds text; categorical",
        ),
        (
            {"static": "weather", "id": "shop"},
            "static must name .* got 'weather', which has '.*' and '.*' in 'north'",
        ),
    ],
)
def test_columns_that_are_no_categories_raise(settings: dict[str, Any], message: str) -> None:
    frame = two_shops() if "id" in settings else make_frame()

    with pytest.raises(DataError, match=message):
        prepared_of(frame, **settings)


@pytest.mark.parametrize("several", [False, True])
def test_the_last_text_stands_for_rows_that_are_averaged(several: bool) -> None:
    days = [datetime(2024, 1, 1) + timedelta(hours=6 * row) for row in range(1, 400)]
    texts = [["a", "b", "c", None][(row - 1) % 4] for row in range(1, 400)]
    one = pl.DataFrame({"day": days, "sold": np.arange(399.0) % 7, "x": texts, "shop": "n"})
    frame = pl.concat([one, one.with_columns(shop=pl.lit("s"))]) if several else one

    ids = {"id": "shop"} if several else {}
    table = read(frame, TableConfig(**DATA, **ids, resample="1d", categorical="x"))

    # of 06:00, 12:00, 18:00 and, blank, midnight
    assert table.frame["x"].unique().to_list() == ["c"]
    assert table.frame["y"][0] == np.mean([0.0, 1, 2, 3])


def test_plan_and_results_tell_of_categories(tmp_path: Path) -> None:
    config = ForecastConfig(data={**DATA, "categorical": "weather", "known_future": "weather"})
    table = read(make_frame(), config.data)
    prepared = TASK.prepare(table, config)

    planned, described = TASK.planned(table, prepared), TASK.describe(table, prepared)

    assert planned["categories"] == "weather (3 values)"
    assert described["categories"] == {"weather": 3}
    assert described["known_future"] == ("weekday sin", "weekday cos", "weather")
    json.dumps(described)


@pytest.mark.parametrize(
    ("categories", "message"),
    [
        ([["weather", ["fog", "sun"]]], r"tables.0.weight must have shape \(3, 1\), got \(4, 2\)"),
        ([["weather", ["fog", "fog", "sun"]]], "categories"),
        ([["weather", []]], "categories"),
        ([], "embeddings"),
    ],
    ids=["fewer", "twice", "empty", "none"],
)
def test_a_folder_that_contradicts_itself_is_refused(
    categories: list[Any], message: str, tmp_path: Path
) -> None:
    told = {**DATA, **FITTED, "categorical": "weather", "max_epochs": 1}
    _, folder = lockgate.train(make_frame(), out=tmp_path / "model", **told)
    path = folder / "preprocessing.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "categories": categories}))

    with pytest.raises(DataError, match=message):
        lockgate.load(folder)


def test_a_name_of_a_series_that_looks_like_a_number_stays_a_name() -> None:
    names = ["001", "02", "001"]
    frame = pl.DataFrame({"unique_id": names})
    vocabulary = Vocabulary("unique_id", ("001", "02"))

    assert codes_of(frame, [vocabulary], ()).ravel().tolist() == [1.0, 2.0, 1.0]
