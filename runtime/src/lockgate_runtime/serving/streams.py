"""Streams: rows come one by one, and the server keeps as many as the model reads."""

import asyncio
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from lockgate_runtime.errors import DataError
from lockgate_runtime.forecaster import Forecaster
from lockgate_runtime.serving.limits import Limits
from lockgate_runtime.tables import ID, TIME, is_missing

Cells = dict[str, Any]
Window = dict[str, dict[int, Cells]]
"""By series and by stamp, the row."""


class Stream:
    """The last rows of the series of one stream.

    Args:
        model: The name of what it is forecast by.
        owner: Who opened it, and alone may use it.
    """

    def __init__(self, model: str, owner: str) -> None:
        self.model, self.owner = model, owner
        self.window: Window = {}
        self.rows = 0
        self.used = time.monotonic()
        self.lock = asyncio.Lock()

    def with_rows(self, model: Forecaster, data: Mapping[str, Sequence[Any]]) -> Window:
        """Return the window with more rows, as many as the model reads; the stream is as it was.

        A row replaces one of the same series and stamp.

        Raises:
            DataError: If rows lack a column or a stamp.
        """
        table = model.tables.read(data)
        count = len(next(iter(table.values())))
        names = [str(one) for one in table[ID]] if ID in table else [model.schema["target"]] * count
        window = {name: dict(rows) for name, rows in self.window.items()}
        if TIME in table:
            stamps = [int(one) for one in model.steps.read(table[TIME], TIME)]
        else:
            ends = {name: max(rows, default=0) for name, rows in window.items()}
            stamps = []
            for name in names:
                ends[name] = ends.get(name, 0) + 1
                stamps.append(ends[name])
        for place, (name, stamp) in enumerate(zip(names, stamps, strict=True)):
            row = {column: cells[place] for column, cells in table.items()}
            window.setdefault(name, {})[stamp] = row
        return {name: _last(rows, model) for name, rows in window.items()}


def _last(rows: Mapping[int, Cells], model: Forecaster) -> dict[int, Cells]:
    """Keep the last rows up to the last target, and all that tell of later steps."""
    order = sorted(rows)
    target = model.schema["target"]
    ends = [place for place, stamp in enumerate(order) if _is_known(rows[stamp].get(target))]
    end = ends[-1] + 1 if ends else len(order)
    first = max(0, end - int(model.schema["rows"]))
    most = int(model.schema["horizon"]) + int(model.schema["rows"])
    return {stamp: rows[stamp] for stamp in order[first:][:most]}


def _is_known(cell: Any) -> bool:
    return cell != "" and not is_missing(cell)


def columns_of(window: Window) -> dict[str, list[Any]]:
    """Return the rows of a window as columns."""
    rows = [row for series in window.values() for _, row in sorted(series.items())]
    return {name: [row.get(name) for row in rows] for name in rows[0]}


class Streams:
    """The open streams of a server.

    Args:
        limits: How many there may be, and for how long.
        clock: Tells seconds.
    """

    def __init__(self, limits: Limits, clock: Callable[[], float] = time.monotonic) -> None:
        self._limits, self._clock = limits, clock
        self._open: dict[str, Stream] = {}

    def __len__(self) -> int:
        """Return how many are open."""
        return len(self._open)

    def open(self, model: str, owner: str) -> tuple[str, Stream]:
        """Open a stream under a name that nobody guesses.

        Raises:
            DataError: If too many are open.
        """
        self.expire()
        if len(self._open) >= self._limits.streams:
            raise DataError(
                f"at most {self._limits.streams:,} streams must be open; close one by DELETE, or "
                f"wait: streams end {self._limits.stream_seconds:g} seconds after their last row"
            )
        name, stream = secrets.token_urlsafe(24), Stream(model, owner)
        stream.used = self._clock()
        self._open[name] = stream
        return name, stream

    def find(self, name: str, owner: str) -> Stream | None:
        """Return an open stream of somebody's own, which this keeps open; None: there is none."""
        self.expire()
        stream = self._open.get(name)
        if stream is None or stream.owner != owner:
            return None
        stream.used = self._clock()
        return stream

    def keep(self, stream: Stream, window: Window) -> None:
        """Let a stream keep other rows.

        Raises:
            DataError: If all streams together would keep too many; it keeps what it had.
        """
        kept = sum(len(rows) for rows in window.values())
        others = sum(one.rows for one in self._open.values() if one is not stream)
        if others + kept > self._limits.stream_rows:
            raise DataError(
                f"streams must keep at most {self._limits.stream_rows:,} rows together, got "
                f"{others + kept:,}; close some by DELETE"
            )
        stream.window, stream.rows = window, kept

    def close(self, name: str) -> None:
        """Close a stream."""
        self._open.pop(name, None)

    def expire(self) -> None:
        """Close streams that nobody has sent to for long."""
        oldest = self._clock() - self._limits.stream_seconds
        for name in [name for name, one in self._open.items() if one.used < oldest]:
            del self._open[name]
