"""`lockgate update`: take the errors of later forecasts into a model's intervals."""

from pathlib import Path
from typing import Annotated, Any

import typer

from lockgate.cli import options as o


@o.with_settings("update")
def update(
    folder: Annotated[Path, typer.Argument(help="A folder that `train` or `study` wrote.")],
    table: o.Source = None,
    sample: o.Sample = None,
    out: Annotated[
        Path | None,
        typer.Option(help="New folder for the model, instead of FOLDER itself."),
    ] = None,
    verbose: o.Verbose = False,
    quiet: o.Quiet = False,
    as_json: o.Json = False,
    *,
    options: dict[str, Any],
) -> None:
    """Keep the intervals of a forecaster up to date with rows that have come in since.

    TABLE holds rows after those that training, and updates before, have seen, with the past that
    their forecasts read: the table that has grown will do. Each of them is forecast, and the newest
    errors take the place of the oldest. The networks stay as they are. What the intervals covered
    of the new rows is printed, as they were and as they would have been, kept up to date.
    """
    o.log_to_stderr(verbose=verbose, quiet=quiet)
    from lockgate import fitted
    from lockgate.cli.show import show_told

    result = fitted.update(folder, o.source(table, sample), out=out, **options)
    show_told(result, as_json=as_json)
    if not as_json:
        print(f"{out or folder} is up to date")
