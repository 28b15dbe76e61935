"""Train the embedding and the stack of a classifier of texts as a language model first."""

import copy
import logging
import math
import time
from collections.abc import Callable
from pathlib import Path

import torch

from lockgate.errors import DataError, count_of
from lockgate.tasks.labelling.config import LabelConfig
from lockgate.tasks.labelling.examples import Examples
from lockgate.tasks.labelling.language_model import LanguageModel, losses_of
from lockgate.tasks.labelling.network import ClassifierNetwork
from lockgate.tasks.labelling.pieces import Pieces
from lockgate.training.checkpoint import at
from lockgate.training.fit import BatchLosses, fit
from lockgate.training.history import History
from lockgate.training.origin import warn_if_elsewhere
from lockgate.training.streams import Streams

LOG = logging.getLogger(__name__)
NAME = "pretrain"
"""Of the fit, by which its random numbers are told from others."""
TIMED_STEPS = 3


def pretrain(
    classifier: ClassifierNetwork,
    train: Examples,
    config: LabelConfig,
    on_epoch: Callable[[History], None] = lambda _: None,
    checkpoint: Path | None = None,
) -> History:
    """Train embedding and stack in place to predict the tokens of the training texts.

    Ctrl-C after the first epoch ends it early, with what was learned: it is not taken up again.

    Args:
        classifier: Whose embedding and stack are trained; its head stays as it is.
        train: The texts; their labels are not looked at.
        config: `config.model.pretrain_epochs` passes, else as `config.training`.
        on_epoch: Called with the losses so far after every epoch, and before the first step where
            it goes on.
        checkpoint: The file from which it goes on if it was killed, and ends in the same weights.

    Raises:
        DataError: If the loss diverges, or the checkpoint is damaged or of another fit.
    """
    streams = Streams.of(config.training.random_state, 0, NAME)
    model = LanguageModel(classifier, streams.weights)
    pieces = Pieces.of(train, classifier.directions)
    frequencies = pieces.frequencies(len(model.embedding.weight))
    model.start_from(frequencies)
    losses = losses_of(pieces.targets, frequencies)
    epochs = config.model.pretrain_epochs
    training = config.training.model_copy(
        update={
            "metric": "log_loss",
            "max_epochs": epochs,
            "max_steps": None,
            "validations": 1,
            "epoch_windows": len(pieces),
        }
    )
    goes_on = checkpoint is not None and checkpoint.exists()
    if checkpoint is not None:
        warn_if_elsewhere([checkpoint])
    if not goes_on:
        steps = -(-len(pieces) // training.batch_size)
        seconds = _seconds_of_step(model, pieces, training.batch_size, losses)
        LOG.warning(
            "note: pre-training on %s, %s of %s: %s",
            count_of(int(train.lengths.sum()), "token"),
            count_of(epochs, "epoch"),
            count_of(steps, "step"),
            _duration(epochs * steps * seconds),
        )

    def told(history: History) -> None:
        nonlocal goes_on
        if goes_on and history.stopped is None:
            _tell_what_is_left(history, epochs)
        goes_on = False
        LOG.info("pre-training epoch %d: perplexity %.1f", history.epochs, perplexity_of(history))
        on_epoch(history)

    kept = at(checkpoint, config, keeps_interrupted=True)
    history = fit(model, pieces, None, training, streams, told, losses, kept)
    if history.stopped == "diverged":
        raise DataError("pre-training diverged: pass a smaller learning_rate")
    if history.stopped == "interrupted":
        done = count_of(round(history.epochs), "epoch")
        LOG.warning("note: pre-training ended after %s: what it has learned is kept", done)
    return history


def perplexity_of(history: History) -> float:
    """Return the perplexity of the training texts after the last epoch."""
    return math.exp(min(history.training[-1], 100.0))


def _tell_what_is_left(history: History, epochs: int) -> None:
    """Say where pre-training goes on, and how long it takes at the pace of before."""
    left = (epochs - history.epochs) * sum(history.seconds) / history.epochs
    done = f"epoch {history.epochs:g} of {epochs}"
    LOG.warning("note: pre-training goes on after %s: %s", done, _duration(left))


def _duration(seconds: float) -> str:
    minutes = seconds / 60
    return f"about {minutes:.0f} minutes" if minutes >= 1.5 else "a minute or less"


def _seconds_of_step(
    model: LanguageModel, pieces: Pieces, batch_size: int, losses: BatchLosses
) -> float:
    """Time a few steps of a copy."""
    tried, few = copy.deepcopy(model).train(), pieces.thinned(batch_size)
    batch, masks = few.batch(slice(None)), torch.Generator()
    times = []
    for _ in range(TIMED_STEPS):
        began = time.perf_counter()
        for loss in losses(tried, batch, LabelConfig().training, masks):
            torch.autograd.backward(loss)
        times.append(time.perf_counter() - began)
    return min(times)
