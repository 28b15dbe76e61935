"""Recurrent forecasters side by side: score, coverage, seconds, memory, on the same test parts.

    python -m benchmarks.forecasters --data ../shared/data \\
        --neuralforecast ~/nf/bin/python --darts ~/darts/bin/python --write

Each library fits at its defaults, with the lookback, horizon, inputs and parts of `lockgate train`,
and forecasts the test part from each of its origins. NeuralForecast and darts are run by Pythons of
their own. What has run is kept beside the page and not run again.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any, NamedTuple

import numpy as np

import lockgate
from benchmarks.common import command
from benchmarks.common.files import DOCS, write_whole
from benchmarks.common.markdown import table
from benchmarks.forecasters.sets import SETS, Set, laid_out, write_for_peers
from lockgate.running.machine import environment
from lockgate.scoring.intervals import blocks_of, coverage, interval_score
from lockgate.scoring.metrics import score
from lockgate.tasks.forecasting.prepare import Prepared

NAME = "forecasters"
RESULTS, PAGE = DOCS / f"{NAME}.jsonl", DOCS / f"{NAME}.md"
LEVELS = (80, 95)
HERE = Path(__file__).parent


class Peer(NamedTuple):
    """A model of another library, and the script that fits it."""

    library: str
    model: str

    @property
    def name(self) -> str:
        """What the page calls it."""
        return f"{self.library} {self.model}"


PEERS = (
    Peer("neuralforecast", "LSTM"),
    Peer("neuralforecast", "GRU"),
    Peer("darts", "LSTM"),
)


def main() -> None:
    """Run what is missing, print it, and write the page where asked to."""
    args = arguments()
    done = {(row["set"], row["model"], row["seed"]) for row in read_results()}
    for name, seed, model, python in wanted(args):
        if (name, model if isinstance(model, str) else model.name, seed) in done:
            continue
        row = run(name, SETS[name], seed, model, python, args)
        with RESULTS.open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")
        print(*(f"{key} {value}" for key, value in row.items()), flush=True)
    if args.write:
        write_whole(PAGE, page(read_results()))


def wanted(args: argparse.Namespace) -> Iterator[tuple[str, int, str | Peer, Path | None]]:
    """Yield the runs: set, seed, model, and the Python that has it."""
    pythons = {"neuralforecast": args.neuralforecast, "darts": args.darts}
    for name in args.sets.split(";") if args.sets else SETS:
        for seed in range(args.seeds):
            if args.lockgate:
                yield name, seed, "lockgate", None
            for peer in PEERS:
                if pythons[peer.library] is not None and args.model in peer.name:
                    yield name, seed, peer, pythons[peer.library]


def run(
    name: str,
    one: Set,
    seed: int,
    model: str | Peer,
    python: Path | None,
    args: argparse.Namespace,
) -> dict[str, Any]:
    """Fit one model to one set and score it."""
    _, prepared, _ = laid_out(one, args.data)
    folder = args.runs / name.replace(" ", "-").replace(".", "")
    if not (folder / "grid").exists():
        write_for_peers(prepared, folder / "grid")
    if isinstance(model, str):
        out = folder / f"lockgate-{seed}"
        settings = [f"--set={key}={value}" for key, value in one.settings.items()]
        program = [sys.executable, "-m", "lockgate", "train", str(args.data / one.path), *settings]
        spent = timed([*program, f"--set=random_state={seed}", "--out", str(out), "--quiet"])
        told = forecasts_of(lockgate.load(out), prepared, one, args.data)
    else:
        out = folder / f"{model.library}-{model.model}-{seed}.npz"
        script = HERE / f"{model.library}_peer.py"
        spent = timed(
            [str(python), str(script), str(folder / "grid"), model.model, str(seed), str(out)]
        )
        told = dict(np.load(out, allow_pickle=False))
    named = model if isinstance(model, str) else model.name
    return {"set": name, "model": named, "seed": seed, **spent, **scores(told, prepared)}


def timed(program: Sequence[str]) -> dict[str, float]:
    """Run a program on one thread; return its seconds and the most memory it held, in MB.

    Raises:
        SystemExit: If it fails.
    """
    began = time.perf_counter()
    environ = {**os.environ, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
    process = subprocess.Popen(program, env=environ, stdout=subprocess.DEVNULL)  # noqa: S603
    _, status, used = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"{' '.join(program)} failed")
    processor = used.ru_utime + used.ru_stime
    return {
        "seconds": round(time.perf_counter() - began, 1),
        "processor_seconds": round(processor, 1),
        "megabytes": round(used.ru_maxrss / 1024, 0),
    }


def forecasts_of(fitted: Any, prepared: Prepared, one: Set, data: Path) -> dict[str, Any]:
    """Return the forecasts of the test part and the ends of their intervals."""
    table, _, _ = laid_out(one, data)
    windows = prepared.windows("test")
    told = {"origins": windows.origins.numpy(), "forecast": fitted.forecast(windows)}
    for level in LEVELS:
        half = (100 - level) / 200
        try:
            low, high = fitted.quantiles(windows, table, [half, 1 - half])
        except lockgate.DataError:  # too few errors held out: it has no such interval
            continue
        told |= {f"lo{level}": low, f"hi{level}": high}
    return told


def scores(told: Mapping[str, Any], prepared: Prepared) -> dict[str, Any]:
    """Score forecasts on the windows of the test part, holes left out."""
    windows = prepared.windows("test")
    place = {int(origin): row for row, origin in enumerate(told["origins"])}
    rows = np.array([place[int(origin)] for origin in windows.origins])
    truth = windows.invert(windows.truth().numpy())
    blocks = blocks_of(windows.origins.numpy(), windows.horizon)
    found: dict[str, Any] = {"mae": score(truth, told["forecast"][rows], None).mae}
    for level in LEVELS:
        if f"lo{level}" not in told:
            continue
        low, high = told[f"lo{level}"][rows], told[f"hi{level}"][rows]
        found[f"coverage{level}"] = coverage(truth, low, high, blocks).share
        found[f"interval_score{level}"] = interval_score(truth, low, high, level)
    return found


def read_results() -> list[dict[str, Any]]:
    """Read what has run."""
    if not RESULTS.exists():
        return []
    return [json.loads(line) for line in RESULTS.read_text(encoding="utf-8").splitlines()]


def page(rows: Sequence[Mapping[str, Any]]) -> str:
    """Lay the results out as a page."""
    models = list(dict.fromkeys(row["model"] for row in rows))
    sets = [name for name in SETS if any(row["set"] == name for row in rows)]
    here = environment()
    parts = [
        "# Recurrent forecasters, side by side\n",
        f"Written by `{command.called(NAME)} --write` from what it has run on {here['cpu']}, one "
        f"thread each; torch {here['torch']}. Every library at its defaults, with lockgate's "
        "lookback, horizon, inputs and parts; all origins of the test part. Means over seeds. "
        f"Of {len(SETS)} sets {len(sets)} have run.\n",
    ]
    for key, title in (
        ("mae", "MAE"),
        ("coverage80", "Covered by intervals of 80 %"),
        ("coverage95", "Covered by intervals of 95 %"),
        ("interval_score95", "Interval score at 95 %, less is better"),
        ("processor_seconds", "Processor seconds, of all that was fitted"),
        ("megabytes", "Most memory, MB"),
    ):
        body = [(name, *(_cell(rows, name, model, key) for model in models)) for name in sets]
        parts += [f"## {title}\n", table(("", *models), body), ""]
        if key.startswith("coverage"):
            parts += [_off(rows, models, key), ""]
    return "\n".join(parts)


def _cell(rows: Sequence[Mapping[str, Any]], name: str, model: str, key: str) -> str:
    own = [row[key] for row in rows if (row["set"], row["model"]) == (name, model) and key in row]
    if not own:
        return "–"
    mean = fmean(own)
    return f"{100 * mean:.1f} %" if key.startswith("coverage") else f"{mean:.4g}"


def _off(rows: Sequence[Mapping[str, Any]], models: Sequence[str], key: str) -> str:
    told = []
    for model in models:
        by_set: dict[str, list[float]] = {}
        for row in rows:
            if row["model"] == model and key in row:
                by_set.setdefault(row["set"], []).append(row[key])
        if by_set:
            told.append(f"{model} {100 * fmean(map(fmean, by_set.values())):.1f} %")
    return f"On average over sets: {', '.join(told)}."


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = command.parser(NAME, __doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--runs", type=Path, default=Path("runs/forecasters"))
    parser.add_argument("--sets", help="parted by semicolons")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--model", default="", help="peers whose name contains this alone")
    parser.add_argument("--no-lockgate", dest="lockgate", action="store_false")
    parser.add_argument("--neuralforecast", type=Path, help="a Python that has neuralforecast")
    parser.add_argument("--darts", type=Path, help="a Python that has darts")
    parser.add_argument("--write", action="store_true", help="write the page of what has run")
    return parser.parse_args()


if __name__ == "__main__":
    main()
