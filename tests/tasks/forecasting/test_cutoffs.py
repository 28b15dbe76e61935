"""Cutoffs lie so that the last horizon ends with the table, and fits see what lies before them."""

from itertools import pairwise

import numpy as np
import polars as pl
import pytest

from lockgate import DataError
from lockgate.settings import resolve
from lockgate.tasks.forecasting.config import BacktestSettings, ForecastConfig
from lockgate.tasks.forecasting.cutoffs import (
    cutoff_steps,
    held_steps,
    lay_cutoffs,
    least_learned,
)
from lockgate.tasks.forecasting.prepare import read

HORIZON = 3


@pytest.fixture
def lay(table, small):
    """Lay out the cutoffs of the table, of its first rows, or of a model."""

    def run(rows=400, given=None, **asked):
        config = resolve(ForecastConfig, small).data
        data = read(table.head(rows), config)
        return lay_cutoffs(data, config, resolve(BacktestSettings, asked), given)

    return run


@pytest.mark.parametrize("n_windows", [1, 2, 9])
@pytest.mark.parametrize("step", [1, 3, 7])
def test_the_last_horizon_ends_with_the_table_and_steps_are_equal(n_windows, step):
    steps = cutoff_steps(101, HORIZON, n_windows, step)

    assert len(steps) == n_windows
    assert steps[-1] + HORIZON == 100
    assert all(later - earlier == step for earlier, later in pairwise(steps))


def test_the_step_is_the_horizon_unless_it_is_told_in_steps_or_as_a_duration(lay):
    apart = [
        {later.step - earlier.step for earlier, later in pairwise(lay(**asked))}
        for asked in ({}, {"step": 5}, {"step": "5"}, {"step": "1w"})
    ]

    assert apart == [{HORIZON}, {5}, {5}, {7}]


@pytest.mark.parametrize("gap", [0, 4, "4d"])
@pytest.mark.parametrize("window", ["expanding", "rolling"])
def test_a_fit_learns_from_what_lies_a_gap_before_its_first_cutoff(lay, gap, window):
    laid = lay(n_windows=7, refit_every=3, gap=gap, window=window)

    steps = 4 if gap else 0
    assert [cutoff.refit.number for cutoff in laid] == [0, 0, 0, 1, 1, 1, 2]
    for number in range(3):
        first = laid[3 * number]
        assert first.refit.steps.stop - 1 == first.step - steps
        assert (first.refit.steps.start == 0) == (window == "expanding" or number == 0)
    lengths = {len(cutoff.refit.steps) for cutoff in laid}
    assert len(lengths) == (1 if window == "rolling" else 3)


def test_settings_are_fitted_once_and_a_model_never_unless_it_is_asked_for(lay, trained):
    given = trained[0].preprocessing

    assert {cutoff.refit.number for cutoff in lay()} == {0}
    assert {cutoff.refit for cutoff in lay(given=given)} == {None}
    assert [cutoff.refit.number for cutoff in lay(given=given, refit_every=4)] == [0] * 4 + [1] * 4


def test_a_model_forecasts_from_the_last_row_that_it_has_seen_on(lay, trained, table):
    given = trained[0].preprocessing
    seen = int((table["day"].to_numpy() <= np.datetime64(given.seen_until)).sum()) - 1
    most = (len(table) - 1 - HORIZON - seen) // HORIZON + 1

    assert lay(given=given, n_windows=most)[0].step == seen
    by_one = len(table) - HORIZON - seen  # cutoffs a step apart, the first at the last row seen
    assert lay(given=given, n_windows=by_one, step=1)[0].step == seen
    with pytest.raises(DataError, match=f"pass n_windows={by_one} "):
        lay(given=given, n_windows=by_one + 1, step=1)
    with pytest.raises(DataError) as raised:
        lay(given=given, n_windows=most + 2)

    assert str(raised.value) == (
        "no cutoff must lie before 2020-12-05 00:00:00, the last that the model has learned from, "
        "got the first at 2020-11-29 00:00:00; fit anew for each, refit_every=1 (--refit-every 1), "
        f"or pass n_windows={most} (--n-windows {most})"
    )
    with pytest.raises(DataError, match="learned from and a gap of 2 steps, got the first at"):
        lay(given=given, n_windows=most, gap=2)


