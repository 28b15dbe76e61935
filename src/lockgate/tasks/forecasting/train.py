"""Fit one model to one prepared table."""

from collections.abc import Callable
from pathlib import Path

from lockgate.running.machine import check_device
from lockgate.tasks.base import Span
from lockgate.tasks.forecasting.choose import choose, ready
from lockgate.tasks.forecasting.config import ForecastConfig
from lockgate.tasks.forecasting.fitted import FittedForecaster
from lockgate.tasks.forecasting.forks import Forks, forked
from lockgate.tasks.forecasting.network import ForecastNetwork, read_by
from lockgate.tasks.forecasting.prepare import MOST_JUDGED, Prepared
from lockgate.tasks.forecasting.windows import Windows
from lockgate.training.checkpoint import at
from lockgate.training.fit import fit
from lockgate.training.history import History
from lockgate.training.streams import Streams


def start(
    prepared: Prepared, config: ForecastConfig, streams: Streams, learn: Span = "train"
) -> tuple[ForecastNetwork, Windows | Forks]:
    """Build the network that a fit begins with, and give the windows that it learns from.

    Raises:
        DataError: If this machine lacks `config.training.device`.
    """
    check_device(config.training.device)
    prepared = choose(prepared, config)
    settled = prepared.choices.settle(config.model)
    model, windows = ready(prepared, settled, streams.weights, learn)
    return model, forked(windows.weighted(config.training.series_weight), config)


def train(
    prepared: Prepared,
    config: ForecastConfig,
    *,
    seed: int = 0,
    name: str = "",
    on_epoch: Callable[[History], None] = lambda _: None,
    learn: Span = "train",
    stop: Span | None = "validation",
    checkpoint: Path | None = None,
) -> tuple[FittedForecaster, History]:
    """Build the network of `config.model` and fit it to windows of `prepared`.

    Args:
        prepared: The table; its test windows are not looked at.
        config: The run. `config.training.random_state` and `seed` choose the random numbers.
        seed: Which repetition of the run this is.
        name: Which of several networks of one seed this is; changes the dropout masks alone.
        on_epoch: Called with the history after every epoch.
        learn: The part whose windows are learned from.
        stop: The part whose windows decide when to stop; None leaves it to the limits.
        checkpoint: File from which a fit that was killed goes on; None keeps nothing.

    Raises:
        DataError: If this machine lacks `config.training.device`.
    """
    prepared = choose(prepared, config)
    config = config.model_copy(update={"model": prepared.choices.settle(config.model)})
    streams = Streams.of(config.training.random_state, seed, name)
    model, windows = start(prepared, config, streams, learn)
    judged = None
    if stop is not None:
        # in whole stretches, if they fork
        every = forked(read_by(config.model, prepared.every(stop)), config)
        judged = every.sampled(MOST_JUDGED)
    history = fit(
        model,
        windows,
        judged,
        config.training,
        streams,
        on_epoch,
        checkpoint=at(checkpoint, config),
    )
    return FittedForecaster((model.cpu(),), prepared.preprocessing, config), history
