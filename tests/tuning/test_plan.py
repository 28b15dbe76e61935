"""A search is planned: what is tried, the default values, and what is refused before a fit."""

import re

import pytest

from lockgate import DataError
from lockgate.running.places import Local
from lockgate.settings import resolve
from lockgate.tasks.forecasting import task as forecasting_module
from lockgate.tasks.registry import task
from lockgate.tuning.config import tune_config
from lockgate.tuning.plan import plan_tuning

FORECAST = task("forecast")


@pytest.fixture
def plan(table, small_tune):
    def run(**settings):
        config = resolve(tune_config(FORECAST.run), {**small_tune, **settings})
        return plan_tuning(table, config, FORECAST, Local(1))

    return run


def test_the_default_values_are_known_where_they_lie_in_the_space(plan):
    planned = plan(lookback=None)

    assert planned.default["model.hidden_size"] == 4
    assert planned.default["data.lookback"] == planned.study.prepared.preprocessing.lookback
    assert planned.known == planned.default
    assert planned.study.config.tune.keys() == planned.space.keys()
    outside = plan(tune={"hidden_size": [8, 16]})
    assert outside.default == {"model.hidden_size": 4}
    assert outside.known is None


def test_a_space_is_refused_before_anything_is_read(plan, monkeypatch):
    monkeypatch.setattr(forecasting_module, "read", None)

    with pytest.raises(DataError, match="space must name settings, got 'foo'"):
        plan(tune={"foo": [1, 2]})
    with pytest.raises(DataError, match="budget must be a duration"):
        plan(budget="1mo")
    with pytest.raises(DataError, match="device must"):
        plan(device="abacus")


def test_few_rows_are_told_to_give_no_verdict(plan, table, small_tune):
    config = resolve(tune_config(FORECAST.run), {**small_tune, "folds": 2})
    [advice] = [
        line
        for line in plan_tuning(table, config, FORECAST, Local(1)).advice
        if "no verdict" in line
    ]

    assert re.match("no verdict is possible: 2 folds where a verdict takes 3", advice)
    assert not [line for line in plan().advice if "no verdict" in line]
