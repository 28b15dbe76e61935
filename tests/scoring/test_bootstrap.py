"""Bootstrap intervals are as wide as chance, and cover as often as they say."""

import numpy as np
import pytest
from sklearn import metrics as judge

from lockgate.scoring.bootstrap import bootstrap_interval
from lockgate.tasks.labelling.intervals import class_intervals
from lockgate.tasks.labelling.scores import score_classes


def test_the_bootstrap_of_a_mean_is_as_wide_as_its_standard_error():
    values = np.random.default_rng(0).normal(3.0, 2.0, 1_000)

    low, high = bootstrap_interval(values)

    margin = 1.96 * values.std() / np.sqrt(len(values))
    assert low == pytest.approx(values.mean() - margin, abs=0.01)
    assert high == pytest.approx(values.mean() + margin, abs=0.01)
    assert (low, high) == bootstrap_interval(values)
    assert (low, high) != bootstrap_interval(values, seed=1)
    wider = bootstrap_interval(values, level=0.99)
    assert wider[0] < low < high < wider[1]


def test_rows_of_one_group_are_drawn_together():
    rng = np.random.default_rng(0)
    by_group = rng.normal(size=200)
    groups = np.repeat(np.arange(200), 25).astype(str)
    shuffled = rng.permutation(len(groups))
    values = np.repeat(by_group, 25)

    low, high = bootstrap_interval(values[shuffled], groups=groups[shuffled])

    # the rows of a group are one another's copies: as though there were 200 rows
    assert high - low == pytest.approx(2 * 1.96 * by_group.std() / np.sqrt(200), rel=0.06)
    assert high - low > 4 * np.diff(bootstrap_interval(values))[0]


def test_groups_of_unequal_size_keep_the_mean_over_rows():
    values = np.array([1.0] * 30 + [0.0, 0.0])
    groups = np.array([0] * 30 + [1, 2])

    low, high = bootstrap_interval(values, groups=groups, level=0.2)

    # a mean over groups would lie about 1/3
    assert 0.9 < low <= high < 1.0


def test_large_parts_are_drawn_in_pieces():
    values = np.random.default_rng(0).random(30_000)

    low, high = bootstrap_interval(values, repeats=200)

    assert low < values.mean() < high
    assert high - low == pytest.approx(2 * 1.96 * values.std() / np.sqrt(30_000), rel=0.2)


def test_a_single_row_or_group_tells_no_interval():
    assert np.isnan(bootstrap_interval(np.array([1.0]))).all()
    assert np.isnan(bootstrap_interval(np.ones(5), groups=np.zeros(5))).all()


def test_the_bootstrap_covers_the_truth_as_often_as_it_says():
    rng = np.random.default_rng(0)
    inside = [
        low <= 0.8 <= high
        for low, high in (
            bootstrap_interval(rng.random(200) < 0.8, repeats=400) for _ in range(400)
        )
    ]

    assert 0.91 < np.mean(inside) < 0.98


def test_bad_arguments_are_refused():
    with pytest.raises(ValueError, match=r"level must be in \(0, 1\), got 95"):
        bootstrap_interval(np.ones(3), level=95)
    with pytest.raises(ValueError, match="repeats must be at least 1, got 0"):
        bootstrap_interval(np.ones(3), repeats=0)
    with pytest.raises(ValueError, match=r"groups must have shape \(3,\), got \(2,\)"):
        bootstrap_interval(np.ones(3), groups=np.ones(2))
    with pytest.raises(ValueError, match="values_per_row must have shape"):
        bootstrap_interval(np.ones(0))


# of classes


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
