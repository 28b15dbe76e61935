"""Servers of small models, asked without a socket."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("fastapi", reason='needs the extra "serve"')
pytest.importorskip("httpx", reason='needs the extra "dev"')

from exported_models import Exported, texts
from lockgate_runtime.serving.app import create_app
from lockgate_runtime.serving.guard import Tokens
from lockgate_runtime.serving.limits import Limits
from lockgate_runtime.serving.models import exported
from starlette.testclient import TestClient

import lockgate

Client = Callable[..., TestClient]


@pytest.fixture(scope="session")
def labelled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A classifier of texts."""
    tmp = tmp_path_factory.mktemp("labelled")
    settings = {"task": "labels", "hidden_size": 6, "max_epochs": 2, "members": 1, "mix": False}
    fitted, _ = lockgate.train(texts(), out=tmp / "run", **settings)
    lockgate.export(fitted, tmp / "out")
    return tmp / "out"


@pytest.fixture
def client(plain: Exported, several: Exported) -> Iterator[Client]:
    """Return what makes a client of a server of both forecasters, or of other models."""
    opened = []

    def make(
        tokens: tuple[str, ...] = (), folders: dict[str, Path] | None = None, **limits: Any
    ) -> TestClient:
        every = folders or {"plain": plain.folder, "shops": several.folder}
        app = create_app(
            [exported(name, folder) for name, folder in every.items()],
            Limits(**limits),
            hosts=frozenset({"localhost"}),
            tokens=Tokens(tokens) if tokens else None,
        )
        one = TestClient(app, base_url="http://localhost", raise_server_exceptions=True)
        opened.append(one)
        return one.__enter__()

    yield make
    for one in opened:
        one.__exit__(None, None, None)
