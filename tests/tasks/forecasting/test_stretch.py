"""A stretch gives block by block what a table between two steps holds."""

import polars as pl
import pytest

from lockgate.tasks.forecasting import layout
from lockgate.tasks.forecasting.stretch import Stretch
from lockgate.tasks.forecasting.table import read_table


@pytest.mark.parametrize("rows", [1, 7, 100])
@pytest.mark.parametrize(("start", "stop"), [(0, 4), (2, 9), (7, 10)])
def test_blocks_of_a_stretch_are_the_rows_between(
    rows: int, start: int, stop: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(layout, "BLOCK_ROWS", rows)
    spans = {"a": (0, 10), "b": (5, 9), "c": (0, 3), "d": (1, 10)}
    frame = pl.concat(
        pl.DataFrame({"shop": [name] * (stop - start), "ds": range(start, stop)})
        for name, (start, stop) in spans.items()
    ).with_columns(sold=pl.int_range(pl.len()).cast(pl.Float64))
    table = read_table(frame, target="sold", id_columns="shop", row_order=True)
    expected = table.between(start, stop)

    stretch = Stretch(table, start, stop)

    for _ in range(2):  # as often as it is asked for
        assert pl.concat(stretch.frames).equals(expected.frame)
    assert stretch.names == expected.names
    assert stretch.lengths.tolist() == expected.layout.lengths.tolist()
    last = expected.layout.starts + expected.layout.lengths - 1
    assert table.frame["y"][stretch.ends - 1].to_list() == expected.frame["y"][last].to_list()
