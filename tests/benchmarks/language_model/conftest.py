"""A tiny configuration, a corpus to read with it, and what has to repeat of a fit."""

import pytest
import torch

from benchmarks.language_model.config import Config

TINY = Config(
    corpus="tiny",
    embedding=8,
    hidden=12,
    weight_decay=1e-6,
    batch=4,
    bptt=7,
    learning_rate=0.01,
    max_epochs=4,
    eval_batch=3,
    train_sample=100,
)


@pytest.fixture
def tiny():
    """A fit of a second."""
    return TINY


@pytest.fixture
def data(tmp_path):
    """Write the three parts of a corpus; give the folder of corpora."""
    folder = tmp_path / "data" / "tiny"
    folder.mkdir(parents=True)
    for seed, (name, lines) in enumerate({"train": 60, "valid": 15, "test": 15}.items()):
        (folder / f"{name}.txt").write_text(text(lines, seed), encoding="utf-8")
    return folder.parent


def text(lines, seed):
    """Draw lines in which each word depends on the one before."""
    generator = torch.Generator().manual_seed(seed)
    drawn = torch.randint(2, (lines, 9), generator=generator).cumsum(1) % 13
    return "".join(" ".join(f"w{n}" for n in line) + "\n" for line in drawn.tolist())


@pytest.fixture
def curve():
    """Give what has to repeat of the curve of a fit: everything but seconds."""
    return repeated


def repeated(fit):
    return [{k: v for k, v in e.items() if not k.endswith("seconds")} for e in fit.curve]