def test_a_rolling_window_of_a_model_that_is_not_fitted_anew_is_refused(lay, trained):
    with pytest.raises(DataError, match=r"window must be expanding .*, got rolling; pass refit_e"):
        lay(given=trained[0].preprocessing, window="rolling")


def test_too_many_windows_are_refused_with_the_most_that_fit(lay):
    with pytest.raises(DataError) as raised:
        lay(rows=60, n_windows=30, gap=2)

    assert str(raised.value) == (
        "n_windows must leave 17 rows to learn from up to the first cutoff, got 30, 3 steps apart "
        "in 60 rows; at most 14 fit, n_windows=14 (--n-windows 14)"
    )
    assert lay(rows=60, n_windows=14, gap=2)[0].step + 1 - 2 >= 15
    with pytest.raises(DataError, match="at most 14 fit"):
        lay(rows=60, n_windows=15, gap=2)


def test_a_table_that_is_too_short_for_one_window_is_refused(lay, trained):
    with pytest.raises(DataError, match="must hold 15 rows to learn from and 3 to forecast, got 1"):
        lay(rows=16, n_windows=2)
    with pytest.raises(DataError, match="must hold 7 rows to read and 3 to forecast, got 9 rows"):
        lay(rows=9, given=trained[0].preprocessing)


@pytest.mark.parametrize("name", ["n_windows", "step"])
@pytest.mark.parametrize("value", [0, -2])
def test_fewer_than_one_is_refused(lay, name, value):
    with pytest.raises(DataError, match=f"^{name} must be .*(at least|than or equal to) 1.* got"):
        lay(**{name: value})


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        ({"refit_every": -1}, "refit_every must be greater than or equal to 0"),
        ({"step": "1h"}, "step must be a multiple of the frequency 1d, got '1h'"),
        ({"gap": "soon"}, "gap must be"),
        ({"window": "sliding"}, "window must be 'expanding' or 'rolling'"),
    ],
)
def test_what_is_no_setting_is_refused(lay, asked, sentence):
    with pytest.raises(DataError, match=sentence):
        lay(**asked)


@pytest.mark.parametrize("horizon", [1, 5, 26])
@pytest.mark.parametrize("lookback", [None, 1, 30])
@pytest.mark.parametrize("split", [("0.7", "0.15", "0.15"), ("0.5", "0.3", "0.2")])
def test_of_the_least_rows_both_parts_hold_a_window_and_of_one_less_not(horizon, lookback, split):
    def holds(rows: int) -> bool:
        held = held_steps(rows, split)
        train = rows - held
        read = max(1, min(168, train // 10)) if lookback is None else lookback
        return held >= horizon and train >= read + horizon

    least = least_learned(horizon, lookback, split)

    assert holds(least)
    assert not holds(least - 1)


def test_validation_has_its_share_beside_training():
    shares = [held_steps(1000, split) for split in (("0.5", "0.3", "0.2"), ("0.7", "0.15", "0.15"))]

    assert shares == [round(1000 * 0.3 / 0.8), round(1000 * 0.15 / 0.85)]


def test_fractions_that_do_not_sum_to_one_are_refused():
    with pytest.raises(DataError, match="split must be three fractions above 0 that sum to 1"):
        held_steps(100, ("0.5", "0.5", "0.5"))


def test_series_that_end_at_unlike_times_share_the_cutoffs(small):
    days = pl.datetime_range(pl.datetime(2024, 1, 1), pl.datetime(2024, 4, 9), "1d", eager=True)
    long = pl.DataFrame({"unique_id": "a", "day": days, "sold": np.arange(100.0) % 7})
    short = long.head(60).with_columns(unique_id=pl.lit("b"))
    config = resolve(ForecastConfig, small).data

    laid = lay_cutoffs(read(pl.concat([long, short]), config), config, BacktestSettings())

    assert laid[-1].step == 100 - 1 - HORIZON
