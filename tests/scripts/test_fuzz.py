"""Damaged sources and fitted folders end in no traceback and no hang."""

import subprocess
import sys
from pathlib import Path

import pytest

FUZZ = Path(__file__).parents[2] / "scripts" / "fuzz"


@pytest.mark.slow
def test_damaged_inputs_are_read_or_refused() -> None:
    run = subprocess.run(
        [sys.executable, FUZZ, "--inputs", "300"], capture_output=True, text=True, check=False
    )

    assert run.returncode == 0, run.stdout
    assert "0 traceback, 0 hang, 0 memory; at most" in run.stdout
