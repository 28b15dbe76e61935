"""The folder of a backtest: what was asked, the fits, and the forecasts from each cutoff."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl

from lockgate.errors import DataError, quoted
from lockgate.files import (
    clear_half_written,
    is_half_written,
    new_file,
    new_folder,
    remove_folder,
    write_text,
)
from lockgate.settings import difference, read_settings
from lockgate.tasks.forecasting.config import NAME
from lockgate.tasks.forecasting.fitted import FittedForecaster, load
from lockgate.tasks.forecasting.intervals_file import as_file

ASKED = "backtest.json"


class BacktestFolder:
    """Keeps each part of a backtest as it is done, whole or not at all."""

    def __init__(self, folder: Path, asked: Mapping[str, Any], *, resume: bool) -> None:
        """Begin the folder, or go on in it.

        Args:
            folder: Where to.
            asked: What tells this backtest from others, as plain values.
            resume: Whether the folder may hold parts of the same backtest.

        Raises:
            DataError: If it holds something else, or parts of it that are not to be continued.
        """
        self._folder = folder
        path = folder / ASKED
        plain = json.loads(json.dumps(asked))
        if _holds_nothing(folder):
            write_text(path, json.dumps(plain, indent=1))
        elif path.exists() and resume:
            self._check_same(plain)
        else:
            begun = "pass resume=True (--resume) to continue it, or " if path.exists() else "pass "
            raise DataError(f"run must be a new folder, got {folder}: {begun}another run (--run)")
        clear_half_written(path)
        for kind in ("fits", "cutoffs"):
            for left in filter(is_half_written, folder.glob(f"{kind}/.*")):
                remove_folder(left) if left.is_dir() else left.unlink()

    def _check_same(self, asked: dict[str, Any]) -> None:
        there = json.loads((self._folder / ASKED).read_text(encoding="utf-8"))
        if (differs := difference(there, asked)) is not None:
            raise DataError(
                f"run must be a new folder or that of this backtest, got {self._folder}, which "
                f"holds another: {differs}; pass another run (--run)"
            )

    def cutoff(self, number: int) -> pl.DataFrame | None:
        """Return the forecasts from a cutoff, if they are there."""
        path = self._cutoff(number)
        return pl.read_parquet(path) if path.exists() else None

    def keep_cutoff(self, number: int, frame: pl.DataFrame) -> None:
        """Write the forecasts from a cutoff."""
        with new_file(self._cutoff(number)) as file:
            frame.write_parquet(file)

    def fitted(self, number: int) -> FittedForecaster | None:
        """Return what came of a fit, if it is there."""
        path = self._fit(number)
        return load(path) if path.exists() else None

    def keep_fitted(self, number: int, fitted: FittedForecaster) -> None:
        """Write what came of a fit, which `lockgate.load` reads, and remove its checkpoints."""
        with new_folder(self._fit(number)) as temporary:
            fitted.write_into(temporary)
        remove_folder(self.checkpoints(number))

    def checkpoints(self, number: int) -> Path:
        """Return where a fit that is killed keeps what it goes on from."""
        return self._folder / "fits" / f"{number:03}.training"

    def _cutoff(self, number: int) -> Path:
        return self._folder / "cutoffs" / f"{number:03}.parquet"

    def _fit(self, number: int) -> Path:
        return self._folder / "fits" / f"{number:03}"


def _holds_nothing(folder: Path) -> bool:
    """Tell whether a folder is new, or that of a backtest that ended before anything was done."""
    if not folder.exists():
        return True
    return folder.is_dir() and all(
        path.name == ASKED or is_half_written(path) for path in folder.iterdir()
    )


def settings_in(source: Any) -> Mapping[str, Any] | None:
    """Return settings from a file or a mapping, without what a fitted folder keeps beside them.

    Raises:
        TypeError: If it is neither, nor None.
        DataError: If a file holds none, or those of another task.
    """
    if source is None or isinstance(source, Mapping):
        return source
    if not isinstance(source, str | Path):
        raise TypeError(
            "model must be a fitted forecaster, a folder, a file or a mapping of settings, got "
            f"{type(source).__name__}"
        )
    content = read_settings(Path(source))
    if (task := content.get("task", NAME)) != NAME:
        raise DataError(
            f"model must be a file of settings of a forecaster, got {source}, of {quoted(task)}"
        )
    beside = ("task", "format_version", "fits", "mixture")
    return {name: value for name, value in content.items() if name not in beside}


def digest_of(fitted: FittedForecaster) -> str:
    """Return what tells a model from others: of its weights, and what was learned beside them."""
    digest = hashlib.sha256(fitted.preprocessing.model_dump_json().encode())
    for model in fitted.models:
        for name, weight in model.state_dict().items():
            digest.update(name.encode())
            digest.update(weight.cpu().contiguous().numpy().tobytes())
    if fitted.mixture is not None:
        digest.update(json.dumps(fitted.mixture.stored()).encode())
    if fitted.intervals is not None:
        digest.update(as_file(fitted.intervals))
    return digest.hexdigest()
