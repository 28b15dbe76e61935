"""Forecasts from mappings of columns."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple, NoReturn

import numpy as np
import numpy.typing as npt

from lockgate_runtime.errors import DataError, listed, or_raise, quoted
from lockgate_runtime.stepper import not_stepped
from lockgate_runtime.tables import ID, TIME, Doubles, Rows, Tables, number_in

BATCH = 512
MOST_STEPS = 10_000_000
"""Most steps that a schema may name."""


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
        self.tables = Tables(schema)
        self.steps = self.tables.steps

    def stepper(self) -> NoReturn:
        """Refuse: a forecast is of a window.

        Raises:
            DataError: With the reason.
        """
        raise not_stepped(self.schema)

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns that are read, the target first."""
        return self.tables.columns

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
        return or_raise(self.predict_each([(data, future)])[0])

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
            series = list(self.tables.series(self.tables.read(data), future))
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

    def _behind(self, name: str) -> str:
        return f" of {quoted(name)}" if self.schema["several"] else ""


class _Asked(NamedTuple):
    """A request that was read."""

    series: Sequence[Rows]
    inputs: Sequence[Mapping[str, Any]]


def _padded(rows: npt.NDArray[np.float32], lookback: int) -> npt.NDArray[np.float32]:
    """Put rows before the first: what stands in them is not read."""
    missing = lookback - len(rows)
    if not missing:
        return rows
    return np.concatenate([np.repeat(rows[:1], missing, axis=0), rows])


def _spellings(text: str) -> Iterator[str]:
    """Yield a category as it is written, and as lockgate writes a number or a truth value."""
    yield text
    if text.lower() in ("true", "false"):
        yield str(int(text.lower() == "true"))
    if (number := number_in(text)) is not None:
        short = repr(number).removesuffix(".0")
        yield short
        yield re.sub(r"e([+-])0+", r"e\1", short).replace("e+", "e")
        yield np.format_float_positional(number, trim="-")
