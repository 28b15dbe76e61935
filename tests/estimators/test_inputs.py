"""What an estimator was given is told by what it holds, and refused where it cannot be used."""

import numpy as np
import pytest

from lockgate.errors import DataError
from lockgate.estimators.inputs import check_labels, check_y, form_of, in_memory
from lockgate.tasks.labelling.config import LabelledConfig

STEPS = np.arange(6.0).reshape(3, 2)


@pytest.mark.parametrize(
    ("x", "form"),
    [
        (["a text", "another"], "texts"),
        ([STEPS, STEPS[:1]], "sequences"),
        (np.zeros((4, 3, 2)), "sequences"),
        ([STEPS[0], STEPS[1]], "table"),
        ([[1.0, 2.0], [3.0, 4.0]], "table"),
        (np.zeros((4, 3)), "table"),
    ],
)
def test_texts_and_sequences_are_told_from_a_table(x, form):
    assert form_of(x) == form


def test_labels_are_classes_or_numbers_as_the_settings_say():
    classes = in_memory([STEPS, STEPS[:1]], [3, 10], LabelledConfig())
    numbers = in_memory([STEPS, STEPS[:1]], [3, 10], LabelledConfig(as_number=True), ["a", "b"])

    assert (classes.kind, classes.labels.tolist()) == ("class", ["3", "10"])
    assert (numbers.kind, numbers.labels.tolist()) == ("number", [3.0, 10.0])
    assert numbers.groups.tolist() == ["a", "b"]
    assert classes.items.lengths.tolist() == [3, 1]


def test_what_is_infinite_is_refused():
    with pytest.raises(DataError, match="got inf in row 2, step 1"):
        in_memory([STEPS, np.array([[np.inf, 1.0]])], ["a", "b"], LabelledConfig())


def test_no_labels_are_refused_in_the_words_of_scikit_learn():
    with pytest.raises(DataError, match="requires y to be passed, but the target y is None"):
        check_y(None, "SequenceClassifier")

    check_y([], "SequenceClassifier")


@pytest.mark.parametrize("missing", [None, np.nan, " "])
def test_a_label_that_is_missing_is_refused(missing: object) -> None:
    with pytest.raises(DataError, match=r"^y must hold a label for each row, got none in row 2$"):
        check_labels(["a", missing, "b"])
