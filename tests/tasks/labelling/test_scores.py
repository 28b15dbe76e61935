"""Scores of classifiers are those of their definitions, with scikit-learn as the judge."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import softmax
from sklearn import metrics as judge

from lockgate.scoring.probabilities import probabilities
from lockgate.tasks.labelling.scores import (
    BINS,
    SHARES,
    accuracy_by_share,
    confusion,
    decided,
    mistakes,
    predictive_entropy,
    row_losses,
    score_classes,
)


def drawn(rows=300, classes=4, seed=0, sharpness=1.5):
    """Scores that know something of the truth, and the truth."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(classes, size=rows)
    scores = rng.normal(size=(rows, classes))
    scores[np.arange(rows), truth] += sharpness
    return scores, truth


def drawn_labels(rows=300, classes=3, seed=0):
    """The same for several labels."""
    rng = np.random.default_rng(seed)
    truth = (rng.random((rows, classes)) < [0.2, 0.5, 0.7]).astype(np.int64)
    return rng.normal(size=(rows, classes)) + 2.0 * truth - 1.0, truth


@settings(max_examples=15, deadline=None)
@given(rows=st.integers(1, 60), classes=st.integers(2, 6), seed=st.integers(0, 999))
def test_scores_are_those_of_scikit_learn(rows, classes, seed):
    logits, truth = drawn(rows, classes, seed)
    p = probabilities(logits)

    scores = score_classes(p, truth)

    guess = p.argmax(axis=1)
    assert scores.accuracy == pytest.approx(judge.accuracy_score(truth, guess))
    recall = judge.recall_score(truth, guess, labels=np.unique(truth), average="macro")
    assert scores.balanced_accuracy == pytest.approx(recall)
    assert scores.macro_f1 == pytest.approx(judge.f1_score(truth, guess, average="macro"))
    expected = judge.log_loss(truth, p, labels=np.arange(classes))
    assert scores.log_loss == pytest.approx(expected)


def test_scores_of_several_labels_are_those_of_scikit_learn():
    logits, truth = drawn_labels()
    p = probabilities(logits, several=True)
    guess = (p > 0.5).astype(int)

    scores = score_classes(p, truth)

    each = range(truth.shape[1])
    assert scores.accuracy == pytest.approx(judge.accuracy_score(truth, guess))
    balanced = [judge.balanced_accuracy_score(truth[:, k], guess[:, k]) for k in each]
    assert scores.balanced_accuracy == pytest.approx(np.mean(balanced))
    assert scores.macro_f1 == pytest.approx(judge.f1_score(truth, guess, average="macro"))
    losses = [judge.log_loss(truth[:, k], p[:, k]) for k in each]
    assert scores.log_loss == pytest.approx(np.mean(losses))


def test_scores_by_hand():
    p = np.array([[0.9, 0.1, 0.0], [0.6, 0.3, 0.1], [0.2, 0.7, 0.1], [0.1, 0.8, 0.1]])

    scores = score_classes(p, np.array([0, 1, 1, 1]))

    assert scores.accuracy == 0.75
    assert scores.balanced_accuracy == pytest.approx((1 + 2 / 3) / 2)
    assert scores.macro_f1 == pytest.approx((2 / 3 + 4 / 5) / 2)
    assert scores.log_loss == pytest.approx(-np.log([0.9, 0.3, 0.7, 0.8]).mean())
    # four bins hold a row each
    assert scores.calibration_error == pytest.approx((0.1 + 0.6 + 0.3 + 0.2) / 4)


def test_a_class_absent_in_the_truth_and_a_probability_of_0_are_scored():
    p = np.array([[1.0, 0.0, 0.0], [0.5, 0.5, 0.0]])

    scores = score_classes(p, np.array([1, 0]))

    assert scores.log_loss == pytest.approx((-np.log(np.finfo(float).eps) + np.log(2)) / 2)


def test_several_labels_that_never_occur_and_are_never_decided_for_are_right():
    scores = score_classes(np.full((3, 2), 0.1), np.zeros((3, 2), dtype=int))

    assert scores[:3] == (1.0, 1.0, 1.0)
    assert scores.calibration_error == pytest.approx(0.1)


def test_calibration_error_is_the_weighted_gap_of_the_bins():
    logits, truth = drawn(2_000)
    p = probabilities(logits)
    top, right = p.max(axis=1), p.argmax(axis=1) == truth

    expected = 0.0
    for i in range(BINS):
        inside = (top > i / BINS) & (top <= (i + 1) / BINS)
        if inside.any():
            expected += abs(right[inside].mean() - top[inside].mean()) * inside.mean()

    assert score_classes(p, truth).calibration_error == pytest.approx(expected)


def test_certain_and_right_is_calibrated():
    truth = np.array([0, 1, 1])

    assert score_classes(np.eye(2)[truth], truth).calibration_error == 0.0


