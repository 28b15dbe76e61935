"""Who is told what a search is at."""

from lockgate.studies.plan import Watcher
from lockgate.tuning.plan import TunePlan
from lockgate.tuning.trial import Trial


class TuneWatcher(Watcher):
    """Is told what a search is at; this one listens to nothing."""

    def on_search(self, plan: TunePlan, fits: int) -> None:
        """Hear of the plan before the first fit, and of how many fits there are at most."""

    def on_trial(self, trial: Trial) -> None:
        """Hear of every trial that is done."""


SILENT_SEARCH = TuneWatcher()
