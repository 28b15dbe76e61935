"""Time a study's fits: processes of one thread side by side against one process with all threads.

    python -m benchmarks.fits

Rounds alternate the two ways, so that a busy machine slows both; medians are printed.
"""

import os
import statistics
import time

import torch
from joblib import Parallel, delayed

from benchmarks.common import command
from lockgate.running.machine import environment
from lockgate.settings import resolve
from lockgate.tasks.forecasting.config import ForecastConfig
from lockgate.tasks.forecasting.ladder import LADDER
from lockgate.tasks.forecasting.prepare import prepare, read
from lockgate.tasks.forecasting.train import train
from lockgate.tasks.stack.rungs import model_config

EPOCHS = 2
RUNGS = ("lstm", "recurrent-dropout", "stacked")


def fit(rung: str, seed: int, threads: int) -> None:
    """Fit one rung to the CO2 sample for a few epochs."""
    torch.set_num_threads(threads)
    told = {"target": "co2", "horizon": "26w", "max_epochs": EPOCHS}
    config = resolve(ForecastConfig, told)
    network = model_config(next(r for r in LADDER if r.name == rung), config.model, "lstm")
    prepared = prepare(read("sample:co2", config.data), config.data)
    train(prepared, config.model_copy(update={"model": network}), seed=seed)


def timed(workers: int, rung: str, fits: int, threads: int) -> float:
    """Return the seconds that a number of fits take."""
    began = time.perf_counter()
    Parallel(workers)(delayed(fit)(rung, seed, threads) for seed in range(fits))
    return time.perf_counter() - began


def main() -> None:
    """Print, for each rung, how much faster fits side by side are."""
    parser = command.parser("fits", __doc__)
    parser.add_argument("--rounds", type=int, default=3)
    rounds = parser.parse_args().rounds
    cores = os.cpu_count() or 1
    print(environment())
    for rung in RUNGS:
        timed(cores, rung, cores, 1)  # starts the processes, loads the libraries
        timed(1, rung, 1, cores)
        side_by_side, one_by_one = [], []
        for _ in range(rounds):
            side_by_side.append(timed(cores, rung, 2 * cores, 1))
            one_by_one.append(timed(1, rung, 2 * cores, cores))
        fast, slow = statistics.median(side_by_side), statistics.median(one_by_one)
        print(
            f"{rung}: {2 * cores} fits of {EPOCHS} epochs, {cores} processes of one thread "
            f"{fast:.1f} s, one process of {cores} threads {slow:.1f} s, ratio {slow / fast:.2f}"
        )


if __name__ == "__main__":
    main()
