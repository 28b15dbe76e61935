"""The runtime labels as the model does, from plain texts and arrays."""

from pathlib import Path
from typing import Any

import lockgate_runtime
import numpy as np
import pytest
from exported_models import texts

import lockgate

QUICK = {"task": "labels", "hidden_size": 6, "max_epochs": 2}


ODD = ["", "   ", "zzz qqq", "good " * 700, "好看很", "Don't  the\n\ngood film!<BR>bad", "a"]


def sequences() -> tuple[list[Any], list[str]]:
    """Return walks that fall, stay or rise, with missing values."""
    rng = np.random.default_rng(0)
    found, labels = [], []
    for _ in range(160):
        kind = int(rng.integers(3))
        values = 100 * np.cumsum(rng.normal(kind - 1, 1, (int(rng.integers(5, 40)), 2)), axis=0)
        values[rng.random(values.shape) < 0.1] = np.nan
        values[-1] = 2.0
        found.append(values)
        labels.append(("falls", "stays", "rises")[kind])
    return found, labels


def exported(tmp: Path, data: Any, **settings: Any) -> tuple[Any, Any]:
    """Fit a small classifier and export it; return both as they predict."""
    fitted, _ = lockgate.train(data, out=tmp / "run", **{**QUICK, **settings})
    lockgate.export(fitted, tmp / "out")
    return fitted, lockgate_runtime.load(tmp / "out")


def assert_alike(fitted: Any, model: Any, items: Any) -> None:
    wanted, found = fitted.predict(items), model.predict(items)
    told = [name for name in found if name != "item"]
    assert told == [name for name in wanted.columns if name != "name"]
    for name in told:
        if wanted[name].dtype.is_float():
            np.testing.assert_allclose(found[name], wanted[name].to_numpy(), rtol=1e-5, atol=1e-6)
        else:
            assert list(found[name]) == wanted[name].to_list(), name


TEXTS: dict[str, dict[str, Any]] = {
    "words": {"members": 2, "linear_path": "on", "pooling": "attention", "bidirectional": True},
    "char": {"tokens": "char", "cell": "gru", "pooling": "last+max"},
    "bpe": {"tokens": "bpe", "members": 1, "mix": False, "pooling": "mean", "cell": "rnn"},
}


@pytest.mark.parametrize(
    "name", ["words", *(pytest.param(n, marks=pytest.mark.slow) for n in ("char", "bpe"))]
)
def test_texts(name: str, tmp_path: Path) -> None:
    items, labels = texts()
    fitted, model = exported(tmp_path, (items, labels), **TEXTS[name])
    assert_alike(fitted, model, ODD + items[:60])
    assert model.predict(ODD)["note"][:3] == ["blank", "blank", "no known word"]


SEQUENCES: dict[str, dict[str, Any]] = {
    "several networks": {"members": 2},
    "a stem, and the end kept": {"stride": 3, "max_length": 20, "keep": "end"},
}


@pytest.mark.parametrize("name", SEQUENCES)
def test_sequences(name: str, tmp_path: Path) -> None:
    items, labels = sequences()
    fitted, model = exported(tmp_path, (items, labels), **SEQUENCES[name])
    assert_alike(fitted, model, items[:70])
    # as lists, and as mappings of channels
    channels = model.columns
    mappings = [dict(zip(channels, item.T.tolist(), strict=True)) for item in items[:5]]
    plain = [item.tolist() for item in items[:5]]
    for same in (mappings, plain):
        assert model.predict(same)["label"] == model.predict(items[:5])["label"]


@pytest.mark.slow
def test_numbers(tmp_path: Path) -> None:
    items, labels = sequences()
    numbers = [10.0 * ("falls", "stays", "rises").index(label) for label in labels]
    assert_alike(*exported(tmp_path, (items, numbers), members=2), items[:70])


@pytest.mark.parametrize("settings", [{"bidirectional": True}, {"at_steps": True, "cut": 11}])
def test_labels_at_steps(settings: dict[str, Any], tmp_path: Path) -> None:
    items, _ = sequences()
    labels = [[("low", "high")[int(v > 0)] for v in np.nan_to_num(one[:, 0])] for one in items]
    fitted, model = exported(tmp_path, (items, labels), members=1, **settings)
    assert_alike(fitted, model, items[:30])
    found = model.predict(items[:30])
    assert found["item"].tolist() == [n for n, one in enumerate(items[:30], 1) for _ in one]


@pytest.mark.parametrize(
    ("items", "words"),
    [
        (["a text"], "item 1 must be a sequence of numbers, got 'a text'"),
        ([np.zeros((4, 3))], r"item 1 must have 2 channels \(.*\), got the shape \(4, 3\)"),
        ([np.full((4, 2), np.nan)], "item 1 must hold a value, got none"),
        ([np.full((4, 2), np.inf)], "item 1 must hold finite numbers, got an infinite one"),
        ([{"a": [1.0]}], "item 1 must have the channels .*, got none named"),
        ([], "data must hold something, got nothing"),
        ("a text", "data must be a list of sequences, got str"),
    ],
)
def test_what_cannot_be_used_is_told(items: Any, words: str, walks: Any) -> None:
    with pytest.raises(lockgate_runtime.DataError, match=words):
        walks.predict(items)


@pytest.fixture(scope="module")
def walks(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return exported(tmp_path_factory.mktemp("walks"), sequences(), members=1)[1]


def test_zoneout_is_kept_at_every_length(tmp_path: Path) -> None:
    data = sequences()
    fitted, model = exported(tmp_path, data, members=1, zoneout=0.2)
    assert_alike(fitted, model, data[0][:9])
    with pytest.raises(lockgate.DataError, match="level must be left out of a classifier"):
        lockgate.export(fitted, tmp_path / "again", level=[80])
    assert not (tmp_path / "again").exists()
