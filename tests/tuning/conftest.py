"""What breaks a search off, and counts its fits."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lockgate.tasks.forecasting import task as forecasting_module

# tests of several files make folds and fits by hand
sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture
def break_off(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[tuple[str, int]]]:
    """Count the fits that are computed, and say before which of the next one raises."""
    original, done = forecasting_module.train, []
    limit: list[Any] = [None, KeyboardInterrupt()]

    def train(prepared: Any, config: Any, *, seed: int, name: str, **others: Any) -> Any:
        if len(done) == limit[0]:
            raise limit[1]
        done.append((name, seed))
        return original(prepared, config, seed=seed, name=name, **others)

    monkeypatch.setattr(forecasting_module, "train", train)

    def set_limit(after: int | None, by: BaseException | None = None) -> list[tuple[str, int]]:
        limit[:] = [None if after is None else len(done) + after, by or KeyboardInterrupt()]
        return done

    return set_limit
