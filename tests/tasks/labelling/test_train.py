"""A fit of a classifier repeats itself by its seed, and its metric suits the labels."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from lockgate.errors import DataError
from lockgate.tasks.labelling.config import (
    ClassifierConfig,
    LabelConfig,
    LabelledConfig,
    LabelTrainingConfig,
)
from lockgate.tasks.labelling.labelled import Labelled
from lockgate.tasks.labelling.prepare import PreparedLabelled, prepare_labelled
from lockgate.tasks.labelling.sources.read import read_part
from lockgate.tasks.labelling.train import train_classifier


def read(labelled: Any, kind: str) -> Labelled:
    source, told = labelled(kind)
    return read_part(source, LabelledConfig(**{k: v for k, v in told.items() if k != "metric"}))


def prepared(data: Labelled) -> PreparedLabelled:
    told = LabelledConfig(min_count=1)
    return prepare_labelled(data, told, test=np.arange(50, 60), validation=np.arange(40, 50))


@pytest.mark.parametrize(
    ("kind", "metric", "rule"),
    [
        ("number", "log_loss", "mae or rmse for labels of this kind, got 'log_loss'"),
        ("class", "mae", "log_loss for labels of this kind, got 'mae'"),
        ("texts", "rmse", "log_loss for labels of this kind, got 'rmse'"),
    ],
)
def test_a_metric_that_does_not_suit_the_labels_is_refused(
    labelled: Any, kind: str, metric: Any, rule: str
) -> None:
    config = LabelConfig(training=LabelTrainingConfig(metric=metric))

    with pytest.raises(DataError, match=f"^metric must be {rule}$"):
        train_classifier(prepared(read(labelled, kind)), config)


@pytest.mark.parametrize("kind", ["class", "steps", "number", "texts", "several"])
def test_a_fit_repeats_itself_by_its_seed_and_looks_at_no_test_row(
    labelled: Any, kind: str
) -> None:
    metric: Any = "mae" if kind == "number" else "log_loss"
    config = LabelConfig(
        model=ClassifierConfig(hidden_size=4, embedding_size=3),
        training=LabelTrainingConfig(max_epochs=2, metric=metric, device="cpu"),
    )
    data = read(labelled, kind)
    one = prepared(data)
    blind = replace(one, parts=one.parts._replace(test=np.array([], dtype=np.int64)))

    first, again, other = (
        train_classifier(p, config, seed=seed)[0] for p, seed in ((one, 0), (blind, 0), (one, 1))
    )

    expected = first.predict_data(data)
    assert np.array_equal(again.predict_data(data), expected)
    assert not np.array_equal(other.predict_data(data), expected)
