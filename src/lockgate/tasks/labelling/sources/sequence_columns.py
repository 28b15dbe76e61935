"""What the columns of labelled sequences are: inputs, labels, identities, steps."""

from collections.abc import Callable, Sequence
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl

from lockgate.errors import DataError, listed, nearest, quoted
from lockgate.reading.numbers import Numbers, read_numbers, to_number
from lockgate.reading.tables import RawTable
from lockgate.reading.times import find_times
from lockgate.tasks.labelling.labelled import LABEL_SEPARATOR, LabelKind, Labelled, Ragged

_APART = (("id", "label"), ("step", "label"), ("group", "label"), ("time", "label"), ("step", "id"))
_SHOWN = 50
Inputs = tuple[str, ...] | Literal["all"]


class Roles(NamedTuple):
    """What the columns of a source hold; see `sequences.read_sequences`."""

    label: str | None = None
    id: str | None = None
    step: str | None = None
    inputs: Inputs = "all"
    group: str | None = None
    time: str | None = None
    at_steps: bool = False
    several: str | None = None
    as_number: bool = False
    labelled: bool = True
    """Whether labels, groups and times are read; their columns are no inputs in any case."""

    def columns(self) -> tuple[str, ...]:
        """Names of the columns that are no inputs."""
        return tuple(n for n in (self.label, self.id, self.step, self.group, self.time) if n)


class InputColumns(NamedTuple):
    """Columns that sequences are made of."""

    names: tuple[str, ...]
    values: npt.NDArray[np.float32]  # (rows, channels)
    notices: tuple[str, ...] = ()


