"""A saved classifier predicts the same anywhere, whatever else it predicts, and runs no code."""

import json
import pickle
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from lockgate.errors import DataError
from lockgate.scoring.probabilities import probabilities
from lockgate.tasks.forecasting.fitted import FittedForecaster
from lockgate.tasks.labelling import fitted as module
from lockgate.tasks.labelling.config import (
    ClassifierConfig,
    LabelConfig,
    LabelledConfig,
)
from lockgate.tasks.labelling.examples import lay_out
from lockgate.tasks.labelling.fitted import FittedClassifier, build_classifier
from lockgate.tasks.labelling.labelled import Labelled, Ragged, take
from lockgate.tasks.labelling.preprocessing import learn_labelled
from lockgate.tasks.registry import load

FILES = {"config.json", "metrics.json", "model.safetensors", "preprocessing.json"}
KINDS = ("class", "steps", "number", "texts", "several")
ROWS = 12
ALL = pytest.mark.parametrize("kind", KINDS)

# pairs of a fitted folder and the data, which this test alone pickles; it writes the bytes
ELSEWHERE = """
import pickle, sys
from lockgate.tasks.registry import load
for folder, path in zip(sys.argv[1::2], sys.argv[2::2]):
    with open(path, "rb") as file:
        sys.stdout.buffer.write(load(folder).predict_data(pickle.load(file)).tobytes())
"""


