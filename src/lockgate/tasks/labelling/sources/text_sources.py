"""Read the columns of texts from files, folders, frames and pairs; nothing is interpreted yet."""

import json
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

from lockgate.errors import DataError, count_of, listed, option, quoted
from lockgate.reading.archive import is_archive, open_archive
from lockgate.reading.delimited import check_columns, names_in, read_fields
from lockgate.reading.encodings import decode, guess_encoding
from lockgate.reading.parquet import read_parquet
from lockgate.reading.tables import read_bytes, to_polars
from lockgate.tasks.labelling.config import MARKED

PARQUET = (".parquet", ".pq")
JSON_LINES = (".jsonl", ".ndjson", ".jsonl.gz", ".ndjson.gz")
TABLES = (".csv", ".tsv", ".csv.gz", ".tsv.gz")
PARTS = dict.fromkeys(("train", "training"), "train") | dict.fromkeys(("test", "testing"), "test")
PARTS |= dict.fromkeys(("validation", "valid", "val", "dev"), "validation")
"""What a folder of folders of classes holds, by its name."""
NO_CLASS = ("unsup", "unsupervised", "unlabeled", "unlabelled")
"""Folders of texts without a label."""
_MOST_WORDS = 5  # of the name of a column
_FEW = 10  # lines of which nothing is concluded
_MARKED = re.compile(rf"((?:{MARKED.decode()}\S+(?:[ \t]+|$))+)(.*)", re.DOTALL)
_LINE = re.compile(r"([^ \t]+)[ \t]?(.*)", re.DOTALL)


class Columns(NamedTuple):
    """What was read, before the kinds of labels and times are known."""

    values: dict[str, list[Any]]
    """By argument: `text`, `text (2)` and so on, and `label`, `group` and `time` where they are
    asked for."""
    names: list[str]
    source: str
    notices: tuple[str, ...] = ()


def read_path(
    path: Path,
    wanted: dict[str, Any],
    separator: str | None = None,
    encoding: str | None = None,
    header: bool = True,
) -> Columns:
    """Read a file or a folder; the docstring of `read_texts` tells which is read how."""
    if not path.exists():
        raise FileNotFoundError(f"source must be an existing file or folder, got {str(path)!r}")
    name = path.name.lower()
    if is_archive(path):
        return _read_folder(path, wanted, encoding)
    if name.endswith(PARQUET):
        return from_frame(read_parquet(path), wanted, path.name)
    is_json = name.endswith(JSON_LINES)
    named = wanted["text"] is not None or wanted.get("label") is not None
    is_table = not is_json and (named or name.endswith(TABLES))
    plain, _, notice = decode(
        _bytes(path), path.name, encoding, header=is_table and header, quoted=is_table
    )
    if not plain.strip():
        raise DataError(f"source must hold texts, got only blank lines in {quoted(path.name)}")
    if is_json:
        columns = _read_json_lines(plain, path.name, wanted)
    elif is_table:
        columns = _read_table(plain, path.name, wanted, separator, header)
    else:
        columns = _read_lines(plain, path.name, wanted)
    own = (notice,) if notice else ()
    return columns._replace(notices=(*own, *columns.notices))


def from_frame(source: Any, wanted: dict[str, Any], name: str = "frame") -> Columns:
    """Take the columns of a frame of any library narwhals knows."""
    frame = to_polars(source, "a path, a pair of texts and labels")
    asked = _asked(wanted, frame.columns)
    check_columns(asked, frame.columns)
    values = {argument: frame[column].to_list() for argument, column in asked.items()}
    return Columns(values, [f"row {i + 1}" for i in range(frame.height)], name)


def from_pair(source: Sequence[Any], wanted: dict[str, Any]) -> Columns:
    """Take a pair of sequences, texts and labels, with groups and times where they are given."""
    if len(source) != 2 or any(isinstance(part, str) for part in source):
        raise TypeError(
            "source must be a path, a frame, or a pair of texts and labels, got "
            f"{len(source)} values in a {type(source).__name__}"
        )
    _none_asked(wanted, "a pair of texts and labels", ("text", "label"))
    given = {
        "text": source[0],
        "label": source[1],
        "group": wanted.get("group"),
        "time": wanted.get("time"),
    }
    values = {
        argument: _as_list(part, argument) for argument, part in given.items() if part is not None
    }
    lengths = {argument: len(part) for argument, part in values.items()}
    if len(set(lengths.values())) > 1:
        raise DataError(
            "texts and what belongs to them must be as many, got "
            + listed(f"{n:,} of {argument}" for argument, n in lengths.items())
        )
    return Columns(values, [f"row {i + 1}" for i in range(lengths["text"])], "texts")


def _bytes(path: Path) -> bytes:
    """Read a file, unpacked where it is gzip, to at most `tables.most_bytes`."""
    data = read_bytes(path)
    if not data:
        raise DataError(f"source must hold texts, got the empty file {quoted(path.name)}")
    return data


