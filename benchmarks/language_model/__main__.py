"""Train a word-level LSTM language model with and without what AWD-LSTM drops, over seeds.

    python -m benchmarks.language_model            # about an hour on two cores
    python -m benchmarks.language_model --resume   # goes on where it was stopped
    python -m benchmarks.language_model --page-only
    python -m benchmarks.language_model --config merity-wt2 --device cuda --arms weight

Needs WikiText-2 as `wikitext2/{train,valid,test}.txt.gz` in the folder `--data`, or Penn Treebank
in `penn` for `--config merity-ptb`. A fit is saved after each epoch, as safetensors with JSON in
the header. Results, plot and page are written whenever a fit ends.
"""

import argparse
import json
import os
import platform
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from benchmarks.common import command, machine
from benchmarks.common.files import DOCS, ROOT, write_whole
from benchmarks.language_model import page
from benchmarks.language_model.config import ARMS, DEFAULT_ARMS, PRESETS, Config, arm, override
from benchmarks.language_model.jobs import RUN, Job, run_all, write_results
from lockgate.ops import kernels

NAME = "language_model"
OUT = DOCS / "language_model"
PACKAGES = ("lockgate", "torch", "numpy", "safetensors")
# what a fit runs
SOURCES = ("benchmarks", "src/lockgate/nn", "src/lockgate/ops", "src/lockgate/tasks/language")


def begin(args: argparse.Namespace, config: Config) -> None:
    """Note what is run and where, or compare it with what is there to go on with."""
    file, now = args.runs / RUN, _session(args)
    told = {
        "preset": args.config,
        "config": config.to_dict(),
        "arms": args.arms,
        "seeds": args.seeds,
        "threads": args.threads,
        "workers": args.workers,
        "device": args.device,
        "sessions": [now],
    }
    if file.exists():
        if not args.resume:
            raise ValueError(
                f"runs must be an empty folder, got {args.runs} with a run. --resume goes on with "
                "it."
            )
        before = json.loads(file.read_text(encoding="utf-8"))
        for name in ("preset", "config"):
            if before[name] != told[name]:
                raise ValueError(
                    f"{name} must be that of the run, {before[name]}, got {told[name]}"
                )
        # fits may be added, none forgotten
        told["arms"] = [*before["arms"], *(a for a in args.arms if a not in before["arms"])]
        told["seeds"] = [*before["seeds"], *(s for s in args.seeds if s not in before["seeds"])]
        told["sessions"] = [*before["sessions"], now]
    args.runs.mkdir(parents=True, exist_ok=True)
    args.out.mkdir(parents=True, exist_ok=True)
    write_whole(file, json.dumps(told, indent=1) + "\n")


def _session(args: argparse.Namespace) -> dict[str, Any]:
    status = kernels.status()
    gpu = torch.cuda.get_device_name(args.device) if args.device.startswith("cuda") else None
    return {
        "command": command.given(NAME),
        "date": time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()),
        "commit": machine.commit(),
        "uncommitted": bool(machine.git("status", "--porcelain", "--", *SOURCES)),
        "instruction_set": status.instruction_set if status else None,
        "gpu": gpu,
        "versions": {name: found for name in PACKAGES if (found := machine.installed(name))},
        "python": platform.python_version(),
        "platform": machine.system(),
        "cpu": machine.cpu(),
        "cores": os.cpu_count(),
    }


def arguments(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = command.parser(NAME, __doc__)
    data = os.environ.get("LOCKGATE_DATA", ROOT.parent / "shared" / "data")
    parser.add_argument("--config", choices=sorted(PRESETS), default="small")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", dest="settings")
    parser.add_argument("--arms", nargs="+", choices=ARMS, default=list(DEFAULT_ARMS))
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--data", type=Path, default=data, help="folder of corpora")
    parser.add_argument("--out", type=Path, help="folder of results, plot and page")
    parser.add_argument("--runs", type=Path, help="folder of checkpoints; runs/language_model")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--workers", type=int, help="fits side by side; one per core or device")
    parser.add_argument("--threads", type=int, default=1, help="of each fit")
    parser.add_argument("--resume", action="store_true", help="go on with what is in --runs")
    parser.add_argument("--page-only", action="store_true", help="write the page again")
    args = parser.parse_args(argv)
    usual = args.config == "small" and not args.settings
    label = args.config if usual or args.config != "small" else "changed"
    args.runs = args.runs or ROOT / "runs" / "language_model" / label
    # only the usual run writes the page of the docs by itself
    args.out = args.out or (OUT if usual else args.runs)
    if args.workers is None:
        args.workers = 1 if args.device != "cpu" else max(1, (os.cpu_count() or 1) // args.threads)
    for name in ("workers", "threads"):
        if getattr(args, name) < 1:
            parser.error(f"--{name} must be at least 1, got {getattr(args, name)}")
    return args


def main(argv: Sequence[str] | None = None) -> None:
    """Run the fits that are missing, or write the page alone."""
    args = arguments(argv)
    if args.page_only:
        page.write(args.out)
        return
    config = override(PRESETS[args.config], args.settings)
    begin(args, config)
    jobs = [
        Job(name, seed, arm(config, name), args.data, args.runs, args.device)
        for seed in args.seeds
        for name in args.arms
    ]
    run_all(jobs, args.workers, args.threads, args.out)
    write_results(args.out, args.runs)


if __name__ == "__main__":
    main()
