"""Fit LSTM and GRU of NeuralForecast at their defaults; run by a Python that has it.

python neuralforecast_peer.py FOLDER MODEL SEED OUT.npz
"""

import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd
from neuralforecast import NeuralForecast
from neuralforecast.models import GRU, LSTM
from neuralforecast.utils import PredictionIntervals

LEVELS = (80, 95)


def main() -> None:
    """Forecast the test part from each of its origins, with intervals of the default kind."""
    folder, name, seed, out = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), sys.argv[4]
    told = json.loads((folder / "told.json").read_text())
    grid = pd.read_parquet(folder / "grid.parquet").assign(unique_id="one")
    model = {"LSTM": LSTM, "GRU": GRU}[name](
        h=told["horizon"],
        input_size=told["lookback"],
        hist_exog_list=told["inputs"] or None,
        random_seed=seed,
        enable_progress_bar=False,
        logger=False,
        enable_checkpointing=False,
    )
    tested = {
        "n_windows": None,
        "test_size": told["rows"] - told["validation"],
        "step_size": 1,
    }
    frame = NeuralForecast([model], freq=1).cross_validation(grid, **tested)
    frame = frame.sort_values(["cutoff", "ds"])
    horizon = told["horizon"]
    forecast = frame[name].to_numpy(float).reshape(-1, horizon)
    origins = frame["cutoff"].to_numpy(int).reshape(-1, horizon)[:, 0]
    # a rolled forecast has no intervals there unless each is fitted anew; they lie at the same
    # distances from every forecast, so that those of one tell all
    once = NeuralForecast([model], freq=1)
    once.fit(grid[: told["validation"]], prediction_intervals=PredictionIntervals())
    one = once.predict(level=list(LEVELS))
    ends = {
        f"{end}{level}": forecast + (one[f"{name}-{end}-{level}"] - one[name]).to_numpy(float)
        for level in LEVELS
        for end in ("lo", "hi")
    }
    np.savez(out, origins=origins, forecast=forecast, **ends)


if __name__ == "__main__":
    main()
