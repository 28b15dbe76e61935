"""A fitted model and everything needed to use it on a table."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
import torch
from pydantic import ValidationError
from safetensors import SafetensorError
from safetensors.torch import load_file, save

from lockgate.data.errors import DataError
from lockgate.data.files import new_file, new_folder, write_text
from lockgate.data.prepare import read
from lockgate.data.preprocessing import Arrays, Preprocessing
from lockgate.data.table import Table
from lockgate.data.windows import Windows
from lockgate.fitted.checks import check_preprocessing, check_sizes
from lockgate.fitted.config import RunConfig
from lockgate.models import Forecaster, build

FORMAT_VERSION = 1
MOST_JSON_BYTES = 16 * 2**20
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
        state = {name: tensor.cpu() for name, tensor in self.model.state_dict().items()}
        with new_file(folder / "model.safetensors") as file:
            file.write(save(state))
        config = {"format_version": FORMAT_VERSION, **self.config.model_dump(mode="json")}
        write_text(folder / "config.json", json.dumps(config, indent=2))
        write_text(folder / "preprocessing.json", self.preprocessing.model_dump_json(indent=2))
        write_text(folder / "metrics.json", json.dumps(self.metrics, indent=2))

    @staticmethod
    def load(folder: Path) -> "Fitted":
        """Read what `save` wrote. The files are read as data: no code of theirs is run.

        Raises:
            DataError: If the folder does not hold a fitted model of this format.
        """
        config = _read_json(folder / "config.json")
        version = config.pop("format_version", None)
        if version != FORMAT_VERSION:
            raise DataError(f"{folder} must have format_version {FORMAT_VERSION}, got {version}")
        try:
            run = RunConfig.model_validate(config)
            text = _read_text(folder / "preprocessing.json")
            preprocessing = Preprocessing.model_validate_json(text)
        except ValidationError as error:
            fault = error.errors()[0]
            where = ".".join(str(part) for part in fault["loc"])
            raise DataError(f"{folder} is no fitted model: {where}: {fault['msg']}") from None
        check_preprocessing(folder, preprocessing)
        model = _load_model(folder / "model.safetensors", run, preprocessing)
        return Fitted(model, preprocessing, run, _read_json(folder / "metrics.json"))


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
    try:
        state = load_file(path)
    except (OSError, SafetensorError) as error:
        raise DataError(f"{path} must hold weights as safetensors: {error}") from None
    # sizes are compared before anything is built: a config may ask for any
    check_sizes(path, state, config.model, preprocessing.horizon)
    with torch.device("meta"):
        model = build(config.model, len(preprocessing.channels), preprocessing.horizon)
    try:
        model.load_state_dict(state, assign=True)
    except RuntimeError as error:
        reason = " ".join(str(error).split())[:300]
        raise DataError(f"{path} must hold the weights of config.json's model: {reason}") from None
    return model.eval()


def _read_json(path: Path) -> dict[str, Any]:
    text = _read_text(path)
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path} must be JSON: {error}") from None
    if not isinstance(content, dict):
        raise DataError(f"{path} must hold a JSON object")
    return content


def _read_text(path: Path) -> str:
    try:
        if path.stat().st_size > MOST_JSON_BYTES:
            raise DataError(f"{path} must be at most {MOST_JSON_BYTES} bytes")
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise DataError(
            f"{path.parent} is no fitted model: {error.strerror}: {path.name}"
        ) from None
    except UnicodeDecodeError as error:
        raise DataError(f"{path} must be JSON in UTF-8: {error}") from None
