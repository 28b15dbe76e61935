"""The plot shows the ratios to torch."""

from benchmarks.layers.cases import SHAPES
from benchmarks.layers.plot import plot


def test_plot_has_a_dot_for_each_ratio(results):
    drawn = plot(results()["groups"])

    assert drawn.count('r="3"') == 2 * 3 * len(SHAPES) + 2  # and the legend's
    assert "LSTM 64, 120, 14, 32" in drawn
