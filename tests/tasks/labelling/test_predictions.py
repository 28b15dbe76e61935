"""A predicted step is named by its place in the whole sequence, however it was cut."""

import numpy as np
import pytest

from lockgate.tasks.labelling.labelled import cut
from lockgate.tasks.labelling.predictions import prediction_frame
from lockgate.tasks.labelling.preprocessing import LabelPreprocessing
from lockgate.tasks.labelling.sources.sequences import from_arrays


@pytest.mark.parametrize(
    ("keep", "steps"), [("start", [1, 2, 4, 5, 7, 1]), ("end", [2, 3, 5, 6, 7, 1])]
)
def test_steps_beyond_the_longest_length_are_left_out(keep, steps):
    learned = LabelPreprocessing(kind="steps", classes=("a", "b"), max_length=2, keep=keep)
    data = from_arrays([np.zeros(7), np.zeros(1)])
    pieces = cut(data, 3)
    found = np.tile([0.25, 0.75], (len(steps), 1))

    frame = prediction_frame(found, learned, data, pieces)

    assert frame["step"].to_list() == steps
    assert frame["name"].to_list() == ["row 1"] * 5 + ["row 2"]
    assert frame["label"].unique().to_list() == ["b"]
    assert frame["probability_a"].to_list() == [0.25] * 6


def test_several_labels_are_joined_by_what_parts_them():
    learned = LabelPreprocessing(kind="classes", classes=("a", "b"))
    data = from_arrays([np.zeros(1)] * 3)
    found = np.array([[0.9, 0.8], [0.1, 0.6], [0.5, 0.2]])

    frame = prediction_frame(found, learned, data, data, "|")

    assert frame["label"].to_list() == ["a|b", "b", ""]
    assert prediction_frame(found, learned, data, data)["label"][0] == "a,b"