def make_data(kind: str) -> Labelled:
    rng = np.random.default_rng(0)
    names = tuple(f"row {i + 1}" for i in range(ROWS))
    classes = np.array(["a", "b", "c"] * (ROWS // 3))
    told: Any = {"texts": "class", "several": "classes"}.get(kind, kind)
    if kind in ("texts", "several"):
        items = tuple(" ".join(rng.choice(list("uvwxyz"), 1 + 3 * i)) for i in range(ROWS))
        labels = classes if kind == "texts" else np.array(["a", "a\x1fb", ""] * (ROWS // 3))
        return Labelled(items, labels, told, names, "a.csv")
    ragged = Ragged.of([rng.normal(3, 2, (1 + 2 * i, 2)).astype(np.float32) for i in range(ROWS)])
    labels = {
        "class": classes,
        "steps": np.where(ragged.values[:, 0] > 3, "up", "down"),
        "number": np.linspace(100.0, 400.0, ROWS),
    }[kind]
    return Labelled(ragged, labels, told, names, "a.ts", ("x", "y"))


def make(kind: str, **network: Any) -> FittedClassifier:
    """Draw a classifier; what it has not learned does not matter here."""
    data = make_data(kind)
    told = LabelledConfig(min_count=1, max_length=15)
    learned = learn_labelled(data, np.arange(ROWS), told).preprocessing
    config = ClassifierConfig(**{"hidden_size": 4, "embedding_size": 3, **network})
    model = build_classifier(config, learned, torch.Generator().manual_seed(0))
    run = LabelConfig(model=config)
    return FittedClassifier((model.eval(),), learned, run, 1.7, {"seconds": 1.0})


@pytest.fixture(params=["class", "texts"])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    make(request.param).save(tmp_path / "model")
    return tmp_path / "model"


def edit(path: Path, *place: str, value: object) -> None:
    content = json.loads(path.read_text())
    inner = content
    for key in place[:-1]:
        inner = inner[key]
    inner[place[-1]] = value
    path.write_text(json.dumps(content))


def test_every_kind_predicts_the_same_to_the_bit_in_another_process(tmp_path: Path) -> None:
    # one process for all kinds: it is the import that takes its time
    args: list[str] = []
    expected = b""
    for kind in KINDS:
        fitted, data = make(kind), make_data(kind)
        fitted.save(tmp_path / kind)
        (tmp_path / f"{kind}.pickle").write_bytes(pickle.dumps(data))
        args += [str(tmp_path / kind), str(tmp_path / f"{kind}.pickle")]
        expected += fitted.predict_data(data).tobytes()

    ran = subprocess.run([sys.executable, "-c", ELSEWHERE, *args], capture_output=True, check=True)

    assert ran.stdout == expected


@ALL
@pytest.mark.parametrize(
    "network",
    [{}, {"cell": "gru", "hidden_size": (4, 3)}, {"pooling": "attention"}],
    ids=["lstm", "stacked-gru", "attention"],
)
def test_a_loaded_classifier_predicts_bit_for_bit_the_same(
    kind: str, network: dict[str, Any], tmp_path: Path
) -> None:
    fitted, data = make(kind, **network), make_data(kind)

    fitted.save(tmp_path / "copy")
    loaded = load(tmp_path / "copy")

    assert isinstance(loaded, FittedClassifier)
    assert loaded.predict_data(data).tobytes() == fitted.predict_data(data).tobytes()
    assert (loaded.config, loaded.preprocessing) == (fitted.config, fitted.preprocessing)
    assert (loaded.temperature, loaded.metrics) == (1.7, {"seconds": 1.0})
    # the card is for people: nothing of it is read
    assert {file.name for file in (tmp_path / "copy").iterdir()} == {*FILES, "README.md"}


def test_a_stem_is_read_back(tmp_path: Path) -> None:
    fitted, data = make("class", stride=2), make_data("class")
    fitted.save(tmp_path / "copy")

    loaded = load(tmp_path / "copy")

    assert np.array_equal(loaded.predict_data(data), fitted.predict_data(data))


def test_a_stem_before_labels_at_steps_is_refused(tmp_path: Path) -> None:
    make("steps").save(tmp_path / "model")
    edit(tmp_path / "model" / "config.json", "model", "stride", value=3)

    with pytest.raises(DataError, match="stride must be 1 for labels at every step, got 3"):
        load(tmp_path / "model")


def rows_of(kind: str, data: Labelled, rows: Any) -> Any:
    """The rows of a prediction that are those of some items."""
    if kind != "steps":
        return list(rows)
    assert isinstance(data.items, Ragged)
    lengths = np.minimum(data.items.lengths, 15)
    ends = np.cumsum(lengths)
    return np.concatenate([np.arange(ends[i] - lengths[i], ends[i]) for i in rows])


@ALL
@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
def test_neither_order_nor_batch_mates_change_a_prediction(
    kind: str, cell: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    fitted, data = make(kind, cell=cell), make_data(kind)
    together = fitted.predict_data(data)

    order = np.random.default_rng(1).permutation(ROWS)
    shuffled = fitted.predict_data(take(data, order))
    np.testing.assert_allclose(shuffled, together[rows_of(kind, data, order)], rtol=1e-5)
    for i in (0, 3, ROWS - 1):
        alone = fitted.predict_data(take(data, np.array([i])))
        np.testing.assert_allclose(alone, together[rows_of(kind, data, [i])], rtol=1e-5)
    monkeypatch.setattr(module, "PREDICTION_BATCH", 5)
    np.testing.assert_allclose(fitted.predict_data(data), together, rtol=1e-5)


def test_predictions_are_probabilities_or_numbers_in_their_own_unit() -> None:
    found = {kind: make(kind).predict_data(make_data(kind)) for kind in KINDS}

    for kind, classes in {"class": 3, "steps": 2, "texts": 3}.items():
        assert found[kind].shape[1] == classes
        np.testing.assert_allclose(found[kind].sum(axis=1), 1.0)
    assert len(found["steps"]) == sum(min(1 + 2 * i, 15) for i in range(ROWS))
    assert found["several"].shape == (ROWS, 2)
    assert ((found["several"] > 0) & (found["several"] < 1)).all()
    fitted, labels = make("number"), make_data("number").labels
    examples = lay_out(fitted.preprocessing.encode(make_data("number")), at_steps=False)
    scores = fitted.scores(examples)
    np.testing.assert_allclose(found["number"], scores * labels.std() + labels.mean())


@pytest.mark.parametrize("kind", ["class", "several"])
def test_temperature_divides_the_scores(kind: str) -> None:
    fitted, data = make(kind), make_data(kind)
    scores = fitted.scores(lay_out(fitted.preprocessing.encode(data), at_steps=False)) / 1.7

    e = np.exp(scores)
    expected = e / (1 + e) if kind == "several" else e / e.sum(axis=1, keepdims=True)

    np.testing.assert_allclose(fitted.predict_data(data), expected, rtol=1e-12)
    hot = replace(fitted, temperature=1e5).predict_data(data)
    np.testing.assert_allclose(hot, 1 / 2 if kind == "several" else 1 / 3, atol=1e-4)


def test_a_number_knows_no_temperature() -> None:
    fitted, data = make("number"), make_data("number")

    assert np.array_equal(
        replace(fitted, temperature=9.0).predict_data(data), fitted.predict_data(data)
    )


def test_very_large_scores_have_probabilities() -> None:
    assert probabilities(np.array([[1e5, -1e5]])).tolist() == [[1.0, 0.0]]
    assert probabilities(np.array([[1e5, -1e5]]), several=True).tolist() == [[1.0, 0.0]]


def test_labels_are_not_needed_to_predict() -> None:
    for kind in KINDS:
        data = make_data(kind)
        labels = np.full(len(data.labels), "unheard of")
        unlabelled = replace(data, labels=labels, kind="class")

        assert np.array_equal(make(kind).predict_data(unlabelled), make(kind).predict_data(data))


def test_other_data_are_refused() -> None:
    with pytest.raises(DataError, match=r"^a.csv must hold sequences of numbers, as the training"):
        make("class").predict_data(make_data("texts"))
    with pytest.raises(DataError, match=r"^a.ts must have the channels x, y, got a, b$"):
        make("class").predict_data(replace(make_data("class"), channels=("a", "b")))


class Bomb:
    """Runs when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = str(path)

    def __reduce__(self) -> Any:
        return (open, (self.path, "w"))


@pytest.mark.parametrize("write", [pickle.dump, torch.save], ids=["pickle", "torch"])
@pytest.mark.parametrize("file", sorted(FILES))
def test_no_file_is_ever_unpickled(
    folder: Path, tmp_path: Path, write: Callable[..., None], file: str
) -> None:
    ran = tmp_path / "ran"
    with (folder / file).open("wb") as out:
        write({"head.weight": Bomb(ran)}, out)

    with pytest.raises(DataError):
        load(folder)

    assert not ran.exists()


@pytest.mark.parametrize("file", sorted(FILES))
@pytest.mark.parametrize("damage", ["absent", "empty", "cut", "garbled", "deep", "oversized"])
def test_a_damaged_file_is_refused_by_name(folder: Path, file: str, damage: str) -> None:
    path = folder / file
    content = path.read_bytes()
    path.unlink()
    if damage != "absent":
        damaged = {
            "empty": b"",
            "cut": content[: len(content) // 2],
            "garbled": b"\xff\xfe\x00" + content,
            "deep": b"[" * 200_000,
            "oversized": content + b" " * (17 * 2**20),
        }
        path.write_bytes(damaged[damage])

    with pytest.raises(DataError) as caught:
        load(folder)

    assert str(folder) in str(caught.value)
    assert "\n" not in str(caught.value)


HUGE = [10**6, 10**9, 10**12, 10**30]


@pytest.mark.parametrize("size", HUGE, ids=lambda n: f"{n:.0e}")
@pytest.mark.parametrize("name", ["hidden_size", "num_layers", "embedding_size", "stride"])
def test_a_huge_size_in_a_file_costs_neither_time_nor_memory(
    folder: Path, name: str, size: int
) -> None:
    is_text = load(folder).preprocessing.is_text
    edit(folder / "config.json", "model", name, value=size)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began = time.perf_counter()

    if name == ("stride" if is_text else "embedding_size"):
        load(folder)  # it is of no effect
    else:
        with pytest.raises(DataError, match=str(folder)):
            load(folder)

    assert time.perf_counter() - began < 2
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200_000  # kB


def test_a_huge_top_layer_of_a_stack_is_refused(tmp_path: Path) -> None:
    make("class", hidden_size=(4, 3)).save(tmp_path / "model")

    for size in HUGE:
        edit(tmp_path / "model" / "config.json", "model", "hidden_size", value=[4, size])
        with pytest.raises(DataError, match=r"must hold the weights of config.json's model"):
            load(tmp_path / "model")


CONFIG, LEARNED = "config.json", "preprocessing.json"
FAULTS = [
    (CONFIG, ["format_version"], 3, "must have format_version 1, 2, got 3"),
    (CONFIG, ["format_version"], None, "must have format_version 1, 2, got None"),
    (CONFIG, ["task"], "forecast", "is no fitted model|must hold|must have"),
    (CONFIG, ["temperature"], 0.0, "temperature is 0.0"),
    (CONFIG, ["temperature"], -1.0, "temperature is -1.0"),
    (CONFIG, ["temperature"], float("nan"), "temperature is nan"),
    (CONFIG, ["temperature"], float("inf"), "temperature is inf"),
    (CONFIG, ["temperature"], "1", "temperature is '1'"),
    (CONFIG, ["temperature"], None, "temperature is None"),
    (CONFIG, ["surprise"], 1, "surprise: Extra inputs"),
    (CONFIG, ["model", "surprise"], 1, "model.surprise: Extra"),
    (CONFIG, ["model"], [], "is no fitted model: model"),
    (CONFIG, ["data", "keep"], "middle", "is no fitted model: data.keep"),
    (CONFIG, ["training", "batch_size"], 0, "is no fitted model: training.batch_size"),
    (CONFIG, ["model", "hidden_size"], 5, "its hidden_size must be 5"),
    (CONFIG, ["model", "hidden_size"], 0, "is no fitted model: model.hidden_size"),
    (CONFIG, ["model", "num_layers"], 2, "must hold the weights of config.json's model"),
    (CONFIG, ["model", "cell"], "gru", "must hold the weights of config.json's model"),
    (CONFIG, ["model", "cell"], "exec", "is no fitted model: model.cell"),
    (CONFIG, ["model", "bidirectional"], False, "must hold the weights of config.json's model"),
    (CONFIG, ["model", "pooling"], "mean", "must hold the weights of config.json's model"),
    (CONFIG, ["model", "layer_norm"], True, "must hold the weights of config.json's model"),
    (LEARNED, ["surprise"], 1, "surprise: Extra inputs"),
    (LEARNED, ["kind"], "shape", "is no fitted model: kind"),
    (LEARNED, ["kind"], "number", "faulty classes"),
    (LEARNED, ["kind"], "steps", "must hold the weights|faulty kind"),
    (LEARNED, ["classes"], [], "faulty classes"),
    (LEARNED, ["classes"], ["a", "a", "b"], "faulty classes"),
    (LEARNED, ["classes"], ["a", "b"], "head.weight must have 2 rows"),
    (LEARNED, ["classes"], "abc", "is no fitted model: classes"),
    (LEARNED, ["channels"], ["x"], "faulty channels"),
    (LEARNED, ["means"], [1.0], "faulty channels"),
    (LEARNED, ["deviations"], [1.0], "faulty channels"),
    (LEARNED, ["label_mean"], float("nan"), "faulty label_mean"),
    (LEARNED, ["label_deviation"], 0.0, "faulty label_deviation"),
    (LEARNED, ["label_deviation"], float("inf"), "faulty label_deviation"),
    (LEARNED, ["max_length"], 0, "faulty max_length"),
    (LEARNED, ["max_length"], -3, "faulty max_length"),
    (LEARNED, ["keep"], "middle", "is no fitted model: keep"),
    (LEARNED, ["tokenizer"], "{}", "tokenizer|faulty channels"),
    (LEARNED, ["tokenizer"], "[" * 100_000, "tokenizer|faulty channels"),
    (LEARNED, ["tokenizer"], 3, "is no fitted model: tokenizer"),
]


@pytest.mark.parametrize(
    ("file", "place", "value", "message"),
    FAULTS,
    ids=[f"{'.'.join(place)}={value!r:.12}" for _, place, value, _ in FAULTS],
)
def test_a_file_that_contradicts_the_format_is_refused(
    folder: Path, file: str, place: list[str], value: object, message: str
) -> None:
    edit(folder / file, *place, value=value)

    with pytest.raises(DataError, match=message) as caught:
        load(folder)

    assert str(folder) in str(caught.value)


@pytest.mark.parametrize(
    ("place", "value", "message"),
    [
        ("means", [float("nan")] * 2, "faulty means"),
        ("deviations", [1.0, 0.0], "faulty deviations"),
        ("deviations", [1.0, -1.0], "faulty deviations"),
        ("channels", ["x", "x"], "faulty channels"),
        ("masked", ["z"], "faulty masked"),
        ("masked", ["x", "x"], "faulty masked"),
        ("masked", ["x"], "must hold the weights of config.json's model"),
    ],
)
def test_a_scaling_that_cannot_be_applied_is_refused(
    tmp_path: Path, place: str, value: object, message: str
) -> None:
    make("class").save(tmp_path / "model")
    edit(tmp_path / "model" / LEARNED, place, value=value)

    with pytest.raises(DataError, match=message):
        load(tmp_path / "model")


def test_another_vocabulary_than_the_weights_is_refused(tmp_path: Path) -> None:
    fitted = make("texts")
    fitted.save(tmp_path / "model")
    text = fitted.preprocessing.tokenizer
    assert text is not None
    told = json.loads(text)

    for vocabulary in (told["vocabulary"][:-1], [*told["vocabulary"], "more"]):
        changed = json.dumps({**told, "vocabulary": vocabulary})
        edit(tmp_path / "model" / LEARNED, "tokenizer", value=changed)
        with pytest.raises(DataError, match=r"embedding.weight must have shape"):
            load(tmp_path / "model")


def test_weights_of_another_kind_are_refused(folder: Path) -> None:
    path = folder / "model.safetensors"
    state = load_file(path)

    for other, message in (
        ({n: t.double() for n, t in state.items()}, "in float32, got torch.float64"),
        ({**state, "more": torch.zeros(1)}, "Unexpected key"),
        ({n: t for n, t in state.items() if n != "head.bias"}, "Missing key"),
        ({n: t[:-1] if n == "head.weight" else t for n, t in state.items()}, "must have 3 rows"),
        ({n: t.sum() if n == "head.weight" else t for n, t in state.items()}, "must have 3 rows"),
        ({n: t[0] if n.endswith("hh_l0") else t for n, t in state.items()}, "hidden_size must be"),
        ({n: t[:, 0] if n == "head.weight" else t for n, t in state.items()}, "size mismatch"),
        ({}, "head.weight must have 3 rows"),
    ):
        save_file({name: tensor.contiguous() for name, tensor in other.items()}, path)
        with pytest.raises(DataError, match=message):
            load(folder)


def test_a_folder_with_something_in_it_is_not_written_over(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")

    with pytest.raises(FileExistsError, match="must be new or empty"):
        make("class").save(tmp_path)

    assert [file.name for file in tmp_path.iterdir()] == ["notes.txt"]


def test_a_folder_of_a_forecaster_is_told_from_one_of_a_classifier(
    trained: Any, folder: Path, tmp_path: Path
) -> None:
    forecaster = Path(shutil.copytree(trained[1], tmp_path / "forecaster"))

    assert isinstance(load(forecaster), FittedForecaster)
    assert isinstance(load(folder), FittedClassifier)
    with pytest.raises(DataError, match="must hold a model of the task 'labels', got 'forecast'"):
        module.load(forecaster)
