"""The GPU's kernels compile for GPUs that need not be there."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from lockgate.ops._triton import support

ROOT = Path(__file__).parents[3]


@pytest.mark.skipif(not support.INSTALLED, reason="Triton is not installed")
def test_kernels_compile_without_a_gpu() -> None:
    environment = {k: v for k, v in os.environ.items() if k != "TRITON_INTERPRET"}

    run = subprocess.run(
        [sys.executable, "-m", "benchmarks.gpu_code", "--quick", "--processes", "1"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )

    assert run.returncode == 0, run.stderr
    lines = run.stdout.splitlines()
    assert len(lines) == 3 * 2 * 2
    assert all("0 stack" in line and "mma" in line for line in lines)
