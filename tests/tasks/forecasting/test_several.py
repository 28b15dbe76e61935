"""One network forecasts series of unlike size and length, and is told as such."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import lockgate
from lockgate.errors import DataError
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


def test_a_series_shorter_than_a_window_is_named(fitted: Any) -> None:
    start = datetime(2024, 1, 1) + timedelta(hours=ROWS - 5)
    short = FRAME.filter((pl.col("shop") != "late") | (pl.col("hour") >= start))

    with pytest.raises(DataError, match=r"at least the lookback of 12 rows, got late with 5; lea"):
        fitted.predict(short)


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
