"""Our CPU kernels, called for one layer and one direction: shared by all cells.

The extension `lockgate.ops._kernels` is built from `_cpu/` and the cells' `cpu.cpp`. It takes
addresses and checks nothing, so whatever reaches it has passed `why_not` here.
"""

import ctypes
import importlib
import importlib.util
import math
import os
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple, cast

import torch
from torch import Tensor

from lockgate.ops.autocast import autocast_dtype
from lockgate.ops.masks import Masks
from lockgate.ops.recurrence import Weights
from lockgate.ops.tracing import constant_in_graphs, why_not_by_address

BUILT = importlib.util.find_spec("lockgate.ops._kernels") is not None
VARIABLE = "LOCKGATE_INSTRUCTION_SET"
# `saved` begins with a line that tells the backward that the kernels wrote it
HEADER = 16
ROW_VALUES = 4  # that layer norm saves of each row and step


class Cell(NamedTuple):
    """What the kernels need to know of a cell."""

    name: str
    saved: int  # values of each unit and step that the backward needs beside the output
    has_c: bool
    nonlinearities: tuple[str, ...] = ("tanh",)


class KernelStatus(NamedTuple):
    """What computes where the backend `cpu` runs."""

    instruction_set: str
    instruction_sets: tuple[str, ...]  # those of this processor, the fastest first
    threads: str
    bfloat16: bool  # whether they multiply in bfloat16 where autocast asks for it


@cache
def extension() -> Any | None:
    """Return the extension, ready to run, or None where the installation has none.

    Raises:
        ValueError: If LOCKGATE_INSTRUCTION_SET names none that this processor has.
    """
    if not BUILT:
        return None
    module = importlib.import_module("lockgate.ops._kernels")
    if entries := _openmp_of_torch():
        module.use_openmp(*entries)
    if forced := os.environ.get(VARIABLE):
        if forced not in module.instruction_sets():
            present = sorted(module.instruction_sets())
            raise ValueError(f"{VARIABLE} must be one of {present} on this processor, got {forced}")
        module.use_instruction_set(forced)
    return module


def status() -> KernelStatus | None:
    """Tell what the kernels run on, or None where the installation has none."""
    module = extension()
    if module is None:
        return None
    sets = tuple(module.instruction_sets())
    return KernelStatus(
        module.instruction_set(), sets, module.pool_name(), bool(module.has_bfloat16())
    )


def keep_at_most(bytes_: int) -> None:
    """Bound the memory that is kept between calls, now and later; 1 GiB by default.

    Raises:
        ValueError: If `bytes_` is negative.
    """
    if bytes_ < 0:
        raise ValueError(f"bytes_ must be at least 0, got {bytes_}")
    if (module := extension()) is not None:
        module.keep_at_most(bytes_)


def release() -> None:
    """Free the memory that is kept between calls; what tensors still hold stays theirs."""
    if (module := extension()) is not None:
        most = module.most_kept()
        module.keep_at_most(0)
        module.keep_at_most(most)


def _openmp_of_torch() -> tuple[int, int] | None:
    """Find the runtime whose threads torch uses: another one's would spin against them."""
    folder = Path(torch.__file__).parent / "lib"
    for name in ("libtorch_cpu.so", "libtorch_cpu.dylib"):
        if (folder / name).exists():
            library = ctypes.CDLL(str(folder / name))
            try:
                entries = (library.GOMP_parallel, library.omp_get_num_threads)
            except AttributeError:
                return None
            run_team, team_size = (ctypes.cast(entry, ctypes.c_void_p).value for entry in entries)
            return (run_team, team_size) if run_team and team_size else None
    return None


def lacks(weights: Weights, options: Any) -> str | None:
    """Say what a call asks for that the kernels do not have, whatever its tensors are."""
    if (weights.ln_ih is None) != (weights.ln_hh is None):
        return "it normalises both products or none"
    if (weights.ln_c is None) != (weights.ln_c_bias is None):
        return "it normalises c with a gain and a bias"
    if weights.ln_c is not None and weights.ln_hh is None:
        return "it normalises c where it normalises the products"
    if weights.ln_hh is None:
        return None
    _, reset_after, _, _ = flags_of(options)
    return None if reset_after else "it has no reset gate before a product that is normalised"


