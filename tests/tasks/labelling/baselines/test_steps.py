"""Labels at steps are learned from the steps around, of the same sequence alone."""

import numpy as np

from lockgate.tasks.labelling.baselines import steps as class_steps
from lockgate.tasks.labelling.baselines.fit import fit_class_baselines
from lockgate.tasks.labelling.labelled import Ragged
from lockgate.tasks.labelling.scores import score_classes

TRAIN, VALIDATION, TEST = np.arange(60), np.arange(60, 90), np.arange(90, 150)


def steps_of(items, rows):
    return np.concatenate([np.arange(items.starts[i], items.starts[i + 1]) for i in rows])


def test_labels_at_steps_are_learned_from_the_steps_around(tagged):
    items, y = tagged()

    fitted = fit_class_baselines(items, y, TRAIN, VALIDATION, 2, at_steps=True)

    majority, logistic = fitted.baselines
    truth = y[steps_of(items, TEST)]
    share = y[steps_of(items, TRAIN)].mean()
    np.testing.assert_allclose(
        majority.baseline.probabilities(items, TEST), np.tile([1 - share, share], (len(truth), 1))
    )
    assert score_classes(logistic.probabilities(items, TEST), truth).accuracy > 0.85
    assert logistic.setting.startswith("2 steps before and after, C = ")
    assert not fitted.skipped


def test_steps_are_classified_in_the_order_of_the_rows(tagged, monkeypatch):
    items, y = tagged()
    logistic = fit_class_baselines(items, y, TRAIN, VALIDATION, 2, at_steps=True).baselines[1]
    whole = logistic.probabilities(items, np.array([9, 4, 140]))

    monkeypatch.setattr(class_steps, "MOST_STEPS", 7)

    each = [logistic.probabilities(items, np.array([i])) for i in (9, 4, 140)]
    np.testing.assert_allclose(whole, np.concatenate(each))


def test_a_step_sees_nothing_of_other_sequences(tagged):
    items, y = tagged()
    logistic = fit_class_baselines(items, y, TRAIN, VALIDATION, 2, at_steps=True).baselines[1]
    row = np.array([100])
    before = logistic.probabilities(items, row)

    values = np.full_like(items.values, 99.0)
    values[items.starts[100] : items.starts[101]] = items[100]

    np.testing.assert_array_equal(before, logistic.probabilities(Ragged(values, items.starts), row))


def test_a_sample_of_many_steps_is_learned_from(tagged, monkeypatch):
    items, y = tagged()
    monkeypatch.setattr(class_steps, "MOST_STEPS", 300)

    first, again, other = (
        fit_class_baselines(items, y, TRAIN, VALIDATION, 2, at_steps=True, seed=seed)
        .baselines[1]
        .probabilities(items, TEST)
        for seed in (0, 0, 1)
    )

    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)
    assert score_classes(first, y[steps_of(items, TEST)]).accuracy > 0.85


def test_real_labels_at_steps(lines):
    sequences, y = [], []
    for name in ("datatraining.txt", "datatest.txt", "datatest2.txt"):
        rows = [line.split(",") for line in lines(f"occupancy/{name}")[1:]]
        sequences.append(np.array([row[2:7] for row in rows], np.float32))
        y += [int(row[7]) for row in rows]

    items, y = Ragged.of(sequences), np.array(y)
    fitted = fit_class_baselines(items, y, np.array([0]), np.array([1]), 2, at_steps=True).baselines

    truth = y[items.starts[2] :]
    majority, logistic = (
        score_classes(b.probabilities(items, np.array([2])), truth) for b in fitted
    )
    print(fitted[1].setting, majority, logistic)
    assert logistic.accuracy > 0.95 > majority.accuracy
