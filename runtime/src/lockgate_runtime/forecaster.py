"""Forecasts from mappings of columns."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from lockgate_runtime.errors import DataError, listed, quoted
from lockgate_runtime.stamps import Axis, Ints, Steps

Doubles = npt.NDArray[np.float64]
ID, TIME = "unique_id", "ds"
BATCH = 512
MOST_LAID = 1_000_000
"""Most steps of all series together, unless there are a tenth as many rows."""
MOST_STEPS = 10_000_000
"""Most steps that a schema may name."""


class _Told(NamedTuple):
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
    told: Sequence[_Told]  # the first that tells of a step is asked

    def told_at(self, instant: int) -> tuple[_Told, int] | None:
        """Return what tells of a step, and in which of its rows."""
        return next(((one, one.rows[instant]) for one in self.told if instant in one.rows), None)


class Forecaster:
    """A forecaster of the steps after the last rows of one series or several.

    Args:
        schema: What is done around the graph.
        session: The graph.
    """

    def __init__(self, schema: dict[str, Any], session: Any, _: Mapping[str, bytes]) -> None:
        self.schema, self.session = schema, session
        for name in ("rows", "lookback", "horizon", "max_gap"):
            if type(schema[name]) is not int or not 0 <= schema[name] <= MOST_STEPS:
                raise DataError(f"{name} of the schema must be from 0 to {MOST_STEPS:,}")
        self.steps = Steps(schema)
        self._texts = list(schema["categories"])

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns that are read, the target first."""
        return (*self.schema["columns"], *(c for c in self._texts if c != ID))

    def predict(
        self, data: Mapping[str, Any], future: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """Forecast the steps after the last observed target of each series.

        Args:
            data: Columns by their names, each a list or an array of one length: the target, the
                other columns that the model reads, `ds`, the stamps, and of several series
                `unique_id`; these two also by the names that the model learned from. A missing
                value is NaN or None. Rows may be in any order; steps without a row count as
                missing. More rows than `schema["rows"]` change nothing, but for the scale of a
                series that the model has not learned from, which is that of its first window.
            future: Rows of the steps forecast with what is known of them, where the model reads
                any; they may also stand in `data`, with the target missing.

        Returns:
            `unique_id`, `ds`, `forecast`, of several networks `spread`, and bounds such as
            `forecast-lo-80`: arrays, the steps of a series side by side.

        Raises:
            DataError: If a column is absent, has another length or kind, stamps lie off the steps,
                a hole at the end is longer than the model fills, or a step lacks what is known.
        """
        (answer,) = self.predict_each([(data, future)])
        if isinstance(answer, DataError):
            raise answer
        return answer

    def predict_each(
        self, asked: Sequence[tuple[Mapping[str, Any], Mapping[str, Any] | None]]
    ) -> list[dict[str, Any] | DataError]:
        """Answer several requests in one run of the graph; none sees the others.

        Args:
            asked: `data` and `future` of each, as `predict` takes them.

        Returns:
            What `predict` returns for each, or the error that it raises.
        """
        read = [self._read(data, future) for data, future in asked]
        inputs = [own for one in read if not isinstance(one, DataError) for own in one.inputs]
        parts = [self._run(inputs[at : at + BATCH]) for at in range(0, len(inputs), BATCH)]
        told = {
            name: np.concatenate([part[place] for part in parts]) if parts else np.empty(0)
            for place, name in enumerate(self.schema["outputs"])
        }
        answers: list[dict[str, Any] | DataError] = []
        done = 0
        for one in read:
            if isinstance(one, DataError):
                answers.append(one)
                continue
            until = done + len(one.inputs)
            answers.append(self._told(one.series, {k: v[done:until] for k, v in told.items()}))
            done = until
        return answers

    def _read(self, data: Any, future: Any) -> "_Asked | DataError":
        try:
            series = list(self._series(self.table(data), future))
            return _Asked(series, [self._inputs(one) for one in series])
        except DataError as error:
            return error

    def _run(self, inputs: Sequence[Mapping[str, Any]]) -> list[Doubles]:
        """Run the graph on the inputs of some series; return its outputs."""
        feed = {name: np.stack([one[name] for one in inputs]) for name in self.schema["inputs"]}
        found: list[Doubles] = self.session.run(None, feed)
        return found

    def _told(
        self, series: Sequence[Rows], told: Mapping[str, Doubles]
    ) -> dict[str, Any] | DataError:
        """Name what was forecast of some series."""
        try:
            self._check_whole(series, told["forecast"])
        except DataError as error:
            return error
        horizon = self.schema["horizon"]
        stamps = np.concatenate([self.steps.after(one.instants, horizon) for one in series])
        result: dict[str, Any] = {
            ID: [one.name for one in series for _ in range(horizon)],
            TIME if self.steps.of_time else "row": self.steps.given(stamps),
            "forecast": told["forecast"].ravel(),
        }
        if "spread" in told:
            result["spread"] = told["spread"].ravel()
        for place, name in enumerate(self.schema["bounds"]):
            result[name] = told["bounds"][:, place].ravel()
        return result

    # ---- reading ----

    def table(self, data: Any) -> dict[str, Any]:
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

    def _series(self, table: dict[str, Any], future: Any) -> Iterator[Rows]:
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
        told = [_Told(later, values, texts)]
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
        return laid._replace(told=[_Told(later, ahead.values, ahead.texts), *laid.told])

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

    # ---- what the graph takes ----

    def _inputs(self, one: Rows) -> dict[str, Any]:
        """Give the inputs of one series."""
        schema, rows, lookback = self.schema, self.schema["rows"], self.schema["lookback"]
        inputs: dict[str, Any] = {}
        count = min(len(one.values), rows)
        values = np.full((rows, one.values.shape[1]), np.nan)
        values[rows - count :] = one.values[-count:]
        inputs["values"] = values
        inputs["present"] = np.arange(rows) >= rows - count
        window = min(len(one.values), lookback)
        if "stamps" in schema["inputs"]:
            inputs["stamps"] = _padded(self.steps.calendar(one.instants[-window:]), lookback)
        if "elapsed" in schema["inputs"]:
            inputs["elapsed"] = _padded(self.steps.elapsed(one.instants)[-window:], lookback)
        if "codes" in schema["inputs"]:
            codes = [self._codes(name, self._carried(name, one)) for name in schema["categories"]]
            inputs["codes"] = _padded(np.stack(codes, axis=1)[-window:], lookback)
        if "scale" in schema["inputs"]:
            inputs["scale"] = np.array(self._scale(one))
        if "static" in schema["inputs"]:
            inputs["static"] = np.array([self._static(name, one) for name in schema["static"]])
        if "series" in schema["inputs"]:
            own = schema["own_bounds"]
            place = own.index(one.name) + 1 if one.name in own else 0
            inputs["series"] = np.int64(place)
        return inputs | self._ahead(one)

    def _ahead(self, one: Rows) -> dict[str, Any]:
        """Give what is known of the steps forecast."""
        schema, inputs = self.schema, {}
        asked = {"ahead", "stamps_ahead", "codes_ahead"} & {*schema["inputs"]}
        if not asked:
            return {}
        stamps = self.steps.after(one.instants, schema["horizon"])
        if "stamps_ahead" in asked:
            inputs["stamps_ahead"] = self.steps.calendar(stamps)
        if asked == {"stamps_ahead"}:
            return inputs
        found = [one.told_at(int(stamp)) for stamp in stamps]
        columns = [schema["columns"].index(name) for name in schema["known_future"]]
        none = np.full(len(columns), np.nan)
        rows = [none if at is None else at[0].values[at[1], columns] for at in found]
        values = np.array(rows).reshape(len(stamps), len(columns))
        lacking = np.isnan(values).any(axis=1)
        texts: dict[str, list[str | None]] = {}
        for name in schema["categories_known"]:
            texts[name] = [None if at is None else at[0].texts[name][at[1]] for at in found]
            lacking |= np.array([cell is None for cell in texts[name]])
        if lacking.any():
            first = self.steps.shown(stamps[int(np.flatnonzero(lacking)[0])])
            known = [*schema["known_future"], *schema["categories_known"]]
            raise DataError(
                f"future must hold values of {listed(known)} for the steps forecast, got none at "
                f"{first}{self._behind(one.name)} and {int(lacking.sum()) - 1} more; add them"
            )
        if "ahead" in asked:
            inputs["ahead"] = values
        if "codes_ahead" in asked:
            codes = [self._codes(name, cells) for name, cells in texts.items()]
            inputs["codes_ahead"] = np.stack(codes, axis=1)
        return inputs

    def _codes(self, name: str, cells: Sequence[str | None]) -> npt.NDArray[np.float32]:
        known = {value: code for code, value in enumerate(self.schema["categories"][name], 1)}
        spelt = [() if cell is None else _spellings(cell) for cell in cells]
        codes = [next((known[one] for one in own if one in known), 0) for own in spelt]
        return np.array(codes, dtype=np.float32)

    def _texts_of(self, name: str, column: Any) -> list[str | None]:
        """Return cells as text without space around; None where there is none."""
        missing = set() if name == ID else {float(one) for one in self.schema["missing"]}
        cells = []
        for cell in column:
            text = None if _is_missing(cell) else _text(cell)
            cells.append(None if not text or _number(text) in missing else text)
        return cells

    def _carried(self, name: str, one: Rows) -> Sequence[str | None]:
        """Return the cells of a category; one that never changes holds from the first on."""
        if name == ID:
            return [one.name] * len(one.values)
        cells = one.texts[name]
        if name not in self.schema["static_texts"]:
            return cells
        carried: list[str | None] = []
        for cell in cells:
            carried.append(cell if cell is not None or not carried else carried[-1])
        return carried

    def _static(self, name: str, one: Rows) -> float:
        column = one.values[:, self.schema["columns"].index(name)]
        observed = column[np.isfinite(column)]
        if not len(observed):
            raise DataError(f"{quoted(name)} must be told{self._behind(one.name)}, got no value")
        return float(observed[-1])

    def _scale(self, one: Rows) -> tuple[float, float]:
        """Return mean and standard deviation of a series, of one not known its first window's."""
        if known := self.schema["series"].get(one.name):
            return known[0], known[1]
        usual, relative, least = self.schema["usual"]
        first = one.values[: self.schema["lookback"], 0]
        observed = first[np.isfinite(first)]
        if not len(observed):
            return 0.0, usual
        mean, std = float(observed.mean()), float(observed.std())
        if len(first) < self.schema["lookback"]:
            own = relative * abs(mean) or usual
            std = float(np.sqrt((len(observed) * std**2 + own**2) / (len(observed) + 1)))
        return mean, max(std, least * usual)

    def _check_whole(self, series: Sequence[Rows], forecast: Doubles) -> None:
        holes = np.isnan(forecast).any(axis=1)
        if holes.any():
            name = series[int(np.flatnonzero(holes)[0])].name
            raise DataError(
                f"the last {self.schema['lookback']} rows{self._behind(name)} must have no hole "
                f"longer than {self.schema['max_gap']} steps, got one"
            )

    def _of(self, name: str) -> str:
        return f"the series {quoted(name)}" if self.schema["several"] else "data"

    def _behind(self, name: str) -> str:
        return f" of {quoted(name)}" if self.schema["several"] else ""


class _Asked(NamedTuple):
    """A request that was read."""

    series: Sequence[Rows]
    inputs: Sequence[Mapping[str, Any]]


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
    if _is_missing(value):
        raise DataError(f"{quoted(ID)} must name the series of every row, got none in one")
    return str(value)


def _padded(rows: npt.NDArray[np.float32], lookback: int) -> npt.NDArray[np.float32]:
    """Put rows before the first: what stands in them is not read."""
    missing = lookback - len(rows)
    if not missing:
        return rows
    return np.concatenate([np.repeat(rows[:1], missing, axis=0), rows])


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


def _spellings(text: str) -> Iterator[str]:
    """Yield a category as it is written, and as lockgate writes a number or a truth value."""
    yield text
    if text.lower() in ("true", "false"):
        yield str(int(text.lower() == "true"))
    if (number := _number(text)) is not None:
        short = repr(number).removesuffix(".0")
        yield short
        yield re.sub(r"e([+-])0+", r"e\1", short).replace("e+", "e")
        yield np.format_float_positional(number, trim="-")


def _as_numbers(column: Any) -> Doubles:
    try:
        return np.array(column, dtype=np.float64)  # None is NaN
    except (TypeError, ValueError):
        cells = [np.nan if _is_missing(cell) else cell for cell in column]
        return np.array(cells, dtype=np.float64)


def _is_missing(cell: Any) -> bool:
    # what is not itself is NaN, of any library
    return cell is None or (not isinstance(cell, str) and _differs(cell))


def _differs(cell: Any) -> bool:
    try:
        return bool(cell != cell)
    except (TypeError, ValueError):
        return True  # as of pandas' NA, which tells of nothing whether it is equal


def _number(text: str) -> float | None:
    if not text.isascii() or "_" in text:
        return None
    try:
        return float(text)
    except ValueError:
        return None
