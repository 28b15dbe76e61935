"""The kernels are judged before they are timed."""

import pytest

from benchmarks.gpu import candidates, check
from lockgate.ops._triton import launch, support


@pytest.mark.skipif(not support.interpreted(), reason="Triton's interpreter is not asked for")
@pytest.mark.parametrize(
    "cell", ["rnn", *(pytest.param(one, marks=pytest.mark.slow) for one in ("lstm", "gru"))]
)
def test_kernels_are_judged_before_they_are_timed(cell: str, monkeypatch) -> None:
    monkeypatch.setattr(candidates, "DEVICE", "cpu")

    assert max(check.errors(cell, "fp32", 16).values()) < 1e-5

    forward = launch.forward
    monkeypatch.setattr(
        launch, "forward", lambda *a, **k: (r := forward(*a, **k))._replace(output=r.output * 1.1)
    )
    assert max(check.errors(cell, "fp32", 16).values()) > 0.05
