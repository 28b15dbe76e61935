"""Stretches of a sequence hold together what the sequence held."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lockgate import DataError
from lockgate.tasks.labelling.labelled import Labelled, cut
from lockgate.tasks.labelling.sources.arrays import from_arrays


def tagged(lengths: list[int]) -> Labelled:
    arrays = [np.arange(n) + 100.0 * i for i, n in enumerate(lengths)]
    return from_arrays(arrays, [[f"{i}-{t}" for t in range(n)] for i, n in enumerate(lengths)])


def test_labels_at_steps_go_along() -> None:
    data = cut(tagged([5, 2]), 2)

    assert data.items.lengths.tolist() == [2, 2, 1, 2]
    assert data.items[1][:, 0].tolist() == [2, 3]
    assert data.labels[data.items.starts[1] : data.items.starts[2]].tolist() == ["0-2", "0-3"]
    assert data.names[:2] == ("row 1, steps 1 to 2", "row 1, steps 3 to 4")
    assert data.notices == ("2 sequences cut into 4 of at most 2 steps",)
    assert data.times is not None
    assert data.times.tolist() == [0, 1, 2, 3]
    assert data.groups is None


@given(st.lists(st.integers(0, 9), min_size=1, max_size=6), st.integers(1, 11))
def test_nothing_is_lost_or_moved(lengths: list[int], steps: int) -> None:
    whole = from_arrays([np.arange(n) for n in lengths], list(range(len(lengths))))

    data = cut(whole, steps)

    assert data.items.starts[0] == 0
    assert data.items.starts[-1] == sum(lengths)
    assert set(np.cumsum([0, *lengths])) <= set(data.items.starts.tolist())
    assert data.items.lengths.max() <= steps
    assert data.items.lengths.tolist() == [
        min(steps, n - start) for n in lengths for start in range(0, max(n, 1), steps)
    ]
    assert len(data.names) == len(data.labels) == len(data)


def test_other_labels_and_groups_are_those_of_the_sequence() -> None:
    whole = from_arrays([[1.0, 2.0, 3.0], [4.0]], ["a", "b"], groups=["g", "h"])

    data = cut(whole, 2)

    assert data.labels.tolist() == ["a", "a", "b"]
    assert data.groups is not None
    assert data.groups.tolist() == ["g", "g", "h"]
    assert data.fingerprint not in ("", whole.fingerprint)


def test_stretches_are_numbered_by_the_times_of_their_sequences() -> None:
    whole = tagged([3, 1, 2])
    times = np.array(["2024-02", "2024-03", "2024-01"], dtype="datetime64[D]")

    data = cut(Labelled(**{**whole.__dict__, "times": times}), 2)

    assert data.times is not None
    assert data.times.tolist() == [1, 2, 3, 0]


def test_what_cannot_be_cut_raises() -> None:
    texts = Labelled(("a",), np.array(["x"]), "class", ("row 1",), "a.csv")

    with pytest.raises(DataError, match="steps must be 1 or more, got 0"):
        cut(tagged([3]), 0)
    with pytest.raises(
        DataError, match=r"data must be sequences to be cut, got the texts of a.csv"
    ):
        cut(texts, 2)
