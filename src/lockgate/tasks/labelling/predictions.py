"""What a classifier predicts, as a table with a row for each text, sequence or step."""

from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from lockgate.scoring.arrays import FloatArray
from lockgate.tasks.labelling.labelled import Labelled, Ragged
from lockgate.tasks.labelling.preprocessing import LabelPreprocessing

SEVERAL = ","
PROBABILITY = "probability_"


def prediction_frame(
    prediction: FloatArray,
    preprocessing: LabelPreprocessing,
    data: Labelled,
    pieces: Labelled,
    several: str | None = None,
) -> pl.DataFrame:
    """Name what was predicted.

    Args:
        prediction: What `FittedClassifier.predict` gives for `pieces`.
        preprocessing: What its columns are.
        data: What was to be predicted.
        pieces: The same, or its sequences cut.
        several: What parts the labels of a row that has several.

    Returns:
        `name`, of labels at steps `step`, `label`, and of classes the probability of each.
    """
    columns: dict[str, Any] = {"name": list(data.names)}
    if preprocessing.kind == "steps":
        rows, steps = _places(preprocessing, data, pieces)
        columns = {"name": [data.names[row] for row in rows], "step": steps}
    columns["label"] = _labels(prediction, preprocessing, several or SEVERAL)
    for k, name in enumerate(preprocessing.classes):
        columns[f"{PROBABILITY}{name}"] = prediction[:, k]
    return pl.DataFrame(columns)


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
