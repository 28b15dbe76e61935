"""Fit one language model to a prepared text."""

from collections.abc import Callable
from pathlib import Path

from lockgate.running.machine import check_device
from lockgate.tasks.language.config import LanguageConfig
from lockgate.tasks.language.fitted import FittedLanguageModel, build_language_model
from lockgate.tasks.language.network import LanguageNetwork
from lockgate.tasks.language.prepare import PreparedText
from lockgate.tasks.language.streams import Stream
from lockgate.training.checkpoint import at
from lockgate.training.fit import fit
from lockgate.training.history import History
from lockgate.training.streams import Streams


def start(
    prepared: PreparedText, config: LanguageConfig, streams: Streams
) -> tuple[LanguageNetwork, Stream]:
    """Build the network that a fit begins with, and give the text that it learns from.

    Raises:
        DataError: If this machine lacks `config.training.device`.
    """
    check_device(config.training.device)
    network = build_language_model(config.model, prepared.preprocessing, streams.weights)
    return network, prepared.stream("train")


def train_language_model(
    prepared: PreparedText,
    config: LanguageConfig,
    *,
    seed: int = 0,
    name: str = "",
    on_epoch: Callable[[History], None] = lambda _: None,
    checkpoint: Path | None = None,
) -> tuple[FittedLanguageModel, History]:
    """Build the network of `config.model` and fit it.

    The batches of an epoch follow each other through the text and carry the state along; see
    `Stream`. The loss of a batch is one, so that there is an optimiser step for each chunk.

    Raises:
        DataError: If this machine lacks `config.training.device`.
    """
    streams = Streams.of(config.training.random_state, seed, name)
    model, train = start(prepared, config, streams)
    history = fit(
        model,
        train,
        prepared.stream("validation"),
        config.training,
        streams,
        on_epoch,
        checkpoint=at(checkpoint, config),
    )
    return FittedLanguageModel(model.cpu(), prepared.preprocessing, config), history
