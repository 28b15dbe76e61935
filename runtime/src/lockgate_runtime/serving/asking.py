"""What a request asks for, from JSON or a table; and its answer as JSON or CSV."""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from lockgate_runtime.classifier import Classifier
from lockgate_runtime.errors import DataError, listed, quoted
from lockgate_runtime.forecaster import Forecaster
from lockgate_runtime.serving.limits import Limits
from lockgate_runtime.stamps import SECOND
from lockgate_runtime.tables import ID

Model = Forecaster | Classifier
FIELDS = {"forecast": ("data", "future"), "texts": ("texts",), "sequences": ("sequences",)}


def kind_of(model: Model) -> str:
    """Return what a model is asked about: a table of a `forecast`, `texts` or `sequences`."""
    if isinstance(model, Forecaster):
        return "forecast"
    return "texts" if model.schema["texts"] is not None else "sequences"


def parsed(body: bytes) -> dict[str, Any]:
    """Read a JSON object.

    Raises:
        DataError: If it is none.
    """
    try:
        content = json.loads(body)
    except (ValueError, RecursionError) as error:
        why = "it is nested too deep" if isinstance(error, RecursionError) else str(error)
        raise DataError(f"the body must be JSON: {why[:200]}") from None
    if not isinstance(content, dict):
        raise DataError('the body must be a JSON object such as {"data": {...}}')
    return content


def asked(model: Model, content: Mapping[str, Any], limits: Limits) -> Any:
    """Return what `predict_each` of a model takes, from the fields of a request.

    Raises:
        DataError: If a field is absent, unknown, of another kind or beyond a limit.
    """
    fields = FIELDS[kind_of(model)]
    if unknown := [name for name in content if name not in fields]:
        raise DataError(f"the body must have the fields {listed(fields)}, got {listed(unknown)}")
    if fields[0] not in content:
        raise DataError(f"the body must have the field {quoted(fields[0])}, got none")
    given = content[fields[0]]
    if isinstance(model, Forecaster):
        data = columns(given, "data", limits)
        future = content.get("future")
        return data, None if future is None else columns(future, "future", limits)
    return _items(given, fields[0], limits)


def columns(given: Any, what: str, limits: Limits) -> dict[str, list[Any]]:
    """Return a table as columns, from columns or from a list of rows.

    Raises:
        DataError: If it is no table, or beyond a limit.
    """
    if isinstance(given, list) and all(isinstance(row, dict) for row in given):
        _check(len(given), limits.rows, "rows", what)
        every = dict.fromkeys(name for row in given for name in row)
        _check(len(every), limits.columns, "columns", what)
        _check(len(given) * len(every), limits.cells, "cells", what)
        given = {name: [row.get(name) for row in given] for name in every}
    if not isinstance(given, dict) or not all(isinstance(one, list) for one in given.values()):
        raise DataError(
            f"{what} must be an object of columns, each a list, or a list of rows, each an object"
        )
    for name, cells in given.items():
        _check(len(cells), limits.rows, "rows", what)
        if not {list, dict}.isdisjoint(map(type, cells)):
            raise DataError(f"{quoted(name)} of {what} must hold single values, got lists")
    if ID in given:
        _check(len(set(map(str, given[ID]))), limits.items, "series", what)
    return given


def _items(given: Any, what: str, limits: Limits) -> list[Any]:
    if not isinstance(given, list):
        raise DataError(f"{what} must be a list, got {type(given).__name__}")
    _check(len(given), limits.items, "items", what)
    if what == "texts":
        size = sum(len(one) for one in given if isinstance(one, str))
        _check(size, limits.characters, "characters", what)
    else:
        steps = 0
        for one in given:
            rows = next(iter(one.values()), []) if isinstance(one, dict) else one
            steps += len(rows) if isinstance(rows, list) else 1
        _check(steps, limits.rows, "steps", what)
    return given


def _check(count: int, most: int, things: str, what: str) -> None:
    if count > most:
        raise DataError(
            f"{what} must have at most {most:,} {things}, got {count:,}; send it in parts"
        )


def of_table(model: Model, table: dict[str, list[Any]]) -> dict[str, Any]:
    """Return the fields of a request from an uploaded table.

    A forecast's is its data; texts are its only column, or the one named `text`; a recording's
    columns are its channels.

    Raises:
        DataError: If it has no column of texts.
    """
    kind = kind_of(model)
    if kind == "forecast":
        return {"data": table}
    if kind == "sequences":
        return {"sequences": [table]}
    name = next(iter(table)) if len(table) == 1 else "text"
    if name not in table:
        raise DataError(
            f"a table of texts must have one column, or one named 'text', got {listed(table)}"
        )
    return {"texts": ["" if cell is None else str(cell) for cell in table[name]]}


def listing(answer: Mapping[str, Any]) -> dict[str, list[Any]]:
    """Return an answer's columns as lists of what JSON holds.

    Raises:
        DataError: If a number is not finite, which JSON cannot hold.
    """
    for name, column in answer.items():
        if _is_float(column) and not np.isfinite(column).all():
            raise DataError(
                f"{quoted(name)} of the answer must be finite numbers, got others: what was sent "
                "is far beyond what the model learned from"
            )
    return {name: plain(column) for name, column in answer.items()}


def encoded(text: str) -> bytes:
    """Encode JSON or CSV; half of a surrogate pair, which UTF-8 lacks, by its number."""
    return text.encode("utf-8", "backslashreplace")


def _is_float(column: Any) -> bool:
    return isinstance(column, np.ndarray) and column.dtype.kind == "f"


def plain(column: Any) -> list[Any]:
    """Return a column as a list of what JSON holds; stamps by ISO 8601."""
    if isinstance(column, np.ndarray):
        if column.dtype.kind == "M":
            whole = not (column.astype(np.int64) % SECOND).any()
            return [str(one) for one in np.datetime_as_string(column, unit="s" if whole else "us")]
        cells: list[Any] = column.tolist()
        return cells
    return [one.isoformat() if hasattr(one, "isoformat") else one for one in column]


def as_csv(answer: Mapping[str, Sequence[Any]]) -> str:
    """Write an answer's columns as CSV."""
    text = io.StringIO()
    lines = csv.writer(text, lineterminator="\n")
    lines.writerow(answer)
    lines.writerows(zip(*answer.values(), strict=True))
    return text.getvalue()
