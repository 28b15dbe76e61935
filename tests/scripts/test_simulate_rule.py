"""The simulation of the rule runs from the command line."""

import re
import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).parents[2] / "scripts" / "simulate_rule"


def test_a_setting_is_simulated_and_told_with_its_error():
    command = [sys.executable, str(SCRIPT), "--setting", "labels", "--studies", "3"]

    done = subprocess.run(command, capture_output=True, text=True, check=True)

    assert re.fullmatch(r"labels: wrong \d\.\d{4} ± \d\.\d{4}\n", done.stdout)
