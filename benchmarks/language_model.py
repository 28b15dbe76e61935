"""Train a word-level LSTM language model with and without what AWD-LSTM drops, over seeds.

    python benchmarks/language_model.py            # about an hour on two cores
    python benchmarks/language_model.py --resume   # goes on where it was stopped
    python benchmarks/language_model.py --page-only
    python benchmarks/language_model.py --config merity-wt2 --device cuda --arms weight

Needs WikiText-2 as `wikitext2/{train,valid,test}.txt.gz` in the folder `--data`, or Penn Treebank
in `penn` for `--config merity-ptb`. A fit is saved after each epoch, as safetensors with JSON in
the header. Results, plot and page are written whenever a fit ends.
"""

import argparse
import json
import multiprocessing
import os
import platform
import sys
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import language_model_page
import torch
from language_model_config import ARMS, DEFAULT_ARMS, PRESETS, Config, arm, override
from language_model_data import read_corpus
from language_model_fit import Fit
from layers import cpu, git, installed
from page import write_whole

from lockgate.ops import kernels

ROOT = Path(__file__).parents[1]
OUT = ROOT / "docs" / "benchmarks" / "language_model"
PACKAGES = ("lockgate", "torch", "numpy", "safetensors")
SOURCES = ("benchmarks", "src/lockgate/nn", "src/lockgate/ops")  # what a fit runs
RUN, RESULTS = "run.json", "results.json"


@dataclass(frozen=True)
class Job:
    """A fit for a process of its own."""

    arm: str
    seed: int
    config: Config  # of the arm
    data: Path
    runs: Path
    device: str

    @property
    def name(self) -> str:
        """Name the fit in files and lines."""
        return f"{self.arm}-{self.seed}"

    @property
    def checkpoint(self) -> Path:
        """The file that the fit goes on from."""
        return self.runs / f"{self.name}.safetensors"

    @property
    def result(self) -> Path:
        """The file that a finished fit leaves."""
        return self.runs / f"{self.name}.json"


def run_job(job: Job) -> None:
    """Begin or go on with a fit, look at the test part once, and leave the result."""
    if job.result.exists():
        return
    corpus = read_corpus(job.data, job.config)
    fit = Fit(corpus, job.config, job.seed, job.device)
    if job.checkpoint.exists():
        fit.load(job.checkpoint)
        print(f"{job.name}: goes on after epoch {len(fit.curve)}", flush=True)
    fit.go_on(lambda fit: _after_epoch(job, fit))
    result = {
        "arm": job.arm,
        "seed": job.seed,
        "test": fit.test(),
        "best_epoch": fit.best_epoch,
        "parameters": sum(p.numel() for p in fit.network.parameters()),
        "vocabulary": len(corpus.words),
        "tokens": {name: len(getattr(corpus, name)) for name in ("train", "valid", "test")},
        "unknown": {
            name: round(float((getattr(corpus, name) == 0).double().mean()), 4)
            for name in ("train", "valid", "test")
        },
        "curve": fit.curve,
    }
    write_whole(job.result, json.dumps(result, indent=1) + "\n")
    print(f"{job.name}: test perplexity {result['test']:.2f}", flush=True)


def _after_epoch(job: Job, fit: Fit) -> None:
    fit.save(job.checkpoint)
    epoch = fit.curve[-1]
    print(
        f"{job.name}: epoch {epoch['epoch']}/{job.config.max_epochs}, perplexity of training "
        f"{epoch['train']:.2f}, validation {epoch['valid']:.2f}, best in epoch {fit.best_epoch}, "
        f"learning rate {epoch['learning_rate']:.3g}, {epoch['seconds']:.0f} s",
        flush=True,
    )


def run_all(jobs: Sequence[Job], workers: int, threads: int, out: Path) -> None:
    """Run fits side by side and write the page whenever one ends."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, context, _start, (threads,)) as pool:
        futures = [pool.submit(run_job, job) for job in jobs]
        try:
            for future in as_completed(futures):
                future.result()
                write_results(out, jobs[0].runs)
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def _start(threads: int) -> None:
    """Set up a process, which ends with its parent: another run may go on with its fit then."""
    torch.set_num_threads(threads)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    if (parent := multiprocessing.parent_process()) is not None:
        parent.join()
        os._exit(1)


def write_results(out: Path, runs: Path) -> None:
    """Collect the fits that are finished, and write results, plot and page."""
    told = json.loads((runs / RUN).read_text(encoding="utf-8"))
    wanted = [(name, seed) for seed in told["seeds"] for name in told["arms"]]
    files = [runs / f"{name}-{seed}.json" for name, seed in wanted]
    fits = [json.loads(f.read_text(encoding="utf-8")) for f in files if f.exists()]
    results = {**told, "fits": fits}
    write_whole(out / RESULTS, json.dumps(results, indent=1) + "\n")
    language_model_page.write(out)


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
        "command": " ".join(["python", "benchmarks/language_model.py", *sys.argv[1:]]),
        "date": time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()),
        "commit": git("rev-parse", "--short=12", "HEAD"),
        "uncommitted": bool(git("status", "--porcelain", "--", *SOURCES)),
        "instruction_set": status.instruction_set if status else None,
        "gpu": gpu,
        "versions": {name: found for name in PACKAGES if (found := installed(name))},
        "python": platform.python_version(),
        "platform": " ".join([platform.system(), platform.machine(), *platform.libc_ver()]).strip(),
        "cpu": cpu(),
        "cores": os.cpu_count(),
    }


def arguments(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
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
        language_model_page.write(args.out)
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
