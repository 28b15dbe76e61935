"""A small table, and what one small study and one small training leave of it."""

import fcntl
import json
import math
import os
from collections.abc import Callable
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import lockgate

ROWS = 400
# seconds are not the same twice; the source and the command tell a file from a frame
NOT_NUMBERS = ("created", "seconds", "command", "source", "workers", "test_looks", "checks")
NOT_NUMBERS += ("round_seconds", "recommendation", "words")  # which tell how long a round takes

Results = dict[str, Any]
SMALL = {
    "target": "sold",
    "horizon": 3,
    "lookback": 7,
    "hidden_size": 4,
    "max_epochs": 2,
    "members": 1,
    "mix": False,
    "validations": 1,
    "average": 0.0,
    "learning_rate": 1e-3,
}
SMALL_STUDY = {
    **SMALL,
    "rungs": "lstm,input-dropout",
    "folds": 3,
    "rounds": 6,
    "smallest_effect": 0.05,
    "budget": "none",
    "workers": 1,
}

# before the first memory is taken: what the kernels have not written is NaN
os.environ["LOCKGATE_POISON"] = "1"
# before torch is loaded: workers of pytest share the cores, where a thread that spins holds up all
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
# before Triton is loaded: without a GPU its interpreter runs the kernels
if not Path("/proc/driver/nvidia").exists():
    os.environ.setdefault("TRITON_INTERPRET", "1")


def make_table(rows: int = ROWS, seed: int = 0) -> pl.DataFrame:
    """A daily series with a week in it, a price with a few holes, a constant and a text."""
    rng = np.random.default_rng(seed)
    t = np.arange(rows)
    price = rng.normal(10.0, 2.0, rows)
    price[[50, 51, 300]] = np.nan
    return pl.DataFrame(
        {
            "day": np.datetime64("2020-01-01", "us") + t * np.timedelta64(1, "D"),
            "sold": 50 + 9 * np.sin(2 * np.pi * t / 7) + 0.02 * t + rng.normal(0.0, 2.0, rows),
            "price": price,
            "tax": np.full(rows, 0.19),
            "shop": ["north"] * rows,
        }
    )


@pytest.fixture
def table() -> pl.DataFrame:
    """The table as a frame."""
    return make_table()


@pytest.fixture
def other_table() -> pl.DataFrame:
    """Another table of the same form."""
    return make_table(seed=1)


@pytest.fixture
def csv(tmp_path: Path) -> Path:
    """The table as a file."""
    path = tmp_path / "shop.csv"
    make_table().write_csv(path)
    return path


@pytest.fixture
def small() -> dict[str, Any]:
    """The settings of a network that is fitted in a blink."""
    return dict(SMALL)


@pytest.fixture
def small_study() -> dict[str, Any]:
    """The settings of a study of six such fits."""
    return dict(SMALL_STUDY)


