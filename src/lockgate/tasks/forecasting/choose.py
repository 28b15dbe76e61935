"""Choose once, on validation, what the settings of a forecaster leave to the data."""

import math
from dataclasses import replace
from typing import Any, get_args

import numpy as np
import torch

from lockgate.errors import DataError, count_of, option
from lockgate.running.local import one_thread
from lockgate.tasks.base import Span
from lockgate.tasks.forecasting.config import (
    COUNTS,
    ForecastConfig,
    ForecasterConfig,
    ForecastTrainingConfig,
    Level,
)
from lockgate.tasks.forecasting.forks import forked
from lockgate.tasks.forecasting.ladder import LADDER
from lockgate.tasks.forecasting.linear_path import LinearPath, fit_linear_path, linear_path_why_not
from lockgate.tasks.forecasting.network import ForecastNetwork, build_for, read_by
from lockgate.tasks.forecasting.prepare import Prepared
from lockgate.tasks.forecasting.ridge import MOST_FEATURES
from lockgate.tasks.forecasting.windows import Windows
from lockgate.tasks.stack.rungs import RATES
from lockgate.training.fit import fit
from lockgate.training.streams import Streams

TRIAL_STEPS = 300
TRIAL_SIZE = 32
JUDGED_WINDOWS = 1_000
MARGIN = 0.02
"""What another level than `PREFERRED`, or a linear path, must lower the score by to be taken:
trials are short, and what lies nearer differs from seed to seed."""
PREFERRED: Level = "last_std"
FRACTION, PRECISION = 1e-3, 1e-7
"""How far from a whole number a count may lie, and how far as a part of it and of the mean of its
series: targets are scaled in float32."""


def choose(prepared: Prepared, config: ForecastConfig) -> Prepared:
    """Return `prepared` with everything chosen that `config` leaves open.

    Looked at are training and validation windows. What is chosen already stays: all networks of a
    study share it.

    Raises:
        DataError: If a segment is longer than the windows, no ridge can be fitted to these, or a
            head of counts is asked for and the target holds none.
    """
    _check_segments(config.model, prepared.preprocessing.lookback)
    _check_counts(config.model, prepared)
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
    return _with_choices(prepared, normalise=best if clear else PREFERRED, level_scores=scores)


def _with_choice_of_path(prepared: Prepared, config: ForecastConfig) -> Prepared:
    if reason := linear_path_why_not(prepared.windows("train")):
        return _with_choices(prepared, linear_path="off", linear_reason=reason)
    fitted = replace(prepared, linear=_fit_path(prepared, config))
    level = prepared.choices.settle(config.model).normalise
    off, on = (
        _trial_score(fitted, config, {"normalise": level, "linear_path": path})
        for path in ("off", "on")
    )
    reason = f"{on:.4g} of a small network on top of the ridge on validation, {off:.4g} without it"
    if on < (1 - MARGIN) * off:
        return _with_choices(fitted, linear_path="on", linear_reason=reason)
    return _with_choices(prepared, linear_path="off", linear_reason=reason)


def _with_choices(prepared: Prepared, **update: Any) -> Prepared:
    return replace(prepared, choices=prepared.choices.model_copy(update=update))


def _fit_path(prepared: Prepared, config: ForecastConfig) -> LinearPath:
    parts = prepared.windows("train"), _first_half(prepared)
    return fit_linear_path(*parts, config.training.metric)


def _how_to_undo(config: ForecastConfig) -> str | None:
    """Return how to have no linear path, if one is asked for."""
    on = {rung.name for rung in LADDER if dict(rung.sets).get("linear_path") == "on"}
    if rungs := on & {*getattr(config, "rungs", ())}:
        return f"leave {', '.join(rungs)} out of rungs"
    asked = config.model.linear_path == "on"
    return "pass linear_path=off (--set linear_path=off)" if asked else None


def _with_path(prepared: Prepared, config: ForecastConfig, undo: str) -> Prepared:
    train = prepared.windows("train")
    if reason := linear_path_why_not(train):
        raise DataError(
            f"linear_path must be off with these windows, got on: {reason}; {_shorter(train)}{undo}"
        )
    return replace(prepared, linear=_fit_path(prepared, config))


