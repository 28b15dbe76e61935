"""Threads: as many as torch has, the same bits each time, calls side by side, fork and spawn."""

import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import torch

from lockgate.ops import kernels

pytestmark = pytest.mark.skipif(not kernels.BUILT, reason="lockgate has no kernels here")

ONLY_LINUX = pytest.mark.skipif(sys.platform != "linux", reason="it reads /proc of Linux")
# batch, time, input, hidden: threads take rows of the batch, or hidden units where rows are few
SIZES = {"by-rows": (7, 33, 9, 37), "by-units": (1, 5, 17, 401)}
BOTH_SPLITS = pytest.mark.parametrize("sizes", SIZES.values(), ids=SIZES)

SETUP = """
import os, sys, time
import torch
from lockgate.nn import LSTM
from lockgate.ops import backend, kernels

torch.set_num_threads(1)
layer, x = LSTM(9, 37, recurrent_dropout=0.5), torch.randn(33, 7, 9)
masks = layer.draw_masks(7)
wide, step = LSTM(17, 401), torch.randn(3, 1, 17)

def run(threads):
    torch.set_num_threads(threads)
    with backend("cpu"):
        return layer(x, masks=masks)[0], wide(step)[0]
"""


def run_script(script: str, path: Path) -> str:
    """Run it as a file, which a spawned child can import, and return what it prints."""
    path.write_text(SETUP + script)
    result = subprocess.run([sys.executable, path], capture_output=True, text=True, timeout=120)
    assert result.returncode == 0, result.stderr
    return result.stdout


@pytest.fixture
def threads_of_our_own() -> Iterator[None]:
    """Compute as where torch's threads are not found."""
    module = kernels.extension()
    module.use_openmp(0, 0)
    yield
    module.use_openmp(*kernels._openmp_of_torch())


@BOTH_SPLITS
@pytest.mark.parametrize("threads", [1, 2, 3])
def test_results_are_the_same_bits_each_time(
    make_case_once, set_threads, cell: str, threads: int, sizes: tuple
) -> None:
    case = make_case_once(cell, sizes, masks="mixed", padded=True)
    set_threads(threads)

    first = case.compute()

    for _ in range(3):
        assert all(map(torch.equal, case.compute().values(), first.values()))


@BOTH_SPLITS
def test_kernels_run_on_threads_of_their_own(
    make_case_once, set_threads, threads_of_our_own, cell: str, sizes: tuple
) -> None:
    case = make_case_once(cell, sizes, masks="mixed", padded=True)
    assert kernels.status().threads == "started for each call, since torch's were not found"

    for threads in (1, 2, 3):
        set_threads(threads)
        case.check(f"{threads} threads")


def test_calls_run_side_by_side(make_case_once, set_threads) -> None:
    cells = ["lstm", "gru", "rnn", "relu"]
    cases = [
        make_case_once(c, s, masks="mixed", padded=True) for c in cells for s in SIZES.values()
    ]
    set_threads(2)
    alone = [case.compute() for case in cases]

    def repeat(case) -> list[dict[str, torch.Tensor]]:
        torch.set_num_threads(2)  # of this thread of Python
        return [case.compute() for _ in range(4)]

    with ThreadPoolExecutor(len(cases)) as pool:
        together = list(pool.map(repeat, cases))

    for expected, repeated in zip(alone, together, strict=True):
        for got in repeated:
            assert all(map(torch.equal, got.values(), expected.values()))


@ONLY_LINUX
def test_kernels_take_as_many_threads_as_torch_has_and_the_same_ones(tmp_path: Path) -> None:
    printed = run_script(
        """
count = lambda: len(os.listdir("/proc/self/task"))
run(1)
before = count()
for threads in (1, 2, 3):
    run(threads)
    print(count() - before)
torch.ones(1_000_000).exp().sum()
print(count() - before)
""",
        tmp_path / "script.py",
    )

    assert printed.split() == ["0", "1", "2", "2"]


@ONLY_LINUX
def test_forked_child_computes_on_one_thread(tmp_path: Path) -> None:
    printed = run_script(
        """
count = lambda: len(os.listdir("/proc/self/task"))
expected = run(1)
run(3)
child = os.fork()
if child == 0:
    got = run(3)
    sum(part.sum() for part in got).backward()
    same = all(map(torch.allclose, got, expected))
    gradient = layer.weight_hh_l0.grad.isfinite().all().item()
    print(kernels.status().threads, count(), same, gradient, sep=", ", flush=True)
    os._exit(0)
deadline = time.monotonic() + 60
while (ended := os.waitpid(child, os.WNOHANG))[0] == 0 and time.monotonic() < deadline:
    time.sleep(0.01)
if ended[0] == 0:
    os.kill(child, 9)
    sys.exit("the child hangs")
run(3)
print(ended[1], kernels.status().threads, sep=", ")
""",
        tmp_path / "script.py",
    )

    child, parent = printed.splitlines()
    assert child == "one thread, since this process was forked, 1, True, True"
    assert parent == "0, torch's own"


def test_spawned_child_computes_the_same(tmp_path: Path) -> None:
    printed = run_script(
        """
def work(inputs):
    state, masks, x, step = inputs
    layer.load_state_dict(state[0])
    wide.load_state_dict(state[1])
    torch.set_num_threads(2)
    with backend("cpu"):
        return layer(x, masks=masks)[0].detach(), wide(step)[0].detach()

if __name__ == "__main__":
    import torch.multiprocessing as multiprocessing

    expected = run(2)
    states = [layer.state_dict(), wide.state_dict()]
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        got = pool.apply(work, [(states, masks, x, step)])
    print(all(map(torch.equal, got, expected)))
""",
        tmp_path / "script.py",
    )

    assert printed == "True\n"