@pytest.fixture(scope="session")
def once(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Have the first worker of pytest that asks fill a folder, for which the others wait."""
    base = tmp_path_factory.getbasetemp()
    # with workers, each has a folder of its own in that of the run
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base

    def fill(name: str, write: Callable[[Path], object]) -> Path:
        folder, whole = (shared / "once" / f"{name}{ending}" for ending in ("", ".whole"))
        folder.mkdir(parents=True, exist_ok=True)
        with folder.with_suffix(".lock").open("w") as lock:
            # the system takes the lock away from a worker that dies
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not whole.exists():
                write(folder)
                whole.touch()
        return folder

    return fill


@pytest.fixture(scope="session")
def finished(once: Callable[..., Path]) -> lockgate.StudyResult:
    """A finished study of the table by `small_study`. Not to be changed: copy its folder first."""
    run = partial(lockgate.study, make_table(), **SMALL_STUDY)
    folder = once("finished", lambda folder: run(out=folder / "first"))
    return lockgate.StudyResult.load(folder / "first")


@pytest.fixture(scope="session")
def trained(once: Callable[..., Path]) -> tuple[lockgate.Fitted, Path]:
    """A trained model of the table by `small`, and its folder. Not to be changed."""
    run = partial(lockgate.train, make_table(), **SMALL)
    folder = once("trained", lambda folder: run(out=folder / "model"))
    return lockgate.load(folder / "model"), folder / "model"


SMALL_TUNE = {
    **SMALL,
    "folds": 3,
    "trials": 8,
    "rounds": 3,
    "smallest_effect": 0.05,
    "budget": "none",
    "workers": 1,
}
SPACE = {
    "hidden_size": [2, 16, "log"],
    "learning_rate": [1e-4, 1e-1, "log"],
    "cell": {"choices": ["lstm", "gru"]},
    "lookback": {"choices": [7, 14]},
}


@pytest.fixture
def small_tune() -> dict[str, Any]:
    """The settings of a search of eight trials over three folds."""
    return dict(SMALL_TUNE)


@pytest.fixture
def space() -> dict[str, Any]:
    """What it searches."""
    return dict(SPACE)


@pytest.fixture(scope="session")
def searched(once: Callable[..., Path]) -> lockgate.TuneResult:
    """A finished search of the table by `small_tune`. Not to be changed: copy its folder first."""
    run = partial(lockgate.tune, make_table(), space=SPACE, **SMALL_TUNE)
    folder = once("searched", lambda folder: run(out=folder / "first"))
    return lockgate.TuneResult.load(folder / "first")


LABELLED_ROWS = 60
TEXT_WORDS = {"good": "good fine great nice", "bad": "bad awful poor weak"}
LABEL_STUDY = {
    "rungs": "lstm,bidirectional,embedding-dropout,input-dropout",
    "folds": 3,
    "rounds": 3,
    "budget": "none",
    "workers": 1,
    "hidden_size": 4,
    "embedding_size": 3,
    "max_epochs": 1,
    "learning_rate": 0.01,
    "members": 1,
    "mix": False,
    "linear_path": "off",
    "validations": 1,
    "average": 0.0,
}


def make_labelled(kind: str, seed: int = 0) -> tuple[Any, dict[str, Any]]:
    """A pair of items and labels, and what must be told of them.

    `class`, `steps` and `number` are waves of unequal length, `texts` and `several` are reviews;
    one of the classes has a name that is markup.
    """
    rng = np.random.default_rng(seed)
    lengths = rng.integers(4, 12, LABELLED_ROWS)
    fast = np.arange(LABELLED_ROWS) % 3 == 0
    x = [
        np.stack([np.sin(np.arange(n) * (0.9 if f else 0.3)), rng.normal(size=n)], axis=1)
        for n, f in zip(lengths, fast, strict=True)
    ]
    if kind == "class":
        return (x, ["<script>" if f else "slow" for f in fast]), {}
    if kind == "steps":
        return (x, [np.where(one[:, 0] > 0.5, "up", "down") for one in x]), {"at_steps": True}
    if kind == "number":
        return (x, (100.0 + 3.0 * lengths).tolist()), {"as_number": True, "metric": "mae"}
    labels = rng.permutation(["good", "bad"] * (LABELLED_ROWS // 2))
    texts = [" ".join(rng.choice(f"{TEXT_WORDS[one]} the film of".split(), 6)) for one in labels]
    if kind == "texts":
        return (texts, labels.tolist()), {}
    found = ["|".join(w for w in ("good", "fine", "bad") if w in one.split()) for one in texts]
    return (texts, found), {"several": "|"}


@pytest.fixture(scope="session")
def labelled() -> Callable[..., tuple[Any, dict[str, Any]]]:
    """Make labelled data of a kind; see `make_labelled`."""
    return make_labelled


@pytest.fixture
def label_study() -> dict[str, Any]:
    """The settings of a study of labelled data that takes a second or two."""
    return dict(LABEL_STUDY)


@pytest.fixture(scope="session")
def studied(once: Callable[..., Path]) -> Callable[[str], lockgate.StudyResult]:
    """Give the finished study of a kind of labelled data. Not to be changed."""

    @lru_cache
    def run(kind: str) -> lockgate.StudyResult:
        source, told = make_labelled(kind)
        study = partial(lockgate.study, source, **LABEL_STUDY, **told)
        folder = once(f"studied-{kind}", lambda folder: study(out=folder / "study"))
        return lockgate.StudyResult.load(folder / "study")

    return run


@pytest.fixture
def numbers() -> Callable[[Any], Any]:
    """Leave out of results what may differ between two runs of one study."""
    return _numbers


def _numbers(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _numbers(inner) for key, inner in value.items() if key not in NOT_NUMBERS}
    return [_numbers(inner) for inner in value] if isinstance(value, list) else value


@pytest.fixture
def strict_json() -> Callable[[str], Any]:
    """Read JSON as the standard has it: NaN and Infinity are faults."""

    def refuse(name: str) -> float:
        raise AssertionError(f"{name} is no JSON")

    def read(text: str) -> Any:
        return json.loads(text, parse_constant=refuse)

    assert math.isnan(json.loads("NaN"))
    return read
