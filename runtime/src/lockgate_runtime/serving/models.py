"""The models of a server, and their being read anew when a folder changes."""

import asyncio
import logging
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Executor
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from lockgate_runtime.classifier import Classifier
from lockgate_runtime.errors import DataError, listed, quoted
from lockgate_runtime.forecaster import Forecaster
from lockgate_runtime.loading import MANIFEST, load

log = logging.getLogger(__name__)
Model = Forecaster | Classifier
SIZES = {"int64": np.int64, "float": np.float32, "double": np.float64, "bool": np.bool_}
TRIED = 8
"""Steps of a recording or text that a new graph is tried on."""


class Source(NamedTuple):
    """Where a model comes from."""

    name: str
    mark: Callable[[], Any]
    """Tells one state of the folder from another."""
    load: Callable[[], Model]


def exported(name: str, folder: Path, threads: int | None = None) -> Source:
    """Return the source of a folder that `lockgate export` wrote."""

    def mark() -> Any:
        told = (folder / MANIFEST).stat()
        return told.st_mtime_ns, told.st_ino, told.st_size

    return Source(name, mark, lambda: load(folder, threads=threads))


def named(folders: Sequence[str]) -> dict[str, Path]:
    """Return folders by the names of their models: `NAME=FOLDER`, or the folder's own.

    Raises:
        DataError: If two have one name.
    """
    found: dict[str, Path] = {}
    for one in folders:
        own, mark, path = one.partition("=")
        folder = Path(path if mark else one)
        name = own if mark else folder.resolve().name
        if name in found:
            raise DataError(
                f"models must have names of their own, got two of the name {quoted(name)}; name "
                "one of them: OTHER=FOLDER"
            )
        found[name] = folder
    return found


class Models:
    """The models that answer.

    Args:
        sources: Where they come from.
        told: Is told of the name of every model that was read anew, and whether that was well.
    """

    def __init__(
        self, sources: Iterable[Source], told: Callable[[str, bool], None] = lambda *_: None
    ) -> None:
        self._sources = {one.name: one for one in sources}
        self._told = told
        self._marks: dict[str, Any] = {}
        self._failed: dict[str, Any] = {}
        self._models: dict[str, Model] = {}

    @property
    def names(self) -> tuple[str, ...]:
        """Return the names of the models."""
        return tuple(self._sources)

    def load(self) -> None:
        """Read all models, and try each.

        Raises:
            DataError: If one cannot be used.
        """
        for name, source in self._sources.items():
            self._marks[name], self._models[name] = _mark(source), _tried(source)

    def get(self, name: str | None) -> tuple[str, Model]:
        """Return a model and its name; without a name the only one.

        Raises:
            DataError: If there is none of that name, or none is named of several.
        """
        if name is None and len(self._models) == 1:
            name = next(iter(self._models))
        if name not in self._models:
            given = "none" if name is None else quoted(name)
            raise DataError(
                f"model must be one of {listed([*self._models])}, got {given}; name it: ?model=NAME"
            )
        return name, self._models[name]

    async def watch(self, pool: Executor, seconds: float) -> None:
        """Read a model anew whenever its folder has changed; one that cannot be used stays out."""
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(seconds)
            for name, source in self._sources.items():
                mark = await loop.run_in_executor(None, _mark, source)
                if mark in (self._marks[name], self._failed.get(name)):
                    continue
                try:
                    model = await loop.run_in_executor(pool, _tried, source)
                except (DataError, OSError) as error:
                    # a folder that is being written may be well at the next look
                    if await loop.run_in_executor(None, _mark, source) == mark:
                        self._failed[name] = mark
                        self._told(name, False)
                        log.error("%s keeps its model: %s", name, error)
                    continue
                self._marks[name], self._models[name] = mark, model
                self._failed.pop(name, None)
                self._told(name, True)
                log.warning("%s was read anew", name)


def _mark(source: Source) -> Any:
    try:
        return source.mark()
    except OSError as error:
        return type(error).__name__


def _tried(source: Source) -> Model:
    """Read a model, and run its graph once on nothing but zeros."""
    model = source.load()
    feed: dict[str, Any] = {}
    for given in model.session.get_inputs():
        kind = SIZES[given.type.removeprefix("tensor(").removesuffix(")")]
        shape = [
            size if isinstance(size, int) else (TRIED if place else 1)
            for place, size in enumerate(given.shape)
        ]
        feed[given.name] = np.full(shape, TRIED if given.name == "lengths" else 0, dtype=kind)
    try:
        model.session.run(None, feed)
    except Exception as error:  # onnxruntime's own have no common class
        raise DataError(f"the graph of {source.name} must run, got {error}") from None
    return model
