"""Jobs run in this process or side by side, each on one thread."""

import os
import signal

import pytest
import torch

from lockgate.running.local import one_thread, run_jobs


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


def test_threads_are_as_before_after_one_thread() -> None:
    before = torch.get_num_threads()
    with one_thread():
        assert torch.get_num_threads() == 1

    assert torch.get_num_threads() == before
