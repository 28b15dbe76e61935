"""Tables of one series or several, laid on the steps of a model."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from lockgate_runtime.errors import DataError, listed, quoted
from lockgate_runtime.stamps import Axis, Ints, Steps

Doubles = npt.NDArray[np.float64]
ID, TIME = "unique_id", "ds"
MOST_LAID = 1_000_000
"""Most steps of all series together, unless there are a tenth as many rows."""


class Told(NamedTuple):
    """What is told of later steps."""

    rows: Mapping[int, int]  # by their instants
    values: Doubles
    texts: Mapping[str, Sequence[str | None]]


class Rows(NamedTuple):
    """The rows of one series up to its last target, and what is told of the steps after it."""

    name: str
    instants: Ints  # (T,)
    values: Doubles  # (T, C), NaN where missing
    texts: Mapping[str, Sequence[str | None]]
    told: Sequence[Told]  # the first that tells of a step is asked

    def told_at(self, instant: int) -> tuple[Told, int] | None:
        """Return what tells of a step, and in which of its rows."""
        return next(((one, one.rows[instant]) for one in self.told if instant in one.rows), None)


class Tables:
    """Reads mappings of columns as a model does.

    Args:
        schema: What is done around the graph.
    """

    def __init__(self, schema: dict[str, Any]) -> None:
        self.schema, self.steps = schema, Steps(schema)
        self._texts = list(schema["categories"])

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns that are read, the target first."""
        return (*self.schema["columns"], *(c for c in self._texts if c != ID))

    def read(self, data: Any) -> dict[str, Any]:
        """Return the columns that are read, under the names that they are read by, as lists.

        Raises:
            DataError: If one is absent, or of another length.
        """
        if not isinstance(data, Mapping):
            raise DataError(
                f"data must be a mapping of columns such as {{'ds': [...], "
                f"'{self.schema['target']}': [...]}}, got {type(data).__name__}"
            )
        table = self._renamed(data)
        needed = [*self.columns, *([ID] if self.schema["several"] or ID in self._texts else [])]
        if self.reads_stamps:
            needed.append(TIME)
        return _columns(table, "data", needed, {TIME, ID})

    def _renamed(self, data: Mapping[str, Any]) -> dict[str, Any]:
        """Give columns that have the user's names, or Nixtla's, the names that are read."""
        table = {str(name): column for name, column in data.items()}
        for name, own in (*self.schema.get("named", {}).items(), (self.schema["target"], "y")):
            if name not in table and own in table:
                table[name] = table[own]
        return table

    @property
    def reads_stamps(self) -> bool:
        """Whether rows must tell when they are."""
        return self.steps.of_time or "elapsed" in self.schema["inputs"]

    def series(self, table: dict[str, Any], future: Any) -> Iterator[Rows]:
        """Yield the series of a table that was read, each up to its last target.

        Raises:
            DataError: If its cells, or those of the future, cannot be used.
        """
        rows = len(next(iter(table.values())))
        values = np.stack([self._numbers(name, table[name]) for name in self.schema["columns"]], 1)
        texts = {name: self._texts_of(name, table[name]) for name in self._texts}
        by_name: dict[str, Sequence[int]] = {}
        if ID in table:
            grouped: dict[str, list[int]] = {}
            for row, cell in enumerate(table[ID]):
                grouped.setdefault(_name(cell), []).append(row)
            by_name |= grouped
        else:
            by_name[self.schema["target"]] = range(rows)
        if not self.schema["several"] and len(by_name) > 1:
            raise DataError(
                "data must hold one series, as the one that the model was fitted to, got "
                f"{len(by_name):,}"
            )
        if TIME in table:
            stamps = self.steps.read(table[TIME], TIME)
        else:
            stamps = np.empty(rows, dtype=np.int64)
            for every in by_name.values():
                stamps[every] = np.arange(1, len(every) + 1)
        held = np.ones(rows, dtype=bool)
        if not self.schema["several"] and (len(self.steps.opening) or self.steps.only_observed):
            # rows without a value say nothing of when a series is open
            told = [np.array([cell is not None for cell in cells]) for cells in texts.values()]
            held = np.any([np.isfinite(values).any(axis=1), *told], axis=0)
        if not np.isfinite(values[:, 0]).any():
            raise DataError("data must have an observed target, got none")
        axis = self.steps.axis(stamps[held], TIME)
        ahead = self._future(future)
        most, steps = max(MOST_LAID, 10 * rows), 0
        for name, every in by_name.items():
            own = np.array(every)[held[every]]
            order = own[np.argsort(stamps[own], kind="stable")]
            if (np.diff(stamps[order]) == 0).any():
                raise DataError(f"{quoted(TIME)} must tell the rows apart, got a stamp twice")
            if np.isfinite(values[order, 0]).any():  # a series without a target is left out
                laid = self._one(name, stamps[order], values[order], _taken(texts, order), axis)
                steps += len(laid.values)
                if steps > most:
                    raise DataError(
                        f"series must have at most {most:,} steps together, got more in "
                        f"{rows:,} rows; send them in parts"
                    )
                yield self._with_future(laid, ahead)

    def _one(
        self,
        name: str,
        stamps: Ints,
        values: Doubles,
        texts: Mapping[str, Sequence[str | None]],
        axis: Axis,
    ) -> Rows:
        """Lay the rows of a series on its steps, from its first target to its last."""
        known = np.flatnonzero(np.isfinite(values[:, 0]))
        first, last = int(known[0]), int(known[-1]) + 1
        later = {int(stamp): row for row, stamp in enumerate(stamps[last:], last)}
        places = axis.places(stamps[first:last])
        begin, end = int(places[0]), int(places[-1])
        laid = np.full((end - begin + 1, values.shape[1]), np.nan)
        laid[places - begin] = values[first:last]
        own_texts = {}
        for column, every in texts.items():
            cells: list[str | None] = [None] * len(laid)
            for place, cell in zip(places, every[first:last], strict=True):
                cells[int(place) - begin] = cell
            own_texts[column] = cells
        told = [Told(later, values, texts)]
        return Rows(name, axis.stamps(begin, end), laid, own_texts, told)

    def _with_future(self, laid: Rows, ahead: "_Ahead | None") -> Rows:
        """Let what is told of a series apart go before what its table tells of later steps."""
        if ahead is None:
            return laid
        rows = ahead.by_name.get(laid.name, ahead.by_name.get(None, []))
        if ahead.stamps is None:
            # rows are the steps: those of the future go on behind the last
            stamps: Any = laid.instants[-1] + np.arange(1, len(rows) + 1)
        else:
            stamps = ahead.stamps[rows]
        later = {int(stamp): row for stamp, row in zip(stamps, rows, strict=True)}
        return laid._replace(told=[Told(later, ahead.values, ahead.texts), *laid.told])

    def _future(self, future: Any) -> "_Ahead | None":
        if future is None:
            return None
        known = [*self.schema["known_future"], *self.schema["categories_known"]]
        if not known:
            raise DataError(
                "future must be left out of this model, which reads nothing that is known ahead"
            )
        needed = [TIME, *known] if self.reads_stamps else known
        if isinstance(future, Mapping):
            future = self._renamed(future)
        kept = _columns(future, "future", needed, {TIME, ID})
        rows = len(kept[known[0]])
        values = np.full((rows, len(self.schema["columns"])), np.nan)
        for name in self.schema["known_future"]:
            values[:, self.schema["columns"].index(name)] = self._numbers(name, kept[name])
        by_name: dict[str | None, list[int]] = {}
        for row in range(rows):
            name = _name(kept[ID][row]) if ID in kept else None
            by_name.setdefault(name, []).append(row)
        stamps = self.steps.read(kept[TIME], TIME) if TIME in kept else None
        texts = {name: self._texts_of(name, kept[name]) for name in self.schema["categories_known"]}
        return _Ahead(by_name, stamps, values, texts)

    def _numbers(self, name: str, column: Any) -> Doubles:
        try:
            numbers = _as_numbers(column)
        except (TypeError, ValueError, OverflowError):
            raise DataError(f"{quoted(name)} must hold numbers, got {quoted(column)}") from None
        for sentinel in self.schema["missing"]:
            numbers[numbers == sentinel] = np.nan
        if numbers.ndim != 1 or np.isinf(numbers).any():
            raise DataError(
                f"{quoted(name)} must hold finite numbers, got others; leave the cell empty (NaN "
                "or None) where the value is missing"
            )
        return numbers

    def _texts_of(self, name: str, column: Any) -> list[str | None]:
        """Return cells as text without space around; None where there is none."""
        missing = set() if name == ID else {float(one) for one in self.schema["missing"]}
        cells = []
        for cell in column:
            text = None if is_missing(cell) else _text(cell)
            cells.append(None if not text or number_in(text) in missing else text)
        return cells


