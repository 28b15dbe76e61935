"""The table that comes along is what its docstring says."""

import pytest

from lockgate.errors import DataError
from lockgate.reading.samples import sample


def test_co2_is_weekly_with_holes():
    table = sample("co2")

    assert table.columns == ["date", "co2"]
    assert table["date"].dt.year().min() == 1958
    assert table["date"].dt.year().max() == 2001
    assert table["date"].diff().drop_nulls().unique().dt.total_days().to_list() == [7]
    assert table["co2"].null_count() == 59
    assert table["co2"].is_nan().sum() == 0


def test_another_sample_is_refused():
    with pytest.raises(DataError, match="sample must be one of co2, got 'airline'"):
        sample("airline")
