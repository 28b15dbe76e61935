"""Charts of importance and of errors by clock."""

from lockgate.tasks.forecasting.error_charts import MOST_BARS, draw_clock, draw_importance


def test_the_first_part_is_on_top_with_its_range() -> None:
    parts = [
        {"name": "a<b", "percent": 20.0, "low": 18.0, "high": 25.0},
        {"name": "idle", "percent": -0.5, "low": -1.0, "high": 0.0},
    ]

    [bars] = draw_importance(parts)["data"]

    assert bars["y"] == ["idle", "a&lt;b"]
    assert bars["x"] == [-0.5, 20.0]
    assert bars["error_x"]["array"] == [0.5, 5.0]
    assert bars["error_x"]["arrayminus"] == [0.5, 2.0]


def test_of_many_columns_the_largest_are_drawn() -> None:
    parts = [{"name": str(n), "percent": -n, "low": -n, "high": -n} for n in range(40)]

    [bars] = draw_importance(parts)["data"]

    assert bars["y"][::-1] == [str(n) for n in range(MOST_BARS)]


def test_the_clock_has_a_row_where_anything_was_observed() -> None:
    clock = {"names": ["Mon", "Tue"], "errors": [[1.0, None, 2.0], [None, None, None]]}

    [cells] = draw_clock(clock, 2)["data"]

    assert (cells["x"], cells["y"], cells["z"]) == ([1, 2, 3], ["Mon"], [[1.0, None, 2.0]])
