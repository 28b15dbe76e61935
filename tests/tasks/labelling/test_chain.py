"""The chain classifies from tokens and counts of terms what the model does from texts."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from exported_models import texts
from sklearn.feature_extraction.text import CountVectorizer

import lockgate
from lockgate.tasks.labelling.chain import Chain

OPTIONS = {
    "words": {"analyzer": "word", "ngram_range": (1, 2)},
    "within words": {"analyzer": "char_wb", "ngram_range": (2, 5)},
}


@pytest.fixture(scope="module", params=["off", "on"])
def fitted(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    out: Path = tmp_path_factory.mktemp("chain") / "run"
    return lockgate.train(
        texts(),
        task="labels",
        out=out,
        hidden_size=4,
        max_epochs=2,
        members=2,
        linear_path=request.param,
    )[0]


def counted(linear: Any, texts: Sequence[str]) -> tuple[torch.Tensor, torch.Tensor]:
    """Count terms by scikit-learn, every term in its own place."""
    vectorizer = CountVectorizer(vocabulary=list(linear.terms), **OPTIONS[linear.kind])
    counts = vectorizer.transform(texts).toarray()
    terms = np.where(counts > 0, np.arange(1, counts.shape[1] + 1), 0)
    return torch.from_numpy(terms), torch.from_numpy(counts.astype(np.float32))


def test_it_classifies_as_the_model_does(fitted: Any) -> None:
    chain, asked = Chain(fitted), [*texts()[0][:40], "nothing of that", "film good bad"]
    items = fitted.preprocessing.tokens.encode(asked, fitted.preprocessing.max_length)
    steps = int(items.lengths.max())
    tokens = torch.zeros(len(asked), steps, dtype=torch.int64)
    for row in range(len(asked)):
        tokens[row, : items.lengths[row]] = torch.from_numpy(items[row]).long()
    given = {"tokens": tokens, "lengths": torch.from_numpy(items.lengths)}
    mixed = None if fitted.mixture is None else fitted.mixture.linear
    for name, linear in (("path", fitted.linear_path), ("mixed", mixed)):
        if linear is not None:
            given[f"{name}_terms"], given[f"{name}_counts"] = counted(linear, asked)
    assert set(given) == set(chain.inputs)
    with torch.no_grad():
        (found,) = chain(*(given[name] for name in chain.inputs))
    wanted = fitted.predict(asked).select("^probability_.*$").to_numpy()
    np.testing.assert_allclose(found.numpy(), wanted, rtol=1e-5, atol=1e-7)
