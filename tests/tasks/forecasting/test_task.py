"""What a study sees of forecasting: scores in the target's unit, its part of the data."""

import math
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from lockgate.settings import resolve
from lockgate.tasks.forecasting.config import ForecastConfig, ForecasterConfig
from lockgate.tasks.forecasting.origins import Origins
from lockgate.tasks.forecasting.task import TASK, WindowScorer


@pytest.fixture
def prepared_as(table, small):
    """Read and prepare the table under settings; give data, prepared data and settings."""

    def prepare(**settings):
        config = resolve(ForecastConfig, {**small, **settings})
        data = TASK.read(table, config)
        return data, TASK.prepare(data, config), config

    return prepare


def test_windows_are_scored_where_the_truth_is_observed():
    truth = np.array([[1.0, 2.0], [np.nan, 4.0], [5.0, 6.0]])
    off = np.array([[1.0, 0.0], [9.0, 2.0], [0.0, 1.0]])

    origins = Origins(np.arange(3), np.zeros(3, np.int64), (), np.ones(3))
    scorer = WindowScorer(truth, "mae", 2.0, origins)

    scores = scorer.scores(np.nan_to_num(truth) + off)
    assert scores == {"mae": 0.8, "rmse": pytest.approx(math.sqrt(6 / 5)), "mase": 0.4}
    assert scorer.per_step(np.nan_to_num(truth) + off) == [0.5, 1.0]
    assert scorer.counts.tolist() == [2.0, 1.0, 2.0]
    assert (scorer.horizon, scorer.groups) == (2, None)


def test_the_truth_of_a_part_is_that_of_the_table(prepared_as, table):
    data, prepared, config = prepared_as()

    truth = TASK.scorer(data, prepared, config, "test").truth

    y = table["sold"].to_numpy()
    np.testing.assert_allclose(truth[0], y[340:343])
    np.testing.assert_allclose(truth[-1], y[-3:])


@pytest.mark.parametrize("metric", ["mae", "rmse", "mase"])
def test_a_validation_loss_is_turned_into_the_metric(prepared_as, metric):
    data, prepared, config = prepared_as(metric=metric)
    scorer = TASK.scorer(data, prepared, config, "validation")
    std = prepared.preprocessing.std

    # a loss of the scaled target is absolute or squared
    loss = 0.25
    found = TASK.validation_score(loss, prepared, config)

    off = math.sqrt(loss) * std if metric == "rmse" else loss * std
    assert found == pytest.approx(scorer.scores(scorer.truth + off)[metric])
    assert TASK.power(metric) == (0.5 if metric == "rmse" else 1.0)


def test_a_test_part_is_told_by_its_own_rows_alone(prepared_as, table):
    data, prepared, config = prepared_as()
    y = table["sold"].to_numpy()

    def fingerprint(row):
        changed = np.where(np.arange(len(y)) == row, 0.0, y)
        other = TASK.read(table.with_columns(sold=changed), config)
        return TASK.test_fingerprint(other, TASK.prepare(other, config))

    own = TASK.test_fingerprint(data, prepared)
    assert fingerprint(-1) == fingerprint(0) == own
    assert fingerprint(399) != own


def test_rows_in_their_order_are_told_by_their_numbers(prepared_as):
    data, prepared, _ = prepared_as(row_order=True, lookback=201)

    planned, described = TASK.planned(data, prepared), TASK.describe(data, prepared)

    assert planned["table"].endswith("400 steps of 1 row from 1 to 400")
    assert planned["parts"][2].startswith("test: 341 to 400, ")
    assert described["series"]["ds"] == list(range(1, 401))
    assert (described["split"]["test"]["start"], described["end"]) == ("341", "400")
    # no resample is advised, which rows cannot have
    assert TASK.advice(data, prepared)[0].endswith("learn slowly over more than 200")


def test_without_a_target_the_columns_are_listed_with_a_guess(table):
    found = TASK.missing(table, {})

    assert found.lines == ("target must be given: pass --target, perhaps --target 'price'",)
    assert {"sold", "price"} <= {value for row in found.rows for value in row.values()}
    assert TASK.missing(table, {"data.target": "sold"}) is None
    assert TASK.missing("sample:co2", {}) is None


def test_prepared_data_come_back_from_their_folder(prepared_as, tmp_path):
    _, prepared, _ = prepared_as()

    TASK.save(prepared, tmp_path)
    loaded = TASK.load(tmp_path)

    assert (loaded.split, loaded.preprocessing) == (prepared.split, prepared.preprocessing)
    for part in ("train", "validation", "test"):
        one, other = (p.windows(part).x(slice(None)) for p in (prepared, loaded))
        assert one.equal(other)


def test_a_loss_of_a_head_s_own_tells_nothing_of_the_metric(prepared_as):
    _, prepared, config = prepared_as(head="normal")

    assert TASK.validation_score(0.25, prepared, config) is None


@pytest.mark.parametrize(
    ("forks", "lookback", "networks", "told"),
    [
        (24, 7, {"gru": {}, "bidirectional": {"bidirectional": True}}, "bidirectional learns from"),
        (24, 7, {"gru": {}, "a": {"segment_length": 2}, "b": {"bidirectional": True}}, "a, b lear"),
        (24, 7, {"gru": {}, "stacked": {"num_layers": 2}}, None),
        (24, 7, {"both": {"bidirectional": True}}, None),
        (1, 7, {"gru": {}, "bidirectional": {"bidirectional": True}}, None),
        (24, 3, {"gru": {}, "bidirectional": {"bidirectional": True}}, None),
    ],
)
def test_networks_that_learn_otherwise_than_the_rest_are_named(
    forks: int, lookback: int, networks: dict[str, Any], told: str | None
) -> None:
    data = {"target": "y", "horizon": 3}
    config = ForecastConfig.model_validate({"data": data, "training": {"forks": forks}})

    prepared: Any = SimpleNamespace(preprocessing=SimpleNamespace(lookback=lookback))

    of_rungs = {name: ForecasterConfig(**one) for name, one in networks.items()}
    found = TASK.learn_apart(prepared, config, of_rungs)

    if told is None:
        assert found is None
    else:
        assert found is not None
        assert found.words.startswith(told)
        assert found.words.endswith("With forks=1 (--set forks=1) all learn alike.")
