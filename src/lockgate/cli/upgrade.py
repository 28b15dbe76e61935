"""`lockgate upgrade`: rewrite a fitted folder of an earlier format."""

from pathlib import Path
from typing import Annotated

import typer


def upgrade(
    folder: Annotated[Path, typer.Argument(help="A folder that `train` or `study` wrote.")],
) -> None:
    """Rewrite a fitted model of an earlier format in that of today. Its predictions stay equal."""
    from lockgate import fitted

    fitted.upgrade(folder)
    print(f"{folder} has today's format")
