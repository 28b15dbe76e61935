"""`lockgate predict`: forecast past the end of a table."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from lockgate.cli import options as o


def predict(
    folder: Annotated[Path, typer.Argument(help="A folder that `train` or `study` wrote.")],
    table: o.Source = None,
    sample: o.Sample = None,
    out: Annotated[
        Path | None, typer.Option(help="A .csv or .parquet file; default standard output, as CSV.")
    ] = None,
    as_json: o.Json = False,
) -> None:
    """Forecast the steps after the last row of a table."""
    from lockgate.data.errors import DataError
    from lockgate.data.files import new_file
    from lockgate.fitted import Fitted

    if out is not None and out.suffix not in (".csv", ".parquet"):
        raise DataError(f"out must end in .csv or .parquet, got {out}")
    fitted = Fitted.load(o.model_folder(folder))
    forecast = fitted.predict(o.source(table, sample))
    if as_json:
        print(forecast.with_columns(forecast["ds"].dt.to_string("iso:strict")).write_json())
    if out is None and not as_json:
        sys.stdout.write(forecast.write_csv())
    if out is not None:
        write = forecast.write_parquet if out.suffix == ".parquet" else forecast.write_csv
        with new_file(out) as file:
            write(file)
        print(f"{len(forecast)} steps written to {out}", file=sys.stderr)