def why_not(
    x: Tensor,
    state: Any,
    weights: Weights,
    masks: Masks,
    valid: Tensor | None,  # noqa: ARG001 - they run any
    options: Any,
) -> str | None:
    """Say why the kernels cannot run this call, or None if they can."""
    if reason := lacks(weights, options):
        return reason
    if weights.w_hr is not None and len(state) == 1:
        return "it projects the h of an LSTM alone"
    if not BUILT:
        return "it is not built: lockgate was installed without a C++ compiler"
    if x.device.type != "cpu":
        return f"x is on {x.device}"
    if reason := why_not_by_address():
        return reason
    given = [mask for mask in masks if mask is not None]
    others = [*state, *(weight for weight in weights if weight is not None), *given]
    if reason := _why_not_types(x, others):
        return reason
    if any(mask.requires_grad for mask in given):
        return "it has no gradient of a mask"
    return None


def _why_not_types(x: Tensor, others: list[Tensor]) -> str | None:
    asked, types = autocast_dtype("cpu"), {tensor.dtype for tensor in others}
    # what `for_bfloat16` has marked, and autocast may be off since then
    marked = x.dtype == torch.bfloat16 and types == {torch.float32}
    if asked is None and not marked:
        if different := (types | {x.dtype}) - {torch.float32}:
            return f"it computes in float32, and there is {different.pop()}"
        return None
    if asked not in (None, torch.bfloat16):
        return f"it computes in float32 and bfloat16, and autocast asks for {asked}"
    if different := (types | {x.dtype}) - {torch.float32, torch.bfloat16}:
        return f"it computes in float32 and bfloat16, and there is {different.pop()}"
    return None if _has_bfloat16() else "it needs AVX-512 BF16 to multiply in bfloat16"


@constant_in_graphs
def _has_bfloat16() -> bool:
    return bool(_loaded().has_bfloat16())


def for_bfloat16(arguments: "Arguments") -> "Arguments":
    """Mark a call for products in bfloat16: x is bfloat16 then, and all else float32."""
    named: dict[str, Any] = arguments._asdict()
    for name, value in named.items():
        if isinstance(value, Tensor) and name != "valid":
            named[name] = value.to(torch.bfloat16 if name == "x" else torch.float32)
    return Arguments(**named)


class Arguments(NamedTuple):
    """A call, flat as an operator of torch takes it."""

    x: Tensor
    h: Tensor
    c: Tensor | None
    w_ih: Tensor
    w_hh: Tensor
    b_ih: Tensor | None
    b_hh: Tensor | None
    w_hr: Tensor | None
    ln_ih: Tensor | None
    ln_hh: Tensor | None
    ln_c: Tensor | None
    ln_c_bias: Tensor | None
    mask_x: Tensor | None
    mask_h: Tensor | None
    zoneout_h: Tensor | None
    zoneout_c: Tensor | None
    valid: Tensor | None
    reverse: bool
    reset_after: bool
    relu: bool
    recompute: bool

    @property
    def weights(self) -> Weights:
        gains = self.ln_ih, self.ln_hh, self.ln_c, self.ln_c_bias
        return Weights(self.w_ih, self.w_hh, self.b_ih, self.b_hh, self.w_hr, *gains)

    @property
    def hidden_size(self) -> int:
        """H, which is that of h where nothing projects it."""
        return (self.h if self.c is None else self.c).shape[1]

    @property
    def masks(self) -> Masks:
        return Masks(self.mask_x, self.mask_h, self.zoneout_h, self.zoneout_c)

    @property
    def sources(self) -> tuple[Tensor | None, ...]:
        """What has a gradient."""
        return cast("tuple[Tensor | None, ...]", self[:DIFFERENTIABLE])

    def with_sources(self, sources: Sequence[Tensor | None]) -> "Arguments":
        """Give the same call with other tensors in the place of `sources`."""
        flat: list[Any] = [*sources, *self[DIFFERENTIABLE:]]
        return Arguments(*flat)


DIFFERENTIABLE = 12  # the sources come first
FLAGS = 4  # and what is no tensor last


def flags_of(options: Any) -> tuple[bool, bool, bool, bool]:
    """Give the last fields of `Arguments` as a cell's Options say."""
    relu = options.nonlinearity == "relu"
    return options.reverse, getattr(options, "reset_after", True), relu, options.recompute


