"""The errors of data and settings that cannot be used as asked, and the wording they share."""

from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from importlib import import_module
from typing import Any

INSTALL = 'pip install "lockgate[workbench]"'
"""What installs all that the workbench needs."""

EXTRAS = {
    "alembic": 'pip install "lockgate[tracking]"',
    "fastapi": 'pip install "lockgate[serve]"',
    "h5py": 'pip install "lockgate[keras]"',
    "lockgate_runtime": 'pip install "lockgate[serve]"',
    "mlflow": 'pip install "lockgate[tracking]"',
    "onnxruntime": 'pip install "lockgate[onnx]"',
    "onnxscript": 'pip install "lockgate[onnx]"',
    "optuna": 'pip install "lockgate[tune]"',
    "ray": 'pip install "lockgate[ray]"',
    "sqlalchemy": 'pip install "lockgate[tracking]"',
    "statsforecast": 'pip install "lockgate[baselines]"',
    "tensorboard": 'pip install "lockgate[tracking]"',
    "uvicorn": 'pip install "lockgate[serve]"',
}
"""What installs a library that one command alone needs."""

MOST_LISTED = 20
"""Most of a list that a terminal shows: a table may have thousands of columns."""


MOST_QUOTED = 80
"""Characters of a value or a name that a message quotes."""


class DataError(ValueError):
    """The data, or an option that describes it, cannot be used; the message is one sentence.

    Control characters in it, such as a terminal obeys, are escaped.
    """

    def __init__(self, message: object = "") -> None:
        super().__init__(escaped(str(message)))


class MissingSettingError(DataError):
    """A setting must be given; `choices` are what there is to choose from, a row each."""

    def __init__(self, message: str, choices: Sequence[Mapping[str, object]] = ()) -> None:
        super().__init__(message)
        self.choices = tuple(choices)


def need(module: str, caller: str, install: str | None = None) -> Any:
    """Return a module that an extra installs.

    Args:
        module: Its name.
        caller: What needs it: `lockgate.tune`.
        install: What installs it; by default the line in `EXTRAS` of its package.

    Raises:
        ModuleNotFoundError: If it is not installed, with the line that installs it.
    """
    package = module.partition(".")[0]
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            f"{caller} needs {error.name}: {install or EXTRAS[package]}", name=error.name
        ) from error


def escaped(text: str) -> str:
    """Write what cannot be printed as Python escapes it: control characters, half surrogates."""
    return "".join(one if one.isprintable() else repr(one)[1:-1] for one in text)


def shortened(text: str) -> str:
    """Cut what is longer than `MOST_QUOTED` characters."""
    return text if len(text) <= MOST_QUOTED else f"{text[: MOST_QUOTED - 1]}…"


def quoted(value: object) -> str:
    r"""Return a value or a name as messages quote it: on one line, not the whole of a long one.

    Example:
        >>> quoted("a\x1b[2J"), len(quoted("x" * 1000))
        ("'a\\x1b[2J'", 82)
    """
    if isinstance(value, str):
        return repr(shortened(value[: MOST_QUOTED + 1]))
    try:
        return shortened(repr(value))
    except ValueError:  # an integer of too many digits
        return f"a large {type(value).__name__}"


def option(name: str, value: object) -> str:
    """Name an option the way both faces know it: `decimal="," (--decimal ",")`."""
    text, shell_name = str(value), f"--{name.replace('_', '-')}"
    if isinstance(value, int | float):
        return f"{name}={text} ({shell_name} {text})"
    # a lone mark such as , or ; is quoted: the shell or the reader may stumble over it
    plain = len(text) > 1 and all(letter.isalnum() or letter in ".,_-:/%=" for letter in text)
    shell = text if plain else f'"{text}"'
    return f'{name}="{text}" ({shell_name} {shell})'


def listed(names: Iterable[object], limit: int = 8) -> str:
    """Join names with commas; a long list ends with how many more there are."""
    words = [shortened(str(name)) for name in names]
    more = f" and {len(words) - limit:,} more" if len(words) > limit else ""
    return ", ".join(words[:limit]) + more


def nearest(name: str, names: Sequence[str], what: str = "columns") -> str:
    """Name those of `names` that `name` may have meant, or else all of them."""
    folded = {known.lower(): known for known in names}
    close = get_close_matches(name.lower(), list(folded), n=3, cutoff=0.6)
    if close:
        return "did you mean " + " or ".join(quoted(folded[word]) for word in close) + "?"
    return f"the {what} are {listed(names, 12)}"


def count_of(number: int, noun: str) -> str:
    """Count something in words: `1 row`, `1,200 rows`."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
