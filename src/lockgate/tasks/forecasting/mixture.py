"""A baseline that the networks of a forecaster are mixed with."""

from pathlib import Path
from typing import Any, NamedTuple

from lockgate.errors import DataError, shortened
from lockgate.scoring.arrays import FloatArray
from lockgate.tasks.forecasting.baselines import Baseline, naive_baselines
from lockgate.tasks.forecasting.preprocessing import Preprocessing
from lockgate.tasks.forecasting.ridge import Ridge
from lockgate.tasks.forecasting.windows import Windows


class Mixture(NamedTuple):
    """A baseline beside the networks, and the share of the forecast that is theirs."""

    weight: float
    baseline: Baseline

    def mixed(self, forecasts: FloatArray, windows: Windows) -> FloatArray:
        """Mix the networks' forecasts of windows, (N, horizon), in the target's unit."""
        return self.weight * forecasts + (1.0 - self.weight) * self.baseline.forecast(windows)

    def stored(self) -> dict[str, Any]:
        """Give what `config.json` keeps of it."""
        return {"weight": self.weight, "baseline": self.baseline.name}


def read_mixture(
    folder: Path, stored: Any, preprocessing: Preprocessing, ridge: Ridge | None
) -> Mixture:
    """Put together what `Mixture.stored` gave.

    Raises:
        DataError: If it is none, or names a baseline that the folder does not hold.
    """
    known: dict[str, Baseline] = {
        baseline.name: baseline for baseline in naive_baselines(preprocessing.seasons)
    }
    if ridge is not None:
        known[ridge.name] = ridge
    match stored:
        case {"weight": float(weight), "baseline": str(name), **rest} if (
            0.0 <= weight <= 1.0 and name in known and not rest
        ):
            return Mixture(weight, known[name])
    raise DataError(
        f"{folder} is no fitted model: mixture must be a weight from 0 to 1 and one of its "
        f"baselines, got {shortened(repr(stored))}"
    )
