"""Reads a folder that `lockgate export` wrote, as data."""

import hashlib
import json
import os
import stat
import tempfile
from pathlib import Path
from typing import Any

import onnxruntime

from lockgate_runtime.classifier import Classifier
from lockgate_runtime.errors import DataError, listed, quoted
from lockgate_runtime.forecaster import Forecaster

FORMAT = 1
GRAPH, STEP, SCHEMA, MANIFEST = "model.onnx", "step.onnx", "schema.json", "manifest.json"
FILES = {GRAPH, STEP, SCHEMA, "tokens.json", "path.json", "mixed.json"}
EXTERNAL = "session.model_external_initializers_file_folder_path"
"""Where onnxruntime looks for numbers that stand outside of a graph."""
MOST_JSON = 64 * 2**20
MOST_GRAPH = 2**31  # what a graph in one file can have
TASKS = ("forecast", "labels")


def load(folder: str | os.PathLike[str], *, threads: int | None = None) -> Forecaster | Classifier:
    """Read an exported model.

    Args:
        folder: What `lockgate export` wrote.
        threads: Threads of a prediction. Default: as many as there are cores.

    Raises:
        DataError: If the folder holds no such model, or a file is not as it was written.
    """
    place = Path(folder)
    known = _json(place / MANIFEST, _read(place / MANIFEST, MOST_JSON))
    if not {GRAPH, SCHEMA} <= {*known} <= FILES:
        raise DataError(
            f"{place / MANIFEST} must name the files of an exported model, got {listed(known)}"
        )
    files = {}
    for name in sorted(known):
        files[name] = _read(place / name, MOST_GRAPH if name in (GRAPH, STEP) else MOST_JSON)
        if hashlib.sha256(files[name]).hexdigest() != known[name]:
            raise DataError(
                f"{place / name} must be as it was exported, got other bytes: it was cut short, "
                "swapped or altered; export the model again"
            )
    schema = _json(place / SCHEMA, files[SCHEMA])
    if schema.get("format") != FORMAT or schema.get("task") not in TASKS:
        raise DataError(
            f"{place} must hold a model of format {FORMAT}, got format "
            f"{quoted(schema.get('format'))} of the task {quoted(schema.get('task'))}; use the "
            "lockgate-runtime of the lockgate that exported it"
        )
    session = _session(place / GRAPH, files[GRAPH], threads)
    step = _session(place / STEP, files[STEP], threads) if STEP in files else None
    try:
        if schema["task"] == "forecast":
            return Forecaster(schema, session, files)
        return Classifier(schema, session, files, step)
    except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
        if isinstance(error, DataError):
            raise
        raise DataError(f"{place / SCHEMA} must be what lockgate export wrote: {error!r}") from None


def _session(path: Path, data: bytes, threads: int | None) -> Any:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    # threads that wait for work do not take a core from what reads and writes requests
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    # weights in int8 become float32 when the graph is loaded, not in every run
    options.add_session_config_entry("session.disable_quant_qdq", "1")
    if threads is not None:
        options.intra_op_num_threads = threads
    with tempfile.TemporaryDirectory() as nothing:
        # a graph that reads its numbers from other files finds none
        options.add_session_config_entry(EXTERNAL, nothing)
        try:
            return onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # onnxruntime's own have no common class
            raise DataError(f"{path} must be a graph that onnxruntime runs: {error}") from None


def _read(path: Path, most: int) -> bytes:
    """Read a regular file of at most so many bytes; links to such included."""
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise DataError(f"{path} must be a regular file, got a folder, a pipe or a device")
        # a pipe that was put in its place meanwhile does not block
        with open(os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0)), "rb") as file:
            data = file.read(most + 1)
    except OSError as error:
        raise DataError(
            f"{path.parent} must be a folder that lockgate export wrote, got none: "
            f"{error.strerror}: {path.name}"
        ) from None
    if len(data) > most:
        raise DataError(f"{path} must be a file of at most {most:,} bytes, got more")
    return data


def _json(path: Path, data: bytes) -> dict[str, Any]:
    try:
        content = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path} must be JSON: {error}") from None
    if not isinstance(content, dict):
        raise DataError(f"{path} must hold a JSON object")
    return content
