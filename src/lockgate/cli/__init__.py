"""The `lockgate` command."""

import sys

from lockgate.errors import INSTALL


def main() -> None:
    """Run the command line, or tell what to install for it."""
    try:
        from lockgate.cli.app import app
    except ModuleNotFoundError as error:
        if error.name is not None and error.name.split(".")[0] == "lockgate":
            raise
        sys.exit(f"lockgate's commands need the workbench, which lacks {error.name}: {INSTALL}")
    app()
