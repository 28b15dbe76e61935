"""What is in memory is told from paths and frames, and read alike whatever holds it."""

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import torch

from lockgate.tasks.labelling.config import LabelConfig
from lockgate.tasks.labelling.fitted import FittedClassifier
from lockgate.tasks.labelling.prepare import prepare_labelled
from lockgate.tasks.labelling.sources.memory import held, is_held, pair_of, plain
from lockgate.tasks.labelling.sources.read import read_part, read_unlabelled
from lockgate.tasks.labelling.train import train_classifier

TEXTS = ["a good film", "a bad film", "good"]
BLOCK = np.arange(12, dtype=np.float64).reshape(2, 3, 2)


def shuffled(values: list[Any]) -> pd.Series:
    return pd.Series(values, index=[7, 0, 1, 9, 3, 2][: len(values)])


def objects(values: list[Any]) -> np.ndarray:
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return array


HOLDERS: dict[str, Callable[[list[Any]], Any]] = {
    "list": list,
    "tuple": tuple,
    "array": np.array,
    "objects": objects,
    "pandas": shuffled,
    "pandas-string": lambda values: shuffled(values).astype("string"),
    "pandas-category": lambda values: shuffled(values).astype("category"),
    "polars": pl.Series,
    "arrow": pa.array,
    "chunked": lambda values: pa.chunked_array([values[:1], values[1:]]),
}


@pytest.mark.parametrize("hold", HOLDERS.values(), ids=HOLDERS)
def test_texts_come_in_their_order_whatever_holds_them(hold: Callable[[list[Any]], Any]) -> None:
    source = hold(TEXTS)

    assert is_held(source)
    assert held(source) == ("texts", TEXTS)
    assert read_unlabelled(source, LabelConfig().data).items == tuple(TEXTS)
    assert read_part((source, hold(["p", "n", "p"])), LabelConfig().data).labels.tolist() == [
        "p",
        "n",
        "p",
    ]


SEQUENCES: dict[str, Any] = {
    "block": BLOCK,
    "tensor": torch.from_numpy(BLOCK),
    "with-gradient": torch.tensor(BLOCK, requires_grad=True),
    "half": torch.tensor(BLOCK, dtype=torch.bfloat16),
    "arrays": list(BLOCK),
    "tensors": [torch.from_numpy(row) for row in BLOCK],
    "lists": BLOCK.tolist(),
    "objects": objects(list(BLOCK)),
    "pandas": pd.Series(list(BLOCK), index=[5, 0]),
    "polars": pl.Series(BLOCK.tolist()),
}


@pytest.mark.parametrize("source", SEQUENCES.values(), ids=SEQUENCES)
def test_sequences_come_in_their_order_whatever_holds_them(source: Any) -> None:
    data = read_unlabelled(source, LabelConfig().data)

    assert is_held(source)
    assert held(source).kind == "sequences"
    np.testing.assert_array_equal(data.items.values, BLOCK.reshape(6, 2))
    assert data.items.lengths.tolist() == [3, 3]


@pytest.mark.parametrize(
    "y",
    [
        [1, 0],
        np.array([1.0, 0.0]),
        torch.tensor([1, 0]),
        [torch.tensor(1), torch.tensor(0)],
        pd.Series([1, 0], index=[1, 0]),
        pl.Series([1, 0]),
    ],
    ids=["list", "array", "tensor", "tensors", "pandas", "polars"],
)
@pytest.mark.parametrize("x", [TEXTS[:2], BLOCK], ids=["texts", "sequences"])
def test_labels_are_the_same_whatever_holds_them(x: Any, y: Any) -> None:
    assert read_part((x, y), LabelConfig().data).labels.tolist() == ["1", "0"]


def test_labels_at_steps_may_be_tensors() -> None:
    y = [torch.tensor([1, 0, 1]), torch.tensor([0, 0, 1])]

    assert read_part((BLOCK, y), LabelConfig().data).labels.tolist() == list("101001")


