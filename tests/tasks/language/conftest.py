"""A text in which each word hangs on the one before, and what a short training leaves of it."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lockgate

KINDS = 11
SMALL = {
    "chunk_steps": 12,
    "hidden_size": 16,
    "embedding_size": 12,
    "batch_size": 4,
    "max_epochs": 8,
    "learning_rate": 0.02,
    "vocab_size": 40,
    "device": "cpu",
}


def make_text(lines: int, seed: int = 0) -> str:
    """Draw lines of 9 words, each one or two on from the word before, in a ring."""
    steps = np.random.default_rng(seed).integers(1, 3, (lines, 9))
    words = (steps.cumsum(axis=1) + np.arange(lines)[:, None]) % KINDS
    return "".join(" ".join(f"W{n}" for n in line) + "\n" for line in words)


@pytest.fixture(scope="session")
def text() -> str:
    """A text of 2,000 words."""
    return make_text(200)


@pytest.fixture(scope="session")
def text_file(text: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same in a file."""
    path = tmp_path_factory.mktemp("texts") / "rings.txt"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def trained(text_file: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, Path]:
    """A language model and its folder."""
    out = tmp_path_factory.mktemp("runs") / "model"
    return lockgate.train(text_file, task="language", out=out, **SMALL)


@pytest.fixture(scope="session")
def studied(text_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A study of three rungs."""
    return lockgate.study(
        text_file,
        task="language",
        out=tmp_path_factory.mktemp("studies") / "rings",
        rungs="lstm,recurrent-dropout,all",
        folds=3,
        rounds=3,
        budget="none",
        workers=1,
        **{**SMALL, "max_epochs": 4},
    )
