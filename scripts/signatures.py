"""The arguments of estimators and of the api as source, made from the fields of the settings."""

import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import NoneType
from typing import Any, Literal, NamedTuple, get_args, get_origin

from pydantic.fields import FieldInfo

from lockgate.config import FOLDS, option_of
from lockgate.settings import fields_of
from lockgate.studies.config import StudySettings
from lockgate.tasks.labelling.config import LabelledConfig
from lockgate.tasks.registry import configs

SOURCE = Path(__file__).parents[1] / "src"
ESTIMATORS = SOURCE / "lockgate" / "estimators"
ARGUMENTS = SOURCE / "lockgate" / "arguments.py"
OF_FILES = frozenset(LabelledConfig.model_fields) - {
    *("tokens", "vocab_size", "min_count", "lowercase", "clean_html", "max_length", "keep"),
    *("class_weight", "split_seed"),
} | {"mc_samples"}
"""Settings that say how files are read: an estimator is given what was read."""
ONE = frozenset({"members", "mix"})
"""Settings of several fits: these estimators are one, and scikit-learn's ensembles join some."""
ONE_BY_DEFAULT = {"members": "int = 1", "mix": "bool = False"}
"""Those of an estimator that may be several, and is one unless it is told to be."""
OF_STUDIES = FOLDS
"""Marks settings that a study alone has a use for: an estimator is fitted once."""
SCIKIT_LEARN = {"random_state": "Any = 0"}
"""Arguments of which scikit-learn's contract asks more than the field."""


class Face(NamedTuple):
    """An estimator: where it is, its task, and what of the settings it has."""

    file: str
    name: str
    task: str
    first: tuple[str, ...] = ()  # positional arguments, written by hand
    left_out: frozenset[str] = frozenset()
    own: Mapping[str, str] = SCIKIT_LEARN


FACES = (
    Face("forecaster.py", "Forecaster", "forecast", ("target", "horizon"), own=ONE_BY_DEFAULT),
    Face(
        "sequences.py",
        "SequenceClassifier",
        "labels",
        left_out=OF_FILES | ONE | {"metric"},
        own={**SCIKIT_LEARN, "class_weight": "str | Mapping[Any, float] | None = None"},
    ),
    Face(
        "sequences.py",
        "SequenceRegressor",
        "labels",
        left_out=OF_FILES | ONE | {"class_weight", "linear_path"},
        own={**SCIKIT_LEARN, "metric": 'str = "rmse"'},
    ),
)


def rewritten() -> dict[Path, str]:
    """Return what each file with generated arguments should hold."""
    texts: dict[Path, str] = {ARGUMENTS: arguments()}
    for face in FACES:
        path = ESTIMATORS / face.file
        text = texts.get(path) or path.read_text(encoding="utf-8")
        texts[path] = _with_arguments(text, face)
    return {path: _formatted(text) for path, text in texts.items()}


def arguments() -> str:
    """Return the module of the settings that `api` takes by name."""
    kinds = [*configs().values(), StudySettings]
    fields = {
        path.rpartition(".")[2]: field for kind in kinds[::-1] for path, field in _fields(kind)
    }
    lines = [f"    {name}: {_given(field)}" for name, field in sorted(fields.items())]
    return "\n".join(
        [
            '"""The settings of every task by name, as `study` and `train` take them."""',
            "",
            "from collections.abc import Sequence",
            "from typing import TypedDict",
            "",
            "",
            "class Settings(TypedDict, total=False):",
            '    """Written by scripts/write_signatures from the fields of the settings."""',
            "",
            *lines,
            "",
        ]
    )


def _given(field: FieldInfo) -> str:
    """Spell what a setting may be given as: several values also as a text with commas."""
    text = re.sub(r"tuple\[(\w+), \.\.\.\]", r"Sequence[\1] | str", _type(field.annotation))
    return " | ".join(dict.fromkeys(text.split(" | ")))


def _fields(kind: Any) -> Iterator[tuple[str, FieldInfo]]:
    yield from fields_of(kind).items()


def _with_arguments(text: str, face: Face) -> str:
    """Put the arguments into the constructor of the class."""
    lines = []
    for path, field in _fields(configs()[face.task]):
        name = path.rpartition(".")[2]
        if name in face.first or name in face.left_out or option_of(field) == OF_STUDIES:
            continue
        value = face.own.get(name) or f"{_type(field.annotation)} = {_literal(field.default)}"
        lines.append(f"        {name}: {value},\n")
    pattern = rf"(class {face.name}\(.*?def __init__\(.*?\n        \*,\n).*?(    \) -> None:)"
    return re.sub(pattern, lambda m: m[1] + "".join(lines) + m[2], text, count=1, flags=re.S)


def _type(annotation: Any) -> str:
    """Spell a type; a choice of texts is a text, since a wrong one is told when it is used."""
    if annotation is NoneType:
        return "None"
    if isinstance(annotation, type) and not get_args(annotation):
        return annotation.__name__
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin is Literal:
        return "str"
    if origin is tuple:
        return f"tuple[{', '.join('...' if one is ... else _type(one) for one in inner)}]"
    if hasattr(annotation, "__metadata__"):
        return _type(inner[0])
    return " | ".join(dict.fromkeys(_type(one) for one in inner))


def _literal(value: Any) -> str:
    text = repr(value).replace("'", '"')
    return (
        f"{value:_}" if isinstance(value, int) and value is not True and value >= 10_000 else text
    )


def _formatted(text: str) -> str:
    command = [sys.executable, "-m", "ruff", "format", "-"]
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=True)
    return done.stdout
