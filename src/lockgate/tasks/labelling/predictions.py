"""What a classifier predicts, as a table with a row for each text, sequence or step."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from lockgate.errors import count_of
from lockgate.scoring.arrays import FloatArray
from lockgate.tasks.labelling.labelled import Labelled, Ragged
from lockgate.tasks.labelling.preprocessing import LabelPreprocessing

SEVERAL = ","
PROBABILITY = "probability_"
BLANK, NO_WORD = "blank", "no known word"
"""Notes on texts whose answer rests on nothing that they say."""


def prediction_frame(
    prediction: FloatArray,
    preprocessing: LabelPreprocessing,
    data: Labelled,
    pieces: Labelled,
    several: str | None = None,
    notes: Sequence[str] | None = None,
) -> pl.DataFrame:
    """Name what was predicted.

    Args:
        prediction: What `FittedClassifier.predict` gives for `pieces`.
        preprocessing: What its columns are.
        data: What was to be predicted.
        pieces: The same, or its sequences cut.
        several: What parts the labels of a row that has several.
        notes: Of texts, what `text_notes` gives.

    Returns:
        `name`, of labels at steps `step`, `label`, of classes the probability of each, and of texts
        `note`.
    """
    columns: dict[str, Any] = {"name": list(data.names)}
    if preprocessing.kind == "steps":
        rows, steps = _places(preprocessing, data, pieces)
        columns = {"name": [data.names[row] for row in rows], "step": steps}
    columns["label"] = _labels(prediction, preprocessing, several or SEVERAL)
    for k, name in enumerate(preprocessing.classes):
        columns[f"{PROBABILITY}{name}"] = prediction[:, k]
    if notes is not None:
        columns["note"] = pl.Series(notes, dtype=pl.String)
    return pl.DataFrame(columns)


def text_notes(
    data: Labelled, encoded: Ragged, preprocessing: LabelPreprocessing
) -> list[str] | None:
    """Return `BLANK`, `NO_WORD` or nothing for each text; None of sequences."""
    if not isinstance(data.items, tuple):
        return None
    notes = np.where(preprocessing.without_words(encoded), NO_WORD, "")
    blank = np.array([not text.strip() for text in data.items])
    return [str(note) for note in np.where(blank, BLANK, notes)]


def count_notes(notes: Sequence[str] | None) -> tuple[str, ...]:
    """Say how many texts have which note, if any has one."""
    counts = {note: (notes or []).count(note) for note in (BLANK, NO_WORD)}
    if not any(counts.values()):
        return ()
    blank = f"{count_of(counts[BLANK], 'text')} blank"
    no_word = f"{count_of(counts[NO_WORD], 'text')} without a known word"
    found = " and ".join(
        words for words, n in zip((blank, no_word), counts.values(), strict=True) if n
    )
    return (f"{found}: the answer rests on no word of theirs",)


def _labels(prediction: FloatArray, preprocessing: LabelPreprocessing, mark: str) -> Any:
    names = preprocessing.classes
    if preprocessing.kind == "number":
        return prediction[:, 0]
    if preprocessing.kind == "classes":
        return [mark.join(names[k] for k in np.flatnonzero(row > 0.5)) for row in prediction]
    return [names[k] for k in prediction.argmax(axis=1)]


def _places(
    preprocessing: LabelPreprocessing, data: Labelled, pieces: Labelled
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return the sequence of each predicted step, and its number in it from 1."""
    assert isinstance(data.items, Ragged)
    assert isinstance(pieces.items, Ragged)
    # what is longer than `max_length` is predicted in part
    kept = preprocessing.shortened_labels(np.arange(len(pieces.items.values)), pieces.items)
    rows = np.searchsorted(data.items.starts, kept, side="right") - 1
    return rows, kept - data.items.starts[rows] + 1
