"""The command line that repeats a study."""

import shlex
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

from pydantic.fields import FieldInfo

from lockgate.config import option_of
from lockgate.reading.samples import SAMPLE
from lockgate.settings import fields_of
from lockgate.tasks.base import Task
from lockgate.tasks.registry import suitable

# how a call names data that come from no file, and what stands in for them to ask which task suits
IN_MEMORY: dict[str, tuple[str, Any]] = {
    "frame": ("frame", object()),
    "files": ("files", object()),
    "X": ("(X, y)", ()),
    "texts": ("(texts, labels)", ()),
    "list": ("texts", []),
}
NONE_APART: dict[str, tuple[str, Callable[[Any], list[str]]]] = {}


class Asked(Protocol):
    """What was read, and with which settings."""

    @property
    def config(self) -> Any:
        """The settings."""
        ...

    @property
    def task(self) -> Task:
        """The task."""
        ...

    @property
    def data(self) -> Any:
        """What was read; it has a `source`."""
        ...


def command(plan: Asked) -> str:
    """Return the `lockgate study` command of a plan: every setting that is not the default.

    What is in memory has no file to name: for it, the call in Python is returned.
    """
    return command_of(plan, "study")


def command_of(
    plan: Asked, name: str, apart: Mapping[str, tuple[str, Callable[[Any], list[str]]]] = NONE_APART
) -> str:
    """Return the command of that name of a plan, as `command` does.

    Args:
        plan: What was read, and with which settings.
        name: Of the command, and of the function.
        apart: For settings that are no single value, by their paths, the name of their argument
            and how their options are spelled.
    """
    values = plan.config.model_dump(mode="json")
    fields = fields_of(type(plan.config))
    given = {
        path: (field, value)
        for path, field in fields.items()
        if (value := _at(values, path)) != _default(field)
    }
    if plan.data.source in IN_MEMORY:
        frame, stand_in = IN_MEMORY[plan.data.source]
        words = [frame]
        if suitable(stand_in, given).name != plan.task.name:
            words.append(f"task={plan.task.name!r}")
        names = {path: apart[path][0] if path in apart else _last(path) for path in given}
        words += [f"{names[path]}={value!r}" for path, (_, value) in given.items()]
        return f"lockgate.{name.replace('-', '_')}({', '.join(words)})"
    source = _first(plan.data.source, plan.config.data)
    words = ["lockgate", name, *_source(source)]
    if suitable(source, given).name != plan.task.name:
        words += ["--task", plan.task.name]
    for path, (field, value) in given.items():
        words += apart[path][1](value) if path in apart else _option(name, path, field, value)
    return shlex.join(words)


def _last(path: str) -> str:
    return path.rpartition(".")[2]


def _option(command: str, path: str, field: FieldInfo, value: Any) -> list[str]:
    option, name = option_of(field), _last(path).replace("_", "-")
    if option is None or command not in option.commands:
        return ["--set", f"{path}={_text(value)}"]
    if isinstance(value, bool):
        flag = name if value else f"no-{name}"
        return [f"--{flag}"]
    return [f"--{name}", _text(value)]


def _default(field: FieldInfo) -> Any:
    """Return the default as JSON has it; of what must be given, one that no value equals."""
    if field.is_required():
        return ...
    default = field.get_default(call_default_factory=True)
    return list(default) if isinstance(default, tuple) else default


def _first(source: str, data: Any) -> str:
    """Return the file that was studied, without the parts that options name."""
    for part in (getattr(data, "test", None), getattr(data, "validation", None)):
        source = source.removesuffix(f" and {Path(part).name}") if part else source
    return source


def _source(source: str) -> list[str]:
    return ["--sample", source.removeprefix(SAMPLE)] if source.startswith(SAMPLE) else [source]


def _at(nested: dict[str, Any], path: str) -> Any:
    for key in path.split("."):
        nested = nested[key]
    return nested


def _text(value: Any) -> str:
    return ",".join(str(part) for part in value) if isinstance(value, list) else str(value)
