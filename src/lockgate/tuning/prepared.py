"""What trials learn from: folds prepared once for all trials that prepare alike."""

import hashlib
import json
from pathlib import Path
from typing import Any

from lockgate.errors import DataError
from lockgate.studies.fits import save_prepared
from lockgate.studies.folder import clear_half_written
from lockgate.studies.plan import Plan, Watcher, folds_of
from lockgate.studies.stretches import Stretch, Stretches
from lockgate.tasks.folds import Folds


class Preparation:
    """The folds, and the whole, as some settings have them prepared."""

    def __init__(self, plan: Plan, run: Any, root: Path, watcher: Watcher) -> None:
        self._plan, self.run, self.root, self._watcher = plan, run, root, watcher
        self._stretches = self._own(baselines=False)
        self._whole: Any = None

    def stretches(self, of_pass: int) -> tuple[Stretch, ...]:
        """Return the folds of a pass, without baselines: those of the default settings.

        Raises:
            DataError: If nothing can be learned from a fold that is prepared so.
        """
        return self._stretches.of_pass(of_pass)

    def folds(self, of_pass: int) -> Folds:
        """Return which rows the folds of a pass have."""
        return folds_of(self._plan, of_pass)

    def with_baselines(self) -> tuple[Stretch, ...]:
        """Return the folds of the first pass, with baselines that were prepared for alike."""
        return self._own(baselines=True).of_pass(0)

    def whole(self) -> Any:
        """Return what is no test part as one, kept where members find it.

        Raises:
            DataError: If nothing can be learned from it.
        """
        if self._whole is None:
            self._whole = self._plan.task.prepare(self._plan.data, self.run)
            if not (self.root / "prepared" / "whole").exists():
                save_prepared(self.root / "prepared" / "whole", self._whole, self._plan.task)
        return self._whole

    def _own(self, *, baselines: bool) -> Stretches:
        # which rows are in a fold is told by what was prepared for the default
        plan = self._plan._replace(config=self.run)
        return Stretches(plan, self.root, self._watcher, baselines=baselines)


class Preparations:
    """Every preparation of a search, by what preparing reads of the settings."""

    def __init__(self, plan: Plan, run: Any, out: Path, watcher: Watcher) -> None:
        """Begin with that of the default settings, `run`, which is kept in `out` itself."""
        self._plan, self._out, self._watcher = plan, out, watcher
        self._known: dict[str, Preparation | DataError] = {}
        self._known[self._key(run)] = Preparation(plan, run, out, watcher)

    def of(self, run: Any) -> Preparation:
        """Return the preparation of some settings.

        Raises:
            DataError: If nothing can be learned from what is prepared so.
        """
        key = self._key(run)
        if key not in self._known:
            root = self._out / "prepared-for" / key
            clear_half_written(root)
            self._known[key] = Preparation(self._plan, run, root, self._watcher)
        known = self._known[key]
        if isinstance(known, DataError):
            raise known
        return known

    def refuse(self, run: Any, error: DataError) -> None:
        """Note that nothing can be learned from what is prepared as these settings say."""
        self._known[self._key(run)] = error

    def _key(self, run: Any) -> str:
        read = self._plan.task.tuning.preparation(run)
        return hashlib.sha256(json.dumps(read, sort_keys=True).encode()).hexdigest()[:16]