def _asked(wanted: dict[str, Any], names: Sequence[str]) -> dict[str, str]:
    """Return the columns that were named; those of texts and labels must be."""
    for argument, what in (("text", "texts"), ("label", "labels")):
        if argument in wanted and wanted[argument] is None:
            raise DataError(
                f"{argument} must name the column of {what}, got none ({option(argument, 'NAME')});"
                f" the columns are {listed(names, 12)}"
            )
    asked = {argument: str(column) for argument, column in wanted.items() if column is not None}
    for i, column in enumerate(parted(asked["text"], names), 1):
        asked["text" if i == 1 else f"text ({i})"] = column
    return asked


def parted(joined: str, names: Sequence[str]) -> list[str]:
    """Part names that are joined by commas; a name that holds commas itself is found whole.

    Example:
        >>> parted("title,body", ["title", "body"]), parted("a,b,c", ["a,b", "c"])
        (['title', 'body'], ['a,b', 'c'])
    """
    if joined in names:
        return [joined]
    for i in reversed([i for i, letter in enumerate(joined) if letter == ","]):
        if joined[:i].strip() in names:
            return [joined[:i].strip(), *parted(joined[i + 1 :].strip(), names)]
    return [part.strip() for part in joined.split(",")]


def _none_asked(wanted: dict[str, Any], what: str, among: Sequence[str]) -> None:
    for argument in among:
        if wanted.get(argument) is not None:
            raise DataError(
                f"{argument} must not be given for {what}, got {quoted(wanted[argument])}"
            )


def class_files(names: Iterable[str]) -> dict[str, str]:
    """Return the `.txt` files in folders of classes, by the name that tells the class.

    That is `class/file`, or `part/class/file` where there are parts, whatever folders these lie in.
    Files deeper or less deep than most are left out.

    Example:
        >>> class_files(["a/train/pos/1.txt", "a/test/pos/1.txt", "a/train/README.txt"])
        {'train/pos/1.txt': 'a/train/pos/1.txt', 'test/pos/1.txt': 'a/test/pos/1.txt'}

    Raises:
        DataError: If the folders of classes lie in several that are no parts.
    """
    files = [PurePosixPath(name) for name in names if name.lower().endswith(".txt")]
    depths = Counter(len(file.parts) for file in files if len(file.parts) > 1)
    depth = min(depths, key=lambda depth: (-depths[depth], depth), default=0)
    files = [file for file in files if len(file.parts) == depth]
    above = sorted({file.parent.parent for file in files})
    levels = 2
    if len(above) > 1:
        parts = [PARTS.get(folder.name.lower(), "") for folder in above]
        if len({a.parent for a in above}) > 1 or "train" not in parts or not _differ(parts):
            raise SeveralFoldersError(
                "a folder of texts must hold a folder for each class, or such folders in train and "
                f"test, got them in {listed((quoted(a.as_posix()) for a in above), 4)}",
                above[0].as_posix(),
            )
        levels = 3
    return {"/".join(file.parts[-levels:]): file.as_posix() for file in files}


def _differ(parts: list[str]) -> bool:
    return len(set(parts)) == len(parts) and "" not in parts


class SeveralFoldersError(DataError):
    """Folders of classes lie in several folders, of which `first` is one."""

    def __init__(self, message: str, first: str) -> None:
        super().__init__(message)
        self.first = first


def _read_folder(path: Path, wanted: dict[str, Any], encoding: str | None) -> Columns:
    _none_asked(wanted, "a folder for each class", list(wanted))
    with open_archive(path) as archive:
        try:
            files = class_files(archive.names)
        except SeveralFoldersError as error:
            where = f"name one: {path / error.first}" if path.is_dir() else "unpack one"
            raise DataError(f"{error} of {quoted(archive.source)}; {where}") from None
        if not files:
            raise DataError(
                "a folder of texts must hold a folder for each class with .txt files in it, got "
                f"none in {quoted(str(path))}"
            )
        names, source = list(files), archive.source
        contents = [archive.read(name) for name in files.values()]
        other = len(archive.names) - len(files)
    texts, notices = _decoded_files(contents, names, source, encoding)
    if other:
        notices.append(f"{count_of(other, 'other file')} in {source} left out")
    values: dict[str, list[Any]] = {"text": texts}
    if "label" in wanted:
        folders = [name.split("/")[-2] for name in names]
        values["label"] = [None if one.lower() in NO_CLASS else one for one in folders]
    return Columns(values, names, source, tuple(notices))


def _decoded_files(
    contents: list[bytes], names: list[str], folder: str, encoding: str | None
) -> tuple[list[str], list[str]]:
    """Decode the files of a folder; what is not Unicode has one encoding."""
    codecs = [
        encoding or _unicode_codec(content, name)
        for content, name in zip(contents, names, strict=True)
    ]
    rest = [content for content, codec in zip(contents, codecs, strict=True) if codec is None]
    label, codec = "", None
    if rest:
        codec, label = guess_encoding(b"\n".join(rest), folder)
    texts = [
        decode(content, name, own or codec, quoted=False).text.strip("\r\n")
        for content, name, own in zip(contents, names, codecs, strict=True)
    ]
    if encoding:
        return texts, []
    if not rest:
        return texts, [f"{folder} is read as UTF-8"]
    first = names[codecs.index(None)]
    return texts, [
        f"{count_of(len(rest), 'file')} of {folder} are not valid UTF-8 ({first} first): read "
        f"as {label}; if letters look wrong, name the encoding (--encoding)"
    ]


