"""`lockgate evaluate`: score a fitted folder on other data."""

from pathlib import Path
from typing import Annotated

import typer

from lockgate.cli import options as o


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
) -> None:
    """Score a fitted model on data that it has not learned from.

    A forecaster is rolled over the later rows of a table; a classifier is scored on labelled
    sequences or texts, read as those that it was trained on were.
    """
    o.log_to_stderr(verbose=verbose, quiet=quiet)
    from lockgate import api
    from lockgate.cli.show import show_evaluation

    options = {} if mc_samples is None else {"mc_samples": mc_samples}
    show_evaluation(api.evaluate(folder, o.source(table, sample), **options), as_json=as_json)
