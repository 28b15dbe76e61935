"""Rows that servers are asked about in tests, and what the model itself says of them."""

from typing import Any

import lockgate_runtime
import polars as pl
from exported_models import DAY, Exported, hourly, shops

TOKEN = "a-token-that-is-long"  # noqa: S105 - of tests


def rows(first: int = 0, last: int | None = None) -> dict[str, list[Any]]:
    """Return rows of the hourly table, as JSON holds them."""
    table = hourly()[:60][first:last].with_columns(pl.col("ds").dt.to_string("iso:strict"))
    return table.to_dict(as_series=False)


def of_shops() -> tuple[dict[str, list[Any]], dict[str, list[Any]]]:
    """Return the rows of two shops, and what is known of four days after them."""
    table = shops().filter(pl.col("unique_id").is_in(["north", "new"]))
    ahead = [
        (name, table["ds"].max() + DAY * day, float(day % 2), "sun")
        for name in ("north", "new")
        for day in range(1, 6)
    ]
    future = pl.DataFrame(ahead, schema=["unique_id", "ds", "promo", "weather"], orient="row")
    written = pl.col("ds").dt.to_string("iso:strict")
    return (
        table.with_columns(written).to_dict(as_series=False),
        future.with_columns(written).to_dict(as_series=False),
    )


def told(answer: dict[str, Any]) -> dict[str, list[Any]]:
    """Return what the runtime answers, as JSON holds it."""
    from lockgate_runtime.serving.asking import listing

    return listing(answer)


def loaded(one: Exported) -> Any:
    """Return a model as the server has it."""
    return lockgate_runtime.load(one.folder)
