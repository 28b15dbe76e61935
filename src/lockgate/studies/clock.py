"""How long a study takes, over all the runs in which it is done."""

import json
import time
from pathlib import Path

from lockgate.errors import DataError
from lockgate.files import write_text


class Clock:
    """Counts the seconds of a study from now on, and those of the runs that it was begun in.

    What a killed run took counts up to its last finished fit.
    """

    def __init__(self) -> None:
        self._began = time.perf_counter()
        self._before = 0.0

    def go_on(self, out: Path) -> None:
        """Add what earlier runs in the folder of a study took.

        Raises:
            DataError: If what is kept there cannot be read.
        """
        path = out / "seconds.json"
        if not path.exists():
            return
        try:
            self._before = float(json.loads(path.read_text(encoding="utf-8")))
        except (ValueError, TypeError, RecursionError):
            raise DataError(f"{path} must hold a number of seconds: delete it") from None

    @property
    def seconds(self) -> float:
        """Seconds so far."""
        return self._before + self.of_this_run

    @property
    def of_this_run(self) -> float:
        """Seconds since this run began."""
        return time.perf_counter() - self._began

    def keep(self, out: Path) -> float:
        """Write down the seconds so far, and return them."""
        seconds = self.seconds
        write_text(out / "seconds.json", json.dumps(seconds))
        return seconds
