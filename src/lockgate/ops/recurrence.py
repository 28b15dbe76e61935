"""What the references of all cells share: the products of the gates, and the loop over time."""

from collections.abc import Callable, Iterator
from typing import NamedTuple, Protocol, TypeVar

import torch
from torch import Tensor


class Weights(NamedTuple):
    """The parameters of one layer and direction; the rows of the G gates lie below each other."""

    w_ih: Tensor  # (G * H, I)
    w_hh: Tensor  # (G * H, H)
    b_ih: Tensor | None = None  # (G * H)
    b_hh: Tensor | None = None  # (G * H)


class StateLike(Protocol):
    """A NamedTuple of tensors (B, H), one of them h."""

    @property
    def h(self) -> Tensor: ...
    def __init__(self, *fields: Tensor) -> None: ...
    def __iter__(self) -> Iterator[Tensor]: ...


S = TypeVar("S", bound=StateLike)
Step = Callable[[Tensor, S, Tensor | None], S]


def project(
    value: Tensor, weight: Tensor, bias: Tensor | None, mask: Tensor | None, gates: int
) -> Tensor:
    """Multiply with the rows of each gate, each gate seeing its own masked copy of `value`.

    `value` is (..., B, F), `weight` (G * H, F), `bias` (G * H), `mask` broadcastable to
    (..., G, B, F); the result is (..., G, B, H).
    """
    rows = weight.view(gates, -1, weight.shape[1])
    value = value.unsqueeze(-3)
    if mask is not None:
        value = value * mask
    product = torch.einsum("...gbf,ghf->...gbh", value, rows)
    return product if bias is None else product + bias.view(gates, 1, -1)


def unroll(
    step: Step[S], x: Tensor, state: S, h_mask: Tensor | None, valid: Tensor | None, reverse: bool
) -> tuple[Tensor, S]:
    """Apply `step` to the projected input (T, G, B, H) along time; the output is (T, B, H).

    Indexing `x[t]` in the loop would make the backward quadratic in time: each index fills a
    gradient of the whole sequence. One `unbind` does not.
    """
    T = x.shape[0]
    h_masks = [None] * T if h_mask is None else h_mask.expand(T, -1, -1, -1).unbind()
    keeps = [None] * T if valid is None else valid.unsqueeze(-1).unbind()
    steps = list(zip(x.unbind(), h_masks, keeps, strict=True))
    outputs = []
    for x_t, h_mask_t, keep in reversed(steps) if reverse else steps:
        new = step(x_t, state, h_mask_t)
        state = new if keep is None else _carry(keep, new, state)
        outputs.append(new.h if keep is None else new.h.masked_fill(~keep, 0.0))
    return torch.stack(outputs[::-1] if reverse else outputs), state


def hide_padding(x: Tensor, valid: Tensor | None) -> Tensor:
    """Zero the steps (T, B) that are not valid, so that no NaN in them meets a weight."""
    return x if valid is None else x.masked_fill(~valid.unsqueeze(-1), 0.0)


def _carry(keep: Tensor, new: S, old: S) -> S:
    return type(new)(*(torch.where(keep, n, o) for n, o in zip(new, old, strict=True)))
