"""`lockgate serve`: answer over HTTP with fitted models."""

from pathlib import Path
from typing import Annotated

import typer


def serve(
    folders: Annotated[
        list[str],
        typer.Argument(
            metavar="[NAME=]FOLDER...",
            help="Models that `train`, `study` or `export` wrote; the folder's name is the "
            "model's unless another is given.",
        ),
    ],
    host: Annotated[
        str, typer.Option(help="Address to listen on. One that others reach needs a token.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port; 0 takes a free one.")] = 8000,
    allow_host: Annotated[
        list[str] | None,
        typer.Option(help="A name by which the server is called, beside its address; * is any."),
    ] = None,
    token_file: Annotated[
        Path | None,
        typer.Option(help="File with a token a line. Default: the variable LOCKGATE_TOKEN."),
    ] = None,
) -> None:
    """Serve models over HTTP: forecasts, labels and streams, and a page to try them on.

    A fitted folder is exported first, and again whenever it changes.
    """
    from lockgate import serving

    serving.serve(
        folders,
        host=host,
        port=port,
        allow_hosts=allow_host or [],
        token_file=token_file,
    )
