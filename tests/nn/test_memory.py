"""What a training step keeps for its backward beside input, output and masks is bounded."""

import gc
from collections.abc import Callable

import pytest
import torch

from lockgate.nn import GRU, LSTM, RNN
from lockgate.ops import kernels

pytestmark = pytest.mark.skipif(not kernels.BUILT, reason="lockgate has no kernels here")

# bytes for each unit of each sample at each step
MOST = {LSTM: 24, GRU: 20, RNN: 4}
EVERY_LAYER = pytest.mark.parametrize("cls", MOST, ids=lambda cls: cls.__name__)


@pytest.fixture
def saved_bytes() -> Callable[..., int]:
    """Count what autograd keeps of a call beside what the caller holds anyway."""

    def saved_bytes(layer, x: torch.Tensor, masks) -> int:
        kept = {}

        def pack(tensor: torch.Tensor) -> torch.Tensor:
            kept[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
            return tensor

        with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
            output, _ = layer(x, masks=masks)
        held = [x, output, *layer.parameters()]
        held += [mask for cell in masks.cells for mask in cell if mask is not None]
        for tensor in held:
            kept.pop(tensor.untyped_storage().data_ptr(), None)
        return sum(kept.values())

    return saved_bytes


@pytest.mark.parametrize("H", [64, 17, 16, 5])
@EVERY_LAYER
def test_saved_memory_of_a_step_is_bounded(saved_bytes, cls, H: int) -> None:
    T, B = 50, 12
    layer, x = cls(8, H, recurrent_dropout=0.5), torch.randn(T, B, 8)
    kernels.release()

    counted = saved_bytes(layer, x, layer.draw_masks(B))

    assert counted <= MOST[cls] * T * B * H


@EVERY_LAYER
def test_block_lent_for_a_backward_is_as_large_as_what_is_saved(cls) -> None:
    T, B, H = 50, 12, 64
    layer, x = cls(8, H, recurrent_dropout=0.5), torch.randn(T, B, 8)
    gc.collect()
    kernels.release()
    before = kernels.extension().lent_bytes()

    output, _ = layer(x)

    assert output.requires_grad
    assert kernels.extension().lent_bytes() - before <= MOST[cls] * T * B * H


@EVERY_LAYER
def test_recompute_saves_with_the_root_of_time(saved_bytes, cls) -> None:
    layer = cls(2, 16, recurrent_dropout=0.5, recompute=True)
    masks = layer.draw_masks(2)

    short, long = (saved_bytes(layer, torch.randn(T, 2, 2), masks) for T in (100, 10_000))

    assert long <= 11 * short
    assert short <= 0.2 * MOST[cls] * 100 * 2 * 16 or cls is RNN  # which saves nothing anyway


@EVERY_LAYER
def test_backward_with_recompute_works_in_memory_of_the_root_of_time(cls) -> None:
    layer = cls(2, 16, recompute=True)
    module = kernels.extension()

    def working_memory(T: int) -> int:
        kernels.release()
        output, _ = layer(torch.randn(T, 2, 2))
        kernels.release()  # of the forward
        output.sum().backward()
        return module.kept_bytes()

    assert working_memory(10_000) <= 11 * working_memory(100)


@EVERY_LAYER
def test_evaluation_saves_nothing(saved_bytes, cls) -> None:
    layer = cls(2, 16).eval()
    x = torch.randn(10, 2, 2)

    with torch.no_grad():
        assert saved_bytes(layer, x, layer.draw_masks(2)) == 0
    layer.requires_grad_(False)
    assert saved_bytes(layer, x, layer.draw_masks(2)) == 0
