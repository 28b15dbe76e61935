"""One network forecasts series of unlike size and length, and is told as such."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch

import lockgate
from lockgate.errors import DataError
from lockgate.settings import resolve
from lockgate.tasks.forecasting.config import ForecastConfig
from lockgate.tasks.forecasting.several import (
    by_series,
    drawn_series,
    series_words,
    several_described,
)
from lockgate.tasks.forecasting.table import read_table
from lockgate.tasks.forecasting.task import TASK

SIZES = {"small": 1.0, "large": 1_000.0, "late": 50.0}
FIRST = {"small": 0, "large": 0, "late": 90}
ROWS = 240
SETTINGS: dict[str, Any] = {
    "target": "sold",
    "id": "shop",
    "horizon": 6,
    "lookback": 12,
    "hidden_size": 8,
    "max_epochs": 2,
    "members": 1,
    "mix": False,
}


def waves(shop: str, seed: int = 0) -> pl.DataFrame:
    hours = np.arange(FIRST.get(shop, 0), ROWS)
    noise = 0.1 * np.random.default_rng(seed).normal(size=len(hours))
    values = SIZES.get(shop, 7.0) * (3.0 + np.sin(2 * np.pi * hours / 24) + noise)
    stamps = [datetime(2024, 1, 1) + timedelta(hours=int(hour)) for hour in hours]
    return pl.DataFrame({"shop": [shop] * len(hours), "hour": stamps, "sold": values})


FRAME = pl.concat([waves(shop, k) for k, shop in enumerate(SIZES)])


@pytest.fixture(scope="module")
def fitted(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return lockgate.train(FRAME, out=tmp_path_factory.mktemp("model") / "model", **SETTINGS)[0]


def test_every_series_is_forecast_in_its_own_unit(fitted: Any) -> None:
    forecast = fitted.predict(FRAME)

    assert forecast["unique_id"].to_list() == [shop for shop in SIZES for _ in range(6)]
    for shop, own in zip(SIZES, forecast.partition_by("unique_id"), strict=True):
        assert own["ds"][0] == datetime(2024, 1, 1) + timedelta(hours=ROWS)
        assert own["forecast"].is_between(1.5 * SIZES[shop], 4.5 * SIZES[shop]).all()


def test_a_forecast_needs_no_other_series_and_sees_none(fitted: Any) -> None:
    together = fitted.predict(FRAME)

    alone = fitted.predict(FRAME.filter(shop="late"))

    np.testing.assert_allclose(
        alone["forecast"], together.filter(unique_id="late")["forecast"], rtol=1e-6
    )
    assert fitted.predict(FRAME.sample(fraction=1.0, shuffle=True, seed=1)).sort("unique_id", "ds")[
        "forecast"
    ].to_list() == pytest.approx(together.sort("unique_id", "ds")["forecast"].to_list())


def test_a_series_that_was_not_learned_from_is_forecast_too(fitted: Any) -> None:
    forecast = fitted.predict(pl.concat([FRAME, waves("new", 9)])).filter(unique_id="new")

    assert forecast["forecast"].is_between(1.5 * 7.0, 4.5 * 7.0).all()


def short_shops() -> pl.DataFrame:
    """Besides those of `FRAME` one too short to learn from, one padded and one that only begins."""
    last = datetime(2024, 1, 1) + timedelta(hours=ROWS)
    rows = {"tiny": (6, 0), "brief": (17, 80), "opened": (2, 0)}
    parts = [
        waves(shop, k).filter(pl.col("hour") < last - timedelta(hours=before)).tail(count)
        for k, (shop, (count, before)) in enumerate(rows.items())
    ]
    return pl.concat([FRAME, *parts])


@pytest.fixture(scope="module")
def of_short(tmp_path_factory: pytest.TempPathFactory) -> Any:
    out = tmp_path_factory.mktemp("short") / "model"
    return lockgate.train(short_shops(), out=out, **SETTINGS)[0]


def test_every_series_is_forecast_however_short(of_short: Any, tmp_path: Path) -> None:
    frame = pl.concat([short_shops(), waves("one row", 5).tail(1)])

    forecast = of_short.predict(frame)

    shops = [*SIZES, "tiny", "brief", "opened", "one row"]
    assert forecast["unique_id"].to_list() == [shop for shop in shops for _ in range(6)]
    for shop, own in zip(shops, forecast.partition_by("unique_id"), strict=True):
        size = SIZES.get(shop, 7.0)
        assert own["forecast"].is_between(1.0 * size, 5.0 * size).all(), shop
    of_short.save(tmp_path / "kept")
    assert lockgate.load(tmp_path / "kept").predict(frame).equals(forecast)


def test_a_forecast_of_few_rows_is_that_of_the_network_on_these_rows(fitted: Any) -> None:
    two = waves("new", 9).tail(2)
    table = fitted.read(two, {})
    arrays = fitted.preprocessing.apply(table)

    forecast = fitted.predict(two)["forecast"].to_numpy()

    x = torch.from_numpy(arrays.inputs)[None]
    assert x.shape[1] == 2
    with torch.no_grad():
        scaled = fitted.model.eval()(x)[0].numpy()
    np.testing.assert_allclose(forecast, arrays.means[0] + arrays.stds[0] * scaled, rtol=1e-5)


def test_short_series_are_told_of(of_short: Any, caplog: pytest.LogCaptureFixture) -> None:
    of_short.predict(short_shops())

    told = "2 series shorter than the lookback of 12 rows: tiny with 6, opened with 2"
    assert f"note: {told}; their forecasts rest on those rows" in caplog.messages


def test_series_that_nothing_is_learned_from_are_named() -> None:
    config = ForecastConfig.model_validate(
        {"data": {k: SETTINGS[k] for k in ("target", "id", "horizon", "lookback")}}
    )

    table = TASK.read(short_shops(), config)

    assert table.notices[-1] == (
        "2 series shorter than the horizon and a row before it, 7 rows, are not learned from: "
        "tiny, opened"
    )
    prepared = TASK.prepare(table, config)
    windows = prepared.windows("train")
    brief = windows.series.of(windows.origins.numpy()) == 4
    # 17 rows less a horizon, of which whole windows begin with the twelfth
    assert table.names[4] == "brief"
    assert windows.padding[torch.from_numpy(brief)].tolist() == [11 - k for k in range(11)]
    assert not windows.padding[torch.from_numpy(~brief)].any()
    described = TASK.describe(table, prepared)
    assert described["notices"][-1] == table.notices[-1]
    split = described["split"]
    assert all(part["possible"] == part["windows"] for part in split.values())
    assert TASK.read(FRAME, config).notices == ("3 series",)


def test_one_series_shorter_than_a_window_is_forecast_with_a_notice(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    one = FRAME.filter(shop="small").drop("shop")
    settings = {k: v for k, v in SETTINGS.items() if k != "id"}
    alone = lockgate.train(one, out=tmp_path / "model", **settings)[0]

    forecast = alone.predict(one.tail(5))

    told = "the table holds 5 of the 12 rows that are read, 7 too few: the forecast rests on those"
    assert any(told in message for message in caplog.messages)
    assert forecast["forecast"].is_between(1.0, 5.0).all()
    with pytest.raises(DataError, match="horizon 6 and lookback 12 must fit the train part"):
        lockgate.train(one.tail(20), out=tmp_path / "short", **settings)


def test_a_hole_in_what_there_is_of_a_short_series_raises(fitted: Any) -> None:
    frame = waves("new", 9).tail(9)
    holed = frame.with_columns(
        pl.when(pl.int_range(9).is_in([0, 6, 7, 8])).then("sold").alias("sold")
    )

    message = r"the last 9 rows of 'new' must have no hole longer than max_gap 3, got one at"
    with pytest.raises(DataError, match=message):
        fitted.predict(holed)


def test_short_series_are_judged_too(of_short: Any) -> None:
    later = pl.concat([short_shops(), waves("newest", 8).tail(13)])

    evaluation = of_short.evaluate(later)

    whole = of_short.evaluate(short_shops())
    # each origin of the 13 rows with a horizon after it
    assert evaluation.windows - whole.windows == 13 - 6 - 1 + 1
    assert evaluation.model.scores["mae"] is not None
    assert {one.name for one in evaluation.baselines} >= {"ridge", "drift", "window mean"}


def test_a_backtest_forecasts_what_has_begun(of_short: Any) -> None:
    newest = waves("newest", 8).tail(13)  # begins at the first cutoff
    frame = pl.concat([short_shops(), newest])

    result = lockgate.backtest(of_short, frame, n_windows=2, step=6)

    forecasts = result.forecasts.partition_by("cutoff", as_dict=True)
    assert [len(part) for part in forecasts.values()] == [4 * 6, 4 * 6]
    for (cutoff,), part in forecasts.items():
        known = frame.filter(pl.col("hour") <= cutoff)
        own = of_short.predict(known).filter(pl.col("unique_id").is_in([*SIZES, "newest"]))
        np.testing.assert_allclose(part["lockgate"], own["forecast"], rtol=1e-5)
        values = known.filter(shop="newest")["sold"]
        mean = part.filter(unique_id="newest")["window_mean"]
        np.testing.assert_allclose(mean, values.mean(), rtol=1e-5)
    told = "some of the 7 series are not forecast: they have no row before it, or no whole horizon"
    assert any(told in notice for notice in result.notices)


def test_a_study_of_shops_that_are_all_short(tmp_path: Path) -> None:
    rows = {"a": 30, "b": 26, "c": 22}
    frame = pl.concat([waves(shop, k).tail(count) for k, (shop, count) in enumerate(rows.items())])
    settings = {**SETTINGS, "lookback": 24, "horizon": 2, "align": "end"}
    settings = {k: v for k, v in settings.items() if k not in ("members", "mix")}

    result = lockgate.study(
        frame, out=tmp_path / "s", rungs="lstm,both", rounds=2, members=2, workers=1, **settings
    )

    split = result.results["data"]["split"]
    # of 30, 26 and 22 rows are the last 9 not learned from: 21, 17 and 13 less the horizon
    assert split["train"]["windows"] == sum(count - 9 - 2 for count in rows.values())
    forecasts = lockgate.load(tmp_path / "s" / "fitted").predict(frame)
    assert forecasts["unique_id"].unique().sort().to_list() == ["a", "b", "c"]
    assert forecasts["forecast"].is_finite().all()
    shown = {one["series"]: one["history"] for one in result.results["forecasts"]}
    assert {*shown} == {*rows}
    for shop, history in shown.items():
        own = frame.filter(shop=shop)["sold"].to_list()
        first = own.index(history["y"][0])
        assert history["y"] == own[first : first + len(history["y"])]


@pytest.mark.parametrize(
    "settings",
    [
        {"segment_length": 5, "segment_head": "positions"},
        pytest.param(
            {"linear_path": "on", "normalise": "mean_std"},
            id="linear path",
            marks=pytest.mark.slow,
        ),
        pytest.param(
            {"num_layers": 2, "bidirectional": True, "normalise": "auto"},
            id="both ways",
            marks=pytest.mark.slow,
        ),
    ],
)
def test_every_network_learns_from_short_series(tmp_path: Path, settings: dict[str, Any]) -> None:
    fitted, _ = lockgate.train(short_shops(), out=tmp_path / "m", **SETTINGS, **settings)

    forecast = fitted.predict(short_shops())

    assert forecast["unique_id"].n_unique() == 6
    assert forecast["forecast"].is_finite().all()


def test_one_series_is_what_a_model_of_one_takes(tmp_path: Path) -> None:
    one = FRAME.filter(shop="small").drop("shop")
    settings = {k: v for k, v in SETTINGS.items() if k != "id"}
    alone = lockgate.train(one, out=tmp_path / "model", **settings)[0]

    message = r"must hold one series, as the one that the model was fitted to, got 3; choose one by"
    with pytest.raises(DataError, match=message):
        alone.predict(FRAME.rename({"shop": "unique_id"}))


def test_a_model_is_read_as_it_was_kept(fitted: Any, tmp_path: Path) -> None:
    fitted.save(tmp_path / "kept")

    again = lockgate.load(tmp_path / "kept")

    assert again.predict(FRAME).equals(fitted.predict(FRAME))


def test_later_rows_of_any_series_change_nothing_before() -> None:
    config = ForecastConfig.model_validate(
        {"data": {k: SETTINGS[k] for k in ("target", "id", "horizon", "lookback")}}
    )
    cut = datetime(2024, 1, 1) + timedelta(hours=190)  # within the validation part
    later = pl.when(pl.col("hour") >= cut).then(pl.col("sold") * 7 + 1).otherwise("sold")
    tables = [TASK.read(frame, config) for frame in (FRAME, FRAME.with_columns(sold=later))]

    prepared = [TASK.prepare(table, config) for table in tables]

    assert prepared[0].preprocessing == prepared[1].preprocessing
    folds = TASK.rounds.folds(tables[0], prepared[0], config).folds
    assert len(folds) >= 3
    for fold in folds:
        own = [TASK.rounds.prepare(table, config, fold).prepared for table in tables]
        assert own[0].preprocessing == own[1].preprocessing
        before = own[0].arrays.ds < np.datetime64(cut)
        np.testing.assert_array_equal(own[0].arrays.inputs[before], own[1].arrays.inputs[before])


def test_what_is_told_of_a_table_of_several_series() -> None:
    table = read_table(FRAME, target="sold", id_columns="shop")
    one = read_table(FRAME.filter(shop="late").drop("shop"), target="sold")

    drawn = drawn_series(table)
    assert several_described(table, drawn) == {
        "count": 3,
        "shortest": 150,
        "longest": 240,
        "drawn": "small",
    }
    assert series_words(table)["series"] == "3 of 150 to 240 steps, half of them at least 240"
    assert (series_words(one), several_described(one, drawn_series(one))) == ({}, None)


def test_forecasts_are_compared_series_by_series() -> None:
    which = np.array([4, 4, 4, 7, 7, 8, 9])
    errors = np.array([1.0, 1.0, 1.0, 2.0, np.nan, 3.0, 0.5])
    naive = np.array([2.0, 2.0, 2.0, 2.0, 1.0, 1.0, 0.0])

    found = by_series(which, errors, naive)

    # of 7 one window counts, 9 has no naive error to compare with
    assert found == (1, 3, {"best": 1, "median": 3, "worst": 5})
    assert by_series(which[-1:], errors[-1:], naive[-1:]) is None


def test_the_report_of_a_study_tells_of_the_series(tmp_path: Path) -> None:
    settings = {k: v for k, v in SETTINGS.items() if k not in ("members", "mix")}
    result = lockgate.study(
        FRAME, out=tmp_path / "study", rungs="lstm,both", rounds=3, members=1, workers=1, **settings
    )

    data, told = result.results["data"], result.results["by_series"]
    assert (data["several"]["count"], data["rows"]) == (3, FRAME.height)
    assert (told["of"], told["naive"]) == (3, "seasonal naive 24")
    assert {one["series"] for one in result.results["forecasts"]} == set(SIZES)
    page = (tmp_path / "study" / "report.html").read_text(encoding="utf-8")
    assert "3 series of 150 to 240 steps, each scaled by its own training rows" in page
    assert f"in {told['better']} of 3 series" in page
    assert sum(part["possible"] for part in data["split"].values()) == sum(
        part["windows"] for part in data["split"].values()
    )


def test_what_never_changes_is_told_in_the_plan_and_read_by_the_model(tmp_path: Path) -> None:
    space = pl.col("shop").replace_strict({"small": 20.0, "large": 900.0, "late": 100.0})
    frame = FRAME.with_columns(space=space)
    data = {k: SETTINGS[k] for k in ("target", "id", "horizon", "lookback")}
    config = ForecastConfig.model_validate({"data": data})
    table = read_table(frame, target="sold", id_columns="shop")

    prepared = TASK.prepare(table, config)
    fitted, _ = lockgate.train(frame, out=tmp_path / "model", **SETTINGS)

    assert TASK.planned(table, prepared)["static"] == "space"
    assert TASK.describe(table, prepared)["static"] == ("space",)
    other = fitted.predict(frame.with_columns(space=pl.col("space") + 50))
    assert (other["forecast"] != fitted.predict(frame)["forecast"]).all()
    plain = read_table(FRAME, target="sold", id_columns="shop")
    assert "static" not in TASK.planned(plain, TASK.prepare(plain, config))


def test_how_series_are_weighted_is_told_and_changes_what_is_learned(tmp_path: Path) -> None:
    kinds = ("length", "equal", "scale")
    told, forecasts = [], []
    for kind in kinds:
        settings = {**SETTINGS, "series_weight": kind}
        model, _ = lockgate.train(FRAME, out=tmp_path / kind, **settings)
        told.append([note for note in model.metrics["notices"] if "learned from" in note])
        forecasts.append(model.predict(FRAME)["forecast"].to_numpy())

    assert told == [
        [],
        ["every series is learned from alike, however many windows it has"],
        ["windows are learned from as often as the standard deviation of their series is large"],
    ]
    plain, _ = lockgate.train(FRAME, out=tmp_path / "plain", **SETTINGS)
    np.testing.assert_array_equal(plain.predict(FRAME)["forecast"].to_numpy(), forecasts[0])
    assert not np.allclose(forecasts[0], forecasts[1])
    assert not np.allclose(forecasts[1], forecasts[2])


def test_one_series_has_no_weight() -> None:
    config = resolve(ForecastConfig, {"target": "sold", "horizon": 6, "series_weight": "equal"})
    with pytest.raises(
        DataError,
        match=r'^series_weight must be "length" for a table of one series, got "equal"$',
    ):
        TASK.read(waves("small").drop("shop"), config)
