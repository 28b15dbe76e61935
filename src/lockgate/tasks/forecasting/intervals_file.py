"""What tells how far off forecasts may be, as one file, which is replaced whole."""

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import safe_open
from safetensors.torch import save
from torch import Tensor

from lockgate.errors import DataError
from lockgate.reading.zones import instant
from lockgate.tasks.forecasting.intervals import Intervals, Source
from lockgate.tasks.forecasting.stream import Stream
from lockgate.tasks.storage import read_tensors

FILE = "intervals.safetensors"
ENTRY = "intervals"
"""Of the file's metadata, that of all that is no tensor, as JSON."""
OF_STREAM = ("steps", "beyond")


def as_file(intervals: Intervals) -> bytes:
    """Give the content of the file."""
    sources = [one._asdict() for one in intervals.sources]
    stored: dict[str, Any] = {
        "every": intervals.every,
        "names": [*intervals.names],
        "sources": sources,
        "least": intervals.least,
        "stream": None,
    }
    tensors = {
        "errors": torch.from_numpy(np.ascontiguousarray(intervals.errors)),
        "series": torch.from_numpy(intervals.series.astype(np.int32)),
    }
    if intervals.stream is not None:
        stored["stream"] = {
            "until": [*intervals.stream.until],
            "latest": intervals.stream.latest,
            "adapt": intervals.stream.adapt,
        }
        tensors["steps"] = torch.from_numpy(intervals.stream.steps.astype(np.int32))
        tensors["beyond"] = torch.from_numpy(np.ascontiguousarray(intervals.stream.beyond))
    return save(tensors, {ENTRY: json.dumps(stored)})


def read_intervals(folder: Path, horizon: int, *, with_spread: bool = False) -> Intervals | None:
    """Read what `as_file` gave; None where a folder has no such file.

    Args:
        folder: Where it lies.
        horizon: Of the model.
        with_spread: Whether its networks forecast a spread.

    Raises:
        DataError: If what it holds does not go together, or with the model.
    """
    path = folder / FILE
    if not path.exists():
        return None
    tensors = read_tensors(path, finite=False)  # NaN where the truth is missing
    match _stored(path):
        case {
            "every": int(every) | float(every),
            "names": list(names),
            "sources": list(sources),
            "least": least,
            "stream": streamed,
            **rest,
        } if (
            1 <= every < math.inf
            and not rest
            and _is_least(least, with_spread=with_spread)
            and all(isinstance(name, str) for name in names)
            and all(_is_source(one) for one in sources)
            and _fit(tensors, len(names), horizon)
        ):
            errors, series = (tensors.pop(name).numpy() for name in ("errors", "series"))
            stream = _stream_of(streamed, tensors, horizon, len(names))
            if stream is not None or (streamed is None and not tensors):
                told = tuple(Source(**one) for one in sources)
                own = tuple(names), every, told, least, stream
                return Intervals(errors, series.astype(np.int64), *own)
    raise DataError(
        f"{folder} is no fitted model: {FILE} must hold errors of the model's horizon, {horizon}, "
        "and of the series named, with a least spread where its head tells one, and of an update "
        "when they are from"
    )


def _stored(path: Path) -> Any:
    with safe_open(path, framework="pt") as file:
        text = (file.metadata() or {}).get(ENTRY, "")
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _stream_of(stored: Any, tensors: dict[str, Tensor], horizon: int, names: int) -> Stream | None:
    """Put together what a file holds of an update; None if it does not go together."""
    match stored:
        case {"until": list(until), "latest": int(latest), "adapt": float(adapt), **rest} if (
            not rest
            and len(until) == max(names, 1)
            and all(one is None or _is_stamp(one) for one in until)
            and any(until)
            and latest >= 1
            and 0.0 <= adapt < 1.0
            and {*tensors} == {*OF_STREAM}
            and _fit_stream(tensors, horizon)
        ):
            steps, beyond = (tensors[name].numpy() for name in OF_STREAM)
            return Stream(tuple(until), latest, adapt, steps.astype(np.int64), beyond)
    return None


def _fit_stream(tensors: dict[str, Tensor], horizon: int) -> bool:
    steps, beyond = (tensors[name] for name in OF_STREAM)
    return (
        steps.dtype == torch.int32
        and beyond.dtype == torch.float32
        and steps.ndim == 1
        and len(steps) > 0
        and tuple(beyond.shape) == (3, len(steps), horizon)
        and bool((steps.diff() >= 0).all())
        and int(steps[-1]) == 0
        and bool((((beyond >= 0.0) & (beyond < 1.0)) | beyond.isnan()).all())
    )


def _is_stamp(text: Any) -> bool:
    """Tell whether a value is what `zones.shown` writes of a stamp or of the number of a row."""
    if not isinstance(text, str):
        return False
    try:
        return text.isdecimal() or bool(instant(text))
    except ValueError:
        return False


def _is_least(least: Any, *, with_spread: bool) -> bool:
    """Tell whether a value is a least spread where there is to be one, and None elsewhere."""
    if not with_spread:
        return least is None
    return isinstance(least, float) and 0.0 < least < math.inf


def _is_source(one: Any) -> bool:
    match one:
        case {"name": str(), "forecasts": int(), "size": float(), **rest}:
            return not rest
    return False


def _fit(tensors: dict[str, Tensor], names: int, horizon: int) -> bool:
    if not {"errors", "series"} <= {*tensors}:
        return False
    errors, series = tensors["errors"], tensors["series"]
    return (
        errors.dtype == torch.float32
        and series.dtype == torch.int32
        and tuple(errors.shape) == (len(series), horizon)
        and series.ndim == 1
        and len(series) > 0
        and not torch.isinf(errors).any()
        and bool(torch.isfinite(errors).any())
        and int(series.min()) >= 0
        and int(series.max()) < max(names, 1)
    )
