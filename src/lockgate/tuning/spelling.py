"""How the range of a setting is written on the command line."""

from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from lockgate.errors import DataError, quoted

FORMS = "[low, high], [low, high, log] or {choices: [...]}"


def parse_option(text: str) -> tuple[str, Any]:
    """Read `NAME=RANGE` as an option of the command line gives it.

    Example:
        >>> parse_option("hidden_size=16,256,log"), parse_option("cell=lstm,gru")
        (('hidden_size', [16, 256, 'log']), ('cell', ['lstm', 'gru']))
        >>> parse_option("model.layer_norm={choices: [true, false]}")
        ('model.layer_norm', {'choices': [True, False]})
    """
    name, equals, content = (part.strip() for part in text.partition("="))
    if not equals or not content:
        raise DataError(f"space must be given as NAME={FORMS}, got {quoted(text)}")
    try:
        return name, yaml.safe_load(content if content[0] in "[{" else f"[{content}]")
    except yaml.YAMLError:
        raise DataError(f"space must be given as NAME={FORMS}, got {quoted(text)}") from None


def read_options(texts: Sequence[str]) -> dict[str, Any]:
    """Read several options.

    Raises:
        DataError: If one is of another form, or a setting is named twice.
    """
    found: dict[str, Any] = {}
    for text in texts:
        name, content = parse_option(text)
        if name in found:
            raise DataError(f"space must name each setting once, got {quoted(name)} again")
        found[name] = content
    return found


def spelled(path: str, content: Any) -> str:
    """Return the option that `parse_option` reads."""
    if isinstance(content, Mapping):
        inner = ", ".join(word(value) for value in content["choices"])
        return f"{path}={{choices: [{inner}]}}"
    return f"{path}=[{', '.join(word(value) for value in content)}]"


def word(value: Any) -> str:
    """Return a value as YAML reads it in a list."""
    if isinstance(value, bool | None):
        return {True: "true", False: "false", None: "null"}[value]
    return f'"{value}"' if isinstance(value, str) and ("," in value or not value) else str(value)
