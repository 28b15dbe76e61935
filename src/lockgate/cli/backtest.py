"""`lockgate backtest`: forecast a table from cutoffs in its past."""

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from lockgate.cli import options as o
from lockgate.errors import DataError


@o.with_settings("backtest")
def backtest(
    model: Annotated[
        str | None,
        typer.Argument(
            metavar="FOLDER|CONFIG",
            help="A folder that `train` or `study` wrote, or a file of settings; options may "
            "stand for it.",
            show_default=False,
        ),
    ] = None,
    table: o.Source = None,
    sample: o.Sample = None,
    settings: o.Set = None,
    out: Annotated[
        Path | None, typer.Option(help="A .csv or .parquet file for the forecasts.")
    ] = None,
    run: Annotated[
        Path | None,
        typer.Option(help="Folder in which fits and forecasts are kept as they are done."),
    ] = None,
    resume: o.Resume = False,
    verbose: o.Verbose = False,
    quiet: o.Quiet = False,
    as_json: o.Json = False,
    *,
    options: dict[str, Any],
) -> None:
    """Forecast a table as it would have been forecast in the past, at several cutoffs.

    A folder forecasts as it is, from cutoffs after all that it has learned from, or is fitted anew
    (--refit-every). A file of settings, such as a run's config.yaml, or options such as --target
    and --horizon with TABLE alone, are fitted before the first cutoff. The model is scored beside
    baselines by cutoff, by step and by series; --out writes the frame of the forecasts.
    """
    o.log_to_stderr(verbose=verbose, quiet=quiet)
    if table is None and sample is None:
        if model is not None and Path(model).is_dir():
            raise DataError(f"TABLE must be given beside a folder, or --sample, got {model} alone")
        model, table = None, model
    source, named = o.source(table, sample), o.with_set(options, settings)
    from lockgate import fitted
    from lockgate.cli.show import show_told, show_values
    from lockgate.files import check_frame_file, write_frame

    if out is not None:
        check_frame_file(out)
    if resume and run is None:
        raise DataError("resume must be given with the folder to continue: pass run (--run) too")
    try:
        result = fitted.backtest(
            model,
            source,
            run=run,
            resume=resume,
            on_plan=lambda plan: None if quiet else show_values(plan.words, stderr=True),
            **named,
        )
    except KeyboardInterrupt:
        raise KeyboardInterrupt("continue with --resume" if run is not None else "") from None
    if out is not None:  # before what is printed, which nobody may read to its end
        write_frame(result.forecasts, out)
        print(f"{len(result.forecasts)} steps written to {out}", file=sys.stderr)
    show_told(result, as_json=as_json)
