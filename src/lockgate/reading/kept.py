"""Where tables are kept that are too large to be held in memory."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

_FOLDER: ContextVar[Path] = ContextVar("stores", default=Path("runs") / "stores")


def stores() -> Path:
    """Return the folder of their stores: `runs/stores`, but within `stores_in`."""
    return _FOLDER.get()


@contextmanager
def stores_in(folder: Path) -> Iterator[None]:
    """Keep what the block reads in another folder: that beside a run.

    Example:
        >>> with stores_in(Path("elsewhere")):
        ...     print(stores())
        elsewhere
    """
    token = _FOLDER.set(folder)
    try:
        yield
    finally:
        _FOLDER.reset(token)
