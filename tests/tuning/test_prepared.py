"""Trials that prepare alike share what is prepared; others have it prepared for them."""

import numpy as np
import pytest

from lockgate import DataError
from lockgate.running.places import Local
from lockgate.settings import resolve
from lockgate.studies.fits import load_prepared
from lockgate.studies.plan import SILENT
from lockgate.tasks.registry import task
from lockgate.tuning.config import tune_config
from lockgate.tuning.plan import plan_tuning
from lockgate.tuning.prepared import Preparations
from lockgate.tuning.space import configured

FORECAST = task("forecast")


@pytest.fixture
def planned(table, small_tune):
    config = resolve(tune_config(FORECAST.run), small_tune)
    return plan_tuning(table, config, FORECAST, Local(1))


@pytest.fixture
def preparations(planned, tmp_path):
    return Preparations(planned.study, planned.run, tmp_path, SILENT)


def test_settings_that_preparing_does_not_read_share_a_preparation(planned, preparations):
    default = preparations.of(planned.run)
    for values in (
        {"model.hidden_size": 9},
        {"training.learning_rate": 0.1},
        {"model.cell": "gru"},
    ):
        assert preparations.of(configured(planned.run, values)) is default


def test_another_lookback_is_prepared_for_on_the_same_folds(planned, preparations, tmp_path):
    default = preparations.of(planned.run)
    longer = preparations.of(configured(planned.run, {"data.lookback": 21}))

    assert longer is not default
    assert longer is preparations.of(
        configured(planned.run, {"data.lookback": 21, "model.hidden_size": 9})
    )
    for own, other in zip(longer.stretches(0), default.stretches(0), strict=True):
        assert own.fold == other.fold
        prepared = load_prepared(longer.root / "prepared" / own.fold.name, FORECAST)
        assert prepared.preprocessing.lookback == 21
        np.testing.assert_array_equal(own.rows, other.rows)
    assert default.root == tmp_path
    assert longer.root.parent == tmp_path / "prepared-for"
    assert longer.whole().preprocessing.lookback == 21
    assert load_prepared(longer.root / "prepared" / "whole", FORECAST).preprocessing.lookback == 21


def test_baselines_are_fitted_where_they_are_asked_for(planned, preparations):
    default = preparations.of(planned.run)

    assert all(not one.naive for one in default.stretches(0))
    assert {one.name for one in default.with_baselines()[0].naive} >= {"ridge", "last value"}


def test_what_cannot_be_prepared_is_refused_each_time(planned, preparations):
    run = configured(planned.run, {"data.lookback": 300})
    with pytest.raises(DataError) as error:
        preparations.of(run).stretches(0)
    preparations.refuse(run, error.value)

    with pytest.raises(DataError, match=str(error.value)[:20]):
        preparations.of(run)
