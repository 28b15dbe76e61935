"""What comes back is of the kind that was given."""

import datetime

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from lockgate.reading.frames import like, like_series

LABELS = pl.DataFrame({"label": ["a", "b", "a"]})
STEPS = pl.DataFrame(
    {"ds": [datetime.datetime(2024, 1, day) for day in (5, 6)], "forecast": [1.5, 2.5]}
)


@pytest.mark.parametrize(
    ("source", "kind"),
    [
        ("texts.csv", pl.DataFrame),
        (["x", "y", "z"], pl.DataFrame),
        (pl.DataFrame({"text": ["x", "y", "z"]}), pl.DataFrame),
        (pl.Series(["x", "y", "z"]), pl.DataFrame),
        (pl.LazyFrame({"text": ["x", "y", "z"]}), pl.DataFrame),
        (pd.DataFrame({"text": ["x", "y", "z"]}), pd.DataFrame),
        (pd.Series(["x", "y", "z"]), pd.DataFrame),
        (pa.table({"text": ["x", "y", "z"]}), pa.Table),
    ],
)
def test_a_frame_comes_back_as_the_kind_that_was_given(source, kind):
    found = like(LABELS, source)

    assert type(found) is kind
    assert pl.DataFrame(found).equals(LABELS)


def test_a_row_for_each_row_keeps_its_index():
    texts = pd.Series(["x", "y", "z"], index=["third", "first", "second"])

    assert like(LABELS, texts, row_by_row=True).index.tolist() == ["third", "first", "second"]
    assert like(LABELS, texts).index.tolist() == [0, 1, 2]


def test_the_forecast_of_a_series_is_a_series():
    days = pd.date_range("2024-01-01", periods=4, freq="D", name="day")
    sold = pd.Series([1.0, 2.0, 3.0, 4.0], index=days, name="sold")

    found = like_series(STEPS, sold, "ds", "forecast")

    expected = pd.Series([1.5, 2.5], pd.DatetimeIndex(["2024-01-05", "2024-01-06"], name="day"))
    pd.testing.assert_series_equal(found, expected.rename("sold"), check_index_type=False)
    assert type(like_series(STEPS, sold.to_frame(), "ds", "forecast")) is pd.DataFrame
