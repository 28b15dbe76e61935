"""The plot is a drawing whatever there is to draw."""

from benchmarks.language_model.plot import plot


def test_plot_of_nothing_is_a_plot():
    assert plot([]).startswith("<svg")
