"""Serves exported models over HTTP: `lockgate-serve FOLDER...`."""

import sys


def main() -> None:
    """Run `lockgate-serve`, or tell what to install for it."""
    try:
        from lockgate_runtime.serving import server
    except ModuleNotFoundError as error:
        if error.name is not None and error.name.split(".")[0] == "lockgate_runtime":
            raise
        sys.exit(f'lockgate-serve needs {error.name}: pip install "lockgate-runtime[serve]"')
    server.main()
