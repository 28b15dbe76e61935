"""Fit BlockRNNModel of darts at its defaults; run by a Python that has it.

    python darts_peer.py FOLDER MODEL SEED OUT.npz

One model is fitted to all before the test part and forecasts it. Intervals are those of
ConformalNaiveModel, which asks for rows that its model has not been fitted to: of a second model,
fitted to the training part, calibrated from the validation part on.
"""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from darts import TimeSeries
from darts.models import BlockRNNModel, ConformalNaiveModel

QUANTILES = (0.025, 0.1, 0.5, 0.9, 0.975)
ENDS = {"lo95": 0.025, "lo80": 0.1, "hi80": 0.9, "hi95": 0.975}


def main() -> None:
    """Forecast the test part from each of its origins, with conformal intervals."""
    folder, name, seed, out = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), sys.argv[4]
    told = json.loads((folder / "told.json").read_text())
    grid = pd.read_parquet(folder / "grid.parquet").astype("float32")
    learned = grid["y"][: told["validation"]]
    mean, std = float(learned.mean()), float(learned.std())
    index = pd.RangeIndex(len(grid))
    series = TimeSeries.from_times_and_values(index, ((grid["y"] - mean) / std).to_numpy())
    inputs = None
    if told["inputs"]:
        inputs = TimeSeries.from_times_and_values(index, grid[told["inputs"]].to_numpy())

    def fitted(rows: int) -> Any:
        model = BlockRNNModel(
            input_chunk_length=told["lookback"],
            output_chunk_length=told["horizon"],
            model=name,
            random_state=seed,
            pl_trainer_kwargs={"enable_progress_bar": False, "accelerator": "cpu"},
        )
        model.fit(series[:rows], past_covariates=inputs)
        return model

    first = told["validation"]
    again = {"start": first, "start_format": "position", "forecast_horizon": told["horizon"]}
    again |= {"stride": 1, "last_points_only": False, "past_covariates": inputs}
    whole = fitted(told["validation"])
    points = whole.historical_forecasts(series, retrain=False, **again)
    begin = told["train"] - told["lookback"]
    conformal = ConformalNaiveModel(fitted(told["train"]), quantiles=list(QUANTILES))
    again["start"] = first - begin
    told_apart = conformal.historical_forecasts(
        series[begin:],
        num_samples=1,
        predict_likelihood_parameters=True,
        **again,
    )
    assert len(points) == len(told_apart)
    ends = {name: [] for name in ENDS}
    for one in told_apart:
        names = [str(component) for component in one.components]
        values = one.values()
        for end, quantile in ENDS.items():
            [place] = [k for k, own in enumerate(names) if own.endswith(f"q{quantile:.3f}")]
            ends[end].append(values[:, place] * std + mean)
    np.savez(
        out,
        origins=np.array([int(one.start_time()) - 1 for one in points]),
        forecast=np.stack([one.values()[:, 0] * std + mean for one in points]),
        **{end: np.stack(values) for end, values in ends.items()},
    )


if __name__ == "__main__":
    main()
