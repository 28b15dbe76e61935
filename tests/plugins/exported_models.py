"""Small models of every kind, exported, with the tables that they are asked about."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import polars as pl
import torch

import lockgate
from lockgate.tasks.labelling.config import ClassifierConfig, LabelConfig
from lockgate.tasks.labelling.fitted import FittedClassifier, build_classifier
from lockgate.tasks.labelling.preprocessing import LabelPreprocessing

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
START = datetime(2024, 1, 1)
PLAIN = ("the", "a", "good", "bad", "fine", "awful", "film", "plot", "actor", "x1", "!")
WORDS = (*PLAIN, "don't", "really", "very", "好", "看", "很")
QUICK = {"target": "y", "hidden_size": 6, "max_epochs": 2, "members": 2, "mix": False}


class Exported(NamedTuple):
    """A fitted model and the folder that it was exported to."""

    fitted: Any
    folder: Path


def train(tmp: Path, frame: pl.DataFrame, **settings: Any) -> Exported:
    """Fit a small forecaster, and export it."""
    fitted, _ = lockgate.train(frame, out=tmp / "run", **{**QUICK, **settings})
    lockgate.export(fitted, tmp / "out")
    return Exported(fitted, tmp / "out")


def hourly(rows: int = 700) -> pl.DataFrame:
    """Return a wave with noise and another column, both with holes."""
    rng = np.random.default_rng(0)
    t = np.arange(rows)
    y = 10 + 3 * np.sin(t / 24 * 2 * np.pi) + rng.normal(0, 0.5, rows)
    x = 2 * y + rng.normal(0, 1, rows)
    y[rng.random(rows) < 0.03] = np.nan
    x[rng.random(rows) < 0.05] = np.nan
    x[-9:] = 20.0
    stamps = [START + HOUR * i for i in range(rows)]
    return pl.DataFrame({"ds": stamps, "y": y, "x": x}).with_columns(
        pl.col("y", "x").fill_nan(None)
    )


def shops() -> pl.DataFrame:
    """Return four series of unlike lengths and sizes, with columns of all kinds."""
    rng = np.random.default_rng(0)
    rows = []
    for place, (name, days, size) in enumerate(
        [("north", 400, 10.0), ("south", 300, 200.0), ("west", 350, 3.0), ("new", 9, 20.0)]
    ):
        for day in range(days):
            promo = float(rng.random() < 0.2)
            weather = ["rain", "sun", None][rng.integers(3)]
            y = size * (1 + 0.3 * np.sin(day / 7 * 2 * np.pi) + 0.5 * promo + rng.normal(0, 0.1))
            known = day in (0, days - 1) or rng.random() > 0.03
            kind = ("big", "huge", "small", "big")[place]
            stamp = START + DAY * (day - days)
            rows.append((name, stamp, y if known else None, promo, weather, 3 * size, kind))
    names = ["unique_id", "ds", "y", "promo", "weather", "area", "kind"]
    return pl.DataFrame(rows, schema=names, orient="row")


def texts() -> tuple[list[str], list[str]]:
    """Return short texts that praise and blame, some with line breaks of HTML."""
    rng = np.random.default_rng(0)
    found, labels = [], []
    for _ in range(240):
        praises = bool(rng.integers(2))
        words = [WORDS[i] for i in rng.integers(len(WORDS), size=int(rng.integers(1, 30)))]
        words += ["good", "fine"] if praises else ["bad", "awful"]
        rng.shuffle(words)
        found.append(" ".join(words) + ("<br />  End." if rng.random() < 0.2 else ""))
        labels.append("pos" if praises else "neg")
    return found, labels


def tagger(members: int = 2, cut: int | None = None, **model: Any) -> FittedClassifier:
    """Return a classifier of steps of two channels, one with holes, with weights as drawn."""
    learned = LabelPreprocessing(
        kind="steps",
        classes=("low", "mid", "high"),
        channels=("a", "b"),
        means=(5.0, -2.0),
        deviations=(2.0, 0.5),
        masked=("b",),
    )
    config = LabelConfig(model=ClassifierConfig(**{"bidirectional": False, **model}))
    config = config.model_copy(
        update={"data": config.data.model_copy(update={"at_steps": True, "cut": cut})}
    )
    generator = torch.Generator().manual_seed(0)
    networks = [build_classifier(config.model, learned, generator).eval() for _ in range(members)]
    return FittedClassifier(tuple(networks), learned, config, temperature=0.5)
