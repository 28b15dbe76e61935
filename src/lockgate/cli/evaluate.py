"""`lockgate evaluate`: score a fitted folder on a table."""

from pathlib import Path
from typing import Annotated

import typer

from lockgate.cli import options as o


def evaluate(
    folder: Annotated[Path, typer.Argument(help="A folder that `train` or `study` wrote.")],
    table: Annotated[Path, typer.Argument(help="CSV (also .gz) or Parquet file.")],
    as_json: o.Json = False,
) -> None:
    """Roll a fitted model over the rows of a table that it has not learned from, and score it."""
    from lockgate.cli.show import show_backtest
    from lockgate.data.prepare import read
    from lockgate.evaluation.backtest import backtest
    from lockgate.fitted import Fitted

    fitted = Fitted.load(o.model_folder(folder))
    show_backtest(backtest(fitted, read(table, fitted.config.data)), as_json=as_json)
