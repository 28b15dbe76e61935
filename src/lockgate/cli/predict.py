"""`lockgate predict`: forecast past the end of a table, or label sequences or texts."""

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from lockgate.cli import options as o


@o.with_settings("predict")
def predict(
    folder: Annotated[Path, typer.Argument(help="A folder that `train` or `study` wrote.")],
    table: o.Source = None,
    sample: o.Sample = None,
    future: Annotated[
        Path | None,
        typer.Option(
            help="Table of the steps forecast: times, names of series, and columns known ahead, "
            "where TABLE does not hold them."
        ),
    ] = None,
    level: Annotated[
        str | None,
        typer.Option(help="Per cent of truths that intervals of a forecast cover: 80,95."),
    ] = None,
    quantiles: Annotated[
        str | None,
        typer.Option(help="Instead, shares of truths below quantiles of a forecast: 0.1,0.5,0.9."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="A .csv or .parquet file; default standard output, as CSV.")
    ] = None,
    verbose: o.Verbose = False,
    quiet: o.Quiet = False,
    as_json: o.Json = False,
    *,
    options: dict[str, Any],
) -> None:
    """Forecast the steps after the last target of a table, or classify sequences or texts.

    A classifier gives a row for each text or sequence, or for each step: its label and the
    probability of each class. The data need no labels. They are read as the training data were,
    but for what an option tells anew; an empty one, such as --time-format "", leaves it to them.
    """
    o.log_to_stderr(verbose=verbose, quiet=quiet)
    from lockgate import fitted
    from lockgate.files import check_frame_file, write_frame

    if out is not None:
        check_frame_file(out)
    given: dict[str, Any] = {"future": future, "level": o.numbers("level", level)}
    given["quantiles"] = o.numbers("quantiles", quantiles)
    options |= {name: value for name, value in given.items() if value is not None}
    frame = fitted.predict(folder, o.source(table, sample), **options)
    if as_json:
        times = [frame["ds"].dt.to_string("iso:strict")] if "ds" in frame.columns else []
        print(frame.with_columns(times).write_json())
    if out is None and not as_json:
        sys.stdout.write(frame.write_csv())
    if out is not None:
        write_frame(frame, out)
        what = "steps" if {"ds", "row", "step"} & {*frame.columns} else "rows"
        print(f"{len(frame)} {what} written to {out}", file=sys.stderr)
