"""Choose once, on validation, what the settings of a forecaster leave to the data."""

import logging
import math
from dataclasses import replace
from typing import get_args

from lockgate.errors import DataError, count_of, option
from lockgate.running.local import one_thread
from lockgate.tasks.forecasting.config import (
    ForecastConfig,
    ForecasterConfig,
    ForecastTrainingConfig,
    Level,
)
from lockgate.tasks.forecasting.network import build
from lockgate.tasks.forecasting.prepare import Prepared
from lockgate.tasks.stack.rungs import RATES
from lockgate.training.fit import fit
from lockgate.training.streams import Streams

TRIAL_STEPS = 300
TRIAL_SIZE = 32
JUDGED_WINDOWS = 1_000
MARGIN = 0.02
"""What another level must lower the score by to be taken in place of `PREFERRED`: trials are short,
and what lies nearer differs from seed to seed."""
PREFERRED: Level = "last"
LOG = logging.getLogger(__name__)


def choose(prepared: Prepared, config: ForecastConfig) -> Prepared:
    """Return `prepared` with everything chosen that `config` leaves open.

    Looked at are training and validation windows. What is chosen already stays: all networks of a
    study share it.

    Raises:
        DataError: If a segment is longer than the windows.
    """
    choices = prepared.choices
    _check_segments(config.model, prepared.preprocessing.lookback)
    if not choices.leaves(config.model):
        return prepared
    scores = level_scores(prepared, config)
    best = next(iter(scores))
    clear = scores[best] < (1 - MARGIN) * scores[PREFERRED]
    update = {"normalise": best if clear else PREFERRED, "level_scores": scores}
    chosen = choices.model_copy(update=update)
    LOG.info("normalise: %s", chosen.words["normalise"])
    return replace(prepared, choices=chosen)


def _check_segments(model: ForecasterConfig, lookback: int) -> None:
    length = model.segment_length
    if length is not None and length > lookback:
        raise DataError(
            f"segment_length must be at most the lookback of {count_of(lookback, 'step')}, got "
            f"{length}; pass {option('lookback', length)}, or a shorter segment_length"
        )


def level_scores(prepared: Prepared, config: ForecastConfig) -> dict[Level, float]:
    """Return the validation score of a small network less each level, the best first.

    The network is a GRU of `TRIAL_SIZE` that drops nothing, fitted for `TRIAL_STEPS` steps with
    the same random numbers and scored on `JUDGED_WINDOWS`: its errors differ less than those of
    networks that are fitted to the end, and stand in their order where they are clearly apart. A
    linear model does not show it: it has no need of a level.
    """
    preprocessing, std = prepared.preprocessing, prepared.preprocessing.scale.std
    channels, horizon = len(preprocessing.channels), preprocessing.horizon
    train, validation = prepared.windows("train"), prepared.windows("validation")
    training = _trial(config.training)
    scores: dict[Level, float] = {}
    with one_thread():
        for level in get_args(Level):
            streams = Streams.of(config.training.random_state, 0, "")
            model = build(_small(config.model, level), channels, horizon, streams.weights)
            history = fit(model, train, validation.thinned(JUDGED_WINDOWS), training, streams)
            if history.stopped == "interrupted":
                raise KeyboardInterrupt
            loss = history.validation[-1]
            score = math.sqrt(loss) if training.metric == "rmse" else loss
            scores[level] = score * std if math.isfinite(score) else math.inf
    return dict(sorted(scores.items(), key=lambda one: one[1]))


def _small(model: ForecasterConfig, level: Level) -> ForecasterConfig:
    """Return the smallest network that shows what a level does: it reads as `model` does."""
    off = {str(place): 0.0 for place in RATES if hasattr(model, place)}
    one_layer = {"hidden_size": TRIAL_SIZE, "num_layers": 1, "bidirectional": False}
    return model.model_copy(update={**off, **one_layer, "cell": "gru", "normalise": level})


def _trial(training: ForecastTrainingConfig) -> ForecastTrainingConfig:
    """Return the same training, cut to a trial that is scored once."""
    trial = {
        "max_steps": TRIAL_STEPS,
        "epoch_windows": TRIAL_STEPS * training.batch_size,
        "max_epochs": TRIAL_STEPS,
        "patience": TRIAL_STEPS,
    }
    return training.model_copy(update=trial)
