"""Reads a folder that `lockgate export` wrote, as data."""

import hashlib
import json
import os
import stat
from pathlib import Path
from typing import Any, Protocol

import onnxruntime

from lockgate_runtime.classifier import Classifier
from lockgate_runtime.errors import DataError, quoted
from lockgate_runtime.forecaster import Forecaster

FORMAT = 1
GRAPH, SCHEMA, MANIFEST = "model.onnx", "schema.json", "manifest.json"
MOST_JSON = 256 * 2**20
MOST_GRAPH = 2**31  # what a graph in one file can have
TASKS = ("forecast", "labels")


class Model(Protocol):
    """A model of any task."""

    schema: dict[str, Any]

    def predict(self, data: Any) -> dict[str, Any]:
        """Predict; see the model's own."""
        ...


def load(folder: str | os.PathLike[str], *, threads: int | None = None) -> Forecaster | Classifier:
    """Read an exported model.

    Args:
        folder: What `lockgate export` wrote.
        threads: Threads of a prediction. Default: as many as there are cores.

    Raises:
        DataError: If the folder holds no such model, or a file is not as it was written.
    """
    place = Path(folder)
    files = {name: _read(place / name, most) for name, most in _files()}
    known = _json(place / MANIFEST, files[MANIFEST])
    for name in (GRAPH, SCHEMA, *sorted({*known} - {GRAPH, SCHEMA})):
        data = files.get(name)
        if data is None:
            if Path(name).name != name:
                raise DataError(f"{place / MANIFEST} must name files of the folder alone")
            data = _read(place / name, MOST_JSON)
        if hashlib.sha256(data).hexdigest() != known.get(name):
            raise DataError(
                f"{place / name} must be as it was exported, got other bytes: it was cut short, "
                "swapped or altered; export the model again"
            )
        files[name] = data
    schema = _json(place / SCHEMA, files[SCHEMA])
    if schema.get("format") != FORMAT or schema.get("task") not in TASKS:
        raise DataError(
            f"{place} must hold a model of format {FORMAT}, got format "
            f"{quoted(schema.get('format'))} of the task {quoted(schema.get('task'))}; use the "
            "lockgate-runtime of the lockgate that exported it"
        )
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    if threads is not None:
        options.intra_op_num_threads = threads
    try:
        session = onnxruntime.InferenceSession(
            files[GRAPH], options, providers=["CPUExecutionProvider"]
        )
    except Exception as error:  # onnxruntime's own have no common class
        raise DataError(f"{place / GRAPH} must be a graph that onnxruntime runs: {error}") from None
    if schema["task"] == "forecast":
        return Forecaster(schema, session, files)
    return Classifier(schema, session, files)


def _files() -> tuple[tuple[str, int], ...]:
    return (MANIFEST, MOST_JSON), (SCHEMA, MOST_JSON), (GRAPH, MOST_GRAPH)


def _read(path: Path, most: int) -> bytes:
    try:
        with path.open("rb") as file:
            told = os.fstat(file.fileno())
            if not stat.S_ISREG(told.st_mode) or told.st_size > most:
                raise DataError(f"{path} must be a file of at most {most:,} bytes")
            return file.read()
    except OSError as error:
        raise DataError(
            f"{path.parent} must be a folder that lockgate export wrote, got none: "
            f"{error.strerror}: {path.name}"
        ) from None


def _json(path: Path, data: bytes) -> dict[str, Any]:
    try:
        content = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path} must be JSON: {error}") from None
    if not isinstance(content, dict):
        raise DataError(f"{path} must hold a JSON object")
    return content
