"""Optuna, which an extra installs."""

import contextlib
from collections.abc import Iterator
from importlib import import_module
from typing import Any

from lockgate.errors import EXTRAS


def optuna() -> Any:
    """Return Optuna.

    Raises:
        ModuleNotFoundError: If it is not installed, with the line that installs it.
    """
    try:
        return import_module("optuna")
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            f"lockgate.tune needs {error.name}: {EXTRAS['optuna']}", name=error.name
        ) from error


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