def _shorter(train: Windows) -> str:
    """Return a lookback with which there can be a path, if there is one."""
    channels = train.channels
    ahead = train.features - train.lookback * channels
    steps = max(0, min(train.lookback - 1, (MOST_FEATURES - ahead) // channels))
    while steps and linear_path_why_not(replace(train, lookback=steps)):
        steps //= 2
    return f"pass {option('lookback', steps)}, or " if steps else ""


def _first_half(prepared: Prepared) -> Windows:
    """Return what sets a ridge's strength: the second half of validation is to weigh it."""
    first = prepared.windows("stopping")
    return first if len(first) else prepared.windows("validation")


def _check_segments(model: ForecasterConfig, lookback: int) -> None:
    length = model.segment_length
    if length is not None and length > lookback:
        raise DataError(
            f"segment_length must be at most the lookback of {count_of(lookback, 'step')}, got "
            f"{length}; pass {option('lookback', length)}, or a shorter segment_length"
        )


def _check_counts(model: ForecasterConfig, prepared: Prepared) -> None:
    if model.head not in COUNTS:
        return
    series, target = prepared.arrays.series, prepared.arrays.target
    rows = np.arange(len(target))
    y = series.invert(target[:, None], rows)[:, 0]
    near = FRACTION + PRECISION * (np.abs(y) + np.abs(series.means[series.of(rows)]))
    wrong = (np.abs(y - y.round()) > near) | (y < -near)
    if wrong.any():
        first = y[wrong][0]
        raise DataError(
            f"target must hold whole numbers from 0 on with head={model.head}, got {first:.6g}; "
            "pass head=quantiles or normal (--set head=quantiles)"
        )


def ready(
    prepared: Prepared, model: ForecasterConfig, weights: torch.Generator, learn: Span = "train"
) -> tuple[ForecastNetwork, Windows]:
    """Build a network, and give the windows that it learns from as it is fitted to them."""
    network = build_for(model, prepared.preprocessing, weights)
    windows = read_by(model, prepared.windows(learn))
    if network.linear is not None and prepared.linear is not None:
        network.linear.take(prepared.linear.ridge)
        windows = prepared.linear.under(windows)
    return network, windows


def level_scores(prepared: Prepared, config: ForecastConfig) -> dict[Level, float]:
    """Return the validation score of a small network less each level, the best first.

    A linear model does not show it: it has no need of a level. Where the network of `config` drops
    anything the score is the mean of two, of which one drops as it does: one that finds the last
    value among its inputs does well without the level that holds it, until these are dropped.
    """
    model = config.model
    rates: dict[str, Any] = {name: getattr(model, name) for name in RATES if hasattr(model, name)}
    of_each = ({}, rates) if any(rates.values()) else ({},)

    def score(level: Level) -> float:
        told = {"normalise": level, "linear_path": "off"}
        return float(np.mean([_trial_score(prepared, config, told | rates) for rates in of_each]))

    scores: dict[Level, float] = {level: score(level) for level in get_args(Level)}
    return dict(sorted(scores.items(), key=lambda one: one[1]))


def _trial_score(prepared: Prepared, config: ForecastConfig, update: dict[str, Any]) -> float:
    """Return the validation score of a small network, in the target's unit.

    The network is a GRU of `TRIAL_SIZE` that drops nothing but what `update` says, reads as
    `config.model` does and forecasts a point, whose loss is the score. It is fitted for
    `TRIAL_STEPS` steps with the same random numbers and scored on `JUDGED_WINDOWS`: such errors
    stand in the order of those of networks fitted to the end, where they are clearly apart.
    """
    streams, training = Streams.of(config.training.random_state, 0, ""), _trial(config.training)
    trial = config.model_copy(update={"model": _small(config.model, update)})
    validation = prepared.windows("validation").thinned(JUDGED_WINDOWS)
    with one_thread():
        network, train = ready(prepared, trial.model, streams.weights)
        history = fit(network, forked(train, trial), forked(validation, trial), training, streams)
    if history.stopped == "interrupted":
        raise KeyboardInterrupt
    loss = history.validation[-1]
    score = math.sqrt(loss) if training.metric == "rmse" else loss
    return score * prepared.preprocessing.std if math.isfinite(score) else math.inf


def _small(model: ForecasterConfig, update: dict[str, Any]) -> ForecasterConfig:
    off = {str(place): 0.0 for place in RATES if hasattr(model, place)}
    one_layer = {"hidden_size": TRIAL_SIZE, "num_layers": 1, "bidirectional": False}
    alike = {"cell": "gru", "head": "point"}
    return model.model_copy(update={**off, **one_layer, **alike, **update})


def _trial(training: ForecastTrainingConfig) -> ForecastTrainingConfig:
    """Return the same training, cut to a trial that is scored once."""
    trial = {
        "max_steps": TRIAL_STEPS,
        "epoch_windows": TRIAL_STEPS * training.batch_size,
        "max_epochs": TRIAL_STEPS,
        "patience": TRIAL_STEPS,
    }
    return training.model_copy(update=trial)
