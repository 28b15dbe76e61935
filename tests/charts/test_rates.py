"""The picture of learning rates places losses where they are and cuts off what diverged."""

import math

import pytest

from lockgate.charts.rates import Marked, rate_sweep

RATES = [1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1.0]
LOSSES = [1.0, 1.1, 0.6, 0.2, 0.9, 5000.0]
SMOOTHED = [1.0, 1.0, 0.7, 0.3, 0.8, 4000.0]


def test_every_batch_is_a_dot_and_the_smoothed_loss_a_line():
    dots, line = rate_sweep(RATES, LOSSES, SMOOTHED, Marked(3e-3, None))["data"]

    assert (dots["x"], dots["y"], dots["mode"]) == (RATES, LOSSES, "markers")
    assert (line["x"], line["y"], line["mode"]) == (RATES, SMOOTHED, "lines")


def test_what_diverged_is_cut_off_and_nothing_before_the_lowest_loss():
    layout = rate_sweep(RATES, LOSSES, SMOOTHED, Marked(3e-3, None))["layout"]

    low, high = layout["yaxis"]["range"]
    assert low < 0.2
    assert 1.1 < high < 2.0
    left, right = layout["xaxis"]["range"]
    assert (left, right) == (pytest.approx(-5, abs=0.1), pytest.approx(0, abs=0.1))
    assert layout["xaxis"]["type"] == "log"


def test_what_is_set_and_what_is_suggested_are_marked_at_their_rates():
    shapes = rate_sweep(RATES, LOSSES, SMOOTHED, Marked(3e-3, (2e-4, 1e-3, 4e-3)))["layout"][
        "shapes"
    ]

    band, best, is_set = shapes
    assert (band["x0"], band["x1"]) == (2e-4, 4e-3)
    assert (best["x0"], is_set["x0"]) == (1e-3, 3e-3)
    assert best["line"]["color"] != is_set["line"]["color"]


def test_a_level_loss_is_drawn_too():
    drawn = rate_sweep(RATES, [1.0] * 6, [1.0] * 6, Marked(3e-3, None))

    low, high = drawn["layout"]["yaxis"]["range"]
    assert low < 1.0 < high
    assert all(map(math.isfinite, (low, high)))
    assert len(drawn["layout"]["shapes"]) == 1
