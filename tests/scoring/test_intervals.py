"""Coverage, pinball loss and interval score are those of another library, holes left out."""

import numpy as np
import pandas as pd
import pytest
from utilsforecast import losses

from lockgate.scoring.intervals import blocks_of, coverage, interval_score, pinball

RNG = np.random.default_rng(0)
TRUTH = RNG.normal(size=(41, 3))
LOW, HIGH = TRUTH - RNG.normal(0.5, 1.0, size=TRUTH.shape), TRUTH + RNG.uniform(0, 2, TRUTH.shape)
HIGH = np.maximum(LOW, HIGH)
BLOCKS = blocks_of(np.arange(41), 3)


def as_frame(**columns: np.ndarray) -> pd.DataFrame:
    flat = {name: values.ravel() for name, values in columns.items()}
    return pd.DataFrame({"unique_id": "one", "ds": range(TRUTH.size), "y": TRUTH.ravel(), **flat})


def test_coverage_is_that_of_utilsforecast() -> None:
    frame = as_frame(**{"m-lo-80": LOW, "m-hi-80": HIGH})

    own = coverage(TRUTH, LOW, HIGH, BLOCKS)

    assert own.share == pytest.approx(losses.coverage(frame, ["m"], 80)["m"][0])
    assert own.low < own.share < own.high
    assert own.width == pytest.approx(np.mean(HIGH - LOW))
    assert own.per_step == pytest.approx(((TRUTH >= LOW) & (TRUTH <= HIGH)).mean(axis=0))


def test_what_is_not_observed_does_not_count() -> None:
    holed = TRUTH.copy()
    holed[:, 2], holed[5], holed[7, 0] = np.nan, np.nan, np.nan
    seen = np.isfinite(holed)

    own = coverage(holed, LOW, HIGH, BLOCKS)

    inside = (TRUTH >= LOW) & (TRUTH <= HIGH)
    assert own.share == pytest.approx(inside[seen].mean())
    assert own.width == pytest.approx((HIGH - LOW)[seen].mean())
    assert np.isnan(own.per_step[2])
    assert np.isnan(own.width_per_step[2])


def test_the_ends_are_inside() -> None:
    assert coverage(TRUTH, TRUTH, TRUTH, BLOCKS).share == 1.0


def test_a_single_block_has_no_interval() -> None:
    own = coverage(TRUTH, LOW, HIGH, np.zeros(41, np.int64))

    assert np.isnan([own.low, own.high]).all()


def test_the_pinball_loss_is_that_of_utilsforecast() -> None:
    quantiles = (0.1, 0.5, 0.9)
    forecasts = np.stack([TRUTH + RNG.normal(size=TRUTH.shape) for _ in quantiles])
    names = {f"q{place}": one for place, one in enumerate(forecasts)}
    frame = as_frame(**names)

    judge = losses.mqloss(frame, {"m": list(names)}, np.array(quantiles))["m"][0]

    assert pinball(TRUTH, quantiles, forecasts) == pytest.approx(judge)


def test_the_interval_score_is_the_width_and_what_lies_outside() -> None:
    truth = np.array([[0.0, 3.0, np.nan]])
    low, high = np.full((1, 3), 1.0), np.full((1, 3), 2.0)

    # each lies outside by 1; at 80 % that costs 2 / 0.2
    assert interval_score(truth, low, high, 80.0) == pytest.approx(1.0 + 10.0)


def test_forecasts_of_one_horizon_are_one_block() -> None:
    assert blocks_of(np.array([10, 11, 12, 13, 19]), 3).tolist() == [3, 3, 4, 4, 6]
