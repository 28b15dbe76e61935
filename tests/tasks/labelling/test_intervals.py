"""Intervals of the scores of classes are quantiles over draws of rows, or of groups of them."""

import numpy as np
import pytest
from sklearn import metrics as judge

from lockgate.scoring.bootstrap import bootstrap_interval
from lockgate.tasks.labelling.intervals import class_intervals
from lockgate.tasks.labelling.scores import score_classes


def make_decisions(rows: int, classes: int = 3, seed: int = 0, several: bool = False):
    rng = np.random.default_rng(seed)
    if several:
        truth = (rng.random((rows, classes)) < 0.3).astype(int)
        return np.clip(0.6 * truth + 0.5 * rng.random((rows, classes)), 0, 1), truth
    truth = rng.choice(classes, rows, p=np.array([0.7, 0.2, 0.1]))
    p = rng.dirichlet(np.ones(classes), rows) + 0.7 * np.eye(classes)[truth]
    return p / p.sum(axis=1, keepdims=True), truth


def test_intervals_of_accuracy_and_log_loss_are_those_of_a_mean():
    p, truth = make_decisions(500)
    right = (p.argmax(axis=1) == truth).astype(float)
    lost = -np.log(p[np.arange(500), truth])

    found = class_intervals(p, truth)

    assert found["accuracy"] == pytest.approx(bootstrap_interval(right), abs=0.006)
    assert found["log_loss"] == pytest.approx(bootstrap_interval(lost), abs=0.01)
    assert found == class_intervals(p, truth)
    assert found != class_intervals(p, truth, seed=1)


@pytest.mark.parametrize("several", [False, True], ids=["one-label", "several"])
def test_intervals_are_quantiles_of_scikit_learns_scores_of_the_drawn_rows(several):
    p, truth = make_decisions(60, several=several)
    groups = np.arange(60) // 2

    found = class_intervals(p, truth, repeats=50, groups=groups)

    rng = np.random.default_rng(0)
    scores = {name: [] for name in found}
    for _ in range(50):
        rows = (2 * rng.integers(30, size=30)[:, None] + [0, 1]).ravel()
        t = truth[rows]
        guess = (p[rows] > 0.5).astype(int) if several else p[rows].argmax(axis=1)
        scores["accuracy"].append(judge.accuracy_score(t, guess))
        pairs = zip(t.T, guess.T, strict=True) if several else [(t, guess)]
        each = [judge.recall_score(a, b, average="macro", labels=np.unique(a)) for a, b in pairs]
        scores["balanced_accuracy"].append(np.mean(each))
        scores["macro_f1"].append(judge.f1_score(t, guess, average="macro"))
        scores["log_loss"].append(score_classes(p[rows], t).log_loss)
    for name, values in scores.items():
        assert found[name] == pytest.approx(tuple(np.quantile(values, [0.025, 0.975]))), name


def test_rows_of_one_group_widen_every_interval():
    p, truth = make_decisions(100)
    p, truth = np.repeat(p, 20, axis=0), np.repeat(truth, 20)

    alone = class_intervals(p, truth)
    together = class_intervals(p, truth, groups=np.repeat(np.arange(100), 20))

    for name, (low, high) in together.items():
        assert high - low > 3 * np.diff(alone[name])[0], name


def test_classes_of_one_group_tell_no_interval():
    p, truth = make_decisions(5)

    assert all(np.isnan(i).all() for i in class_intervals(p, truth, groups=np.ones(5)).values())
