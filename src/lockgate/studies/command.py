"""The command line that repeats a study."""

import shlex
from pathlib import Path
from typing import Any

from lockgate.data.prepare import SAMPLE
from lockgate.fitted.settings import setting_paths
from lockgate.studies.config import StudyConfig
from lockgate.studies.plan import Plan

# settings that `lockgate study` has options for; any other is told by --set
OPTIONS = frozenset(
    [
        "target",
        "horizon",
        "lookback",
        "time",
        "time_format",
        "resample",
        "missing",
        "max_gap",
        "inputs",
        "exclude",
        "split",
        "separator",
        "decimal",
        "metric",
        "rungs",
        "seeds",
        "budget",
        "workers",
        "device",
        "text",
        "label",
        "labels",
        "id",
        "step",
        "group",
        "test",
        "validation",
        "encoding",
    ]
)
# settings that are yes or no, each with the option that turns the default round
FLAGS = {"at_steps": "--at-steps", "header": "--no-header", "drop_empty": "--drop-empty"}
# what data are called that come from no file
IN_MEMORY = {"frame": "frame", "X": "(X, y)", "texts": "(texts, labels)"}


def command(plan: Plan) -> str:
    """Return the `lockgate study` command of a plan: every setting that is not the default.

    What is in memory has no file to name: for it, the call in Python is returned.
    """
    kind = type(plan.config)
    values, paths = plan.config.model_dump(mode="json"), setting_paths(kind)
    needed = {"data": {"target": "", "horizon": 0}} if kind is StudyConfig else {}
    defaults = kind.model_validate(needed).model_dump(mode="json")
    told = {
        name: (path, _at(values, path))
        for name, path in paths.items()
        if _at(values, path) != _at(defaults, path)
    }
    if plan.data.source in IN_MEMORY:
        given = [IN_MEMORY[plan.data.source]]
        given += [f"{name}={value!r}" for name, (_, value) in told.items()]
        return f"lockgate.study({', '.join(given)})"
    words = ["lockgate", "study", *_source(_first(plan.data.source, plan.config.data))]
    for name, (path, value) in told.items():
        if name in FLAGS:
            words.append(FLAGS[name])
        elif name in OPTIONS:
            words += [f"--{name.replace('_', '-')}", _text(value)]
        else:
            words += ["--set", f"{path}={_text(value)}"]
    return shlex.join(words)


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
