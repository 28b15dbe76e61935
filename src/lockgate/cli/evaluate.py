"""`lockgate evaluate`: score a fitted folder on other data."""

from pathlib import Path
from typing import Annotated, Any

import typer

from lockgate.cli import options as o


@o.with_settings("evaluate")
def evaluate(
    folder: Annotated[Path, typer.Argument(help="A folder that `train` or `study` wrote.")],
    table: o.Source = None,
    sample: o.Sample = None,
    mc_samples: Annotated[
        int | None, typer.Option(help="Passes of Monte-Carlo dropout of a classifier.")
    ] = None,
    verbose: o.Verbose = False,
    quiet: o.Quiet = False,
    as_json: o.Json = False,
    *,
    options: dict[str, Any],
) -> None:
    """Score a fitted model on data that it has not learned from.

    A forecaster is rolled over the later rows of a table; a classifier is scored on labelled
    sequences or texts. They are read as the training data were, but for what an option tells anew;
    an empty one, such as --time-format "", leaves it to them.
    """
    o.log_to_stderr(verbose=verbose, quiet=quiet)
    from lockgate import fitted
    from lockgate.cli.show import show_told

    if mc_samples is not None:
        options["mc_samples"] = mc_samples
    show_told(fitted.evaluate(folder, o.source(table, sample), **options), as_json=as_json)