def shown(value: object) -> str:
    """Return a value as errors show it: not the whole of a long one."""
    text = repr(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."


def check_roles(roles: Roles) -> Roles:
    """Return `roles`, or refuse labels of more than one kind."""
    flags = ("at_steps", "several", "as_number")
    kinds = [name for name in flags if getattr(roles, name) not in (False, None)]
    if len(kinds) > 1:
        raise DataError(f"labels must be of one kind, got {' and '.join(kinds)}; leave one out")
    if roles.several == "":
        raise DataError('several must be the text that parts labels, such as ",", got ""')
    if isinstance(roles.inputs, str) and roles.inputs != "all":
        return roles._replace(inputs=(roles.inputs,))
    return roles


def check_column(option: str, name: str, names: Sequence[str], source: str) -> str:
    """Return `name` if it is one of `names`."""
    if name in names:
        return name
    raise DataError(
        f"{option} must name a column of {quoted(source)}, got {quoted(name)}; "
        f"{nearest(name, names)}"
    )


def check_role_columns(
    roles: Roles, names: Sequence[str], source: str, options: Sequence[str]
) -> None:
    """Refuse options of `roles` that name no column, or one that has another role."""
    columns = {option: getattr(roles, option) for option in options if getattr(roles, option)}
    for option, name in columns.items():
        check_column(option, name, names, source)
    for option, other in _APART:
        if option in columns and columns[option] == columns.get(other):
            raise DataError(
                f"{option} must be another column than the {other}, got "
                f"{quoted(columns[option])} for both"
            )


def choose_inputs(raw: RawTable, roles: Roles) -> InputColumns:
    """Return the columns of numbers that were asked for; of "all", text is left out.

    Raises:
        DataError: If a column does not exist, is the label, or holds what is no number.
    """
    names = raw.frame.columns
    if isinstance(roles.inputs, tuple):
        for name in check_input_names(roles, names, raw.source):
            check_column("inputs", name, names, raw.source)
        chosen = {name: numbers_of(raw, name) for name in dict.fromkeys(roles.inputs)}
        return _stacked(raw, chosen, ())
    left_out = dict.fromkeys(raw.unnamed, "no name")
    chosen = {}
    for name in names:
        if name in roles.columns() or name in left_out:
            continue
        if reason := _why_no_input(raw.frame[name]):
            left_out[name] = reason
        else:
            chosen[name] = numbers_of(raw, name)
    return _stacked(raw, chosen, left_out_notice(left_out))


def check_input_names(roles: Roles, names: Sequence[str], source: str) -> tuple[str, ...]:
    """Return the names of the inputs that were asked for, the label not among them."""
    if roles.label is not None and roles.label in roles.inputs and roles.inputs != "all":
        raise DataError(f"inputs must not name the label, got {quoted(roles.label)}")
    if not roles.inputs:
        raise DataError(
            f"inputs must name a column of {quoted(source)}, got none; {nearest('', names)}"
        )
    return tuple(roles.inputs)


def left_out_notice(left_out: dict[str, str]) -> tuple[str, ...]:
    """Tell which columns are no inputs, and why."""
    if not left_out:
        return ()
    return (f"not read as inputs: {listed(f'{quoted(n)} ({why})' for n, why in left_out.items())}",)


def numbers_of(raw: RawTable, name: str) -> Numbers:
    """Return a column as Float64, null where missing; what is no number is refused."""
    column = raw.frame[name]
    numbers = read_numbers(column)
    faulty = numbers.values.is_null() & column.is_not_null()
    if faulty.any():
        raise DataError(
            f"inputs must be numbers, got {shown(column.filter(faulty)[0])} in row "
            f"{raw.rows.filter(faulty)[0]}, column {quoted(name)} of {quoted(raw.source)}"
        )
    return numbers


def to_float32(numbers: pl.Series) -> npt.NDArray[np.float32]:
    """Return numbers as float32, NaN where null; those too large become infinite."""
    with np.errstate(over="ignore"):
        return numbers.fill_null(float("nan")).to_numpy().astype(np.float32)


def to_text(column: pl.Series) -> pl.Series:
    """Return a column as text, null where missing; `1.0` and `1` are the same."""
    if column.dtype.is_float():
        column = column.fill_nan(None)
        whole = column.drop_nulls()
        if ((whole == whole.round()) & (whole.abs() < 2**53)).all():
            column = column.cast(pl.Int64)
    text = column.cast(pl.String).str.strip_chars()
    return text.to_frame().select(pl.when(text != "").then(text)).to_series()


def present(raw: RawTable, name: str, option: str) -> pl.Series:
    """Return a column as text; a missing value is refused."""
    text = to_text(raw.frame[name])
    if text.null_count():
        raise DataError(
            f"{option} must hold a value in every row, got none in row "
            f"{raw.rows.filter(text.is_null())[0]} of {quoted(raw.source)}"
        )
    return text


def read_labels(
    column: pl.Series, roles: Roles, place: Callable[[int], str]
) -> tuple[npt.NDArray[Any], LabelKind]:
    """Return labels as `Labelled` holds them; `place(i)` says where the i-th stands.

    Raises:
        DataError: If one is no number where numbers are asked for.
    """
    if roles.as_number:
        numbers = to_number(column)
        faulty = numbers.is_null() & column.is_not_null()
        if faulty.any():
            i = int(faulty.arg_true()[0])
            raise DataError(f"every label must be a number, got {shown(column[i])} in {place(i)}")
        return numbers.fill_null(float("nan")).to_numpy().astype(np.float64), "number"
    text = to_text(column)
    if roles.several is not None:
        parted = [_parted(label or "", roles.several) for label in text]
        return np.array(parted, dtype=str), "classes"
    return np.array(text.fill_null("").to_list(), dtype=str), "steps" if roles.at_steps else "class"


def label_notices(column: pl.Series, roles: Roles) -> tuple[str, ...]:
    """Tell how labels that are numbers were read, where a computer writes them otherwise."""
    notice = read_numbers(column).notice if roles.as_number else ""
    return (notice,) if notice else ()


def sort_keys(raw: RawTable, name: str, option: str) -> npt.NDArray[Any]:
    """Return by what `name` sorts: numbers as they are, else the times that it holds."""
    column = raw.frame[name]
    numbers = to_number(column)
    missing = column.is_null()
    if missing.any():
        raise DataError(
            f"{option} must hold a value in every row, got none in row "
            f"{raw.rows.filter(missing)[0]} of {quoted(raw.source)}"
        )
    if not numbers.null_count():
        return numbers.to_numpy()
    alone = raw._replace(frame=raw.frame.select(name))
    try:
        return find_times(alone, [name]).stamps.to_numpy()
    except DataError as error:
        text = str(error)
        rest = text.removeprefix("time")
        raise DataError(text if rest == text else option + rest) from None


def in_order(
    codes: npt.NDArray[np.int64], keys: npt.NDArray[Any] | None, names: Sequence[str]
) -> npt.NDArray[np.int64]:
    """Return the rows sorted by sequence, and by step within each; a repeated step is refused."""
    if keys is None:
        return np.argsort(codes, kind="stable")
    order = np.lexsort((keys, codes))
    same = (np.diff(codes[order]) == 0) & (keys[order][1:] == keys[order][:-1])
    if same.any():
        row = order[int(np.flatnonzero(same)[0])]
        step = f"{keys[row]:g}" if keys.dtype.kind == "f" else str(keys[row])
        raise DataError(
            f"step must differ within a sequence, got {step} twice in {names[codes[row]]!r}"
        )
    return order


def joined(sequences: list[npt.NDArray[np.float32]], channels: int) -> Ragged:
    """Put sequences end to end; there may be none."""
    if sequences:
        return Ragged.of(sequences)
    return Ragged(np.empty((0, channels), dtype=np.float32), np.zeros(1, dtype=np.int64))


def unlabelled(
    items: Ragged,
    names: Sequence[str],
    source: str,
    channels: tuple[str, ...],
    notices: tuple[str, ...] = (),
) -> Labelled:
    """Return sequences that are only to be predicted: every label is empty."""
    labels = np.full(len(items), "")
    return Labelled(items, labels, "class", tuple(names), source, channels, notices=notices)


def _stacked(raw: RawTable, chosen: dict[str, Numbers], notices: tuple[str, ...]) -> InputColumns:
    if not chosen:
        raise DataError(
            f"inputs must be columns of numbers, got none in {quoted(raw.source)}; its columns are "
            f"{listed(map(repr, raw.frame.columns))}"
        )
    values = np.stack([to_float32(numbers.values) for numbers in chosen.values()], axis=1)
    told = tuple(numbers.notice for numbers in chosen.values() if numbers.notice)
    return InputColumns(tuple(chosen), values, told + notices)


def _why_no_input(column: pl.Series) -> str | None:
    if column.null_count() == len(column):
        return "empty"
    if to_number(column).null_count() == len(column):
        return "text" if column.dtype == pl.String else str(column.dtype)
    return None


def _parted(label: str, mark: str) -> str:
    labels = {part.strip() for part in label.split(mark)} - {""}
    return LABEL_SEPARATOR.join(sorted(labels))
