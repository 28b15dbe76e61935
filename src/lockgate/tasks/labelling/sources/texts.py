"""Read texts with their labels: tables, JSON lines, a folder for each class, labelled lines."""

import math
import numbers
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl

from lockgate.errors import DataError, count_of, listed, quoted
from lockgate.reading.numbers import read_numbers
from lockgate.reading.tables import RawTable
from lockgate.reading.times import find_times
from lockgate.tasks.labelling.labelled import LABEL_SEPARATOR, TEXT_MARK, LabelKind, Labelled
from lockgate.tasks.labelling.sources.text_sources import Columns, from_frame, from_pair, read_path


class _Labels(NamedTuple):
    values: npt.NDArray[Any]
    kind: LabelKind
    notices: tuple[str, ...] = ()


def read_texts(
    source: Any,
    *,
    text: str | None = None,
    label: str | None = None,
    group: Any = None,
    time: Any = None,
    separator: str | None = None,
    encoding: str | None = None,
    header: bool = True,
    drop_empty: bool = False,
    several: str | None = None,
    as_number: bool = False,
    labelled: bool = True,
) -> Labelled:
    """Read texts and a label for each.

    `source` is the first of these that it can be:

    - a pair of sequences: the texts, and their labels;
    - a pandas, polars or pyarrow frame: its columns `text` and `label`;
    - a folder, zip or tar file: each folder in it is a class, and each `.txt` file in that a text,
      but for folders called `unsup` or `unlabelled`, whose texts have no label;
    - a file that ends in .parquet or .pq, or in .jsonl or .ndjson (also with .gz): likewise
      columns;
    - a file that ends in .csv or .tsv (also with .gz), or any other file if `text` or `label` is
      given: a table in text;
    - any other file: lines of a label, which is the first word, and a text, which is the rest.

    Texts stay as they are but for line ends around them; labels are stripped, and a missing one is
    empty, or NaN.

    Args:
        source: Path, frame, or pair.
        text: Column of the texts, or several joined by commas: `title,body`. Their texts are joined
            in this order, with a token of its own between them.
        label: Column of the labels.
        group: Column of groups; of a pair, a sequence of them.
        time: Column by which the texts can be sorted, numbers or dates; of a pair, a sequence.
        separator: Column separator. Default: the one by which the header has the columns.
        encoding: Any that Python knows. Default: detected from the bytes; a notice names it.
        header: Whether the first row names the columns; else they are "1", "2" and so on.
        drop_empty: Whether to leave out texts of nothing but blanks.
        several: What parts the labels of a row that has several, or none. A list of labels, as in
            JSON lines or Parquet, needs nothing to part it.
        as_number: Whether labels are numbers.
        labelled: Whether there are labels. Else those that there are go unread, every label is
            empty, and the lines of a file that is no table are texts.

    Raises:
        FileNotFoundError: If there is no such file.
        TypeError: If `source` is neither a path nor a frame nor a pair.
        DataError: If it cannot be read as asked, or the texts are no texts.
    """
    if several is not None and (as_number or not several):
        raise DataError(
            "several must be what parts labels, and labels that are numbers have no parts, got "
            f"{quoted(several)}"
        )
    wanted = {"text": text, "label": label, "group": group, "time": time}
    if not labelled:
        wanted = {"text": text}
        source = (source[0], None) if isinstance(source, tuple | list) else source
    if isinstance(source, str | Path):
        columns = read_path(Path(source), wanted, separator, encoding, header)
    elif isinstance(source, tuple | list):
        columns = from_pair(source, wanted)
    else:
        columns = from_frame(source, wanted)
    columns, texts = _kept_texts(columns, _joined_texts(columns, text), drop_empty)
    labels = _labels(columns, several, as_number)
    return Labelled(
        items=texts,
        labels=labels.values,
        kind=labels.kind,
        names=tuple(columns.names),
        source=columns.source,
        groups=_groups(columns),
        times=_times(columns, time),
        notices=(*columns.notices, *labels.notices),
    ).fingerprinted()


def _missing(value: Any) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value))


def _is_blank(value: Any) -> bool:
    return _missing(value) or (isinstance(value, str) and not value.strip())


def _joined_texts(columns: Columns, column: str | None) -> list[str]:
    """Return the texts, joined by `TEXT_MARK` of several columns; one of blanks alone is empty."""
    parts = []
    for key in (key for key in columns.values if key.startswith("text")):
        texts = ["" if _missing(value) else value for value in columns.values[key]]
        where = (
            f" in column {quoted(column)}" if column and "text (2)" not in columns.values else ""
        )
        _check_are_texts(texts, columns.names, where or (f" in {key}" if column else ""))
        parts.append(texts)
    if len(parts) == 1:
        return parts[0]
    mark = f" {TEXT_MARK} "
    return [
        mark.join(part.strip() for part in row) if any(map(str.strip, row)) else ""
        for row in zip(*parts, strict=True)
    ]


