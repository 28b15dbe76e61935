"""Logistic regression of every baseline of classes: unseen classes, several labels."""

import numpy as np

from lockgate.scoring.baselines import Grid
from lockgate.tasks.labelling.baselines import common as class_common
from lockgate.tasks.labelling.baselines.fit import fit_class_baselines
from lockgate.tasks.labelling.scores import score_classes

SUMMARY = "summary statistics + logistic regression"
TRAIN, VALIDATION, TEST = np.arange(60), np.arange(60, 90), np.arange(90, 150)


def test_a_class_that_training_lacks_has_a_probability(waves, by_name):
    items, y = waves()
    train = TRAIN[y[TRAIN] != 1]

    fitted = by_name(fit_class_baselines(items, y, train, VALIDATION, 3))

    for name in (SUMMARY, "1-NN DTW"):
        p = fitted[name].probabilities(items, TEST)
        np.testing.assert_allclose(p.sum(axis=1), 1.0)
        assert (p[:, 1] > 0.0).all()
    np.testing.assert_allclose(
        fitted[SUMMARY].baseline.probabilities(items, TEST)[:, 1], 1 / (len(train) + 1)
    )


def test_several_labels_are_each_learned_by_themselves(waves, by_name):
    items, y = waves()
    labels = np.column_stack([y == 0, y == 2, np.ones(150)]).astype(np.int64)

    fitted = by_name(fit_class_baselines(items, labels, TRAIN, VALIDATION, 3))
    alone = by_name(fit_class_baselines(items, labels[:, :1], TRAIN, VALIDATION, 1))

    p = fitted[SUMMARY].baseline.probabilities(items, TEST)
    # of all rows in training: as though one more had been without
    np.testing.assert_allclose(p[:, 2], 60 / 61)
    assert score_classes(p, labels[TEST]).accuracy > 0.7
    assert p.shape == fitted["1-NN DTW"].probabilities(items, TEST).shape
    one, other = (found[SUMMARY].baseline for found in (fitted, alone))
    if one.model.strength == other.model.strength:
        np.testing.assert_allclose(p[:, :1], other.probabilities(items, TEST), atol=1e-4)


def test_a_handful_of_rows_that_are_all_right_does_not_have_the_strength_run_on():
    rng = np.random.default_rng(0)
    y = np.arange(300) % 2
    x = rng.normal(size=(300, 3)) + 8.0 * y[:, None]
    grid = Grid((0.1, 1.0, 10.0, 100.0, 1e3), 0, 2)

    # all are right, and more so with every strength
    few, _ = class_common.fit_logistic((x[:100], y[:100]), (x[100:110], y[100:110]), 2, grid)

    assert few.strength == 1.0


def test_logistic_regression_ends_in_time_on_features_that_part_the_classes():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(60, 200))
    y = (x[:, 0] > 0).astype(np.int64)

    fitted, _ = class_common.fit_logistic((x, y), (x, y), 2, Grid((1.0, 1e6), 0, 2))

    assert fitted.strength == 1e6
    assert score_classes(fitted.probabilities(x), y).accuracy == 1.0
