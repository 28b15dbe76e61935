"""What is timed beside each other: our kernels, cuDNN, and a loop over the steps."""

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor

from benchmarks.gpu.sizes import MASKS, Size
from lockgate.ops import gru, lstm, rnn
from lockgate.ops.dispatch import backend
from lockgate.ops.masks import Masks
from lockgate.ops.recurrence import Weights

CELLS = {"rnn": rnn, "lstm": lstm, "gru": gru}
LAYERS = {"rnn": torch.nn.RNN, "lstm": torch.nn.LSTM, "gru": torch.nn.GRU}
TYPES = {"bf16": torch.bfloat16, "fp16": torch.float16, "fp32": torch.float32}
RATE = 0.25
DEVICE = "cuda"


class Candidate(NamedTuple):
    """A layer: `train` runs it with gradients, `forward` without."""

    name: str
    forward: Callable[[], Any]
    train: Callable[[], Any]


def draw(cell: str, size: Size, seed: int = 0) -> tuple[Tensor, Any, Weights]:
    """Draw a sequence, a state and weights, all with gradients."""
    module, dtype = CELLS[cell], TYPES[size.dtype]
    generator = torch.Generator(DEVICE).manual_seed(seed)

    def normal(*shape: int, scale: float = 1.0) -> Tensor:
        value = torch.randn(shape, device=DEVICE, generator=generator).mul_(scale)
        return value.to(dtype).requires_grad_()

    B, T, H = size.B, size.T, size.H
    rows, scale = module.GATES * H, H**-0.5
    weights = Weights(
        *(normal(rows, H, scale=scale) for _ in range(2)),
        *(normal(rows, scale=scale) for _ in range(2)),
    )
    x = normal(T, B, H)
    return x, module.State(*(normal(B, H) for _ in module.State._fields)), weights


def mask_of(cell: str, size: Size, kind: str) -> Masks:
    """Draw the recurrent mask of a kind."""
    if MASKS[kind] is None:
        return Masks()
    gates = MASKS[kind] or CELLS[cell].GATES
    keep = torch.rand(1, gates, size.B, size.H, device=DEVICE) >= RATE
    return Masks(h=keep.to(TYPES[size.dtype]) / (1.0 - RATE))


def ours(cell: str, size: Size, kind: str) -> Candidate:
    """Our kernels."""
    x, state, weights = draw(cell, size)
    masks = mask_of(cell, size, kind)
    operator = getattr(CELLS[cell], cell)
    d_output = torch.randn_like(x)
    leaves = [x, *weights[:4]]

    def train() -> Any:
        with backend("triton"):
            output, _ = operator(x, state, weights, masks)
        return torch.autograd.grad(output, leaves, d_output)

    def forward() -> Any:
        with torch.no_grad(), backend("triton"):
            return operator(x, state, weights, masks)

    return Candidate(f"ours, masks {kind}", forward, train)


def torch_layer(cell: str, size: Size) -> torch.nn.RNNBase:
    """Make torch's layer of a size."""
    return LAYERS[cell](size.H, size.H, device=DEVICE, dtype=TYPES[size.dtype])


def cudnn(cell: str, size: Size) -> Candidate:
    """torch's layer."""
    layer = torch_layer(cell, size)
    x, _, _ = draw(cell, size)
    d_output = torch.randn_like(x)
    leaves = [x, *layer.parameters()]

    def train() -> Any:
        return torch.autograd.grad(layer.train()(x)[0], leaves, d_output)

    def forward() -> Any:
        with torch.no_grad():
            return layer.eval()(x)

    return Candidate("cudnn", forward, train)


def loop(cell: str, size: Size) -> Candidate:
    """The reference: a loop over the steps."""
    x, state, weights = draw(cell, size)
    masks = mask_of(cell, size, "gate")
    d_output = torch.randn_like(x)
    leaves = [x, *weights[:4]]
    module = CELLS[cell]

    def run() -> Tensor:
        output: Tensor = module.reference.run(x, state, weights, masks, None, module.Options())[0]
        return output

    def forward() -> Any:
        with torch.no_grad():
            return run()

    return Candidate("loop", forward, lambda: torch.autograd.grad(run(), leaves, d_output))
