"""Tell which settings a function reads."""

from collections.abc import Callable
from typing import Any

import pytest

from lockgate.config import Config


def read_of(kinds: tuple[type[Config], ...], run: Callable[[], Any]) -> set[str]:
    """Return the names of the settings of `kinds` that are read while `run` runs."""
    seen: set[str] = set()

    def spied(kind: type[Config]) -> Any:
        original: Any = kind.__getattribute__

        def spy(self: Config, name: str) -> Any:
            if name in type(self).model_fields:
                seen.add(name)
            return original(self, name)

        return spy

    with pytest.MonkeyPatch.context() as patch:
        for kind in kinds:
            patch.setattr(kind, "__getattribute__", spied(kind))
        run()
    return seen
