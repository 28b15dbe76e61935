"""The sets of the developers, read and prepared, with their validation part in two halves."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import torch

from lockgate.settings import resolve
from lockgate.tasks.base import Task
from lockgate.tasks.forecasting.forks import forked
from lockgate.tasks.forecasting.windows import Windows
from lockgate.tasks.labelling.examples import Examples
from lockgate.tasks.registry import task
from lockgate.training.data import Data

FORECASTER: Mapping[str, Any] = {"cell": "gru", "hidden_size": 64}
NO_RATES: Mapping[str, float] = dict.fromkeys(
    ["input_dropout", "dropout", "recurrent_dropout", "output_dropout"], 0.0
)
INPUT: Mapping[str, float] = {**NO_RATES, "input_dropout": 0.25}
WORDS: Mapping[str, Any] = {
    **dict.fromkeys(["input_dropout", "dropout", "recurrent_dropout", "output_dropout"], 0.5),
    "embedding_dropout": 0.2,
}
NO_WORDS: Mapping[str, float] = {**NO_RATES, "embedding_dropout": 0.0, "weight_dropout": 0.0}


class Set(NamedTuple):
    """A data set: where it lies, how it is read, and how much longer than others it trains."""

    task: str
    path: str
    settings: Mapping[str, Any]
    stretch: int = 1  # multiplies epochs and patience where an epoch is few steps


def forecast(path: str, stretch: int = 1, **settings: Any) -> Set:
    return Set("forecast", path, {**settings, **FORECASTER}, stretch)


JENA: Mapping[str, Any] = {
    "time": "date",
    "target": "T (degC)",
    "missing": (-9999.0,),
    "resample": "1h",
}
SETS: Mapping[str, Set] = {
    "Jena 1 h": forecast("jena_weather_2020/weather.csv.gz", horizon="1h", **JENA),
    "Jena 24 h": forecast("jena_weather_2020/weather.csv.gz", horizon="24h", **JENA),
    "ETTh1 24 h": forecast("ett/ETTh1.csv.gz", target="OT", horizon="24h"),
    "PM2.5 24 h": forecast(
        "beijing_pm25/pollution.csv.gz", time="year,month,day,hour", target="pm2.5", horizon="24h"
    ),
    "bike 24 h": forecast(
        "bike_sharing/hour.csv.gz",
        time="dteday,hr",
        target="cnt",
        exclude=("casual", "registered"),
        horizon="24h",
    ),
    "taylor 24 h": forecast(
        "classic_univariate/taylor.csv", 3, target="Y", horizon=48, row_order=True
    ),
    "TREC": Set(
        "labels",
        "en_sentences/TREC.train.all.gz",
        {"test": "en_sentences/TREC.test.all", "embedding_size": 128},
    ),
    "SST-2": Set(
        "labels",
        "en_sentences/stsa.binary.train.gz",
        {
            "test": "en_sentences/stsa.binary.test.gz",
            "validation": "en_sentences/stsa.binary.dev",
        },
    ),
    "ChnSentiCorp": Set(
        "labels",
        "zh_chnsenticorp/ChnSentiCorp_htl_all.csv.gz",
        {
            "text": "review",
            "label": "label",
            "drop_empty": True,
            "tokens": "bpe",
            "vocab_size": 8000,
            "max_length": 200,
        },
    ),
    "JapaneseVowels": Set(
        "labels",
        "tsc_aeon/JapaneseVowels_TRAIN.ts.gz",
        {"test": "tsc_aeon/JapaneseVowels_TEST.ts.gz", "batch_size": 16},
        8,
    ),
}


class Loaded(NamedTuple):
    """A set with its training part, and the halves of validation: to stop by, and to judge by."""

    task: Task
    config: Any
    prepared: Any
    train: Data
    stops: Data
    judges: Data


def load(data: Path, one: Set) -> Loaded:
    """Read and prepare a set. Its test part is not looked at."""
    chosen = task(one.task)
    settings = dict(one.settings)
    for part in ("test", "validation"):
        if part in settings:
            settings[part] = str(data / settings[part])
    config = resolve(chosen.run, settings)
    prepared = chosen.prepare(chosen.read(data / one.path, config), config)
    halves = _halves(chosen.part(prepared, "validation"))
    return Loaded(chosen, config, prepared, chosen.part(prepared, "train"), *halves)


def network(one: Set, config: Any, *, dropout: bool, normalise: str) -> Any:
    """Return the settings of the network, with its rates or without; of tables its level too."""
    if one.task == "forecast":
        rates = INPUT if dropout else NO_RATES
    else:
        rates = WORDS if dropout else NO_WORDS
    known = type(config.model).model_fields
    told = {**rates, "normalise": normalise}
    return config.model.model_copy(update={k: v for k, v in told.items() if k in known})


def as_learned(data: Data, config: Any) -> Data:
    """Return a part as the network of `config` is fitted to it."""
    return forked(data, config) if isinstance(data, Windows) else data


def _halves(data: Any) -> tuple[Data, Data]:
    """Part validation: windows in time, a horizon apart, examples at random."""
    if isinstance(data, Windows):
        middle = data.origins[len(data) // 2]
        stops = data.origins[data.origins < middle - data.horizon]
        judges = data.origins[data.origins >= middle]
        return replace(data, origins=stops), replace(data, origins=judges)
    assert isinstance(data, Examples)
    order = data.rows[torch.randperm(len(data), generator=torch.Generator().manual_seed(0))]
    half = len(order) // 2
    first, second = order[:half].sort().values, order[half:].sort().values
    return replace(data, rows=first), replace(data, rows=second)
