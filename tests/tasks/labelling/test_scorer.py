"""Rows are scored and ordered for the verdict's blocks with what belongs together."""

from collections import Counter
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
import pytest

from lockgate.studies.config import study_config
from lockgate.tasks.labelling.config import LabelConfig, LabelledConfig
from lockgate.tasks.labelling.ladder import LADDER
from lockgate.tasks.labelling.scorer import LabelScorer, block_order, units_of
from lockgate.tasks.labelling.task import TASK as LABELLING
from lockgate.tasks.stack.rungs import default_names
from lockgate.training.losses import IGNORED

CONFIG = study_config(LabelConfig, default_names(LADDER))


def test_steps_of_sequences_that_training_has_are_left_out_too(labelled: Any) -> None:
    x, y = labelled("steps")[0]
    config = CONFIG(data=LabelledConfig(at_steps=True))
    data = LABELLING.read(([*x[:30], *x[:2], *x[30:]], [*y[:30], *y[:2], *y[30:]]), config)
    given = data._replace(test=np.arange(30, 40))
    prepared = LABELLING.prepare(given, config)

    scorer = LABELLING.scorer(given, prepared, config, "test")

    again = len(x[0]) + len(x[1])
    assert scorer.apart is not None
    assert not scorer.apart[:again].any()
    assert scorer.apart[again:].all()
    assert len(scorer.apart) == len(scorer.truth)


def test_groups_stay_together_in_parts_and_in_blocks(labelled: Any) -> None:
    texts, labels = labelled("texts")[0]
    groups = [f"g{i % 15}" for i in range(60)]
    frame = pl.DataFrame({"text": texts, "label": labels, "who": groups})
    config = CONFIG(data=LabelledConfig(text="text", label="label", group="who"))
    data = LABELLING.read(frame, config)
    prepared = LABELLING.prepare(data, config)
    who = np.array(groups)

    seen = [set(who[prepared.parts._asdict()[p]]) for p in ("train", "validation", "test")]
    scorer = LABELLING.scorer(data, prepared, config, "test")
    ordered = who[prepared.parts.test][scorer.order]

    assert not seen[0] & seen[1] | seen[0] & seen[2] | seen[1] & seen[2]
    changes = int((ordered[1:] != ordered[:-1]).sum())
    assert changes == len(seen[2]) - 1
    assert scorer.horizon == max(Counter(ordered).values())
    assert scorer.groups is not None
    assert np.array_equal(np.diff(scorer.groups) != 0, ordered[1:] != ordered[:-1])
    assert sorted(scorer.order.tolist()) == list(range(len(ordered)))


def test_steps_of_a_group_of_sequences_stay_together(labelled: Any) -> None:
    x, y = labelled("steps")[0]
    data = LABELLING.read((x, y), CONFIG(data=LabelledConfig(at_steps=True)))
    who = np.arange(60) % 7
    prepared = LABELLING.prepare(data, CONFIG())
    given = data._replace(all=replace(data.all, groups=who))

    scorer = LABELLING.scorer(given, prepared, CONFIG(), "test")

    rows = prepared.parts.test
    assert scorer.groups is not None
    assert np.count_nonzero(np.diff(scorer.groups)) == len(set(who[rows])) - 1
    lengths = np.array([len(x[i]) for i in rows])
    assert scorer.horizon == max(lengths[who[rows] == one].sum() for one in set(who[rows]))


def test_rows_of_a_file_sorted_by_label_are_mixed_over_the_blocks(labelled: Any) -> None:
    texts, labels = labelled("texts")[0]
    order = np.argsort(labels, kind="stable")
    source = ([texts[i] for i in order], [labels[i] for i in order])
    config = CONFIG()
    data = LABELLING.read(source, config)
    prepared = LABELLING.prepare(data, config)

    scorer = LABELLING.scorer(data, prepared, config, "test")
    p = np.tile([0.25, 0.75], (len(scorer.truth), 1))

    truth = scorer.truth[scorer.order]
    assert np.abs(np.diff(truth)).sum() > 1
    np.testing.assert_allclose(scorer.losses(p), -np.log(np.where(truth == 1, 0.75, 0.25)))
    assert scorer.losses(p).mean() == pytest.approx(scorer.scores(p)["log_loss"])


def test_numbers_are_scored_by_either_metric() -> None:
    truth, prediction = np.array([1.0, 2.0, 3.0]), np.array([[1.0], [4.0], [2.0]])
    order = np.array([2, 0, 1])

    mae, rmse = (LabelScorer(truth, metric, order, None, None) for metric in ("mae", "rmse"))

    expected = {"mae": 1.0, "rmse": pytest.approx(np.sqrt(5 / 3))}
    assert mae.scores(prediction) == rmse.scores(prediction) == expected
    assert mae.losses(prediction).tolist() == [1.0, 0.0, 2.0]
    assert rmse.losses(prediction).tolist() == [1.0, 0.0, 4.0]
    assert mae.horizon == 1
    assert mae.counts.tolist() == [1.0] * 3


def test_units_are_groups_or_the_sequences_of_steps() -> None:
    groups, lengths = np.array(["b", "a", "b"]), np.array([2, 1, 3])

    assert units_of(None, None) is None
    assert units_of(groups, None).tolist() == [1, 0, 1]
    assert units_of(None, lengths).tolist() == [0, 0, 1, 2, 2, 2]
    assert units_of(groups, lengths).tolist() == [1, 1, 0, 1, 1, 1]


def test_steps_stay_in_their_order_and_units_whole() -> None:
    units = np.repeat(np.arange(20), 3)

    truth = np.zeros(60, dtype=np.int64)

    shuffled = units[block_order(units, truth)]

    assert block_order(units, truth, in_order=True).tolist() == list(range(60))
    assert sorted(block_order(None, truth).tolist()) == list(range(60))
    assert np.count_nonzero(np.diff(shuffled)) == 19
    assert shuffled.tolist() != units.tolist()


def test_one_unit_tells_no_interval() -> None:
    scorer = LabelScorer(np.array([1.0, 2.0]), "mae", np.arange(2), np.zeros(2, int), None)

    assert scorer.intervals(np.ones((2, 1))) == {"mae": None, "rmse": None}


def test_steps_without_a_label_count_in_nothing() -> None:
    rng = np.random.default_rng(0)
    truth, units = rng.integers(0, 3, 90), np.repeat(np.arange(18), 5)
    prediction = rng.dirichlet(np.ones(3), 90)
    apart = rng.random(90) < 0.7
    missing = rng.random(90) < 0.3
    blank = np.where(missing, IGNORED, truth)

    def scorer(truth: Any, units: Any, apart: Any) -> LabelScorer:
        return LabelScorer(truth, "log_loss", block_order(units, truth), units, apart)

    whole = scorer(blank, units, apart)
    alone = scorer(truth[~missing], units[~missing], apart[~missing])

    assert whole.scores(prediction) == alone.scores(prediction[~missing])
    assert whole.intervals(prediction) == alone.intervals(prediction[~missing])
    assert whole.losses(prediction).sum() == pytest.approx(alone.losses(prediction[~missing]).sum())
    assert len(whole.counts) == len(whole.losses(prediction)) == (~missing).sum()
    assert whole.groups is not None
    assert len(whole.groups) == (~missing).sum()
    assert whole.horizon == alone.horizon
