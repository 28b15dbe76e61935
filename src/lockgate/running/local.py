"""Run jobs in this process, or side by side in processes of this machine, or in threads.

A job is a module-level function on paths and plain values, so that it can be sent anywhere.
"""

import contextlib
import os
import signal
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from functools import lru_cache, partial
from typing import Any, TypeVar

import torch
from joblib import Parallel, cpu_count, delayed
from joblib.externals.loky.process_executor import TerminatedWorkerError

from lockgate.running.machine import device_kind

Done = TypeVar("Done")
ASKED_EVERY = 0.5  # seconds


def default_workers(device: str) -> int:
    """Return one process for each core that joblib may use; one for an accelerator."""
    return int(cpu_count()) if device_kind(device) == "cpu" else 1


def run_jobs(
    run: Callable[..., Done], jobs: Sequence[tuple[Any, ...]], workers: int
) -> Iterator[Done]:
    """Yield what `run(*job)` returns for every job, in the order in which they finish.

    Each job has one thread: recurrent steps are too small to share between cores.

    Args:
        run: A module-level function.
        jobs: Its arguments, once for each call.
        workers: Processes side by side; one runs the jobs in this process.

    Raises:
        ChildProcessError: If a worker was killed, as it is where memory runs out.
    """
    parallel = Parallel(workers, return_as="generator_unordered", batch_size=1)
    call = _on_one_thread if workers == 1 else partial(_in_worker, os.getpid())
    results = parallel(delayed(call)(run, *job) for job in jobs)
    try:
        for result in results:  # noqa: UP028 - it is closed below, not by `yield from`
            yield result
    except TerminatedWorkerError:
        raise ChildProcessError(
            "a process that fits was killed, perhaps for want of memory: continue with "
            "resume=True (--resume), and with fewer workers if it happens again"
        ) from None
    finally:
        with warnings.catch_warnings():
            # of jobs that are cancelled: whoever wants no more of them says why
            warnings.filterwarnings("ignore", r"\d+ tasks ", UserWarning)
            results.close()


def run_in_threads(
    run: Callable[..., Done], jobs: Sequence[tuple[Any, ...]], workers: int
) -> list[Done]:
    """Return what `run(*job, wanted)` returns for every job, in the order of the jobs.

    Jobs of which one fails or that are interrupted are no longer wanted: those that wait are not
    begun, and those that run are to look at `wanted()`, and end.

    Args:
        run: A function that spends its time in torch, which lets other threads of Python compute.
        jobs: Its arguments, once for each call.
        workers: Threads side by side. A job computes on one thread then; one worker lets it have
            those that torch has.

    Returns:
        What came of them, fewer after Ctrl-C: jobs that were not begun are left out, and those that
        ended with a `KeyboardInterrupt` of their own.

    Raises:
        KeyboardInterrupt: If nothing is left.
    """
    end, handing_in = threading.Event(), threading.Lock()
    threads, own = torch.get_num_threads(), threads_of_each(len(jobs), workers)

    def call(*job: Any) -> Done:
        with handing_in:  # none begins before all are handed in: Ctrl-C may come between two
            if end.is_set():
                raise KeyboardInterrupt
        torch.set_num_threads(own)
        try:
            return run(*job, lambda: not end.is_set())
        except BaseException:
            end.set()
            raise

    futures: list[Future[Done]] = []
    with ThreadPoolExecutor(min(workers, len(jobs))) as pool:
        try:
            with handing_in:
                futures.extend(pool.submit(call, *job) for job in jobs)
            while wait(futures, timeout=0.2).not_done:  # again and again, so that Ctrl-C is seen
                pass
        except KeyboardInterrupt:
            pass  # leaving the pool waits for those that run
        finally:
            end.set()
    torch.set_num_threads(threads)
    finished = [
        one.result() for one in futures if not isinstance(one.exception(), KeyboardInterrupt)
    ]
    if not finished:
        raise KeyboardInterrupt
    return finished


def threads_of_each(jobs: int, workers: int) -> int:
    """Return on how many threads `run_in_threads` computes each of so many jobs."""
    return 1 if min(workers, jobs) > 1 else torch.get_num_threads()


@contextlib.contextmanager
def one_thread() -> Iterator[None]:
    """Let torch compute on one thread inside the `with` block."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def _on_one_thread(run: Callable[..., Done], *job: Any) -> Done:
    with one_thread():
        return run(*job)


def _in_worker(parent: int, run: Callable[..., Done], *job: Any) -> Done:
    # Ctrl-C reaches every process of the group: a study ends its workers itself, and a fit must
    # not take it for the wish to stop early
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    end_with(parent)
    return _on_one_thread(run, *job)


@lru_cache(maxsize=1)
def end_with(parent: int) -> None:
    """End this process when the one that started it is gone: killed, it cannot end its workers."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(ASKED_EVERY)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
