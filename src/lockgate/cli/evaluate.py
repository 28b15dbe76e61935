"""`lockgate evaluate`: score a fitted folder on a table."""

from pathlib import Path
from typing import Annotated

import typer

from lockgate.cli import options as o


def evaluate(
    folder: Annotated[Path, typer.Argument(help="A folder that `train` or `study` wrote.")],
    table: o.Source = None,
    sample: o.Sample = None,
    as_json: o.Json = False,
) -> None:
    """Roll a fitted model over the rows of a table that it has not learned from, and score it."""
    from lockgate.cli.show import show_backtest
    from lockgate.data.prepare import read
    from lockgate.evaluation.backtest import backtest
    from lockgate.fitted import Fitted

    fitted = Fitted.load(o.model_folder(folder))
    rows = read(o.source(table, sample), fitted.config.data)
    show_backtest(backtest(fitted, rows), as_json=as_json)
