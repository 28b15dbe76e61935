"""Optuna, which an extra installs."""

import contextlib
from collections.abc import Iterator
from typing import Any

from lockgate.errors import need


def optuna() -> Any:
    """Return Optuna.

    Raises:
        ModuleNotFoundError: If it is not installed, with the line that installs it.
    """
    return need("optuna", "lockgate.tune")


@contextlib.contextmanager
def told_little() -> Iterator[None]:
    """Let Optuna log nothing but warnings inside the block."""
    logging = optuna().logging
    before = logging.get_verbosity()
    logging.set_verbosity(logging.WARNING)
    try:
        yield
    finally:
        logging.set_verbosity(before)
