"""Plan a search before it runs: what is read, how it is cut, what is tried."""

from pathlib import Path
from typing import Any, NamedTuple

from lockgate.running.jobs import Place
from lockgate.running.machine import check_device
from lockgate.studies.plan import SILENT, Plan, Watcher, budget_of, why_no_verdict
from lockgate.studies.rounds import run_config
from lockgate.tasks.base import Task
from lockgate.tuning.optional import optuna
from lockgate.tuning.space import Space, default_space, read_space, value_of, written


class TunePlan(NamedTuple):
    """A search that is ready to run."""

    study: Plan  # without rungs: what is read, its folds, and how many fits run side by side
    run: Any  # the default settings
    space: Space
    default: dict[str, Any]  # value of each setting that is searched
    storage: str | Path | None  # None: a journal in the folder

    @property
    def known(self) -> dict[str, Any] | None:
        """The default settings if they lie in the space."""
        inside = all(self.default[path] in one for path, one in self.space.items())
        return self.default if inside else None

    @property
    def advice(self) -> tuple[str, ...]:
        """What a user should know before starting."""
        why_not = why_no_verdict(self.study)
        of_evidence = [] if why_not is None else [f"no verdict is possible: {why_not}"]
        return (*of_evidence, *self.study.task.advice(self.study.data, self.study.prepared))


def plan_tuning(
    source: Any,
    config: Any,
    task: Task,
    place: Place,
    watcher: Watcher = SILENT,
    storage: str | Path | None = None,
) -> TunePlan:
    """Read and prepare `source`, part it into folds and read the space.

    Raises:
        DataError: If the data, the configuration or the space cannot be used.
        ModuleNotFoundError: If Optuna is not installed.
    """
    optuna()
    if config.ray is None:  # a cluster may have what this machine lacks
        check_device(config.training.device)
    budget_of(config)
    run = run_config(task, config, config.model)
    task.check_study(run, ())
    # what is wrong with a space is told before a large table is read
    space = read_space(config.tune, task, run) if config.tune else None
    watcher.on_step("reading")
    data = task.read(source, config)
    watcher.on_step(f"preparing {data.source}")
    prepared = task.prepare(data, run)
    if space is None:
        space = read_space(default_space(task, prepared, run), task, run)
        config = config.model_copy(update={"tune": written(space)})
    folds = task.rounds.folds(data, prepared, config)
    study = Plan(config, task, data, prepared, (), folds, place, {}, 0)
    left = {path: v for path, v in task.tuning.values(prepared).items() if path in space}
    default = {
        path: left.get(path) if value_of(run, path) is None else value_of(run, path)
        for path in space
    }
    return TunePlan(study, run, space, default, storage)
