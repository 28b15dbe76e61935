"""A backtest is what forecasting by hand from every later row gives, beside the baselines."""

import dataclasses

import numpy as np
import polars as pl
import pytest

from lockgate import DataError
from lockgate.tasks.forecasting.prepare import read

HORIZON = 3


@pytest.fixture
def fitted(trained):
    return trained[0]


def as_table(fitted, frame):
    return read(frame, fitted.config.data)


def first_later_row(fitted, table) -> int:
    until = np.datetime64(fitted.preprocessing.seen_until)
    return int((table.frame["ds"].to_numpy() <= until).sum())


def by_hand(fitted, table) -> tuple[np.ndarray, np.ndarray]:
    """Cut the table after each origin and predict; give forecasts and truth, (N, horizon)."""
    frame, first = table.frame, first_later_row(fitted, table)
    origins = range(first - 1, len(frame) - HORIZON)
    forecasts = [fitted.predict(table.between(0, row + 1))["forecast"] for row in origins]
    truth = [frame["y"].slice(row + 1, HORIZON) for row in origins]
    return np.array(forecasts), np.array(truth, dtype=np.float64)


def test_scores_are_those_of_predicting_by_hand_from_every_later_row(fitted, table):
    table = as_table(fitted, table)
    forecast, truth = by_hand(fitted, table)

    found = fitted.evaluate(table).to_dict()

    errors = np.abs(forecast - truth)
    assert found["windows"] == len(forecast) == 58
    assert found["model"]["scores"]["mae"] == pytest.approx(errors.mean(), rel=1e-6)
    rmse = np.sqrt(np.square(errors).mean())
    assert found["model"]["scores"]["rmse"] == pytest.approx(rmse, rel=1e-6)
    mase = errors.mean() / fitted.metrics["mase_scale"]
    assert found["model"]["scores"]["mase"] == pytest.approx(mase, rel=1e-6)
    np.testing.assert_allclose(found["model"]["per_step"], errors.mean(axis=0), rtol=1e-6)


def test_a_forecast_does_not_depend_on_rows_after_its_origin(fitted, table):
    table = as_table(fitted, table)
    row = len(table.frame) - 20
    later = pl.int_range(pl.len()) > row
    changed = table.frame.with_columns(
        pl.when(later).then(pl.col("y") * -5).otherwise("y").alias("y")
    )

    before, _ = by_hand(fitted, table)
    after, _ = by_hand(fitted, dataclasses.replace(table, frame=changed))

    known = row - first_later_row(fitted, table) + 2
    np.testing.assert_array_equal(before[:known], after[:known])
    assert not np.allclose(before[known:], after[known:])


def test_only_targets_after_what_was_learned_from_count(fitted, table):
    found = fitted.evaluate(as_table(fitted, table)).to_dict()

    first = first_later_row(fitted, as_table(fitted, table))
    assert found["start"] == str(table["day"][first])
    assert found["end"] == str(table["day"][-1])
    assert found["start"] > fitted.preprocessing.seen_until


def test_it_agrees_with_the_scores_that_training_kept(fitted, table):
    found = fitted.evaluate(as_table(fitted, table)).to_dict()

    assert found["model"]["scores"] == fitted.metrics["test"]
    assert found["model"]["per_step"] == fitted.metrics["per_step"]
    kept = {b["name"]: b["test"] for b in fitted.metrics["baselines"]}
    assert "ridge" in kept
    assert {b["name"]: b["scores"] for b in found["baselines"]} == kept


def test_baselines_stand_beside_it(fitted, table):
    found = fitted.evaluate(as_table(fitted, table)).to_dict()

    y, first = table["sold"].to_numpy(), first_later_row(fitted, as_table(fitted, table))
    origins = np.arange(first - 1, len(y) - HORIZON)
    truth = np.stack([y[origins + step] for step in (1, 2, 3)], axis=1)
    last = found["baselines"][0]
    assert last["name"] == "last value"
    expected = np.abs(truth - y[origins][:, None])
    assert last["scores"]["mae"] == pytest.approx(expected.mean(), rel=1e-5)
    np.testing.assert_allclose(last["per_step"], expected.mean(axis=0), rtol=1e-5)


def test_a_missing_target_is_not_scored(fitted, table):
    holed = table.with_columns(
        pl.when(pl.int_range(pl.len()) == 390).then(None).otherwise("sold").alias("sold")
    )
    holed = as_table(fitted, holed)
    forecast, truth = by_hand(fitted, holed)

    found = fitted.evaluate(holed).to_dict()

    errors = np.abs(forecast - truth)
    assert np.isnan(errors).sum() == HORIZON
    assert found["model"]["scores"]["mae"] == pytest.approx(np.nanmean(errors), rel=1e-6)


@pytest.mark.parametrize("rows", [340, 341, 342])
def test_a_table_without_enough_later_rows_is_refused(fitted, table, rows):
    with pytest.raises(DataError, match=r"must hold 3 rows after 2020-12-05 .* got [0-2], or none"):
        fitted.evaluate(as_table(fitted, table.head(rows)))


def test_a_table_of_another_form_is_refused(fitted, table):
    with pytest.raises(DataError, match="must have the columns learned from"):
        fitted.evaluate(as_table(fitted, table.drop("price")))
