"""Read labelled sequences, whatever they lie in."""

from pathlib import Path
from typing import Any, Literal

from lockgate.errors import DataError
from lockgate.reading.archive import is_archive
from lockgate.reading.tables import TextFormat, read_raw
from lockgate.tasks.labelling.labelled import Labelled
from lockgate.tasks.labelling.sources import ts_format
from lockgate.tasks.labelling.sources.archive_sequences import from_archive
from lockgate.tasks.labelling.sources.arrays import from_arrays
from lockgate.tasks.labelling.sources.list_columns import from_lists, has_lists
from lockgate.tasks.labelling.sources.long_tables import from_long
from lockgate.tasks.labelling.sources.sequence_columns import Roles, check_roles

__all__ = ["from_arrays", "read_sequences"]


def read_sequences(
    source: Any,
    *,
    label: str | None = None,
    id: str | None = None,  # noqa: A002
    step: str | None = None,
    inputs: tuple[str, ...] | Literal["all"] = "all",
    group: str | None = None,
    time: str | None = None,
    labels: str | Path | None = None,
    at_steps: bool = False,
    several: str | None = None,
    as_number: bool = False,
    separator: str | None = None,
    encoding: str | None = None,
    labelled: bool = True,
) -> Labelled:
    """Read sequences and their labels; nothing is learned from them, nothing is filled.

    Args:
        source: A `.ts` file (sktime, aeon; also with .gz); a table or a frame with a row for each
            step, or with a row for each sequence and lists in its cells; or a zip or tar file or a
            folder with a table for each sequence.
        label: Column of labels; of an archive, in the file that `labels` names.
        id: Column that tells the sequences of a table, or the files of an archive, apart. Default:
            of a table with `at_steps`, all rows are one sequence; of an archive, the first column.
        step: Column by which the steps of a sequence are sorted. Default: their order.
        inputs: Columns that the sequences are made of. Default: all of numbers that have a name and
            have no other role.
        group: Column of groups that stay in one part; of an archive also a file of groups.
        time: Column by which sequences can be parted; at their first step, where it has many.
        labels: File of labels of an archive, in it or beside it.
        at_steps: Whether there is a label at every step.
        several: What parts the labels of a sequence that has several.
        as_number: Whether labels are numbers to be predicted, not classes.
        separator: Column separator of CSV files. Default: detected from their first rows.
        encoding: Encoding of CSV and `.ts` files. Default: detected from the bytes of each.
        labelled: Whether there are labels. Else those that there are go unread, as do groups and
            times, and every label is empty; of an archive, every table in it is a sequence.

    Raises:
        FileNotFoundError: If there is no such file.
        TypeError: If `source` is neither a path nor a frame.
        DataError: If it cannot be read as the arguments say; the message says where and what to do.
    """
    roles = check_roles(
        Roles(label, id, step, inputs, group, time, at_steps, several, as_number, labelled)
    )
    if is_archive(source):
        return from_archive(
            Path(source), roles, labels, TextFormat(separator, encoding)
        ).fingerprinted()
    if labels is not None:
        raise DataError(
            f"labels must be left out but for a zip or tar file or a folder, got {str(labels)!r}; "
            "name the column of labels (--label)"
        )
    if _is_ts(source):
        return ts_format.read_ts(Path(source), roles, encoding).fingerprinted()
    raw = read_raw(source, separator=separator, encoding=encoding)
    gather = from_lists if has_lists(raw) else from_long
    return gather(raw, roles).fingerprinted()


def _is_ts(source: Any) -> bool:
    if not isinstance(source, str | Path):
        return False
    return Path(source).name.lower().endswith(ts_format.TS_EXTENSIONS)
