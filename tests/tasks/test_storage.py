"""A fitted folder is read as data: JSON of a known format, weights of the sizes that it names."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from pydantic import BaseModel
from torch import nn

from lockgate.errors import DataError
from lockgate.tasks import storage
from lockgate.tasks.card import About
from lockgate.tasks.storage import is_of_today, read_config, read_json, read_weights, write_fitted

ABOUT = About("A model", "text-classification", "lstm", {}, [], [])


class Settings(BaseModel):
    size: int = 2


def accept(_: dict[str, torch.Tensor]) -> None:
    """Find nothing wrong with weights."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_fitted(
        tmp_path, "labels", (nn.Linear(2, 3),), Settings(), Settings(size=3), {"mae": 1.0}, ABOUT
    )
    return tmp_path


def rewrite(folder: Path, **changes: Any) -> None:
    content = {**json.loads((folder / "config.json").read_text()), **changes}
    (folder / "config.json").write_text(json.dumps(content))


def test_what_was_written_is_read(folder: Path) -> None:
    model = read_weights(folder / "model.safetensors", accept, lambda: nn.Linear(2, 3))

    assert read_config(folder, "labels") == (storage.FITTED_VERSION, {"size": 2}, 1)
    assert is_of_today(folder)
    assert read_json(folder / "preprocessing.json") == {"size": 3}
    assert read_json(folder / "metrics.json") == {"mae": 1.0}
    assert not model.training
    assert model.weight.device.type == "cpu"


def test_a_forecaster_of_the_first_format_names_no_task(folder: Path) -> None:
    content = {"format_version": 1, "size": 2}
    (folder / "config.json").write_text(json.dumps(content))

    assert read_config(folder, "forecast") == (1, {"size": 2}, 1)
    assert not is_of_today(folder)
    with pytest.raises(DataError, match="must hold a model of the task 'labels', got 'forecast'"):
        read_config(folder, "labels")


@pytest.mark.parametrize("version", [99, 0, None, "2"])
def test_another_format_is_refused(folder: Path, version: Any) -> None:
    rewrite(folder, format_version=version)

    with pytest.raises(DataError, match=rf"must have format_version .*, got {version}; use the"):
        read_config(folder, "labels")


def test_weights_are_checked_before_anything_is_built(folder: Path) -> None:
    def check(state: dict[str, torch.Tensor]) -> None:
        assert set(state) == {"weight", "bias"}
        raise DataError("too wide")

    with pytest.raises(DataError, match="too wide"):
        read_weights(folder / "model.safetensors", check, lambda: pytest.fail("built"))


@pytest.mark.parametrize("build", [lambda: nn.Linear(3, 3), lambda: nn.Linear(2**70, 3)])
def test_weights_of_another_model_are_refused(folder: Path, build: Any) -> None:
    with pytest.raises(DataError, match=r"must hold the weights of config\.json's model: "):
        read_weights(folder / "model.safetensors", accept, build)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"[]", "must hold a JSON object"),
        (b"{", "must be JSON: "),
        (b"[" * 100_000, "must be JSON: "),
        (b"\xff", "must be JSON in UTF-8: "),
        (b" " * 100, "must be at most 99 bytes"),
    ],
)
def test_what_is_no_small_json_object_is_refused(
    folder: Path, content: bytes, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if b"  " in content:
        monkeypatch.setattr(storage, "MOST_JSON_BYTES", 99)
    (folder / "metrics.json").write_bytes(content)

    with pytest.raises(DataError, match=rf"metrics\.json {message}"):
        read_json(folder / "metrics.json")


def test_what_is_not_there_is_told_by_name(folder: Path) -> None:
    with pytest.raises(DataError, match=r"is no fitted model: No such file .*: other\.json"):
        read_json(folder / "other.json")
    with pytest.raises(DataError, match="must hold weights as safetensors"):
        read_weights(folder / "other.safetensors", accept, lambda: nn.Linear(2, 3))
