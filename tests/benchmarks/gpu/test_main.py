"""The GPU's benchmark judges the kernels and reads its own results."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest
import torch

from benchmarks.gpu import __main__ as gpu
from lockgate.ops._triton import launch, measured, support


@pytest.fixture
def results() -> dict[str, Any]:
    train = {"cudnn": 3.0, "ours, masks off": 4.0, "ours, masks cell": 4.0, "ours, masks gate": 6.0}
    small = gpu.Size("bf16", 16, 128, 64)
    large = gpu.Size("bf16", 16, 1024, 64)
    entries = [
        {
            "size": size,
            "forward": train,
            "train": {**train, **extra},
            "kept": {"ours": 3, "cudnn": 4},
        }
        for size, extra in ((small, {"loop": 120.0, "graph": 30.0}), (large, {}))
    ]
    run = dict.fromkeys(("command", "commit", "lockgate", "torch", "triton", "cuda", "cudnn"), "1")
    return {
        "cell": "lstm",
        "rate": 0.25,
        "run": {**run, "python": "3", "gpu": "NVIDIA Test"},
        "errors": {"bf16 H 64": 1e-3},
        "sizes": entries,
        "missing": 3,
    }


def test_page_says_what_was_measured_and_what_was_not(results) -> None:
    text = gpu.page(json.loads(json.dumps(results)))

    assert "**3 sizes were not reached in time.**" in text
    # cuDNN against masks for the cell and for each gate, at two sizes: root of 3/4 * 3/6
    assert "16 bit, times its speed | 0.61 | 0.5 | 1.0 |" in text
    assert "worst size | 0.50 | 0.25 | 0.7 |" in text
    assert "against the loop with the same masks | 20.0 | 20 | 60 |" in text
    assert "worst size, time | 1.50 | 1.05 | 1 |" in text
    assert "worst size | 0.75 | 1.0 | 0.7 |" in text
    assert "| bf16 | 16 | 128 | 64 | 3.000 | 4.000 | 4.000 | 6.000 | 120.000 | 30.000 |" in text
    assert "| bf16 | 16 | 1024 | 64 | 3.000 | 4.000 | 4.000 | 6.000 |  |  |" in text


def test_what_is_faster_is_written_for_the_layers(results, tmp_path, monkeypatch) -> None:
    path = tmp_path / "measured.json"
    other = {"cell": "gru", "dtype": "bfloat16", "B": 16, "H": 64, "ratio": 2.0}
    path.write_text(json.dumps({"gpu": "NVIDIA Test", "cells": [other]}))
    monkeypatch.setattr(gpu, "MEASURED", path)

    gpu.write_measured(copy.deepcopy(results))

    written = json.loads(path.read_text())
    ours = {"cell": "lstm", "dtype": "bfloat16", "B": 16, "H": 64, "ratio": 0.75}
    assert written == {"gpu": "NVIDIA Test", "cells": [other, ours]}
    assert measured.Table(written["gpu"], tuple(measured.Measured(**c) for c in written["cells"]))


@pytest.mark.skipif(not support.interpreted(), reason="Triton's interpreter is not asked for")
@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
def test_kernels_are_judged_before_they_are_timed(cell: str, monkeypatch) -> None:
    monkeypatch.setattr(gpu, "DEVICE", "cpu")

    assert max(gpu.errors(cell, "fp32", 16).values()) < 1e-5

    forward = launch.forward
    monkeypatch.setattr(
        launch, "forward", lambda *a, **k: (r := forward(*a, **k))._replace(output=r.output * 1.1)
    )
    assert max(gpu.errors(cell, "fp32", 16).values()) > 0.05


def test_a_machine_without_a_gpu_is_told_so(monkeypatch) -> None:
    monkeypatch.setattr("sys.argv", ["gpu.py"])
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)

    with pytest.raises(SystemExit, match="a GPU is needed, and torch finds none"):
        gpu.main()


def test_what_is_published_is_what_the_results_say() -> None:
    folder = Path(gpu.FOLDER)
    for path in folder.glob("*.json"):
        assert path.with_suffix(".md").read_text() == gpu.page(json.loads(path.read_text()))
