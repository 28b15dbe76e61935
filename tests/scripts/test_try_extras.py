"""Every extra is tried, and told of where it is missed."""

import importlib.util
from importlib.machinery import SourceFileLoader
from pathlib import Path
from typing import Any

import pytest

SCRIPT = Path(__file__).parents[2] / "scripts" / "try_extras"


@pytest.fixture(scope="module")
def script() -> Any:
    loader = SourceFileLoader("try_extras", str(SCRIPT))
    spec = importlib.util.spec_from_loader("try_extras", loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return module


def test_every_extra_is_tried(script: Any) -> None:
    assert set(script.EXTRAS) == script.declared()
    assert {one.missed_in for one in script.EXTRAS.values()} <= {*script.EXTRAS, None}


def test_extras_are_called_what_pip_calls_them(script: Any) -> None:
    names = {"": "lockgate", "onnx": "lockgate[onnx]", "runtime": "lockgate-runtime"}
    names["runtime:serve"] = "lockgate-runtime[serve]"

    assert {name: script.title(name) for name in names} == names


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("echo 'use pip install \"lockgate[onnx]\"'; exit 1", True),
        ("echo \"pip install 'lockgate[onnx]'\"", True),
        ("echo 'pip install \"lockgate[tune]\"'", False),
    ],
)
def test_the_line_that_installs_an_extra_must_be_told(
    script: Any, line: str, told: bool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(script.EXTRAS, "onnx", script.Extra("exit 1", "workbench", line))

    assert script.told("onnx", tmp_path, tmp_path) is told
