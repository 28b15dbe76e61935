"""Choose once, on validation, what the settings of a forecaster leave to the data."""

import math
from dataclasses import replace
from typing import Literal, get_args

from lockgate.errors import DataError, count_of, option
from lockgate.running.local import one_thread
from lockgate.tasks.forecasting.config import (
    ForecastConfig,
    ForecasterConfig,
    ForecastTrainingConfig,
    Level,
)
from lockgate.tasks.forecasting.ladder import LADDER
from lockgate.tasks.forecasting.linear_path import contest, fit_linear_path, linear_path_why_not
from lockgate.tasks.forecasting.network import build
from lockgate.tasks.forecasting.prepare import Prepared
from lockgate.tasks.forecasting.ridge import MOST_FEATURES
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


def choose(prepared: Prepared, config: ForecastConfig) -> Prepared:
    """Return `prepared` with everything chosen that `config` leaves open.

    Looked at are training and validation windows. What is chosen already stays: all networks of a
    study share it.

    Raises:
        DataError: If a segment is longer than the windows, or no ridge can be fitted to these.
    """
    _check_segments(config.model, prepared.preprocessing.lookback)
    if config.model.normalise == "auto" and prepared.choices.normalise is None:
        prepared = _with_level(prepared, config)
    if config.model.linear_path == "auto" and prepared.choices.linear_path is None:
        prepared = _with_choice_of_path(prepared, config)
    if prepared.linear is None and (undo := _how_to_undo(config)):
        prepared = _with_path(prepared, config, undo)
    return prepared


def _with_level(prepared: Prepared, config: ForecastConfig) -> Prepared:
    scores = level_scores(prepared, config)
    best = next(iter(scores))
    clear = scores[best] < (1 - MARGIN) * scores[PREFERRED]
    update = {"normalise": best if clear else PREFERRED, "level_scores": scores}
    return replace(prepared, choices=prepared.choices.model_copy(update=update))


def _with_choice_of_path(prepared: Prepared, config: ForecastConfig) -> Prepared:
    train, validation = prepared.windows("train"), prepared.windows("validation")
    chosen: Literal["off", "on"] = "off"
    reason, linear = linear_path_why_not(train), None
    if reason is None:
        scale, metric = prepared.preprocessing.scale, config.training.metric
        linear = fit_linear_path(train, validation, metric, scale)
        seasons = prepared.preprocessing.seasons
        found = contest(linear.ridge, validation, metric, scale, seasons)
        chosen, reason = "on" if found.won else "off", str(found)
    update = {"linear_path": chosen, "linear_reason": reason}
    choices = prepared.choices.model_copy(update=update)
    return replace(prepared, choices=choices, linear=linear if chosen == "on" else None)


def _how_to_undo(config: ForecastConfig) -> str | None:
    """Return how to have no linear path, if one is asked for."""
    on = {rung.name for rung in LADDER if dict(rung.sets).get("linear_path") == "on"}
    if rungs := on & {*getattr(config, "rungs", ())}:
        return f"leave {', '.join(rungs)} out of rungs"
    asked = config.model.linear_path == "on"
    return "pass linear_path=off (--set linear_path=off)" if asked else None


def _with_path(prepared: Prepared, config: ForecastConfig, undo: str) -> Prepared:
    train, preprocessing = prepared.windows("train"), prepared.preprocessing
    if reason := linear_path_why_not(train):
        most = MOST_FEATURES // len(preprocessing.channels)
        shorter = f"pass {option('lookback', most)}, or " if most < preprocessing.lookback else ""
        raise DataError(
            f"linear_path must be off with these windows, got on: {reason}; {shorter}{undo}"
        )
    metric, scale = config.training.metric, preprocessing.scale
    linear = fit_linear_path(train, prepared.windows("validation"), metric, scale)
    return replace(prepared, linear=linear)


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
    return model.model_copy(
        update={**off, **one_layer, "cell": "gru", "normalise": level, "linear_path": "off"}
    )


def _trial(training: ForecastTrainingConfig) -> ForecastTrainingConfig:
    """Return the same training, cut to a trial that is scored once."""
    trial = {
        "max_steps": TRIAL_STEPS,
        "epoch_windows": TRIAL_STEPS * training.batch_size,
        "max_epochs": TRIAL_STEPS,
        "patience": TRIAL_STEPS,
    }
    return training.model_copy(update=trial)
