"""Let the tests import the simulated studies, which scripts/simulate_rule imports too."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
