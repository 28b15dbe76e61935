"""The command line that repeats a study."""

import shlex
from pathlib import Path
from typing import Any

from pydantic.fields import FieldInfo

from lockgate.config import option_of
from lockgate.reading.samples import SAMPLE
from lockgate.settings import fields_of
from lockgate.studies.plan import Plan
from lockgate.tasks.registry import suitable

# how a call names data that come from no file, and what stands in for them to ask which task suits
IN_MEMORY: dict[str, tuple[str, Any]] = {
    "frame": ("frame", object()),
    "X": ("(X, y)", ()),
    "texts": ("(texts, labels)", ()),
    "list": ("texts", []),
}


def command(plan: Plan) -> str:
    """Return the `lockgate study` command of a plan: every setting that is not the default.

    What is in memory has no file to name: for it, the call in Python is returned.
    """
    values = plan.config.model_dump(mode="json")
    fields = fields_of(type(plan.config))
    given = {
        path: (field, value)
        for path, field in fields.items()
        if (value := _at(values, path)) != _default(field)
    }
    if plan.data.source in IN_MEMORY:
        name, stand_in = IN_MEMORY[plan.data.source]
        words = [name]
        if suitable(stand_in, given).name != plan.task.name:
            words.append(f"task={plan.task.name!r}")
        words += [f"{path.rpartition('.')[2]}={value!r}" for path, (_, value) in given.items()]
        return f"lockgate.study({', '.join(words)})"
    source = _first(plan.data.source, plan.config.data)
    words = ["lockgate", "study", *_source(source)]
    if suitable(source, given).name != plan.task.name:
        words += ["--task", plan.task.name]
    for path, (field, value) in given.items():
        words += _option(path, field, value)
    return shlex.join(words)


def _option(path: str, field: FieldInfo, value: Any) -> list[str]:
    option, name = option_of(field), path.rpartition(".")[2].replace("_", "-")
    if option is None or "study" not in option.commands:
        return ["--set", f"{path}={_text(value)}"]
    if isinstance(value, bool):
        flag = name if value else f"no-{name}"
        return [f"--{flag}"]
    return [f"--{name}", _text(value)]


def _default(field: FieldInfo) -> Any:
    """Return the default as JSON has it; of what must be given, one that no value equals."""
    if field.is_required():
        return ...
    return list(field.default) if isinstance(field.default, tuple) else field.default


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
