"""What heads that forecast a spread give: error, coverage and width beside the point alone.

    python -m benchmarks.heads --bikes hour.csv.gz --write

Simulated noise that is three times as large where a column known ahead is 1, the hourly bike
rentals of Washington (the last 9,000 hours), and the CO2 that comes along. Models are what
`lockgate.train` delivers, judged on the test part. The bikes are set 275 of the UCI repository.
"""

import argparse
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np
import polars as pl

import lockgate
from benchmarks.common import command
from benchmarks.common.files import DOCS, write_whole
from benchmarks.common.markdown import table
from lockgate.running.machine import environment
from lockgate.tasks.forecasting.task import TASK

NAME = "heads"
PAGE = DOCS / f"{NAME}.md"
HOURS = 1_500
LATEST = 9_000
SMALL: Mapping[str, Any] = {"cell": "gru", "members": 3}
SIMULATED: Mapping[str, Any] = {
    **SMALL,
    "target": "y",
    "known_future": "loud",
    "horizon": 4,
    "lookback": 12,
    "hidden_size": 8,
    "mix": False,
    "learning_rate": 0.01,
}
BIKES: Mapping[str, Any] = {
    **SMALL,
    "time": "dteday,hr",
    "target": "cnt",
    "horizon": "24h",
    "exclude": "casual,registered",
    "known_future": "weathersit,temp,hum,windspeed,workingday",
    "at_least": 0,
    "hidden_size": 32,
}
CO2: Mapping[str, Any] = {"hidden_size": 16, "members": 3}
MOST = ("point", "mc_dropout", "quantiles", "normal", "negative_binomial")
FEW = ("point", "mc_dropout", "quantiles", "normal")
"""Heads, and passes with dropout on beside the head of points."""


def main() -> None:
    """Fit, print a row for each head and set, and write the page where asked to."""
    args = arguments()
    simulated, real = [], []
    for head in FEW:
        row = [coverage_by_noise(head, seed) for seed in range(args.seeds)]
        loud, quiet, width = (fmean(values) for values in zip(*row, strict=True))
        simulated.append((f"`{head}`", _share(loud), _share(quiet), f"{width:.3g}"))
        print(*simulated[-1], flush=True)
    sets: list[tuple[str, Any, Mapping[str, Any], Sequence[str]]] = []
    if args.bikes is not None:
        sets.append(("bike rentals, 24 h", bikes(args.bikes), BIKES, MOST))
    sets.append(("CO₂, 26 weeks", "sample:co2", CO2, FEW))
    for name, source, settings, heads in sets:
        for head in heads:
            real.append((name, f"`{head}`", *scores_of(source, settings, head, args.seeds)))
            print(*real[-1], flush=True)
    if args.write:
        write_whole(PAGE, page(simulated, real, args))


def noise(seed: int) -> pl.DataFrame:
    """Return hours of noise, three times as large where `loud` is 1, in stretches of six."""
    rng = np.random.default_rng(seed)
    loud = np.repeat(rng.integers(0, 2, HOURS // 6), 6).astype(float)
    hours = pl.datetime_range(
        pl.datetime(2024, 1, 1),
        pl.datetime(2024, 1, 1) + pl.duration(hours=HOURS - 1),
        "1h",
        eager=True,
    )
    return pl.DataFrame({"ds": hours, "y": rng.normal(size=HOURS) * (1 + 2 * loud), "loud": loud})


def coverage_by_noise(head: str, seed: int) -> tuple[float, float, float]:
    """Return what intervals of 80 % cover of the loud and of the quiet steps, and their width."""
    frame = noise(seed)
    settings = {**SIMULATED, **_told_by(head), "random_state": seed}
    with tempfile.TemporaryDirectory() as folder:
        fitted, _ = lockgate.train(frame, out=Path(folder) / "model", **settings)
    assert isinstance(fitted, lockgate.FittedForecaster)
    data = TASK.read(frame, fitted.config)
    windows = TASK.prepare(data, fitted.config).windows("test")
    low, high = fitted.quantiles(windows, data, [0.1, 0.9])
    truth = windows.invert(windows.truth().numpy())
    steps = windows.origins.numpy()[:, None] + np.arange(1, windows.horizon + 1)
    inside, loud = (truth >= low) & (truth <= high), frame["loud"].to_numpy()[steps] == 1
    return float(inside[loud].mean()), float(inside[~loud].mean()), float((high - low).mean())


def bikes(path: Path) -> pl.DataFrame:
    """Read the latest hours of the bike rentals."""
    return pl.read_csv(path).tail(LATEST)


def scores_of(
    source: Any, settings: Mapping[str, Any], head: str, seeds: int
) -> tuple[str, str, str, str]:
    """Return MAE, CRPS, coverage and interval score at 80 % of the test part, means over seeds."""
    rows = []
    for seed in range(seeds):
        told = {**settings, **_told_by(head), "random_state": seed}
        with tempfile.TemporaryDirectory() as folder:
            fitted, _ = lockgate.train(source, out=Path(folder) / "model", **told)
        delivered = fitted.metrics["delivered"]
        scored = delivered["intervals"]
        level = next(one for one in scored["levels"] if one["level"] == 80)
        own = (delivered["mixture"]["mae"], scored["crps"], level["share"], level["interval_score"])
        rows.append(own)
    mae, crps, share, score = zip(*rows, strict=True)
    known = [value for value in crps if value is not None]
    return (
        f"{fmean(mae):.4g}",
        f"{fmean(known):.4g}" if len(known) == seeds else "–",
        _share(fmean(share)),
        f"{fmean(score):.4g}",
    )


def page(
    simulated: Sequence[Sequence[str]], real: Sequence[Sequence[str]], args: argparse.Namespace
) -> str:
    """Lay both tables out as a page."""
    here = environment()
    parts = [
        "# Heads that forecast a spread\n",
        f"Written by `{command.called(NAME)} --bikes hour.csv.gz --seeds {args.seeds} --write` on "
        f"{here['cpu']}, {here['cores']} cores; torch {here['torch']}. Means over seeds; intervals "
        "of 80 %.\n",
        f"## Simulated: {HOURS:,} hours of noise, three times as large where a known column is 1\n",
        f"A GRU of {SIMULATED['hidden_size']} units, three of them, without a baseline.\n",
        table(("head", "covers the loud half", "the quiet half", "mean width"), simulated),
        "\n## Real tables\n",
        f"Bikes: a GRU of {BIKES['hidden_size']}, weather and working days known ahead; the "
        "weather is what it was, not a forecast of it. CO₂: an LSTM of "
        f"{CO2['hidden_size']}. Three members, mixed.\n",
        table(("", "head", "MAE", "CRPS", "covers", "interval score"), real),
        "",
    ]
    return "\n".join(parts)


def _told_by(name: str) -> dict[str, str]:
    return {"spread": name} if name == "mc_dropout" else {"head": name}


def _share(share: float) -> str:
    return f"{100 * share:.1f} %"


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = command.parser(NAME, __doc__)
    parser.add_argument("--bikes", type=Path, help="hour.csv of the bike rentals; left out without")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--write", action="store_true", help="write the page")
    return parser.parse_args()


if __name__ == "__main__":
    main()
