"""The tasks by name. A new task is a folder here and a line below."""

from collections.abc import Iterable, Mapping
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lockgate.errors import DataError, listed

if TYPE_CHECKING:
    from lockgate.tasks.base import Fitted, Task
    from lockgate.tasks.config import RunConfig

# name -> package, whose `config` has RUN, MODEL, owns() and suits(), `task` TASK, `fitted` load().
# Imported on use.
# In the order in which they are asked whether a source is theirs: the last takes any.
_PACKAGES = {
    "language": "lockgate.tasks.language",
    "labels": "lockgate.tasks.labelling",
    "forecast": "lockgate.tasks.forecasting",
}
NAMES = tuple(_PACKAGES)


def task(name: str) -> "Task":
    """Return a task by its name.

    Raises:
        DataError: If there is none of that name.
    """
    found: Task = import_module(f"{_package(name)}.task").TASK
    return found


def configs() -> "Mapping[str, type[RunConfig]]":
    """Return the settings of a run of each task, without loading what computes."""
    return {name: _config(name).RUN for name in NAMES}


def suitable(source: Any, settings: Iterable[str], name: str | None = None) -> "Task":
    """Decide once which task is meant: the one that is named, or else that a source is for.

    Args:
        source: What will be read.
        settings: Names of the settings that were given.
        name: The task, where it was named.
    """
    if name is not None:
        return task(name)
    given = {setting.removeprefix("data.") for setting in settings}
    return task(next(one for one in NAMES if _config(one).suits(source, given)))


def model_name(name: str) -> str:
    """Return what a fitted model of a task is called in a sentence."""
    return str(_config(name).MODEL)


def owner(source: Any) -> str | None:
    """Return the only task that a source can be for, or None if that cannot be told from it."""
    return next((name for name in NAMES if _config(name).owns(source)), None)


def load(folder: str | Path) -> "Fitted":
    """Read a fitted model of any task that `train` or a study saved. Runs no code from it.

    Args:
        folder: What was written; of a study its folder, or `fitted` in that.

    Raises:
        DataError: If the folder holds none.

    Example:
        >>> load("no/such/folder")
        Traceback (most recent call last):
        ...
        lockgate.errors.DataError: no/such/folder is no fitted model: No such file or directory: \
config.json
    """
    from lockgate.tasks.storage import read_json

    path = fitted_folder(folder)
    # a forecaster of the first format does not name its task
    name = read_json(path / "config.json").get("task", "forecast")
    if name not in NAMES:
        raise DataError(f"{path} is no fitted model: task must be {listed(NAMES)}, got {name!r}")
    # not through `task`, which loads what trains and judges
    fitted: Fitted = import_module(f"{_package(name)}.fitted").load(path)
    return fitted


def fitted_folder(folder: str | Path) -> Path:
    """Return where a fitted model lies: the folder, or `fitted` in that of a study."""
    inner = Path(folder) / "fitted"
    return inner if inner.is_dir() else Path(folder)


def _package(name: str) -> str:
    if name not in _PACKAGES:
        raise DataError(f"task must be one of {listed(NAMES)}, got {name!r}")
    return _PACKAGES[name]


@cache
def _config(name: str) -> Any:
    return import_module(f"{_package(name)}.config")
