"""What ONNX computes where a graph holds an operator of ours: `LSTM`, `GRU` or `RNN`.

ONNX knows padding at the end of a sequence alone. Ours carries the state over steps that are not
valid, wherever they stand, which is the same as if they were not there: so the valid steps are
gathered to the front, and what comes of them is put back to where they stood.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from onnxscript import INT32, INT64, opset18

op: Any = opset18  # typed for arrays, and called here while a graph is traced
# rows of torch's gates in the order of ONNX: i o f g of i f g o, and z r n of r z n
_ORDER = {"lstm": (0, 3, 1, 2), "gru": (1, 0, 2), "rnn": (0,)}


def translations() -> dict[Any, Callable[..., Any]]:
    """Give the translation of each operator, as `torch.onnx.export` takes them."""
    cells = {"lstm": _lstm, "gru": _gru, "rnn": _rnn}
    return {getattr(torch.ops.lockgate, name).default: cell for name, cell in cells.items()}


class _Call(NamedTuple):
    """What all three nodes take."""

    x: Any
    weights: Any  # (1, G * H, I)
    recurrent: Any  # (1, G * H, H)
    bias: Any  # (1, 2 * G * H), or None
    lengths: Any  # (B,), or None
    h: Any  # (1, B, H)
    direction: str
    size: int
    activation: str
    reset_after: bool


def _lstm(x: Any, h: Any, c: Any, *rest: Any) -> tuple[Any, ...]:
    call, back = _prepared("lstm", x, h, *rest)
    first = op.Unsqueeze(c, [0])
    output, last_h, last_c = op.LSTM(
        *(call.x, call.weights, call.recurrent, call.bias, call.lengths, call.h, first),
        direction=call.direction,
        hidden_size=call.size,
        activations=["Sigmoid", call.activation, call.activation],
    )
    return back(output), *(back.state(*pair) for pair in ((last_h, h), (last_c, c))), _nothing(x)


def _gru(x: Any, h: Any, _: Any, *rest: Any) -> tuple[Any, ...]:
    call, back = _prepared("gru", x, h, *rest)
    output, last = op.GRU(
        *(call.x, call.weights, call.recurrent, call.bias, call.lengths, call.h),
        direction=call.direction,
        hidden_size=call.size,
        activations=["Sigmoid", call.activation],
        linear_before_reset=int(call.reset_after),
    )
    return back(output), back.state(last, h), _nothing(x), _nothing(x)


def _rnn(x: Any, h: Any, _: Any, *rest: Any) -> tuple[Any, ...]:
    call, back = _prepared("rnn", x, h, *rest)
    output, last = op.RNN(
        *(call.x, call.weights, call.recurrent, call.bias, call.lengths, call.h),
        direction=call.direction,
        hidden_size=call.size,
        activations=[call.activation],
    )
    return back(output), back.state(last, h), _nothing(x), _nothing(x)


class _Back(NamedTuple):
    """Puts what a node gives back to where the steps stood."""

    valid: Any = None  # (T, B)
    ranks: Any = None  # (T, B) place of each valid step among those
    any_valid: Any = None  # (B, 1)

    def __call__(self, output: Any) -> Any:
        output = op.Squeeze(output, [1])  # (T, 1, B, H), of one direction
        if self.valid is None:
            return output
        at = op.Expand(op.Unsqueeze(self.ranks, [2]), op.Shape(output))
        spread = op.GatherElements(output, at, axis=0)
        return op.Where(op.Unsqueeze(self.valid, [2]), spread, op.CastLike(0.0, output))

    def state(self, last: Any, first: Any) -> Any:
        last = op.Squeeze(last, [0])
        return last if self.valid is None else op.Where(self.any_valid, last, first)


def _prepared(
    cell: str,
    x: Any,
    h: Any,
    w_ih: Any,
    w_hh: Any,
    b_ih: Any,
    b_hh: Any,
    w_hr: Any,
    ln_ih: Any,
    ln_hh: Any,
    ln_c: Any,
    ln_c_bias: Any,
    mask_x: Any,
    mask_h: Any,
    zoneout_h: Any,
    zoneout_c: Any,
    valid: Any,
    reverse: bool,
    reset_after: bool,
    relu: bool,
    *_: Any,
) -> tuple[_Call, _Back]:
    """Put the arguments of an operator as the node takes them."""
    if mask_x is not None or mask_h is not None:
        raise ValueError("a graph for ONNX must be of a network in evaluation, got dropout masks")
    if zoneout_h is not None or zoneout_c is not None:
        raise ValueError("a graph for ONNX must be of a network without zoneout, got its masks")
    if w_hr is not None:
        raise ValueError(
            "a graph for ONNX must be of a network without projection, got its weights"
        )
    if any(gain is not None for gain in (ln_ih, ln_hh, ln_c, ln_c_bias)):
        raise ValueError("a graph for ONNX must be of a network without layer norm, got its gains")
    weights, recurrent = (op.Unsqueeze(_reordered(cell, w), [0]) for w in (w_ih, w_hh))
    bias = None
    if b_ih is not None:
        both = [_reordered(cell, b) for b in (b_ih, b_hh)]
        bias = op.Unsqueeze(op.Concat(*both, axis=0), [0])
    lengths, back = None, _Back()
    if valid is not None:
        x, lengths, back = _gathered(x, valid)
    direction = "reverse" if reverse else "forward"
    size = int(w_hh.shape[1])
    first = op.Unsqueeze(h, [0])
    activation = "Relu" if relu else "Tanh"
    return (
        _Call(
            *(x, weights, recurrent, bias, lengths, first, direction, size, activation, reset_after)
        ),
        back,
    )


def _gathered(x: Any, valid: Any) -> tuple[Any, Any, _Back]:
    """Bring the valid steps of each sequence to its front, in their order."""
    x = op.Where(op.Unsqueeze(valid, [2]), x, op.CastLike(0.0, x))
    counted = op.Cast(valid, to=INT64.dtype)
    steps = op.Shape(valid, start=0, end=1)
    numbers = op.Unsqueeze(
        op.Range(op.CastLike(0, steps), op.Squeeze(steps), op.CastLike(1, steps)), [1]
    )
    # valid ones above all others, the earlier above the later
    keys = op.Sub(op.Mul(counted, op.Mul(steps, op.CastLike(2, steps))), numbers)
    _, order = op.TopK(keys, steps, axis=0)
    gathered = op.GatherElements(x, op.Expand(op.Unsqueeze(order, [2]), op.Shape(x)), axis=0)
    count = op.ReduceSum(counted, [0], keepdims=0)
    one = op.CastLike(1, count)
    # a node takes no sequence of no steps; what comes of the one that it reads is left out
    lengths = op.Cast(op.Max(count, one), to=INT32.dtype)
    ranks = op.Max(op.Sub(op.CumSum(counted, op.Constant(value_int=0)), one), op.CastLike(0, count))
    any_valid = op.Unsqueeze(op.Greater(count, op.CastLike(0, count)), [1])
    return gathered, lengths, _Back(valid, ranks, any_valid)


def _reordered(cell: str, weight: Any) -> Any:
    order = _ORDER[cell]
    size = int(weight.shape[0]) // len(order)
    rows = [gate * size + row for gate in order for row in range(size)]
    return weight if len(order) == 1 else op.Gather(weight, op.Constant(value_ints=rows), axis=0)


def _nothing(x: Any) -> Any:
    """Give an empty tensor, for what only a backward reads."""
    return op.CastLike(op.ConstantOfShape(op.Constant(value_ints=[0])), x)