class _Ahead(NamedTuple):
    by_name: Mapping[str | None, Sequence[int]]
    stamps: Ints | None
    values: Doubles
    texts: Mapping[str, Sequence[str | None]]


def _columns(data: Any, what: str, needed: Sequence[str], more: set[str]) -> dict[str, Any]:
    """Return the columns of a mapping that are needed, and of others those that are there."""
    if absent := [name for name in needed if name not in data]:
        raise DataError(
            f"{what} must have the columns {listed(needed, 20)}, got none named {listed(absent)}"
        )
    kept = {name: data[name] for name in {*needed, *(more & set(data))}}
    for name, column in kept.items():
        if isinstance(column, str) or not hasattr(column, "__len__"):
            raise DataError(f"{quoted(name)} of {what} must be a list or an array, got one value")
    lengths = {name: len(column) for name, column in kept.items()}
    if len(set(lengths.values())) != 1:
        told = ", ".join(f"{quoted(name)} {count:,}" for name, count in lengths.items())
        raise DataError(f"columns of {what} must be of one length, got {told}")
    if not next(iter(lengths.values())):
        raise DataError(f"{what} must hold rows, got none")
    return {name: list(column) for name, column in kept.items()}


def _name(value: Any) -> str:
    if is_missing(value):
        raise DataError(f"{quoted(ID)} must name the series of every row, got none in one")
    return str(value)


