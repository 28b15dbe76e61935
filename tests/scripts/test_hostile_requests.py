"""Hostile requests end in no 5xx, no traceback and no hang, and an honest client goes on."""

import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("fastapi", reason='needs the extra "serve"')

SCRIPT = Path(__file__).parents[2] / "scripts" / "hostile_requests"


@pytest.mark.slow
def test_hostile_requests_are_refused() -> None:
    run = subprocess.run(
        [sys.executable, SCRIPT, "--requests", "300"], capture_output=True, text=True, check=False
    )

    assert run.returncode == 0, run.stdout
    assert "300 requests in" in run.stdout
