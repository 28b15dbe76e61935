"""A report names the backend of each layer and direction, and why the faster ones do not run."""

import sys

import pytest
import torch

from lockgate.ops import kernels
from lockgate.ops.dispatch import BackendUnavailable, backend

needs_kernels = pytest.mark.skipif(
    not kernels.BUILT, reason="lockgate is installed without kernels"
)


@needs_kernels
def test_report_says_which_backend_runs_each_layer_and_why(make, draw) -> None:
    layer, x = make(num_layers=2, bidirectional=True, recurrent_dropout=0.5), draw(5, 2, 3)

    report = layer.backend_report(x)

    assert [line.choice.backend.name for line in report.lines] == ["reference"] * 4
    not_cpu = "not cpu: it computes in float32, and there is torch.float64"
    assert str(report).splitlines() == [
        f"layer {number} {direction}: reference "
        f"({not_cpu}; not aten: it has no recurrent dropout; not triton: x is on cpu)"
        for number in (0, 1)
        for direction in ("forward", "reverse")
    ]
    in_evaluation = str(layer.eval().backend_report(x)).splitlines()
    assert in_evaluation[3] == f"layer 1 reverse: aten ({not_cpu})"


@needs_kernels
def test_report_of_a_float32_layer_names_the_kernels(make, draw) -> None:
    layer = make(num_layers=2, recurrent_dropout=0.5, dtype=torch.float32)

    report = layer.backend_report(draw(5, 2, 3).float())

    assert str(report) == "layer 0 forward: cpu\nlayer 1 forward: cpu"


def test_report_where_there_are_no_kernels_says_so(make, draw, monkeypatch) -> None:
    layer = make(dtype=torch.float32)
    monkeypatch.setattr(kernels, "BUILT", False)

    reason = "it is not built: lockgate was installed without a C++ compiler"
    report = layer.backend_report(draw(5, 2, 3).float())
    assert str(report) == f"layer 0 forward: aten (not cpu: {reason})"


def test_report_draws_nothing_and_follows_what_is_forced(make, draw) -> None:
    layer, x = make(recurrent_dropout=0.5), draw(5, 2, 3)
    before = torch.random.get_rng_state()

    layer.backend_report(x)

    assert torch.equal(torch.random.get_rng_state(), before)
    with backend("aten"), pytest.raises(BackendUnavailable, match="it has no recurrent dropout"):
        layer.backend_report(x)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
@pytest.mark.parametrize("training", [True, False])
def test_report_names_what_a_call_runs(make, draw, training: bool, dtype, monkeypatch) -> None:
    layer = make(num_layers=2, recurrent_dropout=0.5, dtype=dtype).train(training)
    x, ran = draw(5, 2, 3).to(dtype), []

    def recorded(b):
        return b._replace(run=lambda *args: ran.append(b.name) or b.run(*args))

    cell = sys.modules[layer._operator.__module__]
    monkeypatch.setattr(cell, "BACKENDS", tuple(map(recorded, cell.BACKENDS)))
    report = layer.backend_report(x)
    assert ran == []
    layer(x)

    assert ran == [line.choice.backend.name for line in report.lines]