def _taken(
    texts: Mapping[str, Sequence[str | None]], order: npt.NDArray[np.int64]
) -> dict[str, list[str | None]]:
    return {name: [cells[row] for row in order] for name, cells in texts.items()}


def _text(cell: Any) -> str:
    if isinstance(cell, bool | np.bool_):
        return str(int(cell))
    if isinstance(cell, float | np.floating):
        return repr(float(cell)).removesuffix(".0")
    return str(cell).strip()


def _as_numbers(column: Any) -> Doubles:
    try:
        return np.array(column, dtype=np.float64)  # None is NaN
    except (TypeError, ValueError):
        cells = [np.nan if is_missing(cell) else cell for cell in column]
        return np.array(cells, dtype=np.float64)


def is_missing(cell: Any) -> bool:
    """Tell whether a cell holds nothing: None, NaN of any library, or pandas' NA."""
    # what is not itself is NaN, of any library
    return cell is None or (not isinstance(cell, str) and _differs(cell))


def _differs(cell: Any) -> bool:
    try:
        return bool(cell != cell)
    except (TypeError, ValueError):
        return True  # as of pandas' NA, which tells of nothing whether it is equal


def number_in(text: str) -> float | None:
    """Read a number; None where the text is none."""
    if not text.isascii() or "_" in text:
        return None
    try:
        return float(text)
    except ValueError:
        return None
