"""A network with a linear path begins from the baseline of TF-IDF, and never from its optimism."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from lockgate import load
from lockgate.errors import DataError
from lockgate.estimators.sequences import SequenceClassifier
from lockgate.scoring.probabilities import probabilities
from lockgate.tasks.labelling.baselines import fit
from lockgate.tasks.labelling.baselines.common import calibrated_loss
from lockgate.tasks.labelling.baselines.fit import fit_class_baselines
from lockgate.tasks.labelling.config import ClassifierConfig, LabelConfig, LabelledConfig
from lockgate.tasks.labelling.labelled import LabelData, Labelled, Ragged
from lockgate.tasks.labelling.linear_fit import fit_linear_path
from lockgate.tasks.labelling.prepare import PreparedLabelled, prepare_labelled
from lockgate.tasks.labelling.scores import row_losses
from lockgate.tasks.labelling.task import Labelling

ON = ClassifierConfig(linear_path="on", hidden_size=4, embedding_size=3)
ROWS = 300


def reviews(several: bool = False, noise: float = 0.2, seed: int = 0) -> Labelled:
    """Texts of common words and some of their class, which is another for a part of them."""
    rng = np.random.default_rng(seed)
    own = [["good", "fine", "great"], ["bad", "poor", "dull"]]
    y = rng.integers(2, size=ROWS)
    texts = tuple(
        " ".join([*rng.choice(list("vwxyz"), 4), *rng.choice(own[k], 2), f"seen{i}"])
        for i, k in enumerate(y)
    )
    y = np.where(rng.random(ROWS) < noise, 1 - y, y)
    labels = np.array([["a", "a\x1fb"], ["no", "yes"]][not several])[y]
    names = tuple(f"row {i + 1}" for i in range(ROWS))
    return Labelled(texts, labels, "classes" if several else "class", names, "a.csv")


def prepare(data: Labelled) -> PreparedLabelled:
    return prepare_labelled(data, LabelledConfig(min_count=1), ON)


@pytest.mark.parametrize("several", [False, True], ids=["class", "several"])
def test_before_any_step_the_network_says_what_the_baseline_says(several: bool) -> None:
    data = reviews(several)
    prepared = prepare(data)
    y = prepared.preprocessing.targets(data).astype(np.int64)
    train, validation, test = prepared.parts[:3]
    baseline = fit_class_baselines(
        data.items, y, train, validation, prepared.preprocessing.outputs
    ).baselines[-1]
    examples = prepared.examples("test")
    network = Labelling().build(prepared, ON).eval()

    with torch.no_grad():
        scores = network(*examples.batch(slice(None)).inputs).numpy()

    p = probabilities(scores, several=several)
    expected = baseline.baseline.probabilities(data.items, test)  # type: ignore[attr-defined]
    # each has its own temperature, which changes no order of certainty
    for k in range(p.shape[1] if not several else 1, 0, -1):
        np.testing.assert_array_equal(p[:, k - 1].argsort(), expected[:, k - 1].argsort())
    assert calibrated_loss(p, y[test]) == pytest.approx(calibrated_loss(expected, y[test]), 0.05)


def test_the_baseline_of_a_linear_path_is_not_fitted_again(monkeypatch: Any) -> None:
    data, task, config = reviews(), Labelling(), LabelConfig(model=ON)
    read, halved = LabelData(data, None, None), prepare(data)
    # as in the folds of a study, the whole of validation stops a fit
    parts = halved.parts._replace(mixing=halved.parts.validation[:0])
    known = fit_linear_path(data, parts, halved.preprocessing, 0).baseline
    prepared = replace(halved, parts=parts, text_logistic=known)
    anew = task.baselines(read, replace(prepared, text_logistic=None), config).baselines[-1]
    fits: list[int] = []
    monkeypatch.setattr(fit, "fit_terms", lambda *_, **__: fits.append(1) or "no terms")

    found = task.baselines(read, prepared, config).baselines[-1]

    assert (found.name, found.setting, fits) == (anew.name, anew.setting, [])
    np.testing.assert_array_equal(found.predict("test"), anew.predict("test"))
    # what half of validation chose is not what all of it would
    assert task.baselines(read, halved, config).skipped[0].reason == "no terms"


def test_training_rows_are_scored_by_models_that_have_not_seen_them() -> None:
    data = reviews(noise=0.5)  # nothing can be learned: who is right has seen the label
    prepared = prepare(data)
    truth = prepared.arrays["y"]
    scores = prepared.arrays["linear"].astype(np.float64)

    def loss(scores: Any, rows: Any) -> float:
        return float(row_losses(probabilities(scores), truth[rows], "log_loss").mean())

    train, test = prepared.parts.train, prepared.parts.test
    assert loss(scores[train], train) > 0.65
    assert loss(scores[test], test) > 0.65
    assert prepared.linear_path is not None
    seen = prepared.linear_path.scores([data.items[i] for i in train])
    assert loss(seen.numpy(), train) < loss(scores[train], train) - 0.01


def test_groups_are_whole_in_the_folds() -> None:
    data = reviews(noise=0.0)
    # every group has a word and a label of its own: known to who has seen one of the group
    group = np.arange(ROWS) // 10
    labels = np.where(np.random.default_rng(0).random(30) < 0.5, "no", "yes")[group]
    items = tuple(f"common group{g} seen{i}" for i, g in enumerate(group))
    data = replace(data, items=items, labels=labels, groups=group)

    prepared = prepare(data)

    train = prepared.parts.train
    right = prepared.arrays["linear"].argmax(axis=1) == prepared.arrays["y"]
    assert right[train].mean() < 0.75


def test_nothing_is_learned_of_what_is_not_in_training() -> None:
    data = reviews()
    prepared = prepare(data)
    others = np.isin(np.arange(ROWS), prepared.parts.test)
    items = tuple(
        f"canary{i} good bad" if other else text
        for i, (text, other) in enumerate(zip(data.items, others, strict=True))
    )

    again = prepare(replace(data, items=items))

    assert prepared.linear_path is not None
    assert again.linear_path is not None
    assert again.linear_path.terms == prepared.linear_path.terms
    for part in ("train", "validation"):
        rows = getattr(prepared.parts, part)
        np.testing.assert_array_equal(again.arrays["linear"][rows], prepared.arrays["linear"][rows])


@pytest.mark.parametrize("several", [False, True], ids=["class", "several"])
def test_a_trained_classifier_predicts_the_same_from_its_folder(
    several: bool, tmp_path: Path
) -> None:
    data = reviews(several)
    prepared = prepare(data)
    prepared_folder = tmp_path / "prepared"
    prepared_folder.mkdir()
    prepared.save(prepared_folder)
    prepared = PreparedLabelled.load(prepared_folder)
    config = LabelConfig.model_validate({"model": ON, "training": {"max_epochs": 2}})

    fitted, _ = Labelling().train(prepared, config)
    fitted.save(tmp_path / "model")
    again: Any = load(tmp_path / "model")

    expected = fitted.predict_examples(prepared.examples("test"))
    new = [data.items[i] for i in prepared.parts.test]
    found = again.predict(new)
    columns = [name for name in found.columns if name.startswith("probability_")]
    np.testing.assert_allclose(found.select(columns).to_numpy(), expected, atol=1e-6)
    if not several:
        scored = again.evaluate((new, data.labels[prepared.parts.test]), mc_samples=2)
        assert scored.rows == len(new)


@pytest.mark.parametrize(
    ("kind", "what"),
    [
        ("class", "sequences of numbers"),
        ("number", "labels that are numbers"),
        ("steps", "labels at every step"),
    ],
)
def test_what_is_no_text_of_classes_is_refused(kind: Any, what: str) -> None:
    ragged = Ragged.of([np.full((3, 1), i, dtype=np.float32) for i in range(20)])
    labels: Any = {
        "class": np.array(["a", "b"] * 10),
        "number": np.arange(20.0),
        "steps": np.array(["a", "b"] * 30),
    }[kind]
    data = Labelled(ragged, labels, kind, tuple(map(str, range(20))), "a.ts", ("x",))

    with pytest.raises(DataError, match=f"linear_path must be off for {what}, got on; leave it"):
        prepare(data)


def test_one_group_to_learn_from_is_refused() -> None:
    data = replace(reviews(), groups=np.arange(ROWS) // 100)

    with pytest.raises(DataError, match="must be off where the training part without a fifth"):
        prepare(data)


def test_texts_without_a_common_term_are_refused() -> None:
    rng = np.random.default_rng(0)
    letters = [chr(0x4E00 + i) for i in rng.permutation(2000)]
    items = tuple("".join(letters[5 * i : 5 * i + 5]) for i in range(60))
    names = tuple(map(str, range(60)))
    data = Labelled(items, np.array(["a", "b"] * 30), "class", names, "a.csv")

    with pytest.raises(DataError, match="linear_path must be off where no word or run of char"):
        prepare(data)


def test_few_texts_in_memory_have_a_linear_path_too() -> None:
    data = reviews(noise=0.0)
    model = SequenceClassifier(
        linear_path="on", hidden_size=2, embedding_size=2, max_epochs=1, min_count=1
    ).fit(list(data.items[:60]), data.labels[:60])

    # a network of one epoch knows nothing: it is the path that does
    assert model.score(list(data.items[60:]), data.labels[60:]) > 0.95


@pytest.mark.parametrize("value", ["on", True])
def test_a_bare_on_of_yaml_is_taken_for_the_word(value: object) -> None:
    assert ClassifierConfig.model_validate({"linear_path": value}).linear_path == "on"
