"""Refuse a folder whose files contradict each other, before anything is built from them."""

from collections.abc import Callable, Mapping
from math import isfinite
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from torch import Tensor

from lockgate.errors import DataError
from lockgate.tasks.forecasting.calendar import calendar_features
from lockgate.tasks.forecasting.config import ForecasterConfig
from lockgate.tasks.forecasting.embeddings import width_of
from lockgate.tasks.forecasting.heads import NUMBERS
from lockgate.tasks.forecasting.preprocessing import Preprocessing
from lockgate.tasks.forecasting.public_holidays import holiday_flags
from lockgate.tasks.storage import check_fields, check_tensors

STEP_LIMIT = 2**31


def check_preprocessing(folder: Path, preprocessing: Preprocessing) -> None:
    """Refuse a preprocessing that no table could be applied to.

    Raises:
        DataError: If parts of it differ in length, or hold what learning never gives.
    """
    lengths = {len(preprocessing.columns), len(preprocessing.means), len(preprocessing.stds)}
    a_day = np.array(["2000-01-01"], "datetime64[us]")
    categories = preprocessing.categories
    columns = [*preprocessing.columns[1:], *(one.column for one in categories)]
    wrong = {
        "columns": len(lengths) > 1 or not preprocessing.columns,
        "means": not all(map(isfinite, preprocessing.means)),
        "stds": not all(isfinite(std) and std > 0 for std in preprocessing.stds),
        "with_holes": not {*preprocessing.with_holes} <= {*preprocessing.columns},
        "categories": any(len({*one.values}) < max(2, len(one.values)) for one in categories),
        "known_future": not {*preprocessing.known_future} <= {*columns},
        "calendar": _fails(calendar_features, a_day, preprocessing.calendar),
        "static": not {*preprocessing.static} <= {*columns},
        "holidays": preprocessing.holidays is not None
        and _fails(holiday_flags, pl.Series(a_day), preprocessing.holidays),
        "seasons": min(preprocessing.seasons, default=1) < 1,
        "lookback": not 1 <= preprocessing.lookback < STEP_LIMIT,
        "horizon": not 1 <= preprocessing.horizon < STEP_LIMIT,
        "seen_until": _fails(lambda: preprocessing.last_seen),
        "slots": preprocessing.laid_on.step != preprocessing.frequency,
    }
    check_fields(folder, wrong)


def check_sizes(
    path: Path, state: Mapping[str, Tensor], config: ForecasterConfig, preprocessing: Preprocessing
) -> None:
    """Compare the sizes that `config` asks for with the weights at hand.

    Raises:
        DataError: If they differ, or the weights are no float32.
    """
    must = f"{path} must hold the weights of config.json's model"
    horizon, length = preprocessing.horizon, config.segment_length
    sizes: dict[str, tuple[int, ...]] = {}
    if config.linear_path == "on":
        sizes["linear.weight"] = (preprocessing.features, horizon)
    written = horizon
    if length is not None and config.segment_head == "positions":
        sizes["positions.weight"], written = (-(-horizon // length), config.layer_sizes[0]), length
    ahead = len(preprocessing.channels_ahead)
    ahead += sum(width_of(size) - 1 for size in preprocessing.sizes_known)
    if config.decoder == "recursive":
        read = len(preprocessing.channels) + sum(map(width_of, preprocessing.sizes))
        sizes["recursive.token.weight"], written = (read, 1 + ahead), 1
    width = config.layer_sizes[-1]
    features = (1 + config.layer_directions[-1]) * width
    sizes["head.weight"] = (written, features)
    numbers = NUMBERS[config.head]
    if numbers > 1:
        sizes["spread.weight"] = (written * (numbers - 1), features)
    for place, size in enumerate(preprocessing.sizes):
        sizes[f"embeddings.tables.{place}.weight"] = (size, width_of(size))
    if ahead and config.decoder == "direct":
        sizes |= {"ahead.state.weight": (width, features), "ahead.known.weight": (width, ahead)}
        sizes["ahead.out.weight"] = (numbers, width)
    for name, wanted in sizes.items():
        shape = tuple(state[name].shape) if name in state else None
        if shape != wanted:
            raise DataError(f"{must}: {name} must have shape {wanted}, got {shape}")
    check_tensors(must, state, len(config.layer_sizes))


def _fails(call: Callable[..., Any], *args: Any) -> bool:
    try:
        call(*args)
    except (ValueError, KeyError):
        return True
    return False
