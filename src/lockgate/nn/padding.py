"""Sequences of unequal length: which steps are valid, and torch's packed sequences."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.utils.rnn import PackedSequence, pad_packed_sequence

from lockgate.nn.checks import ShapeError, check_valid
from lockgate.ops.tracing import is_traced

Lengths = Tensor | Sequence[int] | int


def to_valid(
    mask: Tensor | None, lengths: Lengths | None, x: Tensor, batched: bool
) -> Tensor | None:
    """Check the padding of a call on x (T, B, I); give (T, B), True where a step is valid."""
    if mask is None and lengths is None:
        return None
    if mask is None:
        assert lengths is not None
        return _from_lengths(lengths, x, batched)
    if lengths is not None:
        raise ValueError("lengths must be None where a mask is given: both say what is padding.")
    T, B = x.shape[:2]
    shape = (B, T) if batched else (T,)
    check_valid("mask", mask, "x is valid")
    if tuple(mask.shape) != shape:
        axes = "(batch, time)" if batched else "(time)"
        raise ShapeError(f"mask must have shape {axes} = {shape}, got {tuple(mask.shape)}")
    if mask.device != x.device:
        raise ValueError(f"mask must be on {x.device}, got {mask.device}")
    return mask.t() if batched else mask.unsqueeze(1)


def _from_lengths(lengths: Lengths, x: Tensor, batched: bool) -> Tensor:
    T, B = x.shape[:2]
    given = torch.as_tensor(lengths)
    if given.dtype.is_floating_point or given.dtype in (torch.bool, torch.complex64):
        raise TypeError(f"lengths must be integers, got {given.dtype}")
    if tuple(given.shape) != (shape := (B,) if batched else ()):
        axes = "(batch)" if batched else "()"
        raise ShapeError(f"lengths must have shape {axes} = {shape}, got {tuple(given.shape)}")
    # looking at values on another device would wait for it at every call
    if given.device.type == "cpu" and not is_traced(given):
        wrong = [n for n in given.flatten().tolist() if not 0 <= n <= T]
        if wrong:
            raise ValueError(f"lengths must be in [0, {T}], the steps of x, got {wrong[0]}")
    return torch.arange(T, device=x.device).unsqueeze(1) < given.to(x.device)


def unpack(packed: PackedSequence) -> tuple[Tensor, Tensor]:
    """Give the sequences (T, B, I) in the caller's order, and their lengths."""
    return pad_packed_sequence(packed)


def pack_like(output: Tensor, valid: Tensor, like: PackedSequence) -> PackedSequence:
    """Pack an output (T, B, F) as `like` is packed."""
    if like.sorted_indices is not None:
        output = output.index_select(1, like.sorted_indices)
        valid = valid.index_select(1, like.sorted_indices)
    return PackedSequence(
        output[valid], like.batch_sizes, like.sorted_indices, like.unsorted_indices
    )