def _kept_texts(
    columns: Columns, texts: list[str], drop_empty: bool
) -> tuple[Columns, tuple[str, ...]]:
    """Return the texts, and all columns, without the rows that were dropped."""
    empty = [i for i, text in enumerate(texts) if not text.strip()]
    if empty and drop_empty:
        gone = set(empty)
        kept = [i for i in range(len(texts)) if i not in gone]
        where = listed([columns.names[i] for i in empty], 3)
        columns = columns._replace(
            values={key: [part[i] for i in kept] for key, part in columns.values.items()},
            names=[columns.names[i] for i in kept],
            notices=(*columns.notices, f"{count_of(len(empty), 'empty text')} dropped ({where})"),
        )
        texts = [texts[i] for i in kept]
    return columns, tuple(texts)


def _check_are_texts(texts: list[Any], names: list[str], where: str) -> None:
    there = [value for value in texts if value != ""]
    if there and all(map(_is_number, there)):
        raise DataError(
            f"text must be a column of text, got numbers such as {there[0]}{where}; name another "
            "column (--text)"
        )
    for value, name in zip(texts, names, strict=True):
        if not isinstance(value, str):
            raise DataError(
                f"text must be a column of text, got {value!r:.40} of type "
                f"{type(value).__name__}{where}, {name}"
            )
        try:
            value.encode()
        except UnicodeEncodeError:
            raise DataError(
                f"text must be valid Unicode, got half a surrogate pair{where}, {name}"
            ) from None


def _is_number(value: Any) -> bool:
    if isinstance(value, str):
        return _as_number(value) is not None
    return isinstance(value, numbers.Number)


def _as_number(value: Any) -> float | None:
    if isinstance(value, str) and "_" in value:  # which Python takes for a mark between digits
        return None
    try:
        return float(value)
    except (ValueError, TypeError, OverflowError):
        return None


def _labels(columns: Columns, several: str | None, as_number: bool) -> _Labels:
    if "label" not in columns.values:  # of texts that are only to be predicted
        return _Labels(np.full(len(columns.names), ""), "class")
    values, names = columns.values["label"], columns.names
    if as_number:
        return _number_labels(values, names)
    if several is not None or any(isinstance(value, list | tuple) for value in values):
        joined = [
            _several_labels(value, several, name) for value, name in zip(values, names, strict=True)
        ]
        return _Labels(_as_text(joined), "classes")
    return _Labels(
        _as_text([_label(value, name) for value, name in zip(values, names, strict=True)]), "class"
    )


def _as_text(values: list[str]) -> npt.NDArray[Any]:
    return np.array(values, dtype=np.str_)


def _label(value: Any, name: str) -> str:
    """Return a label as text: as written, as a whole number where it is one, empty if missing."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    text = "" if _missing(value) else str(value).strip()
    if isinstance(value, bytes | dict | set) or LABEL_SEPARATOR in text:
        raise DataError(f"a label must be text or a number, got {value!r:.40} in {name}")
    return text


def _several_labels(value: Any, several: str | None, name: str) -> str:
    if isinstance(value, list | tuple):
        parts = list(value)
    elif several is None:
        raise DataError(
            f"label must be a list in every row, as in others, got {quoted(value)} in {name}"
        )
    else:
        text = "" if _missing(value) else str(value)
        parts = [part for part in text.split(several) if part.strip()]
    labels = dict.fromkeys(_label(part, name) for part in parts)
    return LABEL_SEPARATOR.join(filter(None, labels))


def _number_labels(values: list[Any], names: list[str]) -> _Labels:
    values = [None if _is_blank(value) else value for value in values]
    if all(value is None or isinstance(value, str) for value in values):
        written = read_numbers(pl.Series("label", values, dtype=pl.String))
        if written.notice:
            return _Labels(written.values.to_numpy(), "number", (written.notice,))
    numbers = [_number_label(value, name) for value, name in zip(values, names, strict=True)]
    return _Labels(np.array(numbers, dtype=np.float64), "number")


def _number_label(value: Any, name: str) -> float:
    if value is None:
        return math.nan
    number = _as_number(value)
    if number is None:
        raise DataError(f"label must be a number in every row, got {value!r:.40} in {name}")
    return number


def _groups(columns: Columns) -> npt.NDArray[Any] | None:
    if "group" not in columns.values:
        return None
    groups = ["" if _missing(value) else str(value).strip() for value in columns.values["group"]]
    if "" in groups:
        raise DataError(
            f"group must be given in every row, got none in {columns.names[groups.index('')]}"
        )
    return _as_text(groups)


def _times(columns: Columns, column: Any) -> npt.NDArray[Any] | None:
    """Return numbers as they are, and else dates."""
    if "time" not in columns.values:
        return None
    values = columns.values["time"]
    numbers = [_as_number(value) for value in values]
    if None not in numbers and np.isfinite(np.array(numbers, dtype=np.float64)).all():
        return np.array(numbers, dtype=np.float64)
    name = column if isinstance(column, str) else "time"
    filled = [None if _missing(value) or value == "" else value for value in values]
    rows = pl.Series([int(name.rpartition(" ")[2]) for name in columns.names], dtype=pl.Int64)
    try:
        frame = pl.DataFrame({name: filled})
    except (TypeError, pl.exceptions.PolarsError) as error:
        raise DataError(
            f"time must be a column of dates or of numbers, got both: {error}"
        ) from None
    return find_times(RawTable(frame, rows, columns.source), [name]).stamps.to_numpy()
