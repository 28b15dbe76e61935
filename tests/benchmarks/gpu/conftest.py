"""Results of two sizes."""

from typing import Any

import pytest

from benchmarks.gpu.sizes import Size


@pytest.fixture
def results() -> dict[str, Any]:
    train = {"cudnn": 3.0, "ours, masks off": 4.0, "ours, masks cell": 4.0, "ours, masks gate": 6.0}
    small = Size("bf16", 16, 128, 64)
    large = Size("bf16", 16, 1024, 64)
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
