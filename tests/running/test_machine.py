"""A device must be one that is here, and results tell what they were made with."""

import pytest
import torch

from lockgate import DataError
from lockgate.running.machine import check_device, device_kind, environment


def test_the_environment_tells_the_versions_that_run():
    told = environment()

    assert told["torch"] == torch.__version__
    assert int(told["cores"]) >= 1
    assert told["cpu"]


def test_a_device_that_is_not_here_is_refused_with_those_that_are(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)

    for device in ("auto", "cpu", "mps"):
        check_device(device)
    with pytest.raises(DataError, match="one that is here, auto, cpu, mps, got 'cuda'"):
        check_device("cuda")


@pytest.mark.parametrize(("there", "kind"), [(None, "cpu"), (torch.device("mps"), "mps")])
def test_auto_is_the_accelerator_if_there_is_one(monkeypatch, there, kind):
    monkeypatch.setattr(torch.accelerator, "current_accelerator", lambda **_: there)

    assert device_kind("auto") == kind
    assert device_kind("cuda") == "cuda"
