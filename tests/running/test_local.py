"""Jobs run in this process or side by side, each on one thread."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
import warnings

import pytest
import torch

from lockgate.running.local import one_thread, run_in_threads, run_jobs


@pytest.mark.parametrize("workers", [1, 2])
def test_every_job_is_run_once_on_one_thread(workers: int) -> None:
    # a job is what another process can import: a function of a module there
    done = list(run_jobs(torch.get_num_threads, [()] * 5, workers))
    pids = list(run_jobs(os.getpid, [()] * 5, workers))

    assert done == [1] * 5
    assert len(pids) == 5
    assert (set(pids) == {os.getpid()}) == (workers == 1)


def test_a_killed_worker_is_told_with_the_remedy() -> None:
    with pytest.raises(ChildProcessError, match=r"was killed.*continue with resume=True"):
        list(run_jobs(signal.raise_signal, [(signal.SIGKILL,)] * 2, 2))


def test_whoever_wants_no_more_results_is_not_warned_of_those_that_are_cancelled() -> None:
    running = run_jobs(time.sleep, [(0.0,), (60.0,), (60.0,)], 2)
    next(running)

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        running.close()

    assert [str(one.message) for one in caught] == []


def test_no_worker_outlives_a_process_that_was_killed() -> None:
    script = """
import os, time
from lockgate.running.local import run_jobs
list(run_jobs(os.getpid, [()] * 2, 2))
print("begun", flush=True)
list(run_jobs(time.sleep, [(600,)] * 2, 2))
"""
    command = [sys.executable, "-c", script]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(command, **pipes) as killed:
        assert killed.stdout is not None
        assert killed.stdout.readline() == b"begun\n"
        killed.kill()
        # the workers hold its output open, until they end
        assert killed.communicate(timeout=30)[0] == b""


def test_threads_are_as_before_after_one_thread() -> None:
    before = torch.get_num_threads()
    with one_thread():
        assert torch.get_num_threads() == 1

    assert torch.get_num_threads() == before


def test_threads_give_what_came_of_each_job_in_order_and_share_one_core_each():
    began = threading.Barrier(2, timeout=20)

    def job(number, wanted):
        began.wait()  # two run at a time
        return number, torch.get_num_threads(), wanted()

    threads = torch.get_num_threads()

    assert run_in_threads(job, [(0,), (1,), (2,), (3,)], 2) == [(n, 1, True) for n in range(4)]
    assert torch.get_num_threads() == threads


def test_one_thread_computes_on_as_many_cores_as_torch_has():
    def job(_, wanted):
        assert wanted()
        return torch.get_num_threads()

    assert run_in_threads(job, [(0,), (1,)], 1) == [torch.get_num_threads()] * 2


def test_a_job_that_fails_ends_the_others_with_its_error():
    begun, ended = threading.Event(), []

    def job(number, wanted):
        if number == 1:
            begun.wait(60)
            raise ValueError("number 1")
        begun.set()
        while wanted():
            time.sleep(0.01)
        ended.append(number)

    with pytest.raises(ValueError, match="number 1"):
        run_in_threads(job, [(n,) for n in range(4)], 2)
    assert ended == [0]


def test_ctrl_c_while_jobs_are_handed_in_ends_them():
    class Interrupted(list):
        def __iter__(self):
            yield (0,)
            yield (1,)
            signal.raise_signal(signal.SIGINT)

    def job(number, wanted):
        while wanted():
            time.sleep(0.01)
        return number

    before, done = threading.active_count(), []
    with contextlib.suppress(KeyboardInterrupt):  # if none has begun
        done = run_in_threads(job, Interrupted([(0,), (1,), (2,)]), 2)

    assert 2 not in done
    assert threading.active_count() == before


@pytest.mark.parametrize("keep", [True, False])
def test_ctrl_c_lets_running_jobs_end_and_begins_no_other(keep):
    def job(number, wanted):
        if number == 1:
            signal.raise_signal(signal.SIGINT)
        while wanted():
            time.sleep(0.01)
        if not keep:
            raise KeyboardInterrupt
        return number

    if keep:
        assert run_in_threads(job, [(n,) for n in range(4)], 2) == [0, 1]
    else:
        with pytest.raises(KeyboardInterrupt):
            run_in_threads(job, [(n,) for n in range(4)], 2)
