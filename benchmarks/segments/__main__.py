"""What a level and segments give a GRU that reads a long past: errors beside seconds.

    python -m benchmarks.segments --etth1 ETTh1.csv --jena weather.csv --write

One target alone, OT of ETTh1 and the hourly air temperature of Jena, with the channels of the
calendar. Networks differ in how they read the window and in nothing else; each is fitted on one
thread and judged on the test part. ETTh1 is in github.com/zhouhaoyi/ETDataset, the weather of Jena
at www.bgc-jena.mpg.de/wetter.
"""

import argparse
import statistics
import time
from typing import Any, NamedTuple

import numpy as np
import torch

from benchmarks.common import command
from benchmarks.common.files import DOCS, write_whole
from benchmarks.common.markdown import table
from lockgate.errors import count_of
from lockgate.running.machine import environment
from lockgate.settings import resolve
from lockgate.tasks.forecasting.config import ForecastConfig
from lockgate.tasks.forecasting.prepare import Prepared, prepare, read
from lockgate.tasks.forecasting.train import train

NAME = "segments"
PAGE = DOCS / "segments.md"
TABLES: dict[str, dict[str, Any]] = {
    "etth1": {"target": "OT"},
    "jena": {"target": "T (degC)", "resample": "1h"},
}
NETWORKS: dict[str, dict[str, Any]] = {
    "neither": {"normalise": "none"},
    "level": {"normalise": "last"},
    "segments": {"normalise": "none", "segment_length": 24},
    "both": {"normalise": "last", "segment_length": 24},
    "both, positions": {
        "normalise": "last",
        "segment_length": 24,
        "segment_head": "positions",
    },
}


class Measured(NamedTuple):
    """What a fit took and how it did."""

    error: float  # MAE on the test part, in standard deviations of the training part
    seconds: float  # of the processor, for the fit


def main() -> None:
    """Print a row for each table, horizon and lookback, and write the page where asked to."""
    args = arguments()
    torch.set_num_threads(1)
    rows = []
    for horizon in args.horizons:
        for name in TABLES:
            for lookback in args.lookbacks:
                if path := getattr(args, name):
                    rows.append(row(name, path, horizon, lookback, args))
                    print(*rows[-1], sep=" | ", flush=True)
    if args.write:
        write_whole(PAGE, page(rows, args))


def row(name: str, path: str, horizon: int, lookback: int, args: argparse.Namespace) -> list[str]:
    """Fit every network to one table and give a row of the page."""
    base = {**TABLES[name], "inputs": "target", "horizon": horizon, "lookback": lookback}
    training = {"max_epochs": args.epochs, "epoch_windows": args.windows}
    config = resolve(ForecastConfig, {**base, **training, "cell": "gru"})
    prepared = prepare(read(path, config.data), config.data)
    cells = []
    for settings in NETWORKS.values():
        model = config.model.model_copy(update=settings)
        one = config.model_copy(update={"model": model})
        fits = [measured(prepared, one, seed) for seed in range(args.seeds)]
        error = statistics.mean(fit.error for fit in fits)
        cells.append(f"{error:.3f} ({statistics.median(fit.seconds for fit in fits):.0f} s)")
    return [name, str(horizon), str(lookback), *cells]


def measured(prepared: Prepared, config: ForecastConfig, seed: int) -> Measured:
    """Fit one network and judge it on the test part."""
    began = time.process_time()
    fitted, _ = train(prepared, config, seed=seed)
    seconds = time.process_time() - began
    windows = prepared.windows("test")
    errors = np.abs(fitted.forecast(windows) - windows.invert(windows.truth().numpy()))
    return Measured(float(np.nanmean(errors)) / prepared.preprocessing.std, seconds)


def page(rows: list[list[str]], args: argparse.Namespace) -> str:
    """Write the page."""
    header = ("table", "horizon", "lookback", *NETWORKS)
    versions = ", ".join(f"{name} {value}" for name, value in environment().items())
    return f"""# Long pasts, read in segments

A GRU of 64 units with the dropout of `lockgate train` that reads one target and the calendar, at
most {args.epochs} epochs of at most {args.windows:,} windows. *level* takes the window's last value
off (`normalise=last`), *segments* reads 24 steps as one token (`segment_length=24`), *positions*
writes the forecast in segments too (`segment_head=positions`). Without segments a network learns
from forking sequences, 24 origins in one reading: by single windows, as with segments, those of 720
steps took 72 s and more.

{table(header, rows)}

MAE on the test part in standard deviations of the training part, and in brackets the
seconds of processor time of a fit on one thread: the mean and the median over
{count_of(args.seeds, "seed")}. So few epochs show an order, not how far each network gets.

`python -m benchmarks.segments --lookbacks {" ".join(map(str, args.lookbacks))} --horizons
{" ".join(map(str, args.horizons))} --seeds {args.seeds} --epochs {args.epochs} --windows
{args.windows}`: {versions}.
"""


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = command.parser(NAME, __doc__)
    for name in TABLES:
        parser.add_argument(f"--{name}", help=f"the table {name}; left out where not given")
    numbers = {"type": int, "nargs": "+"}
    parser.add_argument("--lookbacks", default=[96, 336, 720], **numbers)
    parser.add_argument("--horizons", default=[24, 96], **numbers)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--windows", type=int, default=20_000, help="windows of an epoch")
    parser.add_argument("--write", action="store_true", help=f"write {PAGE.name}")
    return parser.parse_args()


if __name__ == "__main__":
    main()
