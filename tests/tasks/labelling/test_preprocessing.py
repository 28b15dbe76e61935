"""What is learned comes from the training rows alone, and is applied to any row alike."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from lockgate.errors import DataError
from lockgate.tasks.labelling.config import LabelledConfig
from lockgate.tasks.labelling.labelled import LABEL_SEPARATOR, Labelled, Ragged, take
from lockgate.tasks.labelling.preprocessing import LabelPreprocessing, learn_labelled
from lockgate.tasks.labelling.tokens import Tokens

LENGTHS = (5, 1, 3, 8)


def sequences(
    kind: Any = "class", labels: Any = ("b", "a", "b", "a"), channels: tuple[str, ...] = ("x", "y")
) -> Labelled:
    rng = np.random.default_rng(0)
    items = [rng.normal(3.0, 2.0, (n, len(channels))).astype(np.float32) for n in LENGTHS]
    names = tuple(f"row {i + 1}" for i in range(4))
    return Labelled(Ragged.of(items), np.array(labels), kind, names, "a.ts", channels)


def tags() -> Labelled:
    labels = [f"{row}{step}" for row, n in enumerate(LENGTHS) for step in range(n)]
    return sequences("steps", labels)


def texts(items: tuple[str, ...] = ("a b c d e", "b a", "a b c", "c b a"), **more: Any) -> Labelled:
    labels = np.array(more.pop("labels", ["n", "p", "n", "p"]))
    names = tuple(f"row {i + 1}" for i in range(4))
    return Labelled(items, labels, more.pop("kind", "class"), names, "a.csv")


def learn(data: Labelled, rows: list[int], **told: Any) -> LabelPreprocessing:
    return learn_labelled(data, np.array(rows), LabelledConfig(min_count=1, **told)).preprocessing


def test_each_channel_of_the_training_rows_has_mean_0_and_deviation_1() -> None:
    data = sequences()
    learned = learn(data, [0, 2, 3])

    scaled = learned.encode(take(data, np.array([0, 2, 3])))

    assert scaled.values.dtype == np.float32
    np.testing.assert_allclose(scaled.values.mean(axis=0), 0.0, atol=1e-6)
    np.testing.assert_allclose(scaled.values.std(axis=0), 1.0, atol=1e-6)
    assert scaled.lengths.tolist() == [5, 3, 8]


def test_a_channel_that_does_not_vary_in_training_stays_finite() -> None:
    data = sequences()
    assert isinstance(data.items, Ragged)
    data.items.values[:, 1] = 1e30

    assert np.isfinite(learn(data, [0, 1]).encode(data).values).all()


@pytest.mark.parametrize("row", [1, 3])
def test_no_sequence_outside_the_training_rows_is_learned_from(row: int) -> None:
    data, changed = sequences(), sequences(labels=["b", "a", "b", "a"])
    assert isinstance(changed.items, Ragged)
    changed.items[row][:] = 1e6
    labels = changed.labels.copy()
    labels[row] = "z"

    assert learn(replace(changed, labels=labels), [0, 2]) == learn(data, [0, 2])


@pytest.mark.parametrize("kind", ["word", "bpe", "char"])
def test_no_text_outside_the_training_rows_is_learned_from(kind: str) -> None:
    data = texts()
    assert isinstance(data.items, tuple)
    changed = texts((data.items[0], "canary " * 500, data.items[2], "canary!"))

    learned, same = (learn(one, [0, 2], tokens=kind) for one in (data, changed))

    assert learned == same
    assert "canary" not in str(learned.tokenizer)
    assert learned.max_length == same.max_length


def test_no_number_outside_the_training_rows_is_learned_from() -> None:
    learned = learn(sequences("number", [1.0, 1e9, 3.0, -1e9]), [0, 2])

    assert (learned.label_mean, learned.label_deviation) == (2.0, 1.0)
    assert learned.outputs == 1
    assert learned.classes == ()


def test_labels_that_are_numbers_come_back_from_their_scale() -> None:
    labels = np.array([1.0, 5.0, 3.0, 11.0])
    data = sequences("number", labels)
    learned = learn(data, [0, 1, 2])

    y = learned.targets(data)

    assert y.dtype == np.float32
    assert y.shape == (4, 1)
    back = y[:, 0] * learned.label_deviation + learned.label_mean
    np.testing.assert_allclose(back, labels, rtol=1e-6)
    assert learn(sequences("number", [2.0] * 4), [0, 1]).label_deviation == 1.0


def test_classes_are_numbered_in_the_order_of_the_outputs() -> None:
    learned = learn(sequences(labels=["10", "9", "9", "10"]), [0, 1, 2, 3])

    assert learned.classes == ("9", "10")
    assert learned.targets(sequences(labels=["10", "9", "9", "10"])).tolist() == [1, 0, 0, 1]


def test_several_labels_are_a_0_or_1_for_each() -> None:
    labels = [LABEL_SEPARATOR.join(row) for row in (["c", "a"], [], ["b"], ["a"])]
    data = texts(labels=labels, kind="classes")
    learned = learn(data, [0, 1, 2, 3])

    assert learned.classes == ("a", "b", "c")
    assert learned.targets(data).tolist() == [[1, 0, 1], [0, 0, 0], [0, 1, 0], [1, 0, 0]]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (sequences(labels=["b", "a", "z", "a"]), "got 'z', the first in row 3; known are a, b"),
        (texts(labels=["b", "a", "z", "a"], kind="classes"), "got 'z' in row 3; known are a, b"),
    ],
    ids=["class", "several"],
)
def test_a_label_that_training_lacks_is_named_with_its_row(data: Labelled, message: str) -> None:
    learned = learn(data, [0, 1, 3])

    with pytest.raises(DataError, match=f"^labels must have occurred in training, {message}"):
        learned.targets(data)


def test_other_spellings_of_a_class_are_its_labels() -> None:
    learned = learn(sequences(labels=["1", "true", "1", "true"]), [0, 1, 2, 3])
    old = LabelPreprocessing(kind="class", classes=("1", "1.0"))
    several = LabelPreprocessing(kind="classes", classes=("1", "b"))
    given = texts(labels=["1.0\x1fb", "", "b", "+1"], kind="classes")

    assert learned.targets(sequences(labels=["1.00", "True", "1", "TRUE"])).tolist() == [0, 1, 0, 1]
    assert old.targets(sequences(labels=["1.0", "1", "1.0", "1"])).tolist() == [1, 0, 1, 0]
    assert several.targets(given).tolist() == [[1, 1], [0, 0], [0, 1], [1, 0]]


def test_a_tag_that_training_lacks_is_named_with_its_sequence() -> None:
    learned = learn(tags(), [0, 1])

    with pytest.raises(DataError, match="'21', '22' and 8 more, the first in row 3; known are 00"):
        learned.targets(tags())


@pytest.mark.parametrize(("keep", "kept"), [("start", slice(0, 3)), ("end", slice(-3, None))])
def test_what_is_too_long_is_cut_at_the_other_end(keep: str, kept: slice) -> None:
    data = sequences()
    cut = learn(data, [0, 1, 2, 3], max_length=3, keep=keep)
    whole = learn(data, [0, 1, 2, 3]).encode(data)

    encoded = cut.encode(data)

    assert encoded.lengths.tolist() == [3, 1, 3, 3]
    for i in range(4):
        np.testing.assert_array_equal(encoded[i], whole[i][kept])


@pytest.mark.parametrize(("keep", "kept"), [("start", slice(0, 3)), ("end", slice(-3, None))])
def test_tags_are_cut_with_their_steps(keep: str, kept: slice) -> None:
    data = tags()
    assert isinstance(data.items, Ragged)
    learned = learn(data, [0, 1, 2, 3], max_length=3, keep=keep)

    y = learned.shortened_labels(learned.targets(data), data.items)

    whole = Ragged(data.labels, data.items.starts)
    expected = [label for i in range(4) for label in whole[i][kept]]
    assert [learned.classes[k] for k in y] == expected


@pytest.mark.parametrize("keep", ["start", "end"])
def test_texts_are_cut_at_the_other_end(keep: str) -> None:
    learned = learn(texts(), [0, 1, 2, 3], max_length=2, keep=keep)
    whole = learn(texts(), [0, 1, 2, 3], max_length=99).encode(texts())

    encoded = learned.encode(texts())

    assert encoded.lengths.max() == 2
    assert (
        encoded[0].tolist() == whole[0][slice(2) if keep == "start" else slice(-2, None)].tolist()
    )


@pytest.mark.parametrize("keep", ["start", "end"])
@pytest.mark.parametrize("max_length", [None, 2])
def test_texts_are_taken_apart_once_and_as_ever_after(
    keep: Any, max_length: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = texts(("a b a<br />b c", "b a x y", "a b c", "c b a"))
    taken: list[int] = []
    plain = Tokens._all_ids
    monkeypatch.setattr(Tokens, "_all_ids", lambda *a: taken.append(len(a[1])) or plain(*a))

    config = LabelledConfig(min_count=1, max_length=max_length, keep=keep)
    learned = learn_labelled(data, np.array([0, 2]), config)

    assert taken == [4]
    again = learned.preprocessing.encode(data)
    assert np.array_equal(learned.items.values, again.values)
    assert np.array_equal(learned.items.starts, again.starts)
    assert learned.preprocessing.max_length == (max_length or 5)
    cut = ("4 texts cut to 2 tokens (the longest had 5)",) if max_length else ()
    # x and y are not in the training part, and no other row counts
    assert learned.tokens == {
        "kind": "word",
        "size": 5,
        "unknown": 0.0,
        "truncated": 2 if max_length else 0,
        "longest": 5,
        "notices": ("1 text held HTML line breaks (<br />): read as spaces", *cut),
    }


def test_most_texts_fit_and_a_very_long_one_is_cut() -> None:
    items = ["a b"] * 99 + ["a " * 5000]
    data = replace(
        texts(), items=tuple(items), labels=np.array(["n", "p"] * 50), names=("row",) * 100
    )

    assert learn(data, list(range(100))).max_length == 2
    assert learn(data, [99]).max_length == 400


def test_what_was_learned_is_the_same_read_back_from_json() -> None:
    for data in (sequences(), texts(), tags(), sequences("number", [1.0, 2.5, 1 / 3, 0.1])):
        learned = learn(data, [0, 1, 2, 3])

        again = LabelPreprocessing.model_validate_json(learned.model_dump_json())

        assert again == learned
        np.testing.assert_array_equal(again.encode(data).values, learned.encode(data).values)


@pytest.mark.parametrize(
    ("learned_from", "used_on", "message"),
    [
        (sequences(), texts(), "a.csv must hold sequences of numbers, as the training part did, "),
        (texts(), sequences(), "a.ts must hold texts, as the training part did, got sequences of"),
        (sequences(), sequences(channels=("y", "x")), "a.ts must have the channels x, y, got y, x"),
        (sequences(), sequences(channels=("x",)), "a.ts must have the channels x, y, got x"),
    ],
    ids=["texts", "sequences", "order", "fewer"],
)
def test_data_of_another_kind_are_refused(
    learned_from: Labelled, used_on: Labelled, message: str
) -> None:
    with pytest.raises(DataError, match=f"^{message}"):
        learn(learned_from, [0, 1, 2, 3]).encode(used_on)


def test_rows_are_taken_with_all_that_belongs_to_them() -> None:
    data = replace(tags(), groups=np.array(list("ghij")), times=np.arange(4.0))

    some = take(data, np.array([2, 0]))

    assert isinstance(some.items, Ragged)
    assert isinstance(data.items, Ragged)
    assert some.items.lengths.tolist() == [3, 5]
    np.testing.assert_array_equal(some.items[0], data.items[2])
    assert some.labels.tolist() == ["20", "21", "22", "00", "01", "02", "03", "04"]
    assert some.names == ("row 3", "row 1")
    assert some.groups is not None
    assert some.groups.tolist() == ["i", "g"]
    assert some.times is not None
    assert some.times.tolist() == [2.0, 0.0]


def with_holes(*holes: tuple[int, int, int]) -> Labelled:
    """Give the sequences without a value at (row, step, channel)."""
    data = sequences()
    assert isinstance(data.items, Ragged)
    for row, step, channel in holes:
        data.items[row][step, channel] = np.nan
    return data


def test_missing_values_are_the_last_before_them_or_the_mean_with_a_channel_that_tells() -> None:
    data = with_holes((0, 1, 1), (0, 2, 1), (2, 0, 1), (3, 7, 1))
    assert isinstance(data.items, Ragged)
    learned = learn(data, [0, 2])

    encoded = learned.encode(data)

    seen = np.concatenate([data.items[0], data.items[2]])
    assert learned.masked == ("y",)
    assert learned.inputs == encoded.values.shape[1] == 3
    np.testing.assert_allclose(learned.means, np.nanmean(seen, axis=0), rtol=1e-6)
    np.testing.assert_allclose(learned.deviations, np.nanstd(seen, axis=0), rtol=1e-6)
    known = ~np.isnan(data.items.values)
    scaled = (data.items.values - learned.means) / learned.deviations
    np.testing.assert_allclose(encoded.values[:, :2][known], scaled[known], rtol=1e-5)
    assert encoded[0][:4, 1].tolist() == [*[encoded[0][0, 1]] * 3, encoded[0][3, 1]]
    # the value before it is of another sequence
    assert abs(encoded[2][0, 1]) < 1e-6
    assert encoded.values[:, 2].tolist() == (~known[:, 1]).astype(float).tolist()
    [told] = learned.notices(data)
    assert told.endswith("beside channels that tell where: 'y' (23.53%)")


def test_what_is_missing_elsewhere_than_in_training_is_filled_and_told_of() -> None:
    data = with_holes((0, 1, 0), (3, 4, 1))
    learned = learn(data, [0, 1])

    encoded = learned.encode(data)

    assert learned.masked == ("x",)
    assert encoded[3][4, 1] == encoded[3][3, 1]
    assert [told.rpartition(": ")[2] for told in learned.notices(data)] == [
        "'x' (5.88%)",
        "'y' (5.88%)",
    ]
    assert learned.unforeseen(data) == learned.notices(data)[1:]
    assert not learned.unforeseen(take(data, np.array([0, 1, 2])))


def test_a_channel_without_a_value_in_training_stays_finite() -> None:
    data = with_holes(*((row, step, 1) for row in (0, 1) for step in range(LENGTHS[row])))

    encoded = learn(data, [0, 1]).encode(data)

    assert np.isfinite(encoded.values).all()
    assert not encoded[0][:, 1].any()


def test_complete_data_are_encoded_as_ever() -> None:
    learned = learn(sequences(), [0, 2])
    before = learned.model_dump(exclude={"masked"})

    assert learned.masked == ()
    assert LabelPreprocessing.model_validate(before) == learned
    assert learned.notices(sequences()) == ()
