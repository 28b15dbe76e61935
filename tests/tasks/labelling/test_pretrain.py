"""Pre-training predicts the tokens of the training texts, and nothing that it has read."""

import logging
from typing import Any

import numpy as np
import pytest
import torch
from counting import examples, network
from pydantic import ValidationError

import lockgate.api
from lockgate.errors import DataError
from lockgate.tasks.labelling.config import ClassifierConfig, LabelConfig, LabelledConfig
from lockgate.tasks.labelling.labelled import Labelled, Ragged
from lockgate.tasks.labelling.learn_encoder import learn_encoder
from lockgate.tasks.labelling.prepare import prepare_labelled
from lockgate.tasks.labelling.pretrain import pretrain
from lockgate.tasks.labelling.task import Labelling

BOTH = pytest.mark.parametrize("both", [False, True], ids=["forward", "both"])


@BOTH
def test_what_can_be_foreseen_is_learned(both: bool) -> None:
    classifier = network(both)
    config = LabelConfig.model_validate(
        {
            "model": {"pretrain": True, "pretrain_epochs": 15},
            "training": {"batch_size": 8, "learning_rate": 0.02},
        }
    )
    head = classifier.head.weight.clone()

    history = pretrain(classifier, examples([12] * 64), config)

    assert history.epochs == 15
    assert history.training[-1] < 0.5 < history.training[0]
    assert torch.equal(classifier.head.weight, head)
    assert classifier.embedding is not None
    assert not classifier.embedding.weight[0].any()  # padding stays zero


def reviews(kind: Any = "class") -> Labelled:
    texts = tuple(f"a {('bad', 'good')[i % 2]} film {i % 5}" for i in range(60))
    labels: Any = np.array(["no", "yes"] * 30) if kind == "class" else np.arange(60.0)
    return Labelled(texts, labels, kind, tuple(map(str, range(60))), "a.csv")


@pytest.mark.parametrize("kind", ["class", "number"])
def test_a_classifier_is_trained_on_after_its_cost_was_told(
    kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    model = {"pretrain": True, "pretrain_epochs": 2, "hidden_size": 4, "embedding_size": 3}
    metric = "log_loss" if kind == "class" else "mae"
    config = LabelConfig.model_validate(
        {"model": model, "training": {"max_epochs": 1, "metric": metric}}
    )
    prepared = prepare_labelled(reviews(kind), LabelledConfig(min_count=1), config.model)

    with caplog.at_level(logging.INFO, "lockgate"):
        prepared = learn_encoder(reviews(kind), prepared, config)
        fitted, history = Labelling().train(prepared, config)
        again, _ = Labelling().train(learn_encoder(reviews(kind), prepared, config), config)

    told = [record.getMessage() for record in caplog.records]
    tokens = 4 * len(prepared.parts.train)
    cost = f"note: pre-training on {tokens} tokens, 2 epochs of 1 step: a minute or less"
    assert told[0] == cost
    assert [line.split(":")[0] for line in told[1:3]] == [
        "pre-training epoch 1",
        "pre-training epoch 2",
    ]
    assert history.epochs == 1
    pairs = zip(fitted.model.parameters(), again.model.parameters(), strict=True)
    assert all(torch.equal(one, other) for one, other in pairs)


def test_a_loss_that_diverges_is_told() -> None:
    config = LabelConfig.model_validate({"training": {"learning_rate": 1e38}})

    with pytest.raises(DataError, match="pre-training diverged: pass a smaller learning_rate"):
        pretrain(network(False), examples([12] * 8), config)


def test_an_interrupt_after_an_epoch_ends_it_with_what_was_learned(
    caplog: pytest.LogCaptureFixture,
) -> None:
    classifier = network(False)
    before = classifier.stack.weight_hh_l0.clone()  # type: ignore[union-attr]

    def interrupt(_: Any) -> None:
        raise KeyboardInterrupt

    history = pretrain(classifier, examples([12] * 8), LabelConfig(), interrupt)

    assert history.stopped == "interrupted"
    assert "note: pre-training ended after 1 epoch: what it has learned is kept" in caplog.text
    assert not torch.equal(classifier.stack.weight_hh_l0, before)  # type: ignore[arg-type]


def test_several_layers_of_both_directions_are_refused() -> None:
    match = "pretrain must be false for several layers that read both directions, got true"
    with pytest.raises(ValidationError, match=match):
        ClassifierConfig(pretrain=True, num_layers=2)
    ClassifierConfig(pretrain=True, num_layers=2, bidirectional=False)


def test_sequences_of_numbers_are_refused() -> None:
    ragged = Ragged.of([np.full((3, 1), i, dtype=np.float32) for i in range(20)])
    names = tuple(map(str, range(20)))
    data = Labelled(ragged, np.array(["a", "b"] * 10), "class", names, "a.ts", ("x",))

    with pytest.raises(DataError, match="pretrain must be left out for sequences of numbers, got"):
        prepare_labelled(data, LabelledConfig(), ClassifierConfig(pretrain=True))


def test_a_study_is_refused(labelled: Any) -> None:
    with pytest.raises(DataError, match="pretrain must be false in a study, got true"):
        lockgate.api.plan_study(labelled("texts")[0], rungs="lstm", pretrain=True)
