"""A launch as Triton takes it on a GPU: what is compiled, and what another size compiles anew.

The driver of a GPU is stood in for, so that kernels are compiled for it and not run.
"""

import json
import os
import subprocess
import sys

import pytest

from lockgate.ops._triton import support

pytestmark = pytest.mark.skipif(not support.INSTALLED, reason="Triton is not installed")

LAUNCHES = """
import json, sys
import torch
from triton.backends.compiler import GPUTarget
from triton.runtime import driver

class Driver:
    get_current_target = lambda self: GPUTarget("cuda", 90, 32)
    get_current_device = lambda self: 0
    get_current_stream = lambda self, device=None: 0

driver.set_active(Driver())
from lockgate.ops import lstm
from lockgate.ops._triton import launch, plan, support, walk
from lockgate.ops.dispatch import backend

made = []

class Kernel:
    def __init__(self, kernel):
        self.kernel = kernel

    def __getitem__(self, grid):
        def compile(**arguments):
            options = self.kernel.warmup(grid=grid, **arguments).metadata
            (cache, *_), *_ = self.kernel.device_caches.values()
            made.append([grid, options.launch_cooperative_grid, len(cache)])
        return compile

walk.forward, walk.backward = Kernel(walk.forward), Kernel(walk.backward)
support.may_run = lambda x: True
launch._device = lambda x: plan.Device(132, 227 * 1024)
for B, T, H in json.loads(sys.argv[1]):
    weights = [torch.zeros(4 * H, H).bfloat16().requires_grad_() for _ in range(2)]
    state = lstm.State(*(torch.zeros(B, H).bfloat16() for _ in range(2)))
    masks = lstm.Masks(h=torch.ones(1, 4, B, H).bfloat16())
    with backend("triton"):
        output, _ = lstm.lstm(torch.zeros(T, B, H).bfloat16(), state, lstm.Weights(*weights), masks)
    output.sum().backward()
print(json.dumps(made))
"""


# batch, time, hidden; forward and backward of each are launched
SAME_HIDDEN = [(16, 5, 256), (16, 64, 256), (9, 1, 256), (1, 16, 256)]
ALONE, SHARING = (16, 3, 64), (33, 3, 256)


@pytest.fixture(scope="module")
def launches() -> dict[tuple[int, int, int], list]:
    """Give grid, whether it is cooperative, and how many kernels there are, of each launch.

    Triton has to be loaded as where there is a GPU, so it is in a process of its own.
    """
    sizes = [*SAME_HIDDEN, ALONE, SHARING]
    environment = {k: v for k, v in os.environ.items() if k != "TRITON_INTERPRET"}
    run = subprocess.run(
        [sys.executable, "-c", LAUNCHES, json.dumps(sizes)],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    made = iter(json.loads(run.stdout))
    return {size: [next(made), next(made)] for size in sizes}


def test_another_batch_or_length_compiles_nothing(launches) -> None:
    made = [launch for size in SAME_HIDDEN for launch in launches[size]]

    assert [kernels for _, _, kernels in made] == [1] * len(made)


def test_programs_that_wait_for_each_other_are_launched_to_run_at_once(launches) -> None:
    (alone, _), (sharing, _) = launches[ALONE], launches[SHARING]

    assert alone[:2] == [[1, 1], False]
    (blocks, programs), cooperative, _ = sharing
    assert programs > 1
    assert blocks * programs <= 132
    assert cooperative
