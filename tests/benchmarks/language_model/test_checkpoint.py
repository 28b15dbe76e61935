"""A checkpoint is whole."""

import pytest
import torch

pytest.importorskip("safetensors", reason="checkpoints are of the extra [workbench]")

from benchmarks.language_model import checkpoint


def test_failed_write_leaves_the_last_checkpoint(tmp_path):
    path = tmp_path / "fit"
    checkpoint.write(path, {"a": {"x": torch.ones(2)}}, {"epoch": 1})

    with pytest.raises(TypeError):
        checkpoint.write(path, {"a": {"x": torch.zeros(2)}}, {"epoch": object()})

    tensors, told = checkpoint.read(path)
    assert told == {"epoch": 1}
    assert torch.equal(tensors["a"]["x"], torch.ones(2))
