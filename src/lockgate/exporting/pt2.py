"""A graph of torch's own operators, which torch loads without lockgate.

An operator of ours becomes torch's `lstm`, `gru` or `rnn`, which know no padding: so the valid
steps are gathered to the front, and the steps behind them leave the state as it is. For that they
have one more input, whose weights close the gates that would change it.
"""

import io
from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor

from lockgate.errors import DataError, listed
from lockgate.exporting.tracing import BATCH, Run, quiet, traced
from lockgate.tasks.graphs import Graph

SHUT = 1e4
"""What is added to a gate to open or shut it whole: the sigmoid of it is 1 in float32, or 0."""
# what a step that is not valid adds to the gates, in torch's order: an LSTM forgets nothing and
# takes nothing in, a GRU keeps its state, an RNN has no gate
_KEEPS = {"lstm": (-1.0, 1.0, 0.0, 0.0), "gru": (0.0, 1.0, 0.0), "rnn": (0.0,)}


def to_pt2(graph: Graph) -> bytes:
    """Translate a graph, whose batch stays free.

    Raises:
        DataError: If another dimension of it is free.
    """
    free = {name for axes in graph.axes.values() for name in axes.values()} - {BATCH}
    if free:
        raise DataError(
            f"to must be onnx for a model whose number of {listed(sorted(free))} is free, got pt2: "
            "torch fixes the steps of its recurrent layers when it writes them"
        )
    with torch.no_grad(), quiet():
        program, _ = traced(graph)
        told = program.run_decompositions(
            {
                torch.ops.lockgate.lstm.default: _lstm,
                torch.ops.lockgate.gru.default: _gru,
                torch.ops.lockgate.rnn.default: _rnn,
            }
        )
        for node in told.graph.nodes:
            # lines of the sources, by their paths on this machine
            node.meta.pop("stack_trace", None)
        file = io.BytesIO()
        torch.export.save(told, file)
    return file.getvalue()


def running(data: bytes) -> Run:
    """Return what runs a graph by torch, from the file that was written of it."""
    with quiet():
        module = torch.export.load(io.BytesIO(data)).module()

    def run(given: Any) -> list[Any]:
        with torch.no_grad():
            return [one.numpy() for one in module(*given.values())]

    return run


def _lstm(x: Tensor, h: Tensor, c: Tensor, *rest: Any) -> tuple[Tensor, ...]:
    call = _prepared("lstm", x, *rest)
    output, _, last_c = torch.ops.aten.lstm.input(
        call.x, [h[None], c[None]], call.weights, *call.options
    )
    return call.put_back(output), call.last(output, h), last_c[0], x.new_empty(0)


def _gru(x: Tensor, h: Tensor, _: Any, *rest: Any) -> tuple[Tensor, ...]:
    call = _prepared("gru", x, *rest)
    output, _ = torch.ops.aten.gru.input(call.x, h[None], call.weights, *call.options)
    return call.put_back(output), call.last(output, h), x.new_empty(0), x.new_empty(0)


def _rnn(x: Tensor, h: Tensor, _: Any, *rest: Any) -> tuple[Tensor, ...]:
    call = _prepared("rnn", x, *rest)
    node: Callable[..., Any] = torch.ops.aten.rnn_tanh.input
    if rest[-3]:
        node = torch.ops.aten.rnn_relu.input
    output, _ = node(call.x, h[None], call.weights, *call.options)
    return call.put_back(output), call.last(output, h), x.new_empty(0), x.new_empty(0)


class _Call(NamedTuple):
    """What all three operators of torch take, and how their outputs go back."""

    x: Tensor
    weights: list[Tensor]
    options: tuple[Any, ...]
    reverse: bool
    valid: Tensor | None  # (T, B), in the order in which steps are read
    lengths: Tensor | None  # (B,)

    def put_back(self, output: Tensor) -> Tensor:
        """Put outputs where their steps stood; 0 where a step is not valid."""
        if self.valid is not None:
            ranks = (self.valid.long().cumsum(0) - 1).clamp(min=0)
            spread = torch.gather(output, 0, ranks[..., None].expand(output.shape))
            output = torch.where(self.valid[..., None], spread, 0.0)
        return output.flip(0) if self.reverse else output

    def last(self, output: Tensor, first: Tensor) -> Tensor:
        """Return the state behind the last valid step, or the first where there is none."""
        if self.lengths is None:
            return output[-1]
        _, B, H = output.shape
        at = (self.lengths - 1).clamp(min=0).view(1, B, 1).expand(1, B, H)
        last = torch.gather(output, 0, at)[0]
        return torch.where((self.lengths > 0)[:, None], last, first)


def _prepared(
    cell: str,
    x: Tensor,
    w_ih: Tensor,
    w_hh: Tensor,
    b_ih: Tensor | None,
    b_hh: Tensor | None,
    w_hr: Any,
    ln_ih: Any,
    ln_hh: Any,
    ln_c: Any,
    ln_c_bias: Any,
    mask_x: Any,
    mask_h: Any,
    zoneout_h: Any,
    zoneout_c: Any,
    valid: Tensor | None,
    reverse: bool,
    reset_after: bool,
    relu: bool,
    *_: Any,
) -> _Call:
    """Put the arguments of an operator as torch's takes them."""
    if mask_x is not None or mask_h is not None:
        raise ValueError("a graph must be of a network in evaluation, got dropout masks")
    if zoneout_h is not None or zoneout_c is not None:
        raise ValueError("a graph must be of a network without zoneout, got its masks")
    if w_hr is not None:
        raise ValueError("a graph must be of a network without projection, got its weights")
    if any(gain is not None for gain in (ln_ih, ln_hh, ln_c, ln_c_bias)):
        raise ValueError("a graph must be of a network without layer norm, got its gains")
    if not reset_after:
        raise ValueError("a graph must be of a network with reset_after=True, got False")
    if relu and cell != "rnn":
        raise ValueError(
            f"a graph must be of a network with nonlinearity='tanh' in its {cell}, got 'relu'"
        )
    lengths = None
    if reverse:
        x = x.flip(0)
        valid = None if valid is None else valid.flip(0)
    if valid is not None:
        lengths = valid.long().sum(0)
        order = torch.sort(valid.long(), dim=0, descending=True, stable=True).indices
        x = torch.where(valid[..., None], x, 0.0)
        x = torch.gather(x, 0, order[..., None].expand(x.shape))
        behind = torch.arange(x.shape[0], device=x.device)[:, None] >= lengths
        x = torch.cat([x, behind[..., None].to(x.dtype)], dim=2)
        H = w_hh.shape[1]
        column = torch.cat([w_ih.new_full((H, 1), SHUT * sign) for sign in _KEEPS[cell]])
        w_ih = torch.cat([w_ih, column], dim=1)
    biases = [] if b_ih is None or b_hh is None else [b_ih, b_hh]
    # one layer, no dropout, in evaluation, one direction, time first
    options = (bool(biases), 1, 0.0, False, False, False)
    return _Call(x, [w_ih, w_hh, *biases], options, reverse, valid, lengths)
