"""The benchmark of a GPU asks for one."""

import pytest
import torch

from benchmarks.gpu.__main__ import main


def test_a_machine_without_a_gpu_is_told_so(monkeypatch) -> None:
    monkeypatch.setattr("sys.argv", ["gpu"])
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)

    with pytest.raises(SystemExit, match="a GPU is needed, and torch finds none"):
        main()
