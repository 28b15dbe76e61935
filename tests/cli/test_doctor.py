"""`lockgate doctor` tells versions, and what runs each layer and why."""

import pytest
import torch

from lockgate.ops import kernels
from lockgate.ops._triton import support


def test_doctor_tells_versions_and_backends(lockgate):
    result = lockgate("doctor")

    assert result.exit_code == 0, result.stderr
    told = dict(line.split(": ", 1) for line in result.stdout.splitlines() if ": " in line)
    assert told["torch"] == torch.__version__
    for layer in ("RNN", "LSTM", "GRU"):
        assert ("cpu" if kernels.BUILT else "aten") in told[f"{layer}, recurrent_dropout=0.0"]
        assert ("cpu" if kernels.BUILT else "reference") in told[f"{layer}, recurrent_dropout=0.25"]


def test_doctor_as_json(lockgate, strict_json):
    result = lockgate("doctor", "--json")

    told = strict_json(result.stdout)
    assert told["torch"] == torch.__version__
    assert told["cpu_kernels"]["built"] == kernels.BUILT


@pytest.mark.parametrize(
    ("bfloat16", "told_of_it"), [(False, "no"), (True, "where autocast asks for it")]
)
def test_doctor_tells_what_the_kernels_run_on(
    lockgate, strict_json, monkeypatch, bfloat16, told_of_it
):
    sets = "avx512", "avx2", "generic"
    status = kernels.KernelStatus("avx512", sets, "torch's own", bfloat16)
    monkeypatch.setattr(kernels, "status", lambda: status)

    line = lockgate("doctor").stdout.splitlines()[-2]
    told = strict_json(lockgate("doctor", "--json").stdout)

    present = "avx512 of avx512, avx2, generic"
    assert line == f"CPU kernels: {present}; threads: torch's own; bfloat16: {told_of_it}"
    assert told["cpu_kernels"] == {
        "built": True,
        "instruction_set": "avx512",
        "instruction_sets": list(sets),
        "threads": "torch's own",
        "bfloat16": bfloat16,
    }


def test_doctor_tells_why_there_are_no_kernels(lockgate, strict_json, monkeypatch):
    monkeypatch.setattr(kernels, "status", lambda: None)
    why = (
        "lockgate was installed without a C++ compiler or Python's headers, "
        "or with LOCKGATE_KERNELS=OFF"
    )

    line = lockgate("doctor").stdout.splitlines()[-2]
    told = strict_json(lockgate("doctor", "--json").stdout)

    assert line == f"CPU kernels: not built: {why}"
    assert told["cpu_kernels"] == {"built": False, "why_not": why}


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (support.TritonStatus(None, None, "torch finds no GPU"), "not used: torch finds no GPU"),
        (support.TritonStatus("3.7.1", "NVIDIA H100", None), "NVIDIA H100"),
    ],
)
def test_doctor_tells_of_the_gpu(lockgate, strict_json, monkeypatch, status, said):
    monkeypatch.setattr(support, "status", lambda: status)

    line = lockgate("doctor").stdout.splitlines()[-1]
    told = strict_json(lockgate("doctor", "--json").stdout)

    assert line == f"GPU kernels: {said}"
    assert told["gpu_kernels"] == status._asdict()
