"""Fits in processes side by side, which leave checkpoints, and the results of those that ended."""

import json
import multiprocessing
import os
import threading
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

import torch

from benchmarks.common.files import write_whole
from benchmarks.language_model import page
from benchmarks.language_model.config import Config
from benchmarks.language_model.data import read_corpus
from benchmarks.language_model.fit import Fit

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
    page.write(out)
