"""Our GPU kernels, called for one layer and one direction; what reaches them passed `support`."""

import importlib
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from functools import cache
from itertools import zip_longest
from typing import Any, NamedTuple

import torch
from torch import Tensor

from lockgate.ops._triton.plan import Device, LaunchPlan, choose
from lockgate.ops._triton.support import interpreted
from lockgate.ops.kernels import Arguments, CallResult, Cell
from lockgate.ops.recurrence import hide_padding

# `saved` begins with numbers that tell the backward that these kernels wrote it
HEADER = 16
MARK = 2.0


class Gates(NamedTuple):
    """Where the gates of a cell stand in what the backward finds, which has those of h first."""

    of_h: int
    of_x: tuple[int, ...]  # the places of the sums that x takes part in, in the order of W_ih
    deltas: int


GATES = {
    "rnn": Gates(1, (0,), 1),
    "lstm": Gates(4, (0, 1, 2, 3), 4),
    "gru": Gates(3, (0, 1, 3), 4),
}


# ---- forward ----


def saved_size(cell: Cell, arguments: Arguments) -> int:
    """Count the numbers that a training step saves beside x, the output and the masks."""
    T, B, _ = arguments.x.shape
    H = arguments.h.shape[1]
    carried = arguments.valid is not None  # then the output is not what h was
    return HEADER + _whole_lines(T * B * H * cell.saved) + T * B * H * carried


def _whole_lines(size: int) -> int:
    """Round up, so that what follows begins where a kernel may read 16 bytes at a time."""
    return (size + HEADER - 1) // HEADER * HEADER


def wrote(saved: Tensor) -> bool:
    """Tell whether `saved` was written by these kernels."""
    if saved.numel() < HEADER:
        return False
    # on a GPU nothing else writes any, and to look would wait for it
    return saved.device.type == "cuda" or saved[0].item() == MARK


def forward(cell: Cell, a: Arguments, *, save: bool) -> CallResult:
    """Run the kernels over a sequence; no gradient is recorded."""
    T, B, _ = a.x.shape
    H, gates = a.h.shape[1], GATES[cell.name]
    output = a.x.new_empty(T, B, H)
    saved = a.x.new_empty(saved_size(cell, a) if save else 0)
    if save:
        saved[:HEADER].fill_(MARK)
    of_steps, hidden = _parts(cell, a, saved, output)
    parts = [a.h] if a.c is None else [a.h, a.c]
    state = torch.stack([part.float() for part in parts])
    sums = _input_sums(a, gates)
    mask = _of_h(a)
    copies = 1 if mask is None else mask.shape[1]
    exchange = a.x.new_empty(2, copies, B, H)
    first_mask = None if mask is None else mask[a.x.shape[0] - 1 if a.reverse else 0]
    exchange[0] = a.h if first_mask is None else a.h.float() * first_mask
    step, _ = _steps(cell, relu=a.relu)
    _walk(
        "forward",
        choose(B, H, gates.of_h, copies, a.x.element_size(), _device(a.x)),
        T,
        x_sums=sums,
        w_hh=a.w_hh.contiguous(),
        b_hh=None if a.b_hh is None else a.b_hh.contiguous(),
        valid=_flags(a),
        state=state,
        exchange=exchange,
        hidden=hidden,
        saved=of_steps if save and cell.saved else None,
        **_described(cell, a, mask),
        reverse=int(a.reverse),
        STEP=step,
        COPIES=copies,
    )
    if a.valid is not None:
        torch.mul(hidden, a.valid.unsqueeze(-1), out=output)
    last_c = a.x.new_empty(0) if a.c is None else state[1].to(a.c.dtype, copy=True)
    return CallResult(output, state[0].to(a.x.dtype, copy=True), last_c, saved)


def _parts(cell: Cell, a: Arguments, saved: Tensor, output: Tensor) -> tuple[Tensor, Tensor]:
    """Give what is saved of the steps, and h after each of them, padding or not."""
    T, B, H = output.shape
    size = T * B * H
    of_steps = saved[HEADER : HEADER + size * cell.saved]
    if a.valid is None:
        return of_steps, output
    kept = saved[HEADER + _whole_lines(size * cell.saved) :][:size]
    return of_steps, kept.view(T, B, H) if saved.numel() else torch.empty_like(output)


def _input_sums(a: Arguments, gates: Gates) -> Tensor:
    """Give what x adds to the sums, (T, B, G * H), by one product or by one for each gate."""
    x = hide_padding(a.x, a.valid)
    if a.mask_x is None or a.mask_x.shape[1] == 1:
        x = x if a.mask_x is None else x * a.mask_x.squeeze(1)
        return _linear(x, a.w_ih, a.b_ih)
    T, B, _ = x.shape
    G, H = len(gates.of_x), a.h.shape[1]
    sums = x.new_empty(T, B, G * H)
    for g in range(G):
        rows = slice(g * H, (g + 1) * H)
        bias = None if a.b_ih is None else a.b_ih[rows]
        seen = x * a.mask_x[:, g]
        sums[..., rows] = _linear(seen, a.w_ih[rows], bias)
    return sums


