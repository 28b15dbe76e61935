"""The neighbour by dynamic time warping is that of the definition, and as sure as it was right."""

import numpy as np
import pytest

from lockgate.tasks.labelling.baselines import dtw
from lockgate.tasks.labelling.baselines.fit import fit_class_baselines
from lockgate.tasks.labelling.labelled import Ragged
from lockgate.tasks.labelling.scores import score_classes

TRAIN, VALIDATION, TEST = np.arange(60), np.arange(60, 90), np.arange(90, 150)


def dtw_judge(x, y):
    """The definition, cell by cell."""
    n, m = len(x), len(y)
    shorter, longer = min(n, m), max(n, m)
    best = np.full((n, m), np.inf)
    for i in range(n):
        for j in range(m):
            a, b = (i, j) if n >= m else (j, i)
            if abs(a * (shorter - 1) / max(longer - 1, 1) - b) > max(1.0, 0.1 * shorter):
                continue
            before = min(
                best[i - 1, j] if i else np.inf,
                best[i, j - 1] if j else np.inf,
                best[i - 1, j - 1] if i and j else np.inf,
            )
            best[i, j] = ((x[i] - y[j]) ** 2).sum() + (0.0 if i == j == 0 else before)
    return best[-1, -1]


def test_warping_is_that_of_the_definition_at_every_length(monkeypatch):
    rng = np.random.default_rng(0)
    lengths = [1, 2, 3, 5, 8, 13, 40]
    sequences = [rng.normal(size=(n, 2)) for n in lengths]
    others = [rng.normal(size=(n, 2)) for n in rng.permutation(lengths)]

    expected = np.array([[dtw_judge(x, y) for y in others] for x in sequences])

    np.testing.assert_allclose(dtw.warped_distances(sequences, others), expected)
    assert np.isfinite(expected).all()
    monkeypatch.setattr(dtw, "_CELLS_AT_ONCE", 1)
    np.testing.assert_allclose(dtw.warped_distances(sequences, others), expected)


def test_a_sequence_is_nearest_to_itself_played_a_little_slower():
    t = np.linspace(0, 6, 40)[:, None]
    wave, slower = np.sin(t), np.sin(t - 0.3)
    flat = np.zeros((40, 1))

    distances = dtw.warped_distances([slower], [wave, flat])

    assert distances[0, 0] < 0.15 * distances[0, 1]
    assert dtw.warped_distances([wave], [wave])[0, 0] == pytest.approx(0.0, abs=1e-12)


def test_the_level_of_a_sequence_tells_its_neighbour_and_the_unit_of_a_channel_does_not(by_name):
    rng = np.random.default_rng(0)
    y = np.arange(150) % 2
    noise = rng.normal(size=(150, 9, 2)) * [0.2, 1e6]
    items = Ragged.of([x + np.array([label, 0.0]) for x, label in zip(noise, y, strict=True)])

    nearest = by_name(fit_class_baselines(items, y, TRAIN, VALIDATION, 2))["1-NN DTW"].baseline

    assert (nearest.labels(items, TEST) == y[TEST]).mean() > 0.9


def test_the_neighbours_label_is_as_probable_as_it_was_right_on_validation(waves, by_name):
    items, y = waves(seed=1)

    nearest = by_name(fit_class_baselines(items, y, TRAIN, VALIDATION, 3))["1-NN DTW"].baseline

    right = int((nearest.labels(items, VALIDATION) == y[VALIDATION]).sum())
    p = nearest.probabilities(items, TEST)
    assert nearest.right == pytest.approx((right + 1) / 32)
    np.testing.assert_allclose(p.max(axis=1), nearest.right)
    np.testing.assert_allclose(p.sum(axis=1), 1.0)
    np.testing.assert_array_equal(p.argmax(axis=1), nearest.labels(items, TEST))
    assert score_classes(p, y[TEST]).accuracy > 0.6


def test_many_sequences_are_not_warped_and_the_reason_is_told(waves, by_name, monkeypatch):
    items, y = waves()
    monkeypatch.setattr(dtw, "MOST_CELLS", 1_000)

    fitted = fit_class_baselines(items, y, TRAIN, VALIDATION, 3)

    [reason] = [skipped.reason for skipped in fitted.skipped if skipped.name == "1-NN DTW"]
    learned = items.lengths[TRAIN].sum()
    cells = learned * (items.lengths.sum() - learned)
    assert f"{cells:,} pairs of steps" in reason
    assert "the bound of 1,000" in reason
    assert "1-NN DTW" not in by_name(fitted)
