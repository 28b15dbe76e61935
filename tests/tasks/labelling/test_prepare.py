"""Prepared data hold every part as it was, and nothing that training did not see was learned."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from lockgate.errors import DataError
from lockgate.tasks.base import PARTS
from lockgate.tasks.labelling.config import ClassifierConfig, LabelledConfig
from lockgate.tasks.labelling.labelled import Labelled, Ragged
from lockgate.tasks.labelling.prepare import PreparedLabelled, prepare_labelled

ROWS = 60
KINDS = ("class", "steps", "number", "texts", "several")


def make(kind: str, seed: int = 0) -> Labelled:
    rng = np.random.default_rng(seed)
    names = tuple(f"row {i + 1}" for i in range(ROWS))
    classes = np.array(["a", "b", "b"] * (ROWS // 3))
    if kind in ("texts", "several"):
        items = tuple(" ".join(rng.choice(list("vwxyz"), 3 + i % 5)) for i in range(ROWS))
        labels = classes if kind == "texts" else np.array(["a", "a\x1fb", ""] * (ROWS // 3))
        return Labelled(items, labels, "class" if kind == "texts" else "classes", names, "a.csv")
    ragged = Ragged.of([rng.normal(size=(2 + i % 7, 2)).astype(np.float32) for i in range(ROWS)])
    labels = {
        "class": classes,
        "steps": np.where(ragged.values[:, 0] > 0, "up", "down"),
        "number": np.linspace(-5.0, 40.0, ROWS),
    }[kind]
    told: Any = kind
    return Labelled(ragged, labels, told, names, "a.ts", ("x", "y"))


def prepare(data: Labelled, **told: Any) -> PreparedLabelled:
    given = {name: told.pop(name) for name in ("test", "validation") if name in told}
    return prepare_labelled(
        data, LabelledConfig(min_count=1, **told), ClassifierConfig(linear_path="off"), **given
    )


def changed(data: Labelled, rows: Any) -> Labelled:
    """Put something else into the items `rows`, each something of its own."""
    if isinstance(data.items, tuple):
        items = list(data.items)
        for i in rows:
            items[i] = f"canary{i} " * 200
        return replace(data, items=tuple(items))
    values = data.items.values.copy()
    for i in rows:
        values[data.items.starts[i] : data.items.starts[i + 1]] = 1e4 + i
    return replace(data, items=Ragged(values, data.items.starts))


def batch(prepared: PreparedLabelled, part: Any) -> Any:
    return prepared.examples(part).batch(slice(None))


@pytest.mark.parametrize("kind", KINDS)
def test_later_rows_change_nothing_that_was_learned(kind: str) -> None:
    data = make(kind)
    before = prepare(data)
    rows = np.concatenate([before.parts.validation, before.parts.test])

    after = prepare(changed(data, rows))

    assert after.preprocessing == before.preprocessing
    np.testing.assert_array_equal(after.parts.train, before.parts.train)
    for mine, other in zip(batch(before, "train"), batch(after, "train"), strict=True):
        assert (mine is None and other is None) or torch.equal(mine, other)
    assert not torch.equal(batch(before, "test").x[:, :1], batch(after, "test").x[:, :1])


@pytest.mark.parametrize("kind", KINDS)
def test_parts_hold_every_row_once(kind: str) -> None:
    prepared = prepare(make(kind))

    rows = np.concatenate([getattr(prepared.parts, part) for part in PARTS])

    assert sorted(rows.tolist()) == list(range(ROWS))
    assert [len(prepared.examples(part)) for part in PARTS] == [38, 10, 12]


def test_stratified_parts_keep_the_proportions() -> None:
    prepared = prepare(make("class"))

    for part in PARTS:
        truth = prepared.examples(part).truth()
        assert abs(int(truth.sum()) - 2 / 3 * len(truth)) < 1


def test_examples_are_the_scaled_rows_with_their_labels() -> None:
    data = make("class")
    assert isinstance(data.items, Ragged)
    prepared = prepare(data)
    learned, rows = prepared.preprocessing, prepared.parts.test

    examples = prepared.examples("test")

    for i, row in enumerate(rows):
        one = examples.batch(torch.tensor([i]))
        expected = (data.items[row] - np.array(learned.means)) / np.array(learned.deviations)
        np.testing.assert_allclose(one.x[0], expected, rtol=1e-5, atol=1e-6)
        assert learned.classes[int(one.y)] == data.labels[row]
    # the label is no channel
    assert examples.channels == len(data.channels)


def test_given_parts_stay_as_they_are_given() -> None:
    prepared = prepare(make("steps"), test=np.arange(50, 60), validation=np.arange(40, 50))

    assert prepared.parts.train.tolist() == list(range(40))
    assert prepared.parts.validation.tolist() == list(range(40, 50))
    assert prepared.parts.test.tolist() == list(range(50, 60))


def test_labels_at_steps_are_cut_with_their_sequences() -> None:
    data = make("steps")
    assert isinstance(data.items, Ragged)
    whole = Ragged(data.labels, data.items.starts)

    for keep in ("start", "end"):
        prepared = prepare(data, max_length=3, keep=keep)
        truth = [prepared.preprocessing.classes[k] for k in prepared.examples("test").truth()]
        kept = slice(3) if keep == "start" else slice(-3, None)
        expected = [str(label) for row in prepared.parts.test for label in whole[row][kept]]
        assert truth == expected
        assert len(expected) == int(prepared.examples("test").lengths.sum())


def test_balanced_weights_make_the_classes_of_training_count_alike() -> None:
    prepared = prepare(make("class"), class_weight="balanced")
    examples = prepared.examples("train")
    weights, y = batch(prepared, "train").weight, examples.truth()

    counts = y.bincount()
    torch.testing.assert_close(weights, (len(y) / (2.0 * counts))[y].float())
    assert float(weights[y == 0].sum()) == pytest.approx(float(weights[y == 1].sum()))
    assert float(weights.mean()) == pytest.approx(1.0)
    assert batch(prepare(make("class")), "train").weight is None


def test_balanced_weights_of_steps_count_steps_of_training() -> None:
    prepared = prepare(make("steps"), class_weight="balanced", max_length=3)
    gathered, y = batch(prepared, "train"), prepared.examples("train").truth()
    valid = gathered.y >= 0

    by_class = [float(gathered.weight[gathered.y == k].sum()) for k in (0, 1)]

    assert gathered.weight.shape == gathered.y.shape
    assert by_class[0] == pytest.approx(by_class[1], rel=1e-5)
    assert float(gathered.weight[valid].mean()) == pytest.approx(1.0, rel=1e-5)
    assert len(y) == int(valid.sum())


def test_several_labels_and_numbers_have_a_column_each() -> None:
    several, number = (
        batch(prepare(make("several")), "train"),
        batch(prepare(make("number")), "test"),
    )

    assert several.y.shape == (38, 2)
    assert set(several.y.unique().tolist()) == {0.0, 1.0}
    assert number.y.shape == (12, 1)


@pytest.mark.parametrize("kind", KINDS)
def test_prepared_data_are_mapped_from_disk_unchanged(kind: str, tmp_path: Path) -> None:
    data = make(kind)
    items = data.items
    prepared = prepare(data, class_weight="balanced")

    prepared.save(tmp_path)
    loaded = PreparedLabelled.load(tmp_path)

    assert loaded.preprocessing == prepared.preprocessing
    assert loaded.parts.notices == prepared.parts.notices
    assert loaded.arrays.keys() == prepared.arrays.keys()
    assert all(isinstance(array, np.memmap) for array in loaded.arrays.values())
    for part in PARTS:
        for mine, other in zip(batch(prepared, part), batch(loaded, part), strict=True):
            assert (mine is None and other is None) or torch.equal(mine, other)
    assert loaded.parts.overlap.tolist() == prepared.parts.overlap.tolist()
    assert items is data.items


def test_rows_of_a_given_test_part_that_training_has_too_are_counted(tmp_path: Path) -> None:
    data = make("texts")
    assert isinstance(data.items, tuple)
    copied = replace(data, items=(*data.items[:58], *data.items[:2]))

    prepared = prepare(copied, test=np.arange(50, 60))
    prepared.save(tmp_path)

    assert {58, 59} <= set(prepared.parts.overlap.tolist())
    assert PreparedLabelled.load(tmp_path).parts.overlap.tolist() == prepared.parts.overlap.tolist()
    assert "also in another part" in " ".join(prepared.parts.notices)


@pytest.mark.parametrize("part", ["test", "validation"])
def test_a_label_that_training_lacks_is_refused_with_its_row(part: str) -> None:
    data = make("class")
    labels = data.labels.astype("U9")
    labels[[52, 53]] = "new"

    with pytest.raises(DataError, match=f"of the {part} part must occur in training, got 'new' in"):
        prepare(replace(data, labels=labels), **{part: np.arange(50, 60)})


def test_a_tag_that_training_lacks_is_refused_with_its_sequence() -> None:
    data = make("steps")
    assert isinstance(data.items, Ragged)
    labels = data.labels.astype("U9")
    labels[data.items.starts[52]] = "new"

    with pytest.raises(DataError, match="got 'new', the first in row 53; known are down, up"):
        prepare(replace(data, labels=labels), test=np.arange(50, 60))
