"""`lockgate compare`: two finished studies of the same data side by side."""

from pathlib import Path
from typing import Annotated

import typer

from lockgate.cli import options as o


def compare(
    first: Annotated[Path, typer.Argument(help="A folder that `study` wrote.")],
    second: Annotated[Path, typer.Argument(help="Another, of the same data and metric.")],
    as_json: o.Json = False,
) -> None:
    """Set two finished studies of the same data side by side.

    Shown are the settings that differ, the score of every rung on the rows judged, the change and
    the outcome of each pair, and what is delivered beside the baselines on the test part.
    """
    from lockgate import api
    from lockgate.cli.show import show_comparison

    show_comparison(api.compare(first, second), as_json=as_json)
