"""Fit one classifier to prepared sequences or texts."""

from collections.abc import Callable
from pathlib import Path

import torch

from lockgate.errors import DataError, quoted
from lockgate.running.machine import check_device
from lockgate.tasks.base import Span
from lockgate.tasks.labelling.config import LabelConfig, LabelTrainingConfig
from lockgate.tasks.labelling.examples import Examples
from lockgate.tasks.labelling.fitted import FittedClassifier, build_classifier
from lockgate.tasks.labelling.network import ClassifierNetwork
from lockgate.tasks.labelling.prepare import PreparedLabelled
from lockgate.tasks.labelling.preprocessing import LabelPreprocessing
from lockgate.tasks.labelling.truncated import losses
from lockgate.training.checkpoint import at
from lockgate.training.fit import fit
from lockgate.training.history import History
from lockgate.training.streams import Streams


def check_metric(preprocessing: LabelPreprocessing, training: LabelTrainingConfig) -> None:
    """Refuse a metric that does not suit the labels.

    Raises:
        DataError: If classes are to be scored as numbers are, or numbers as classes.
    """
    if (training.metric == "log_loss") == (preprocessing.kind == "number"):
        rule = "mae or rmse" if preprocessing.kind == "number" else "log_loss"
        raise DataError(
            f"metric must be {rule} for labels of this kind, got {quoted(training.metric)}"
        )


def _train_vectors(model: ClassifierNetwork, whether: bool) -> None:
    if model.embedding is not None:
        model.embedding.weight.requires_grad_(whether)


def start(
    prepared: PreparedLabelled, config: LabelConfig, streams: Streams, learn: Span = "train"
) -> tuple[ClassifierNetwork, Examples]:
    """Build the network that a fit begins with, and give the examples that it learns from.

    Raises:
        DataError: As `train_classifier`.
    """
    check_device(config.training.device)
    preprocessing, network = prepared.preprocessing, prepared.settle(config.model)
    check_metric(preprocessing, config.training)
    if prepared.encoder is not None:
        prepared.encoder.check(network)
    model = build_classifier(network, preprocessing, streams.weights)
    if prepared.vectors is not None:
        model.start_from(torch.from_numpy(prepared.vectors), streams.weights)
        _train_vectors(model, network.freeze_vectors == 0)
    assert prepared.encoder is not None or not network.pretrain  # else `begin` was left out
    if prepared.encoder is not None:
        prepared.encoder.begin(model)
    return model, prepared.examples(learn)


def train_classifier(
    prepared: PreparedLabelled,
    config: LabelConfig,
    *,
    seed: int = 0,
    name: str = "",
    on_epoch: Callable[[History], None] = lambda _: None,
    learn: Span = "train",
    stop: Span | None = "validation",
    checkpoint: Path | None = None,
) -> tuple[FittedClassifier, History]:
    """Build the network of `config.model` and fit it to labelled data; arguments as in `train`.

    The temperature of its probabilities is left at 1: whoever scores it fits one.

    Raises:
        DataError: If this machine lacks `config.training.device`, the metric does not suit the
            labels, or the network has other sizes than the encoder that it is to begin from.
    """
    config = config.model_copy(update={"model": prepared.settle(config.model)})
    streams = Streams.of(config.training.random_state, seed, name)
    model, train = start(prepared, config, streams, learn)
    frozen = config.model.freeze_vectors

    def after_epoch(history: History) -> None:
        # of a fit that goes on it may be long ago
        if frozen != "always" and history.epochs >= frozen:
            _train_vectors(model, True)
        on_epoch(history)

    validation = None if stop is None else prepared.examples(stop)
    history = fit(
        model,
        train,
        validation if validation is not None and len(validation) else None,
        config.training,
        streams,
        after_epoch,
        losses,
        at(checkpoint, config),
    )
    linear_path = prepared.linear_path if model.linear_path else None
    fitted = FittedClassifier(
        *((model.cpu(),), prepared.preprocessing, config),
        linear_path=linear_path,
        encoder=prepared.encoder,
    )
    return fitted, history
