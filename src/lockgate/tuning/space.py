"""What a search may try: ranges and choices of settings, read and checked before any fit."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lockgate.errors import DataError, listed, nearest, quoted
from lockgate.settings import resolve, setting_paths
from lockgate.tasks.base import Task
from lockgate.tasks.config import RunConfig
from lockgate.tuning.spelling import FORMS, word

SEEDS = ("random_state", "split_seed")
LEFT_OUT = ("training.metric", "training.device")
"""Of the training: what is judged by, and what computes."""
Value = bool | int | float | str | None


@dataclass(frozen=True)
class Range:
    """All numbers from `low` to `high`, both included."""

    low: float
    high: float
    log: bool = False
    whole: bool = False

    def __contains__(self, value: object) -> bool:
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        return is_number and self.low <= value <= self.high  # type: ignore[operator]


@dataclass(frozen=True)
class Choices:
    """Some values, in no order."""

    values: tuple[Value, ...]

    def __contains__(self, value: object) -> bool:
        return value in self.values


Space = dict[str, Range | Choices]
"""By the path of the setting."""


def default_space(task: Task, prepared: Any, run: RunConfig) -> dict[str, Any]:
    """Return what is searched where no space is given, as a user would write it.

    Sizes and learning rate are around those of `run`; rates that have nothing to drop are left out,
    and no seed is ever in it.
    """
    model, rate = run.model, run.training.learning_rate
    size = model.layer_sizes[0]
    shared: dict[str, Any] = {
        "model.cell": {"choices": ["lstm", "gru"]},
        "model.hidden_size": [max(size // 4, 1), 2 * size, "log"],
        "model.num_layers": [1, 2],
        "model.embedding_dropout": [0.0, 0.3],
        "model.input_dropout": [0.0, 0.5],
        "model.dropout": [0.0, 0.5],
        "model.recurrent_dropout": [0.0, 0.5],
        "model.output_dropout": [0.0, 0.5],
        "training.learning_rate": [short(rate / 10), short(4 * rate), "log"],
        "training.weight_decay": [0.0, 0.1],
    }
    idle = {f"model.{place}" for place in task.idle(prepared)}
    known = set(setting_paths(task.run).values()) - idle
    return {
        path: written
        for path, written in {**shared, **task.tuning.space(prepared)}.items()
        if path in known
    }


def read_space(written: Mapping[str, Any], task: Task, run: RunConfig) -> Space:
    """Read a space as it is written, and have every setting take its bounds and choices.

    Args:
        written: For each setting, by its path or its name alone, `[low, high]`,
            `[low, high, "log"]` or `{"choices": [...]}`. A list of words is one of choices.
        task: The task.
        run: The default settings.

    Raises:
        DataError: If it holds none, one that is unknown or that may not be searched, a range that
            is empty or a value that a setting refuses.
    """
    return {
        path: _dimension(path, content, task, run)
        for path, content in by_setting(written, task).items()
    }


def by_setting(written: Mapping[str, Any], task: Task) -> dict[str, Any]:
    """Return a space by the paths of its settings, as far as they are known.

    Raises:
        DataError: If there is none, or one is unknown, may not be searched, or is named twice.
    """
    if not written:
        raise DataError("space must name a setting at least, got none")
    found: dict[str, Any] = {}
    for name, content in written.items():
        path = _path(str(name), task)
        if path in found:
            raise DataError(f"space must name each setting once, got {quoted(name)} again")
        found[path] = content
    return found


def written(space: Space) -> dict[str, Any]:
    """Return a space as plain values that `read_space` reads."""

    def plain(one: Range | Choices) -> Any:
        if isinstance(one, Choices):
            return {"choices": list(one.values)}
        return [one.low, one.high, "log"] if one.log else [one.low, one.high]

    return {path: plain(one) for path, one in space.items()}


def short(value: float) -> float:
    """Return a number in three digits: more of them make no other network.

    Example:
        >>> short(0.28412345), short(0.003 / 10)
        (0.284, 0.0003)
    """
    return float(f"{value:.3g}")


def configured(run: RunConfig, values: Mapping[str, Any]) -> Any:
    """Return a run with some of its settings changed, by their paths.

    Raises:
        DataError: If a setting refuses its value, or they do not go together.
    """
    return resolve(type(run), run.model_dump(), values)


def value_of(config: RunConfig, path: str) -> Any:
    """Return the value of the setting at a path."""
    value: Any = config
    for name in path.split("."):
        value = getattr(value, name)
    return value


def _path(name: str, task: Task) -> str:
    paths = setting_paths(task.run)
    path = paths.get(name, name)
    if path not in paths.values():
        near = nearest(name, [*paths, *paths.values()], "settings")
        raise DataError(f"space must name settings, got {quoted(name)}; {near}")
    if path.rpartition(".")[2] in SEEDS:
        raise DataError(
            f"space must not hold {path}: a seed is no better than another, and the best of "
            "several is luck"
        )
    own = path.startswith(("model.", "training.")) and path not in LEFT_OUT
    if not own and path not in task.tuning.settings:
        raise DataError(
            "space must hold settings of the network, of its training, or "
            f"{listed(task.tuning.settings)}, got {path}: trials must be judged by the same rows "
            "and metric"
        )
    return path


def _dimension(path: str, content: Any, task: Task, run: RunConfig) -> Range | Choices:
    if isinstance(content, Mapping):
        if set(content) != {"choices"}:
            raise DataError(f"space must give {path} as {FORMS}, got {quoted(dict(content))}")
        return _choices(path, content["choices"], task, run)
    if not isinstance(content, Sequence) or isinstance(content, str):
        raise DataError(f"space must give {path} as {FORMS}, got {quoted(content)}")
    numbers = [_number(value) for value in content[:2]]
    ends = content[2:]
    if len(numbers) == 2 and None not in numbers:
        if list(ends) not in ([], ["log"]):
            raise DataError(f"space must give {path} as {FORMS}, got {quoted(list(content))}")
        low, high = (number for number in numbers if number is not None)
        return _range(path, low, high, task, run, log=bool(ends))
    return _choices(path, content, task, run)


def _range(path: str, low: float, high: float, task: Task, run: RunConfig, *, log: bool) -> Range:
    first, last = (_taken(path, value, task, run) for value in (low, high))
    for value in (first, last):
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise DataError(f"space must give {path} as {{choices: [...]}}: it is no number")
    if not low < high:
        raise DataError(f"space must give {path} from low to high, got {low:g} to {high:g}")
    if log and low <= 0:
        raise DataError(
            f"space must give {path} from above 0 on a scale of logarithms, got {low:g}"
        )
    return Range(first, last, log, whole=isinstance(first, int))


def _choices(path: str, content: Any, task: Task, run: RunConfig) -> Choices:
    several = isinstance(content, Sequence) and not isinstance(content, str)
    values = tuple(_plain(value) for value in content) if several else ()
    if len(set(values)) < 2 or len(set(values)) < len(values):
        raise DataError(
            f"space must give {path} two different choices at least, got {quoted(content)}"
        )
    for value in values:
        _taken(path, value, task, run)
    return Choices(values)


def _taken(path: str, value: Any, task: Task, run: RunConfig) -> Any:
    """Return a value as its setting takes it."""
    try:
        config = configured(run, {path: value})
        task.check_study(config, ())
    except DataError as error:
        raise DataError(f"space must hold values that {path} takes: {error}") from None
    return value_of(config, path)


def _number(value: Any) -> float | int | None:
    """Return a number; YAML takes `1e-4` for a text."""
    if isinstance(value, str):
        try:
            return float(value)
        except ValueError:
            return None
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def _plain(value: Any) -> Value:
    """Return a choice as a plain value: sizes by layer, for example, as `64,32`."""
    if isinstance(value, list | tuple):
        return ",".join(word(part) for part in value)
    return value if isinstance(value, bool | int | float | str | None) else str(value)
