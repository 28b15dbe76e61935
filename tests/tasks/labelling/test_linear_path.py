"""A linear path is read back as it was, and a damaged file is refused by name."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from sklearn.feature_extraction.text import TfidfVectorizer

from lockgate.errors import DataError
from lockgate.tasks.labelling.linear_path import FILE, KINDS, LinearPath, read_linear_path

TEXTS = ["to be or not to be", "to be\nis to do", "do be do \ud83d", ""]


def make(kind: Any = "words") -> tuple[LinearPath, Any]:
    options: Any = {
        "words": {"ngram_range": (1, 2)},
        "within words": {"analyzer": "char_wb", "ngram_range": (2, 5)},
        "runs": {"analyzer": "char", "ngram_range": (1, 3)},
    }[kind]
    vectorizer = TfidfVectorizer(sublinear_tf=True, **options).fit(TEXTS)
    terms = tuple(vectorizer.get_feature_names_out().tolist())
    rng = np.random.default_rng(0)
    coefficients = rng.normal(size=(len(terms), 3)).astype(np.float32)
    idf = vectorizer.idf_.astype(np.float32)
    return LinearPath(kind, terms, idf, coefficients, np.ones(3, np.float32)), vectorizer


@pytest.mark.parametrize("kind", KINDS)
def test_it_scores_as_scikit_learn_does_before_and_after_it_was_written(
    kind: Any, tmp_path: Path
) -> None:
    path, vectorizer = make(kind)

    path.write_into(tmp_path)
    again = read_linear_path(tmp_path, 3)

    expected = vectorizer.transform(TEXTS) @ path.coefficients + 1.0
    np.testing.assert_allclose(path.scores(TEXTS), expected, atol=1e-5)
    assert torch.equal(again.scores(TEXTS), path.scores(TEXTS))
    assert again.terms == path.terms


def told(text: str) -> torch.Tensor:
    return torch.frombuffer(bytearray(text.encode()), dtype=torch.uint8)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("idf", torch.ones(2), r"idf must have shape \(15,\) in float32, got \(2,\) of"),
        ("intercept", torch.ones(4), r"intercept must have shape \(3,\)"),
        ("intercept", torch.ones(3, dtype=torch.float64), "in float32, got .* of torch.float64"),
        ("coefficients", torch.full((15, 3), torch.nan), "must hold finite weights"),
        ("more", torch.ones(1), "idf, coefficients, intercept, told, and nothing else"),
        ("told", torch.ones(3), "told must be JSON"),
        ("told", told("[" * 100_000), "told must be JSON"),
        ("told", told('{"kind": "words", "terms": ["a", "a"]}'), "of different terms"),
        ("told", told('{"kind": [], "terms": ["a"]}'), "told must be JSON"),
        ("told", told('{"kind": "words", "terms": [1]}'), "told must be JSON"),
        ("told", told('{"kind": "words", "terms": []}'), "told must be JSON"),
    ],
)
def test_a_damaged_file_is_refused(
    name: str, value: torch.Tensor, message: str, tmp_path: Path
) -> None:
    make()[0].write_into(tmp_path)
    state = load_file(tmp_path / FILE)
    save_file({**state, name: value}, tmp_path / FILE)

    with pytest.raises(DataError, match=message):
        read_linear_path(tmp_path, 3)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"linear_path\.safetensors must hold weights"):
        read_linear_path(tmp_path, 3)
