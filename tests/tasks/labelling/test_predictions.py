"""A predicted step is named by its place in the whole sequence, however it was cut."""

import numpy as np
import polars as pl
import pytest

from lockgate.tasks.labelling.labelled import Labelled, Ragged, cut
from lockgate.tasks.labelling.predictions import (
    BLANK,
    NO_WORD,
    count_notes,
    prediction_frame,
    text_notes,
)
from lockgate.tasks.labelling.preprocessing import LabelPreprocessing
from lockgate.tasks.labelling.sources.sequences import from_arrays
from lockgate.tasks.labelling.tokens import learn_tokens


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


def test_texts_are_noted_for_what_the_network_reads_of_them():
    tokens = learn_tokens(["a fine film !", "a poor film !"], min_count=2)
    learned = LabelPreprocessing(kind="class", tokenizer=tokens.to_json(), max_length=2)
    items = ("a fine film", "", " \n", "!!", "dull dreary film", "<br />", "FILM")
    data = Labelled(items, np.full(len(items), ""), "class", tuple("abcdefg"), "X")

    notes = text_notes(data, learned.encode(data), learned)

    # of the fifth, the word that is known is cut off
    assert notes == ["", BLANK, BLANK, NO_WORD, NO_WORD, NO_WORD, ""]
    assert count_notes(notes) == (
        "2 texts blank and 3 texts without a known word: the answer rests on no word of theirs",
    )
    assert count_notes([BLANK]) == ("1 text blank: the answer rests on no word of theirs",)
    assert count_notes(["", ""]) == count_notes(None) == ()
    assert text_notes(from_arrays([np.zeros(2)]), Ragged.of([np.zeros(2)]), learned) is None


def test_notes_are_a_column_of_text_though_all_are_empty():
    learned = LabelPreprocessing(kind="class", classes=("a", "b"))
    data = from_arrays([np.zeros(1)])
    found = np.array([[0.9, 0.1]])

    assert prediction_frame(found, learned, data, data, notes=[""]).schema["note"] == pl.String
    assert "note" not in prediction_frame(found, learned, data, data).columns