def test_rows_of_float32_and_of_half_precision_are_taken():
    logits, truth = drawn(50)
    exact = score_classes(softmax(logits, axis=1), truth)

    for dtype, close in ((np.float32, 1e-5), (np.float16, 5e-3)):
        p = softmax(logits, axis=1).astype(dtype)
        assert score_classes(p, truth).log_loss == pytest.approx(exact.log_loss, abs=close)


@pytest.mark.parametrize("several", [False, True])
@pytest.mark.parametrize("metric", ["log_loss", "error"])
def test_the_mean_of_the_row_losses_is_the_score(metric, several):
    logits, truth = drawn_labels() if several else drawn()
    p = probabilities(logits, several=several)

    losses = row_losses(p, truth, metric)

    assert losses.shape == (300,)
    assert losses.mean() == pytest.approx(score_classes(p, truth).of(metric))


def test_confusion_counts_true_classes_down():
    truth, predicted = np.array([0, 0, 1, 3]), np.array([1, 0, 1, 0])

    table = confusion(truth, predicted, classes=4)

    np.testing.assert_array_equal(table, judge.confusion_matrix(truth, predicted, labels=range(4)))
    assert table[0, 1] == 1
    assert table[3, 0] == 1


def test_confusion_of_several_labels_is_a_table_for_each():
    logits, truth = drawn_labels()
    predicted = (logits > 0).astype(int)

    table = confusion(truth, predicted, classes=3)

    np.testing.assert_array_equal(table, judge.multilabel_confusion_matrix(truth, predicted))


def test_mistakes_are_the_surest_first():
    p = np.array([[0.9, 0.1], [0.4, 0.6], [0.05, 0.95], [0.2, 0.8], [0.3, 0.7]])
    truth = np.array([0, 0, 0, 1, 0])

    assert mistakes(p, truth, 10).tolist() == [2, 4, 1]
    assert mistakes(p, truth, 2).tolist() == [2, 4]
    assert mistakes(p, p.argmax(axis=1), 2).tolist() == []


def test_mistakes_of_several_labels_go_by_the_surest_wrong_label():
    p = np.array([[0.99, 0.4], [0.6, 0.01], [0.2, 0.9]])
    truth = np.array([[1, 1], [1, 1], [0, 0]])

    # 0.99 is right, and its row's mistake is the unsure one
    assert mistakes(p, truth, 3).tolist() == [1, 2, 0]


def test_accuracy_by_share_keeps_the_most_certain():
    rng = np.random.default_rng(0)
    p = rng.dirichlet([0.5, 0.5, 0.5], 500)
    truth = (rng.random((500, 1)) > p.cumsum(axis=1)).sum(axis=1)
    uncertainty = 1.0 - p.max(axis=1)

    kept = accuracy_by_share(p, uncertainty, truth)

    order = np.argsort(uncertainty)
    right = p.argmax(axis=1) == truth
    assert [share.share for share in kept] == list(SHARES)
    for share in kept:
        assert share.rows == round(500 * share.share)
        assert share.accuracy == pytest.approx(right[order[: share.rows]].mean())
    assert kept[0].accuracy == pytest.approx(right.mean())


def test_accuracy_by_share_does_not_hang_on_the_order_of_what_is_equally_certain():
    p = np.array([[0.9, 0.1]] * 50)
    truth = np.array([0] * 25 + [1] * 25)

    kept = accuracy_by_share(p, np.zeros(50), truth)

    assert {share.accuracy for share in kept} == {0.5}


def test_predictive_entropy_by_hand():
    p = np.array([[1.0, 0.0, 0.0], [0.5, 0.25, 0.25], [1 / 3, 1 / 3, 1 / 3]])

    one, several = predictive_entropy(p), predictive_entropy(p, several=True)

    assert one == pytest.approx([0.0, 1.5 * np.log(2), np.log(3)])
    quarter = 2 * np.log(2) - 0.75 * np.log(3)
    third = np.log(3) - 2 / 3 * np.log(2)
    assert several == pytest.approx([0.0, np.log(2) + 2 * quarter, 3 * third])


def test_bad_arguments_are_refused():
    p, truth = np.array([[0.5, 0.5]]), np.array([0])

    with pytest.raises(ValueError, match="metric must be one of log_loss, error, got 'mae'"):
        row_losses(p, truth, "mae")
    with pytest.raises(ValueError, match="probabilities must sum to 1 in every row, got 2"):
        score_classes(2 * p, truth)
    with pytest.raises(ValueError, match="uncertainty must hold 1 numbers"):
        accuracy_by_share(p, np.ones(2), truth)


def test_decided_takes_a_label_at_over_one_half():
    p = np.array([[0.2, 0.8], [0.7, 0.51]])

    assert decided(p).tolist() == [1, 0]
    assert decided(p, several=True).tolist() == [[0, 1], [1, 1]]
