"""Choose the backend that computes a call.

An operator lists its backends fastest first and its reference last, so some backend always runs.
`with backend(name):`, or else the environment variable LOCKGATE_BACKEND, forces one; if that one
cannot run the call, it raises and says why.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, NamedTuple

from lockgate.ops.tracing import constant_in_graphs


class BackendUnavailable(RuntimeError):  # noqa: N818 - the name says what happened
    """The forced backend cannot run this call."""


class Backend(NamedTuple):
    """One way to compute an operator. `run` and `why_not` take the operator's arguments."""

    name: str
    run: Callable[..., Any]
    why_not: Callable[..., str | None]  # the reason it cannot run the call, or None if it can


class Choice(NamedTuple):
    """The backend that runs a call, and for each one listed before it the reason it does not."""

    backend: Backend
    passed_over: dict[str, str]

    def __str__(self) -> str:
        reasons = "; ".join(f"not {name}: {reason}" for name, reason in self.passed_over.items())
        return f"{self.backend.name} ({reasons})" if reasons else self.backend.name


class _Forced(NamedTuple):
    name: str
    how: str  # as the user wrote it
    undo: str


_forced_here: ContextVar[str | None] = ContextVar("lockgate_backend", default=None)


@contextmanager
def backend(name: str) -> Iterator[None]:
    """Force one backend for the calls made inside the `with` block; it beats LOCKGATE_BACKEND.

    Args:
        name: `"reference"` or the name of another backend of the operators called inside.

    Raises:
        ValueError: At the first call inside of an operator that has no backend of that name.
        BackendUnavailable: At the first call inside that the backend cannot run.

    Example:
        >>> import torch
        >>> from lockgate.nn import GRU
        >>> layer, x = GRU(3, 4), torch.zeros(5, 2, 3)
        >>> with backend("reference"):
        ...     print(layer.backend_report(x).lines[0].choice.backend.name)
        reference
    """
    token = _forced_here.set(name)
    try:
        yield
    finally:
        _forced_here.reset(token)


def select(backends: Sequence[Backend], *args: Any) -> Backend:
    """Return the forced backend, or else the first that can run `args`."""
    return choose(backends, *args).backend


def choose(backends: Sequence[Backend], *args: Any) -> Choice:
    """Return the backend that `select` returns, together with why the earlier ones do not run."""
    if forced := _forced():
        return _choose_forced(forced, backends, *args)
    passed_over: dict[str, str] = {}
    for candidate in backends:
        reason = candidate.why_not(*args)
        if reason is None:
            return Choice(candidate, passed_over)
        passed_over[candidate.name] = reason
    raise AssertionError("the reference is last in every list and runs every call")


@constant_in_graphs
def forced_backend() -> str | None:
    """Return the name of the backend that is forced, if any; a graph keeps what it was."""
    forced = _forced()
    return forced.name if forced else None


def _forced() -> _Forced | None:
    if name := _forced_here.get():
        return _Forced(name, f'backend("{name}")', "Leave the `with` block")
    if name := os.environ.get("LOCKGATE_BACKEND"):
        return _Forced(name, f"LOCKGATE_BACKEND={name}", "Unset LOCKGATE_BACKEND")
    return None


def _choose_forced(forced: _Forced, backends: Sequence[Backend], *args: Any) -> Choice:
    by_name = {candidate.name: candidate for candidate in backends}
    if forced.name not in by_name:
        raise ValueError(f"backend must be one of {sorted(by_name)}, got {forced.how}")
    if reason := by_name[forced.name].why_not(*args):
        raise BackendUnavailable(
            f"{forced.how} cannot run this call: {reason}. {forced.undo} to let the library choose."
        )
    earlier = list(by_name)[: list(by_name).index(forced.name)]
    return Choice(by_name[forced.name], dict.fromkeys(earlier, f"{forced.name} is forced"))