def _unicode_codec(content: bytes, name: str) -> str | None:
    """Return the codec of a file that is Unicode beyond doubt."""
    codec, _ = guess_encoding(content, name)
    return codec if codec.startswith("utf") else None


def _read_table(
    plain: str, name: str, wanted: dict[str, Any], separator: str | None, header: bool
) -> Columns:
    # commas may join names, or be part of them
    words = [word for one in wanted.values() if one for word in {str(one), *str(one).split(",")}]
    names = names_in(plain, name, separator, header, words)
    if header and not set(words) & set(names) and _is_data(names):
        raise DataError(
            f"the first row of {name} must name the columns, got "
            f"{listed(map(quoted, names), 3)}; if it is data, {by_place(names, wanted)}"
        )
    asked = _asked(wanted, names)
    fields = read_fields(plain, name, asked, separator=separator, header=header)
    rows = [f"row {row}" for row in fields.rows]
    return Columns(dict(fields.columns), rows, name, fields.notices)


def _is_data(first: Sequence[str]) -> bool:
    """Tell whether a first row is rather data than names: a number, or a text of many words."""
    return any(word.lstrip("-").isdigit() or len(word.split()) > _MOST_WORDS for word in first)


def by_place(first: Sequence[str], wanted: Iterable[str] = ("text", "label")) -> str:
    """Say how columns without names are named, the longest as text and the shortest as label."""
    places = sorted(range(1, len(first) + 1), key=lambda place: len(first[place - 1]))
    found = {"text": places[-1], "label": places[0]}
    options = " ".join(f"--{one} {place}" for one, place in found.items() if one in wanted)
    return f"number its columns ({options} --no-header)"


def _read_lines(plain: str, name: str, wanted: dict[str, Any]) -> Columns:
    _none_asked(wanted, "lines of a label and a text", ("group", "time"))
    # not splitlines, which also splits at characters that are part of texts
    lines = plain.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    rows = {f"row {row}": line for row, line in enumerate(lines, 1) if line.strip()}
    if _MARKED.match(next(iter(rows.values()))):
        return _marked_lines(rows, name, "label" in wanted)
    texts, labels, names, tabs = [], [], list(rows), 0
    for line in rows.values():
        match = _LINE.match(line) if "label" in wanted else None
        tabs += "\t" in line
        labels.append(match[1] if match else None)
        texts.append(match[2] if match else line)
    if "label" not in wanted:
        return Columns({"text": texts}, names, name)
    if tabs == len(texts) >= _FEW and 2 * len(set(labels)) > len(labels):
        raise DataError(
            f"every line must begin with a label, got {len(set(labels)):,} labels in "
            f"{len(labels):,} lines of {quoted(name)}, each with a tab; if it is a table "
            f"without header, "
            "number its columns (--text 1 --label 2 --no-header)"
        )
    return Columns({"text": texts, "label": labels}, names, name)


def _marked_lines(rows: dict[str, str], name: str, labelled: bool) -> Columns:
    """Take the labels of fastText off the lines; a line may have several of them, or none."""
    matches = [_MARKED.match(line) for line in rows.values()]
    texts = [m[2] if m else line for m, line in zip(matches, rows.values(), strict=True)]
    if not labelled:
        return Columns({"text": texts}, list(rows), name)
    mark = MARKED.decode()
    labels = [[word.removeprefix(mark) for word in m[1].split()] if m else [] for m in matches]
    if max(map(len, labels)) > 1:
        return Columns({"text": texts, "label": labels}, list(rows), name)
    single = [label[0] if label else None for label in labels]
    return Columns({"text": texts, "label": single}, list(rows), name)


def _read_json_lines(plain: str, name: str, wanted: dict[str, Any]) -> Columns:
    rows, names = [], []
    for row, line in enumerate(plain.split("\n"), 1):
        if not line.strip():
            continue
        try:
            record = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise DataError(
                f"{name} must hold JSON in each line, got {error} in row {row}"
            ) from None
        if not isinstance(record, dict):
            raise DataError(
                f"{name} must hold an object in each line, got {line.strip()[:40]!r} in row {row}"
            )
        rows.append(record)
        names.append(f"row {row}")
    columns = list(dict.fromkeys(key for record in rows for key in record))
    asked = _asked(wanted, columns)
    check_columns(asked, columns)
    values = {
        argument: [record.get(column) for record in rows] for argument, column in asked.items()
    }
    return Columns(values, names, name)


def _as_list(part: Any, argument: str) -> list[Any]:
    if hasattr(part, "tolist"):
        part = part.tolist()
    if isinstance(part, str) or not hasattr(part, "__iter__"):
        raise TypeError(f"{argument} must be a sequence, got {type(part).__name__}")
    return list(part)