def _linear(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """Multiply all steps at once, also where x came batch first: torch would do it step by step."""
    flat = torch.nn.functional.linear(x.reshape(-1, x.shape[-1]), weight, bias)
    return flat.view(*x.shape[:-1], weight.shape[0])


# ---- backward ----


def backward(
    cell: Cell,
    a: Arguments,
    d_results: Sequence[Tensor | None],
    output: Tensor,
    saved: Tensor,
    wanted: Sequence[bool],
) -> list[Tensor | None]:
    """Give the gradients that `wanted` marks; those of the results may be None for zeros."""
    T, B, _ = a.x.shape
    H, gates = a.h.shape[1], GATES[cell.name]
    of_steps, hidden = _parts(cell, a, saved, output)
    d_output, d_last_h, d_last_c = d_results
    d_state = output.new_zeros(1 if a.c is None else 2, B, H, dtype=torch.float32)
    for part, d in zip(d_state, (d_last_h, d_last_c), strict=False):
        if d is not None:
            part.copy_(d)
    deltas = output.new_empty(T, B, gates.deltas, H)
    mask = _of_h(a)
    _, step = _steps(cell, relu=a.relu)
    _walk(
        "backward",
        choose(B, H, gates.of_h, gates.of_h, a.x.element_size(), _device(a.x)),
        T + 1,
        d_output=None if d_output is None else d_output.contiguous(),
        w_hh=a.w_hh.contiguous(),
        valid=_flags(a),
        h_0=a.h.contiguous(),
        c_0=None if a.c is None else a.c.contiguous(),
        hidden=hidden,
        saved=of_steps,
        d_state=d_state,
        deltas=deltas,
        **_described(cell, a, mask),
        reverse=int(not a.reverse),
        STEP=step,
        DELTAS=gates.deltas,
    )
    d_x, d_w_ih, d_b_ih = _input_gradients(a, gates, deltas, wanted)
    d_w_hh, d_b_hh = _recurrent_gradients(a, gates, deltas, hidden, mask, wanted)
    # copies: no two results of an operator may lie in the same memory
    d_c = None if a.c is None else d_state[1].to(a.c.dtype, copy=True)
    d_h = d_state[0].to(a.h.dtype, copy=True)
    found = (d_x, d_h, d_c, d_w_ih, d_w_hh, d_b_ih, d_b_hh)
    # the sources end with a projection and the gains of layer norm, which these kernels lack
    return [d if want else None for d, want in zip_longest(found, wanted)]


def _input_gradients(
    a: Arguments, gates: Gates, deltas: Tensor, wanted: Sequence[bool]
) -> tuple[Tensor | None, Tensor | None, Tensor | None]:
    """Give the gradients of x, W_ih and b_ih."""
    H, n_in = a.h.shape[1], a.x.shape[-1]
    x = hide_padding(a.x, a.valid)
    d_x = torch.zeros_like(x) if wanted[0] else None
    d_w_ih = torch.empty_like(a.w_ih) if wanted[3] else None
    d_b_ih = None
    if wanted[5]:
        sums = deltas.sum((0, 1), dtype=torch.float32)
        # not by a list of places, which torch would copy to the GPU and wait for
        d_b_ih = torch.cat([sums[place] for place in gates.of_x]).to(deltas.dtype)
    for at, places in _runs(gates.of_x, one_by_one=a.mask_x is not None and a.mask_x.shape[1] > 1):
        rows = slice(at * H, (at + len(places)) * H)
        delta = deltas[:, :, places[0] : places[-1] + 1].reshape(-1, len(places) * H)
        mask = None
        if a.mask_x is not None:
            mask = a.mask_x[:, at] if a.mask_x.shape[1] > 1 else a.mask_x.squeeze(1)
        if d_x is not None:
            part = (delta @ a.w_ih[rows]).view_as(x)
            d_x += part if mask is None else part * mask
        if d_w_ih is not None:
            seen = x if mask is None else x * mask
            torch.mm(delta.t(), seen.reshape(-1, n_in), out=d_w_ih[rows])
    return d_x, d_w_ih, d_b_ih


def _runs(places: tuple[int, ...], *, one_by_one: bool) -> Iterator[tuple[int, list[int]]]:
    """Cut places into runs that follow each other, each with where it begins in `places`."""
    run: list[int] = []
    for at, place in enumerate(places):
        if run and (one_by_one or place != run[-1] + 1):
            yield at - len(run), run
            run = []
        run.append(place)
    yield len(places) - len(run), run


def _recurrent_gradients(
    a: Arguments,
    gates: Gates,
    deltas: Tensor,
    hidden: Tensor,
    mask: Tensor | None,
    wanted: Sequence[bool],
) -> tuple[Tensor | None, Tensor | None]:
    """Give the gradients of W_hh and b_hh."""
    H, G = a.h.shape[1], gates.of_h
    d_b_hh = None
    if wanted[6]:
        d_b_hh = deltas[:, :, :G].sum((0, 1), dtype=torch.float32).flatten().to(deltas.dtype)
    if not wanted[4]:
        return None, d_b_hh
    start = a.h.unsqueeze(0)
    before = torch.cat([hidden[1:], start] if a.reverse else [start, hidden[:-1]])
    d_w_hh = torch.empty_like(a.w_hh)
    one = mask is None or mask.shape[1] == 1
    for at, places in _runs(tuple(range(G)), one_by_one=not one):
        delta = deltas[:, :, places[0] : places[-1] + 1].reshape(-1, len(places) * H)
        seen = before if mask is None else before * mask[:, at if mask.shape[1] > 1 else 0]
        rows = slice(at * H, (at + len(places)) * H)
        torch.mm(delta.t(), seen.reshape(-1, H), out=d_w_hh[rows])
    return d_w_hh, d_b_hh


# ---- how a kernel is launched ----


def _described(cell: Cell, a: Arguments, mask: Tensor | None) -> dict[str, Any]:
    """Give the arguments that both kernels have."""
    T, B, _ = a.x.shape
    t, g, b = (0, 0, 0) if mask is None else mask.stride()[:3]
    if mask is not None and mask.shape[1] == 1:
        g = 0
    tf32 = torch.backends.cuda.matmul.fp32_precision == "tf32"
    return {
        "masks": mask,
        "T": T,
        "B": B,
        "mask_t": t,
        "mask_g": g,
        "mask_b": b,
        "H": a.h.shape[1],
        "GATES": GATES[cell.name].of_h,
        "STATES": 1 + cell.has_c,
        "SAVED": cell.saved,
        "PRECISION": "widened" if interpreted() else "tf32" if tf32 else "ieee",
    }


def _walk(name: str, plan: LaunchPlan, steps: int, *, T: int, B: int, **arguments: Any) -> None:
    """Launch a kernel for all rows and steps."""
    walk = importlib.import_module("lockgate.ops._triton.walk")
    kernel = getattr(walk, name)
    device = arguments["w_hh"].device
    options: dict[str, Any] = {}
    if not interpreted():
        # one stage: the loop over time may not read ahead of the wait at its end
        options = {"num_warps": plan.warps, "num_stages": 1}
        options["launch_cooperative_grid"] = plan.programs > 1 and not plan.step_by_step
    stretches = [(0, steps)]
    if plan.step_by_step:
        stretches = [(i, i + 1) for i in range(steps)]
    rows_at_once = plan.rows * plan.blocks
    with torch.cuda.device(device) if device.type == "cuda" else nullcontext():
        for first_row in range(0, B, rows_at_once):
            blocks = min(plan.blocks, -(-(B - first_row) // plan.rows))
            arrivals = torch.zeros(blocks, dtype=torch.int32, device=device)
            for first, last in stretches:
                kernel[(blocks, plan.programs)](
                    **arguments,
                    T=T,
                    B=B,
                    arrivals=arrivals,
                    first_row=first_row,
                    first=first,
                    last=last,
                    ROWS=plan.rows,
                    UNITS=plan.units,
                    CHUNK=plan.chunk,
                    HELD=plan.held,
                    PROGRAMS=plan.programs,
                    **options,
                )


def _steps(cell: Cell, *, relu: bool) -> tuple[Any, Any]:
    """Give what the cell does at a step, forward and backward."""
    steps = importlib.import_module(f"lockgate.ops.{cell.name}.triton").STEPS
    pair: tuple[Any, Any] = steps["relu" if relu else "tanh"]
    return pair


def _of_h(a: Arguments) -> Tensor | None:
    """Lay the mask of h out as (T, G or 1, B, H), by strides, its features side by side."""
    mask = a.mask_h
    if mask is None:
        return None
    T, B, _ = a.x.shape
    H = a.h.shape[1]
    mask = mask.reshape((1,) * (4 - mask.ndim) + mask.shape)
    mask = mask.expand(*mask.shape[:3], H).contiguous()
    return mask.expand(T, mask.shape[1], B, H)


def _flags(a: Arguments) -> Tensor | None:
    if a.valid is None:
        return None
    T, B, _ = a.x.shape
    return a.valid.expand(T, B).contiguous().view(torch.uint8)


def _device(x: Tensor) -> Device:
    if x.device.type != "cuda":
        return Device(multiprocessors=1, shared_memory=227 * 1024)  # the interpreter runs one
    return _device_of(x.device.index)


@cache
def _device_of(index: int) -> Device:
    properties = torch.cuda.get_device_properties(index)
    shared_memory: int = properties.shared_memory_per_block_optin  # type: ignore[attr-defined]
    return Device(properties.multi_processor_count, shared_memory)
