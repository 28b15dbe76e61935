"""Read labelled data of any form, with the parts that were given as files of their own."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from lockgate.errors import DataError, count_of, listed
from lockgate.reading.archive import is_archive, open_archive
from lockgate.reading.delimited import names_in
from lockgate.reading.encodings import decode
from lockgate.reading.panics import no_panics
from lockgate.reading.tables import check_path, read_bytes
from lockgate.tasks.labelling.config import LABELLED_LINES, LabelledConfig
from lockgate.tasks.labelling.labelled import (
    Joined,
    Labelled,
    Ragged,
    called,
    check_items,
    cut,
    join_parts,
    one_spelling,
    take,
)
from lockgate.tasks.labelling.sources.arrays import from_arrays
from lockgate.tasks.labelling.sources.memory import held, is_held, pair_of, plain
from lockgate.tasks.labelling.sources.sequences import read_sequences
from lockgate.tasks.labelling.sources.text_sources import PARTS, TABLES, by_place
from lockgate.tasks.labelling.sources.texts import read_texts

FEW_SEQUENCES = 20
STRETCH = 100
"""Steps of the stretches that a few long sequences with labels at steps are cut into."""


@no_panics
def read_labelled(source: Any, config: LabelledConfig) -> Joined:
    """Read labelled sequences or texts as `config` says.

    Args:
        source: Path of a file, folder or archive; a frame; or a pair (X, y) in memory, X texts,
            arrays or tensors of unequal length, or an array or tensor (N, T, C).
        config: How to read it; `config.test` and `config.validation` are read likewise.

    Raises:
        DataError: If something cannot be read as labelled data.
        FileNotFoundError: If there is no such file.
    """
    train = _ended(_read(source, config, None, labelled=True))
    own = _parts_in(train, source)
    if own and (config.test or config.validation):
        raise DataError(
            f"test and validation must be left out for {train.source}, which holds "
            f"{listed(own)} itself, got {config.test or config.validation!r}"
        )
    train = own.pop("train", train)
    others = [None if p is None else read_part(p, config) for p in (config.test, config.validation)]
    if own:
        others = [own.get("test"), own.get("validation")]
    read = [part for part in (train, *others) if part is not None]
    if steps := _stretch(config, sum(map(len, read))):
        train = cut(train, steps)
        others = [None if part is None else cut(part, steps) for part in others]
    known = [None if part is None else leave_out_unlabelled(part) for part in others]
    joined = join_parts(leave_out_unlabelled(train), *known)
    return joined._replace(data=one_spelling(joined.data))


@no_panics
def read_unlabelled(source: Any, config: LabelledConfig) -> Labelled:
    """Read sequences or texts that are only to be predicted; labels need not be there.

    Args:
        source: As in `read_labelled`, or X alone.
        config: How the training data were read.

    Raises:
        DataError: If they cannot be read, or a sequence is empty or infinite.
    """
    data = read_part(source, config, labelled=False)
    check_items(data, blank_texts=True)
    return data


def leave_out_unlabelled(data: Labelled) -> Labelled:
    """Return what has a label, or one at a step of it at least, and say what was left out.

    Raises:
        DataError: If nothing has one.
    """
    known = data.is_known
    if known.all():
        return data
    what, notices, rows = "text" if data.is_text else "sequence", list(data.notices), known
    spelled = "" if data.is_text else f"; {_SPELLED}"
    if data.kind == "steps" and isinstance(data.items, Ragged):
        owner = np.repeat(np.arange(len(data)), data.items.lengths)
        rows = np.bincount(owner, known, len(data)) > 0
        # an empty sequence is refused for what it is
        rows |= data.items.lengths == 0
        notices.append(f"no label at {(~known).sum():,} of {count_of(len(known), 'step')}: {_LEFT}")
    if not rows.any():
        raise DataError(
            f"labels must be there, got none for {count_of(len(data), what)} of {data.source}; "
            f"name the column that holds them (--label){spelled}"
        )
    if not rows.all():
        names = listed((called(data.names[i]) for i in np.flatnonzero(~rows)), 3)
        notices.append(
            f"{count_of(int((~rows).sum()), what)} without a label left out, {names}{spelled}"
        )
    kept = data if rows.all() else take(data, np.flatnonzero(rows))
    return replace(kept, notices=tuple(notices)).fingerprinted()


_LEFT = "they count in no loss and no score"
_SPELLED = "a class called ?, -, none or NA needs another name"


def cut_alike(data: Labelled, config: LabelledConfig) -> Labelled:
    """Cut sequences with labels at steps as `read_labelled` cuts as many of them."""
    steps = _stretch(config, len(data))
    return cut(data, steps) if steps else data


def _stretch(config: LabelledConfig, count: int) -> int | None:
    """Return the steps of the stretches that so many sequences are cut into, if they are."""
    if config.at_steps and (config.cut is not None or count < FEW_SEQUENCES):
        return config.cut or STRETCH
    return None


def read_part(
    source: Any, config: LabelledConfig, *, groups: Any = None, labelled: bool = True
) -> Labelled:
    """Read one file, folder, archive or frame; or a pair in memory, which may have groups.

    The y of a pair is None where there are no labels. Missing values and labels are left as they
    are, but for steps at the end of a sequence that hold no value: they are cut off.
    """
    data = _ended(_read(source, config, groups, labelled=labelled))
    if labelled and (parts := _parts_in(data, source)):
        folders = sorted({name.split("/")[0] for name in data.names}, key=lambda n: n != "test")
        is_folder = Path(str(source)).is_dir()
        where = f"name one: {Path(str(source)) / folders[0]}" if is_folder else "unpack one"
        raise DataError(f"{data.source} must be one part, got {listed(parts)} in it; {where}")
    return data


def _parts_in(data: Labelled, source: Any) -> dict[str, Labelled]:
    """Return the parts that a source of texts in folders of classes holds, by their names."""
    if not data.is_text or not is_archive(source) or data.names[0].count("/") < 2:
        return {}
    part = np.array([PARTS[name.split("/")[0].lower()] for name in data.names])
    return {
        str(name): replace(take(data, np.flatnonzero(part == name)), notices=data.notices)
        for name in dict.fromkeys(part.tolist())
    }


def _ended(data: Labelled) -> Labelled:
    """End each sequence at its last step that holds a value: archives pad the shorter with NaN."""
    if not isinstance(data.items, Ragged):
        return data
    items = data.items
    holds = ~np.isnan(items.values).all(axis=1)
    if holds.all():
        return data
    owner = np.repeat(np.arange(len(data)), items.lengths)
    step = np.arange(len(holds)) - items.starts[owner]
    lengths = np.zeros(len(data), dtype=np.int64)
    np.maximum.at(lengths, owner, np.where(holds, step + 1, 0))
    shorter = int((lengths < items.lengths).sum())
    if not shorter:
        return data
    kept = step < lengths[owner]
    return replace(
        data,
        items=Ragged(items.values[kept], np.concatenate([[0], np.cumsum(lengths)])),
        labels=data.labels[kept] if data.kind == "steps" else data.labels,
        notices=(*data.notices, f"{count_of(shorter, 'sequence')} shortened: {_PADDED}"),
    ).fingerprinted()


_PADDED = "the steps at their end hold no value"


def _read(source: Any, config: LabelledConfig, groups: Any, *, labelled: bool) -> Labelled:
    if is_held(source):
        return _from_memory(*pair_of(source, labelled=labelled), config, groups)
    labels: dict[str, Any] = {"as_number": config.as_number}
    labels |= {"label": config.label, "group": config.group, "time": config.time}
    labels |= {"separator": config.separator, "encoding": config.encoding}
    labels |= {"several": config.several, "labelled": labelled}
    of_steps = config.at_steps or config.id is not None or config.step is not None
    # a .txt file with columns is a table like any other
    of_steps |= config.label is not None and Path(str(source)).name.lower().endswith(_TXT)
    of_sequences = of_steps or config.labels is not None
    if config.text is not None or (not of_sequences and holds_texts(source)):
        return read_texts(
            source,
            text=config.text,
            header=config.header,
            drop_empty=config.drop_empty and labelled,
            **labels,
        )
    if labelled and not config.header:
        _refuse_without_header(source, config)
    return read_sequences(
        source,
        labels=config.labels,
        id=config.id,
        step=config.step,
        inputs=config.inputs,
        at_steps=config.at_steps,
        **labels,
    )


def _refuse_without_header(source: Any, config: LabelledConfig) -> None:
    """Refuse a table without header of which no column of texts is named."""
    remedy = "add a header line to a table of sequences"
    if isinstance(source, str | Path) and str(source).lower().endswith(TABLES):
        path = Path(source)
        check_path(path)
        text = decode(read_bytes(path), path.name, config.encoding, header=False).text
        first = names_in(text, path.name, config.separator, header=True)
        if len(first) > 1 and not (config.at_steps or config.id or config.step):
            remedy = f"{by_place(first)}, or {remedy}"
    raise DataError(
        f"text must name the column of texts where there is no header, got none; {remedy}"
    )


_TXT = (".txt", ".txt.gz")


def _from_memory(x: Any, y: Any, config: LabelledConfig, groups: Any) -> Labelled:
    kind, items = held(x)
    y = y if y is None else plain(y)
    if kind != "texts":
        return from_arrays(items, y, groups=groups, as_number=config.as_number)
    return read_texts(
        (items, y),
        group=groups,
        as_number=config.as_number,
        drop_empty=config.drop_empty and y is not None,
        several=config.several,
    )


def holds_texts(source: Any) -> bool:
    """Tell whether a path is of folders of classes with texts in them, or lines of them."""
    if not isinstance(source, str | Path):
        return False
    path = Path(source)
    if path.is_dir():
        return any(any(path.glob(f"{'*/' * depth}*.txt")) for depth in (1, 2, 3))
    if is_archive(path):
        with open_archive(path) as archive:
            return any("/" in name and name.lower().endswith(".txt") for name in archive.names)
    return path.name.lower().removesuffix(".gz").endswith((".txt", *LABELLED_LINES))
