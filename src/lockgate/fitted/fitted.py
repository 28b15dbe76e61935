"""A fitted model and everything needed to use it on a table."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
import torch
from pydantic import ValidationError

from lockgate.data.errors import DataError
from lockgate.data.files import new_folder
from lockgate.data.prepare import read
from lockgate.data.preprocessing import Arrays, Preprocessing
from lockgate.data.table import Table
from lockgate.data.windows import Windows
from lockgate.fitted.checks import check_preprocessing, check_sizes
from lockgate.fitted.config import RunConfig
from lockgate.fitted.storage import fault_in, read_json, read_text, read_weights, write_files
from lockgate.models import Forecaster, build

FORMAT_VERSION = 1
PREDICTION_BATCH = 512


@dataclass(frozen=True)
class Fitted:
    """A trained network, what was learned from the training rows, and the configuration of both."""

    model: Forecaster
    preprocessing: Preprocessing
    config: RunConfig
    metrics: dict[str, Any] = field(default_factory=dict)

    def forecast(self, windows: Windows) -> npt.NDArray[np.float64]:
        """Forecast every window, (N, horizon), in the target's unit."""
        self.model.eval()
        device = next(self.model.parameters()).device
        starts = range(0, len(windows), PREDICTION_BATCH)
        with torch.no_grad():
            parts = [
                self.model(windows.x(slice(i, i + PREDICTION_BATCH)).to(device)).cpu()
                for i in starts
            ]
        return self.preprocessing.scale.invert(torch.cat(parts).numpy())

    def predict(self, data: Any) -> pl.DataFrame:
        """Forecast the steps that follow the last row of `data`.

        Args:
            data: A table as `config.data` reads it: the path of a file, or a frame.

        Returns:
            One row a step: `unique_id`, `ds` and `forecast`, in the target's unit.

        Raises:
            DataError: If the table is shorter than the lookback, lacks columns, has another
                frequency, or ends in a hole that is too long to fill.
        """
        table = data if isinstance(data, Table) else read(data, self.config.data)
        arrays = self.preprocessing.apply(table)
        rows, horizon = len(arrays.ds), self.preprocessing.horizon
        forecast = self.forecast(_last_window(arrays, self.preprocessing))
        # counted from the first stamp: a short month at the end would change the day of the month
        stamps = table.frequency.range(table.frame["ds"][0], rows + horizon)
        return pl.DataFrame(
            {
                "unique_id": [table.frame["unique_id"][0]] * horizon,
                "ds": pl.Series(stamps[rows:], dtype=pl.Datetime("us")),
                "forecast": forecast[0],
            }
        )

    def save(self, folder: Path) -> None:
        """Write the model as a new folder: weights as safetensors, all else as JSON.

        Raises:
            FileExistsError: If `folder` exists and is not empty.
        """
        with new_folder(folder) as temporary:
            self.write_into(temporary)

    def write_into(self, folder: Path) -> None:
        """Write the files of `save` into a folder that exists."""
        config = {"format_version": FORMAT_VERSION, **self.config.model_dump(mode="json")}
        write_files(folder, self.model, config, self.preprocessing, self.metrics)

    @staticmethod
    def load(folder: Path) -> "Fitted":
        """Read what `save` wrote. The files are read as data: no code of theirs is run.

        Raises:
            DataError: If the folder does not hold a fitted model of this format.
        """
        config = read_json(folder / "config.json")
        version = config.pop("format_version", None)
        if version != FORMAT_VERSION:
            raise DataError(f"{folder} must have format_version {FORMAT_VERSION}, got {version}")
        try:
            run = RunConfig.model_validate(config)
            text = read_text(folder / "preprocessing.json")
            preprocessing = Preprocessing.model_validate_json(text)
        except ValidationError as error:
            raise fault_in(folder, error) from None
        check_preprocessing(folder, preprocessing)
        model = _load_model(folder / "model.safetensors", run, preprocessing)
        return Fitted(model, preprocessing, run, read_json(folder / "metrics.json"))


def _last_window(arrays: Arrays, preprocessing: Preprocessing) -> Windows:
    lookback = preprocessing.lookback
    if len(arrays.ds) < lookback:
        raise DataError(
            f"the table must hold at least the lookback of {lookback} rows, got {len(arrays.ds)}"
        )
    if not arrays.usable[-lookback:].all():
        row = arrays.ds[len(arrays.ds) - lookback + int(np.argmin(arrays.usable[-lookback:]))]
        raise DataError(
            f"the last {lookback} rows must have no hole longer than max_gap "
            f"{preprocessing.max_gap}, got one at {row}"
        )
    return Windows(
        inputs=torch.from_numpy(arrays.inputs),
        target=torch.from_numpy(arrays.target),
        origins=torch.tensor([len(arrays.ds) - 1]),
        lookback=lookback,
        horizon=preprocessing.horizon,
    )


def _load_model(path: Path, config: RunConfig, preprocessing: Preprocessing) -> Forecaster:
    channels, horizon = len(preprocessing.channels), preprocessing.horizon
    return read_weights(
        path,
        lambda state: check_sizes(path, state, config.model, horizon),
        lambda: build(config.model, channels, horizon),
    )