@pytest.mark.parametrize(
    "source",
    [
        np.zeros((2, 3)),
        torch.zeros(2, 3),
        pd.DataFrame([[1, 2], [3, 4]]),
        pl.DataFrame({"a": [1]}),
        [[1.0, 2.0], [3.0, 4.0]],
        [np.zeros(3), np.zeros(3)],
        [1.0, 2.0],
        np.zeros(3),
        [],
        None,
    ],
    ids=str,
)
def test_all_else_is_a_table(source: Any) -> None:
    assert held(source).kind == "table"


def test_what_is_missing_is_a_text_too() -> None:
    assert held([None, "a"]).kind == "texts"
    assert held(pd.Series([float("nan"), "a"])).kind == "texts"
    assert read_unlabelled([None, "a"], LabelConfig().data).items == ("", "a")


@pytest.mark.parametrize(
    "source",
    ["a.csv", pd.DataFrame({"a": [1]}), pl.DataFrame({"a": [1]}), pa.table({"a": [1]}), None, 3],
    ids=["path", "pandas", "polars", "arrow", "none", "number"],
)
def test_paths_and_frames_are_not_held(source: Any) -> None:
    assert not is_held(source)


def test_lazy_frames_are_not_held() -> None:
    assert not is_held(pl.LazyFrame({"a": [1]}))


def test_a_pair_is_told_from_two_texts() -> None:
    assert pair_of((["a"], ["x"]), labelled=False) == (["a"], None)
    assert pair_of(("a", "b"), labelled=False) == (("a", "b"), None)
    assert pair_of((["a"], ["b"], ["c"]), labelled=False) == ((["a"], ["b"], ["c"]), None)
    assert pair_of((["a"], ["x"]), labelled=True) == (["a"], ["x"])
    for source in (["a", "b"], (["a"], ["b"], ["c"]), np.zeros((2, 3)), pd.Series(["a"])):
        with pytest.raises(TypeError, match=r"a frame, or a pair \(X, y\) .* got"):
            read_part(source, LabelConfig().data)


def test_what_was_plain_stays_as_it_is() -> None:
    assert plain(BLOCK) is BLOCK
    assert plain("text") == "text"
    assert plain(3) == 3
    assert plain([np.str_("a"), 1]) == ["a", 1]


def test_a_tensor_is_told_without_torch() -> None:
    code = (
        "import sys\n"
        "from lockgate.tasks.labelling.sources.memory import held\n"
        "assert held([[1.0], [2.0, 3.0]]).kind == 'sequences'\n"
        "assert 'torch' not in sys.modules"
    )

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def trained(x: Any, y: Any) -> FittedClassifier:
    config = LabelConfig.model_validate(
        {
            "model": {"hidden_size": 4, "embedding_size": 4},
            "training": {"max_epochs": 1, "device": "cpu"},
        }
    )
    return train_classifier(prepare_labelled(read_part((x, y), config.data), config.data), config)[
        0
    ]


def test_a_classifier_of_texts_takes_any_holder(tmp_path: Any) -> None:
    texts = [f"a {'good' if i % 2 else 'bad'} film, the {i % 9}th" for i in range(40)]
    labels = ["n", "p"] * 20
    model = trained(texts, labels)
    expected = model.predict(texts[:3])
    (tmp_path / "a.txt").write_text("\n".join(texts[:3]))

    assert model.predict(tmp_path / "a.txt").drop("name").equals(expected.drop("name"))
    for hold in HOLDERS.values():
        assert pl.DataFrame(model.predict(hold(texts[:3]))).equals(expected)
        score = model.evaluate((hold(texts[:6]), hold(labels[:6])), mc_samples=2)
        assert score.scores == model.evaluate((texts[:6], labels[:6]), mc_samples=2).scores


def test_a_classifier_of_sequences_takes_any_holder() -> None:
    model = trained([row + i for i, row in enumerate(list(BLOCK) * 20)], [0, 1] * 20)
    expected = model.predict(BLOCK)
    frame = pl.DataFrame({"dim_1": BLOCK[..., 0].tolist(), "dim_2": BLOCK[..., 1].tolist()})

    assert model.predict(frame).equals(expected)
    for source in SEQUENCES.values():
        assert pl.DataFrame(model.predict(source)).equals(expected)
        scores = model.evaluate((source, torch.tensor([0, 1])), mc_samples=2).scores
        assert scores == model.evaluate((BLOCK, [0, 1]), mc_samples=2).scores
