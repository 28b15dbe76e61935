"""The one error of this package, and how values are shown in it."""

from collections.abc import Iterable
from typing import Any, TypeVar

MOST_SHOWN = 80
T = TypeVar("T")


class DataError(ValueError):
    """What was given cannot be used; the message names the rule, what was got and the remedy."""


def or_raise(answer: T | DataError) -> T:
    """Return an answer; raise one that is an error."""
    if isinstance(answer, DataError):
        raise answer
    return answer


def quoted(value: Any) -> str:
    """Show a value in a sentence, shortened."""
    text = str(value)
    return f"'{text if len(text) <= MOST_SHOWN else text[: MOST_SHOWN - 1] + '…'}'"


def listed(names: Iterable[Any], most: int = 5) -> str:
    """Join some names, and count the others."""
    every = [quoted(name) for name in names]
    more = f" and {len(every) - most:,} more" if len(every) > most else ""
    return ", ".join(every[:most]) + more
