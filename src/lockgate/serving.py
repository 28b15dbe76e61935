"""Fitted models behind HTTP: each is exported, and `lockgate_runtime` serves what was exported."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from lockgate import fitted
from lockgate.errors import DataError, need
from lockgate.exporting.folder import MANIFEST

SERVER = "lockgate_runtime.serving.server"


def serve(
    folders: Sequence[str | Path],
    *,
    host: str = "127.0.0.1",
    port: int = 8000,
    allow_hosts: Sequence[str] = (),
    token_file: Path | None = None,
) -> None:
    """Serve models over HTTP until a signal ends it.

    Args:
        folders: Fitted or exported models, `NAME=FOLDER` or a folder, whose name is the model's.
            A fitted one is exported first, and again whenever it changes.
        host: The address that is listened on. One that others reach needs a token.
        port: The port; 0 takes a free one.
        allow_hosts: Names by which the server is called beside its address; `*` is any.
        token_file: A file with a token a line. Default: the variable `LOCKGATE_TOKEN`.

    Raises:
        DataError: If a model cannot be served, or others may reach it and there is no token.
        ModuleNotFoundError: If what serves is not installed.
    """
    server = need(SERVER, "serve")
    try:
        tokens = server.tokens_of(os.environ, token_file)
        server.serve(sources(folders), host=host, port=port, allow_hosts=allow_hosts, tokens=tokens)
    except server.DataError as error:
        raise DataError(str(error)) from None


def sources(folders: Sequence[str | Path]) -> list[Any]:
    """Give where the models of a server come from."""
    models = need("lockgate_runtime.serving.models", "serve")
    return [
        models.exported(name, folder)
        if (folder / MANIFEST).exists()
        else models.Source(name, _mark(folder), _exporting(folder))
        for name, folder in models.named(list(map(str, folders))).items()
    ]


def _mark(folder: Path) -> Callable[[], Any]:
    def mark() -> Any:
        files = sorted(path for path in folder.rglob("*") if path.is_file())
        return [(str(path), path.stat().st_mtime_ns, path.stat().st_size) for path in files]

    return mark


def _exporting(folder: Path) -> Callable[[], Any]:
    from lockgate_runtime import DataError as Refused
    from lockgate_runtime import load

    def exported() -> Any:
        with TemporaryDirectory() as temporary:
            try:
                # it is read whole: nothing of it is needed afterwards
                return load(fitted.export(folder, Path(temporary) / folder.name).folder)
            except (DataError, FileNotFoundError) as error:
                raise Refused(str(error)) from None

    return exported
