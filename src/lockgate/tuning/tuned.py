"""Read what a finished search found, as rungs of a study."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lockgate.errors import DataError, quoted
from lockgate.settings import resolve
from lockgate.studies.tuned import Tuned, check_alike
from lockgate.tasks.base import Task
from lockgate.tuning.result import TuneResult
from lockgate.tuning.results import TuneResults
from lockgate.tuning.space import configured, value_of
from lockgate.tuning.words import entrant, settings_in_words


def read_tuned(folder: str, task: Task, config: Any) -> Tuned:
    """Read the settings that a search began with and those that it found, for a study of `config`.

    Found are those that it recommends; where it keeps the default, those that were best once they
    were fitted again.

    Raises:
        DataError: If the folder holds no finished search, or one of another task, of other
            settings of data or training, or one that could judge no trial.
    """
    if not (Path(folder) / "results.json").exists():
        raise DataError(
            f"tuned must be the folder of a search that has ended (lockgate tune), got {folder}, "
            "which holds no results.json"
        )
    results = TuneResult.load(folder).results
    if results["task"] != task.name:
        raise DataError(
            f"tuned must be a search of this task, {task.name}, got {folder}, which is of "
            f"{quoted(results['task'])}"
        )
    own = {name: results["config"][name] for name in task.run.model_fields}
    default = resolve(task.run, own)
    values = _found(results, folder)
    best = configured(default, values)
    shared = task.tuning.shared(best)
    changed = {
        path: value
        for path, value in values.items()
        if path not in shared and value != value_of(default, path)
    }
    fingerprint = results["data"]["fingerprint"]
    tuned = Tuned(folder, fingerprint, default, best, settings_in_words(changed))
    check_alike(tuned, task, config)
    return tuned


def _found(results: TuneResults, folder: str) -> Mapping[str, Any]:
    verdict = results["verdict"]
    name = verdict["tuned"] if verdict["selected"] == "default" else verdict["selected"]
    if name is None:
        raise DataError(
            f"tuned must be a search that found settings, got {folder}, none of whose trials was "
            "judged on every fold"
        )
    return entrant(results, name)["values"]
