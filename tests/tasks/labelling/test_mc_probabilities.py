"""Monte-Carlo dropout of a fitted classifier averages the networks that its dropout draws."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from lockgate.scoring.probabilities import probabilities
from lockgate.tasks.labelling.config import ClassifierConfig, LabelConfig
from lockgate.tasks.labelling.examples import Examples
from lockgate.tasks.labelling.fitted import FittedClassifier, build_classifier
from lockgate.tasks.labelling.preprocessing import LabelPreprocessing

NONE = {
    f"{place}_dropout": 0.0 for place in ("input", "recurrent", "weight", "embedding", "output")
} | {"dropout": 0.0}
LENGTHS = (5, 9, 1, 3)


def make(kind: str = "class", **network: Any) -> FittedClassifier:
    learned = LabelPreprocessing(
        kind=kind, classes=("a", "b", "c"), channels=("x", "y"), means=(0, 0), deviations=(1, 1)
    )
    config = ClassifierConfig(**{"hidden_size": 6, **network})
    model = build_classifier(config, learned, torch.Generator().manual_seed(0))
    return FittedClassifier((model.eval(),), learned, LabelConfig(model=config), 1.7)


def make_examples(at_steps: bool = False, rows: Any = (0, 1, 2, 3)) -> Examples:
    starts = torch.tensor([0, *np.cumsum(LENGTHS)])
    values = torch.randn(int(starts[-1]), 2, generator=torch.Generator().manual_seed(1))
    y = torch.zeros(len(values) if at_steps else len(LENGTHS), dtype=torch.int64)
    return Examples(values, starts, y, torch.tensor(list(rows)), at_steps=at_steps)


def test_the_average_of_one_unit_dropped_half_the_time_has_a_closed_form() -> None:
    rates = {**NONE, "output_dropout": 0.5}
    fitted = make(hidden_size=1, bidirectional=False, pooling="last", **rates)
    with torch.no_grad():
        fitted.model.head.bias.copy_(torch.tensor([0.3, -0.2, 0.1]))
    bias = fitted.model.head.bias.detach().numpy()[None]
    scores = fitted.scores(make_examples())
    dropped = probabilities(bias, 1.7)
    kept = probabilities(bias + 2 * (scores - bias), 1.7)

    found = fitted.mc_probabilities(make_examples(), n=400)

    share = ((found - dropped) / (kept - dropped))[:, 0]
    # the same networks for every example
    np.testing.assert_allclose(share, share[0], rtol=1e-4)
    assert 400 * share[0] == pytest.approx(round(400 * share[0]), abs=0.01)
    assert abs(share[0] - 0.5) < 4 * 0.5 / np.sqrt(400)


@pytest.mark.parametrize("kind", ["class", "classes", "steps"])
def test_passes_hang_on_their_seed_and_on_no_other_example(kind: str) -> None:
    fitted, at_steps = make(kind), kind == "steps"

    found = fitted.mc_probabilities(make_examples(at_steps), n=5)
    again = fitted.mc_probabilities(make_examples(at_steps), n=5)
    other = fitted.mc_probabilities(make_examples(at_steps), n=5, seed=1)
    alone = fitted.mc_probabilities(make_examples(at_steps, [3]), n=5)

    assert found.shape == (sum(LENGTHS) if at_steps else len(LENGTHS), 3)
    assert np.array_equal(found, again)
    assert not np.allclose(found, other)
    np.testing.assert_allclose(alone, found[-len(alone) :], rtol=1e-5)
    if kind != "classes":
        np.testing.assert_allclose(found.sum(axis=1), 1.0)
    assert not fitted.model.training


def test_without_dropout_every_pass_is_the_network() -> None:
    fitted = make(**NONE)

    found = fitted.mc_probabilities(make_examples(), n=3)

    assert not fitted.model.drops
    np.testing.assert_allclose(found, fitted.predict_examples(make_examples()), rtol=1e-6)


@pytest.mark.parametrize("place", [*NONE, "zoneout"])
def test_any_rate_that_takes_effect_counts_as_dropout(place: str) -> None:
    rates: Any = {**NONE, place: 0.5}
    fitted = make(**rates)

    drawn = fitted.mc_probabilities(make_examples(), n=2)

    # there is nothing between the layers of one, and no embedding of numbers
    effect = place not in ("dropout", "embedding_dropout")
    assert fitted.model.drops == effect
    assert np.allclose(drawn, fitted.predict_examples(make_examples()), rtol=1e-6) != effect
    assert make(num_layers=2, **{**NONE, "dropout": 0.5}).model.drops


def test_the_temperature_is_that_of_the_fitted_model() -> None:
    fitted = make()

    cold = replace(fitted, temperature=1e-3).mc_probabilities(make_examples(), n=4)

    # each pass is sure of its class
    np.testing.assert_allclose(4 * cold, np.round(4 * cold), atol=1e-6)
