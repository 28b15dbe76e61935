"""The tables of the comparison, on their grid, with the parts that every library is given."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from lockgate.files import new_folder, write_text
from lockgate.settings import resolve
from lockgate.tasks.forecasting.config import ForecastConfig
from lockgate.tasks.forecasting.prepare import Prepared, prepare, read
from lockgate.tasks.forecasting.table import Table


class Set(NamedTuple):
    """A table: where it lies and how `lockgate train` reads it."""

    path: str
    settings: Mapping[str, Any]

    def config(self) -> ForecastConfig:
        """Return the settings of a run."""
        return resolve(ForecastConfig, self.settings)


JENA: Mapping[str, Any] = {
    "time": "date",
    "target": "T (degC)",
    "missing": "-9999",
    "resample": "1h",
}
SETS: Mapping[str, Set] = {
    "Jena 24 h": Set("jena_weather_2020/weather.csv.gz", {**JENA, "horizon": "24h"}),
    "ETTh1 24 h": Set("ett/ETTh1.csv.gz", {"target": "OT", "horizon": "24h"}),
    "taylor 24 h": Set(
        "classic_univariate/taylor.csv", {"target": "Y", "horizon": 48, "row_order": True}
    ),
    "bike 24 h": Set(
        "bike_sharing/hour.csv.gz",
        {"time": "dteday,hr", "target": "cnt", "horizon": "24h", "exclude": "casual,registered"},
    ),
    "PM2.5 24 h": Set(
        "beijing_pm25/pollution.csv.gz",
        {"time": "year,month,day,hour", "target": "pm2.5", "horizon": "24h"},
    ),
    "taxi 24 h": Set("nab/nyc_taxi.csv.gz", {"target": "value", "horizon": "24h"}),
}


def laid_out(one: Set, data: Path) -> tuple[Table, Prepared, ForecastConfig]:
    """Read a table and cut it as `lockgate train` does."""
    config = one.config()
    table = read(data / one.path, config.data)
    return table, prepare(table, config.data), config


def write_for_peers(prepared: Prepared, folder: Path) -> None:
    """Write the grid that the others read: every input that lockgate reads, and the parts.

    `y` is filled forward, as the others refuse holes; the further inputs are scaled by the training
    rows and filled as lockgate has them. Steps are numbered.
    """
    arrays, split, learned = prepared.arrays, prepared.split, prepared.preprocessing
    mean, std = float(arrays.means[0]), float(arrays.stds[0])
    target = pl.Series(arrays.target.astype(np.float64)).fill_nan(None)
    filled = target.fill_null(strategy="forward").fill_null(strategy="backward")
    columns = {"ds": np.arange(len(filled)), "y": filled.to_numpy() * std + mean}
    for number in range(1, arrays.inputs.shape[1]):
        columns[f"x{number}"] = arrays.inputs[:, number].astype(np.float64)
    told = {
        "horizon": learned.horizon,
        "lookback": learned.lookback,
        "train": split.train,
        "validation": split.validation,
        "rows": len(filled),
        "inputs": [name for name in columns if name.startswith("x")],
    }
    with new_folder(folder) as temporary:
        pl.DataFrame(columns).write_parquet(temporary / "grid.parquet")
        write_text(temporary / "told.json", json.dumps(told))