def saved_size(cell: Cell, a: Arguments) -> int:
    """Count the floats that a training step saves beside x, the output and the masks."""
    T, B, H = a.x.shape[0], a.h.shape[0], a.hidden_size
    if a.recompute:
        stretches = -(-T // stretch_of(T))
        return HEADER + (stretches - 1) * B * H * cell.has_c
    step = _lines(B * H * _values(cell, a))
    if a.ln_hh is not None:
        step += _lines(B * (2 * a.w_hh.shape[0] + ROW_VALUES))
    return HEADER + T * step


def _lines(floats: int) -> int:
    return (floats + 15) // 16 * 16


def _values(cell: Cell, a: Arguments) -> int:
    """Count the values of each unit and step that the kernels save, whatever is normalised."""
    # where zoneout has mixed in the state before, the output of an RNN does not tell its derivative
    return max(cell.saved, int(a.zoneout_h is not None or a.ln_hh is not None))


def stretch_of(T: int) -> int:
    """Choose how many steps are run again at a time: what is kept is least at the root of T."""
    return math.isqrt(T - 1) + 1


class CallResult(NamedTuple):
    """What the forward gives; `last_c` is empty where the cell has none."""

    output: Tensor
    last_h: Tensor
    last_c: Tensor
    saved: Tensor


def forward(cell: Cell, arguments: Arguments, *, save: bool) -> CallResult:
    """Run the kernels over a sequence; no gradient is recorded, and results are float32."""
    module = _loaded()
    x, h = arguments.x, arguments.h
    T, B, _ = x.shape
    output, last_h = h.new_empty(T, *h.shape), h.new_empty(h.shape)
    last_c = h.new_empty((B, arguments.hidden_size) if cell.has_c else 0)
    saved = h.new_empty(0)
    if save:
        saved = module.block(saved_size(cell, arguments))
        saved[:HEADER] = 1.0
    held, call = _call(cell, arguments)
    place = saved.data_ptr() + 4 * HEADER if save else 0
    call.results(output.data_ptr(), last_h.data_ptr(), last_c.data_ptr(), place)
    module.forward(getattr(module.Cell, cell.name), call)
    del held
    return CallResult(output, last_h, last_c, saved)


def steps(
    cell: Cell, weights: Weights, masks: Masks, options: Any, stored: str
) -> Callable[..., None]:
    """Pack weights once; the result runs one step from addresses to addresses.

    It copies gains, and of masks those of zoneout, the same for every step and sample. What weights
    are stored as, bfloat16 or int8, they should have been rounded to (`lockgate.nn.stepper`).

    It takes the number of threads, the batch size, x and its stride, h, c, and where the new h and
    c go.
    """
    module = _loaded()
    n_in, P = weights.w_ih.shape[1], weights.w_hh.shape[1]
    H = P if weights.w_hr is None else weights.w_hr.shape[1]
    _, reset_after, relu, _ = flags_of(options)
    words = module.Words.floats
    plain = weights.w_hr is None and weights.ln_ih is None
    if stored == "int8" and reset_after and plain:
        words = module.Words.int8
    elif stored == "bfloat16" and _has_bfloat16():
        words = module.Words.bfloat16
    call = module.Call(1, 1, n_in, H, P, False, reset_after, relu, words, 0, 1)
    _mask_of_h(call, None, P, reset_after=reset_after)
    held = [*_weights(call, weights), *_zoneout(call, masks, P, H)]
    step: Callable[..., None] = module.Stepper(getattr(module.Cell, cell.name), call).step
    del held
    return step


def wrote(saved: Tensor) -> bool:
    """Tell whether `saved` was written by the kernels, and not by a reference in their place."""
    return saved.device.type == "cpu" and saved.numel() >= HEADER and saved[0].item() == 1.0


def backward(
    cell: Cell,
    arguments: Arguments,
    d_results: Sequence[Tensor | None],
    output: Tensor,
    saved: Tensor,
    wanted: Sequence[bool],
) -> list[Tensor | None]:
    """Give the gradients that `wanted` marks; those of the results may be None for zeros."""
    module = _loaded()
    held, call = _call(cell, arguments)
    call.results(output.data_ptr(), 0, 0, saved.data_ptr() + 4 * HEADER)
    d_output, *d_last = d_results
    if d_output is not None:
        d_output = _rows(d_output)
        call.d_output(d_output.data_ptr(), d_output.stride(0), d_output.stride(1))
    d_last = [None if d is None else d.contiguous() for d in d_last]
    call.d_last(*map(_address, d_last))
    gradients = [
        torch.empty(source.shape, dtype=torch.float32) if want and source is not None else None
        for source, want in zip(arguments.sources, wanted, strict=True)
    ]
    d_x, d_h, d_c, d_w_ih, d_w_hh, d_b_ih, d_b_hh, d_w_hr, *d_norms = gradients
    call.d_inputs(*map(_address, (d_x, d_h, d_c)))
    call.d_weights(*map(_address, (d_w_ih, d_w_hh, d_b_ih, d_b_hh)))
    call.d_projection(_address(d_w_hr))
    call.d_norms(*map(_address, d_norms))
    module.backward(getattr(module.Cell, cell.name), call)
    del held
    if d_x is not None:
        gradients[0] = d_x.to(arguments.x.dtype)
    return gradients


def _call(cell: Cell, arguments: Arguments) -> tuple[list[Any], Any]:
    """Describe a call by addresses; they hold while the first of the two results lives."""
    module = _loaded()
    x, h, valid, masks = arguments.x, arguments.h, arguments.valid, arguments.masks
    T, B, n_in = x.shape
    H, P = arguments.hidden_size, h.shape[1]
    every = stretch_of(T) if arguments.recompute and _values(cell, arguments) else 0
    bfloat16 = arguments.x.dtype == torch.bfloat16
    call = module.Call(
        *(T, B, n_in, H, P, arguments.reverse, arguments.reset_after, arguments.relu),
        module.Words.bfloat16 if bfloat16 else module.Words.floats,
        *(every, torch.get_num_threads()),
    )
    x = _rows(x.float())
    call.x(x.data_ptr(), x.stride(0), x.stride(1))
    state = [None if part is None else part.contiguous() for part in (h, arguments.c)]
    call.state(*map(_address, state))
    held: list[Any] = [x, state, _weights(call, arguments.weights)]
    if masks.x is not None:
        held.append(mask := _mask(masks.x, n_in))
        call.mask_x(mask.data_ptr(), *_mask_strides(mask), mask.shape[1] > 1)
    held += _mask_of_h(call, masks.h, P, reset_after=arguments.reset_after)
    held += _zoneout(call, masks, P, H)
    if valid is not None:
        held.append(valid := valid.expand(T, B))
        call.valid(valid.data_ptr(), valid.stride(0), valid.stride(1))
    return held, call


def _weights(call: Any, weights: Weights) -> list[Tensor | None]:
    """Enter the weights, and return what must live as long as the call."""
    solid = [None if weight is None else weight.contiguous() for weight in weights]
    call.weights(*map(_address, solid[:4]))
    call.projection(_address(solid[4]))
    call.norms(*map(_address, solid[5:]))
    return solid


def _mask_of_h(call: Any, mask: Tensor | None, features: int, *, reset_after: bool) -> list[Tensor]:
    """Enter the mask of h, and return what must live as long as the call."""
    # a reset gate that acts on h gives the last gate another h than the others
    if mask is None:
        call.mask_h(0, 0, 0, 0, not reset_after)
        return []
    mask = _mask(mask, features)
    call.mask_h(mask.data_ptr(), *_mask_strides(mask), mask.shape[1] > 1 or not reset_after)
    return [mask]


def _zoneout(call: Any, masks: Masks, of_h: int, of_c: int) -> list[Tensor]:
    """Enter the masks of zoneout, and return what must live as long as the call."""
    held = []
    for mask, enter, features in (
        (masks.zoneout_h, call.zoneout_h, of_h),
        (masks.zoneout_c, call.zoneout_c, of_c),
    ):
        if mask is not None:
            held.append(mask := _mask(mask, features))
            time, _, batch = _mask_strides(mask)
            enter(mask.data_ptr(), time, batch)
    return held


def _rows(value: Tensor) -> Tensor:
    """Lay the features of each row side by side, and copy only where they are not."""
    return value if value.stride(-1) == 1 or value.shape[-1] == 1 else value.contiguous()


def _mask(mask: Tensor, features: int) -> Tensor:
    if mask.ndim < 4:
        mask = mask.reshape((1,) * (4 - mask.ndim) + mask.shape)
    return _rows(mask if mask.shape[3] == features else mask.expand(*mask.shape[:3], features))


def _mask_strides(mask: Tensor) -> list[int]:
    return [0 if mask.shape[i] == 1 else mask.stride(i) for i in range(3)]


def _address(value: Tensor | None) -> int:
    return 0 if value is None else value.data_ptr()


def _loaded() -> Any:
    module = extension()
    assert module is not None, "`why_not` tells where there is none"
    return module
