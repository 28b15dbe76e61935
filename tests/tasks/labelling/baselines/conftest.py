"""Waves, reviews and tagged steps to learn from, and real data to be judged on."""

import gzip
import os
from pathlib import Path

import numpy as np
import pytest

from lockgate.tasks.labelling.baselines.fit import fit_class_baselines
from lockgate.tasks.labelling.labelled import Ragged
from lockgate.tasks.labelling.scores import score_classes

DATA = Path(os.environ.get("LOCKGATE_DATA", Path(__file__).parents[5] / "shared" / "data"))


def make_waves(count=150, classes=3, channels=2, seed=0):
    """Noisy waves of unequal length whose pace is their class."""
    rng = np.random.default_rng(seed)
    y = rng.permutation(np.arange(count) % classes)
    sequences = []
    for label in y:
        t = np.arange(rng.integers(8, 25))[:, None]
        wave = np.sin(0.4 * (label + 1) * t + rng.uniform(0, 1, channels))
        sequences.append((wave + 0.3 * rng.normal(size=wave.shape)).astype(np.float32))
    return Ragged.of(sequences), y


def make_reviews(count=150, seed=0):
    """Texts of common words and some of their class."""
    rng = np.random.default_rng(seed)
    y = rng.permutation(np.arange(count) % 2)
    words = [["good", "fine", "great"], ["bad", "poor", "dull"]]
    texts = []
    for label in y:
        own = rng.choice(words[label if rng.random() < 0.9 else 1 - label], 2).tolist()
        texts.append(" ".join([*rng.choice(["film", "plot", "actor", "music"], 4), *own]))
    return tuple(texts), y


def name_all(fitted):
    """Give baselines by their names."""
    return {baseline.name: baseline for baseline in fitted.baselines}


def make_tagged(seed=0):
    """Sequences whose step is labelled by its first channel two steps before."""
    items, _ = make_waves(seed=seed)
    y = np.zeros(len(items.values), dtype=np.int64)
    for start, end in zip(items.starts[:-1], items.starts[1:], strict=True):
        y[start + 2 : end] = items.values[start : end - 2, 0] > 0
    return items, y


def read_lines(name, encoding="utf-8"):
    """The lines of a file of the shared data, packed or not."""
    path = next((DATA / name).parent.glob(Path(name).name + "*"), None)
    if path is None:
        pytest.skip(f"{DATA / name} is absent")
    with (gzip.open if path.suffix == ".gz" else open)(path, "rt", encoding=encoding) as file:
        return file.read().splitlines()


def parted(labels, given):
    """Class indices, training rows, every fifth of which is validation, and test rows."""
    classes, y = np.unique(labels, return_inverse=True)
    rows = np.random.default_rng(0).permutation(given)
    return y, rows[given // 5 :], rows[: given // 5], np.arange(given, len(y)), len(classes)


def judge(items, labels, given):
    """Print and return the scores of every baseline on the test part."""
    y, train, validation, test, classes = parted(labels, given)
    fitted = fit_class_baselines(items, y, train, validation, classes)
    scores = {
        b.name: score_classes(b.probabilities(items, test), y[test]) for b in fitted.baselines
    }
    for name, score in scores.items():
        print(name, name_all(fitted)[name].setting, score)
    return scores


@pytest.fixture
def waves():
    """Make waves; see `make_waves`."""
    return make_waves


@pytest.fixture
def reviews():
    """Make texts; see `make_reviews`."""
    return make_reviews


@pytest.fixture
def tagged():
    """Make waves with a label at every step; see `make_tagged`."""
    return make_tagged


@pytest.fixture
def by_name():
    """Give baselines by their names."""
    return name_all


@pytest.fixture
def lines():
    """Read a file of the shared data, or skip the test; see `read_lines`."""
    return read_lines


@pytest.fixture
def judged():
    """Score every baseline on real data; see `judge`."""
    return judge
