"""What the references of all cells share: the products of the gates, and the loop over time."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple, Protocol, TypeVar

import torch
from torch import Tensor
from torch.nn.functional import layer_norm, linear

from lockgate.ops.autocast import as_autocast, autocast_dtype
from lockgate.ops.masks import Masks


class Weights(NamedTuple):
    """The parameters of one layer and direction; the rows of the G gates lie below each other.

    h has H features, or P where an LSTM projects it.
    """

    w_ih: Tensor  # (G * H, I)
    w_hh: Tensor  # (G * H, H or P)
    b_ih: Tensor | None = None  # (G * H)
    b_hh: Tensor | None = None  # (G * H)
    w_hr: Tensor | None = None  # (P, H), the projection of an LSTM's h
    # gains of the layer norm, without which there is none; that of c has a bias too
    ln_ih: Tensor | None = None  # (G * H)
    ln_hh: Tensor | None = None  # (G * H)
    ln_c: Tensor | None = None  # (H)
    ln_c_bias: Tensor | None = None  # (H)


class StateLike(Protocol):
    """A NamedTuple of tensors (B, H), the first of them h."""

    @property
    def h(self) -> Tensor: ...
    def __init__(self, *fields: Tensor) -> None: ...
    def __iter__(self) -> Iterator[Tensor]: ...


S = TypeVar("S", bound=StateLike)
Step = Callable[[Tensor, S, Weights, Tensor | None], S]


def project(
    value: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    mask: Tensor | None,
    gates: int,
    gain: Tensor | None = None,
) -> Tensor:
    """Multiply with the rows of each gate, each gate seeing its own masked copy of `value`.

    `value` is (..., B, F), `weight` (G * H, F), `bias` and `gain` (G * H), `mask` broadcastable to
    (..., G, B, F); the result is (..., G, B, H). With a gain the products of all gates are
    normalised together before the bias is added.
    """
    if mask is None:
        # one product for all gates, whose values are the same
        product = linear(value, weight)
    else:
        rows = weight.view(gates, -1, weight.shape[1])
        masked = value.unsqueeze(-3) * mask
        product = torch.einsum("...gbf,ghf->...bgh", masked, rows).flatten(-2)
    if gain is not None:
        product = normalise(product, gain)
    if bias is not None:
        product = product + bias
    return product.view(*product.shape[:-1], gates, weight.shape[0] // gates).transpose(-3, -2)


def normalise(value: Tensor, gain: Tensor, bias: Tensor | None = None) -> Tensor:
    """Normalise the last dimension as `torch.nn.LayerNorm` does, epsilon 1e-5."""
    return layer_norm(value, gain.shape, gain, bias)


def activation(nonlinearity: str) -> Callable[[Tensor], Tensor]:
    """Give the function that an option names."""
    return torch.relu if nonlinearity == "relu" else torch.tanh


def unroll(
    step: Step[S],
    x: Tensor,
    state: S,
    weights: Weights,
    masks: Masks,
    valid: Tensor | None,
    reverse: bool,
) -> tuple[Tensor, S]:
    """Apply `step` to the projected input (T, G, B, H) along time; the output is (T, B, H).

    Zoneout and padding come after the step: both keep what the state was. What `torch.export`
    traces gets one operation for all steps, so that their number stays free.
    """
    keep = None if valid is None else valid.unsqueeze(-1)
    walk = _scan if _stays_whole(x) else _loop
    output, last = walk(step, x, state, weights, masks, keep, reverse)
    # what they are computed of has stayed in float32
    return as_autocast(output), type(state)(*map(as_autocast, last))


def exports_loop(x: Tensor, weights: Weights, masks: Masks) -> bool:
    """Tell whether a traced call is the loop of its reference, as no format has a node for it."""
    more = weights.w_hr, weights.ln_ih, masks.zoneout_h, masks.zoneout_c
    return _stays_whole(x) and any(one is not None for one in more)


def _stays_whole(x: Tensor) -> bool:
    """Tell whether a call becomes one operation, of a graph that `torch.export` traces."""
    if not torch.compiler.is_exporting() or torch.compiler.is_dynamo_compiling():
        return False
    # under autocast the first step may change the type of a state, which the operation forbids
    return autocast_dtype(x.device.type) is None


def _loop(
    step: Step[S],
    x: Tensor,
    state: S,
    weights: Weights,
    masks: Masks,
    keep: Tensor | None,
    reverse: bool,
) -> tuple[Tensor, S]:
    """Run step after step.

    Indexing `x[t]` in the loop would make the backward quadratic in time: each index fills a
    gradient of the whole sequence. One `unbind` does not.
    """
    inputs = x.unbind()
    T = len(inputs)  # not of the shape, in which torch.jit.trace would see a tensor
    keeps = [None] * T if keep is None else keep.unbind()
    along = ([None] * T if m is None else m.unbind() for m in _along(masks, T))
    steps = list(zip(inputs, keeps, *along, strict=True))
    outputs = []
    for given in reversed(steps) if reverse else steps:
        output, state = _advance(step, state, weights, *given)
        outputs.append(output)
    return torch.stack(outputs[::-1] if reverse else outputs), state


def _scan(
    step: Step[S],
    x: Tensor,
    state: S,
    weights: Weights,
    masks: Masks,
    keep: Tensor | None,
    reverse: bool,
) -> tuple[Tensor, S]:
    """Give the operation of torch that does what `_loop` does, whatever the number of steps."""
    inputs = (x, keep, *_along(masks, x.shape[0]))

    def advance(*flat: Tensor) -> tuple[Tensor, ...]:
        values = iter(flat)
        before, given, shared = (_filled(like, values) for like in (state, inputs, weights))
        output, after = _advance(step, type(state)(*before), Weights(*shared), *given)
        # no two results may be one tensor, as h and the output are
        return *after, output.clone()

    along = [value.flip(0) if reverse else value for value in inputs if value is not None]
    shared = tuple(weight for weight in weights if weight is not None)
    # nor may two parts of the first state, as zeros are
    first = [value.clone() for value in state]
    *last, output = torch.ops.higher_order.scan(advance, first, along, shared)
    return output.flip(0) if reverse else output, type(state)(*last)


def _filled(like: Iterable[Tensor | None], values: Iterator[Tensor]) -> list[Any]:
    """Take a value for each that is there."""
    return [None if one is None else next(values) for one in like]


def _advance(
    step: Step[S],
    state: S,
    weights: Weights,
    x: Tensor,
    keep: Tensor | None,
    h_mask: Tensor | None,
    *zoneout: Tensor | None,
) -> tuple[Tensor, S]:
    """Run one step; return its output and the new state."""
    new = _zone(zoneout, step(x, state, weights, h_mask), state)
    if keep is None:
        return new.h, new
    return new.h.masked_fill(~keep, 0.0), _carry(keep, new, state)


def hide_padding(x: Tensor, valid: Tensor | None) -> Tensor:
    """Zero the steps (T, B) that are not valid, so that no NaN in them meets a weight."""
    return x if valid is None else x.masked_fill(~valid.unsqueeze(-1), 0.0)


def _along(masks: Masks, T: int) -> list[Tensor | None]:
    """Give the masks that a step takes, one for each of T steps."""
    each = (masks.h, masks.zoneout_h, masks.zoneout_c)
    return [None if mask is None else mask.expand(T, -1, -1, -1) for mask in each]


def _zone(zoneout: Sequence[Tensor | None], new: S, old: S) -> S:
    """Carry over what zoneout keeps; its masks (1, B, H) are in the order of the state."""
    fields = zip(new, old, zoneout, strict=False)
    return type(new)(*(n if z is None else z[0] * o + (1.0 - z[0]) * n for n, o, z in fields))


def _carry(keep: Tensor, new: S, old: S) -> S:
    return type(new)(*(torch.where(keep, n, o) for n, o in zip(new, old, strict=True)))
