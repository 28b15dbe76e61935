"""`lockgate::<cell>`: a cell over a sequence as one operator of torch, for autograd and tracing.

`torch.compile` and `torch.export` keep it whole, whatever the length of the sequence. It runs our
kernels where they can run, those of a CPU or those of a GPU, and else the cell's reference; a
second derivative always takes the reference.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, cast

import torch
from torch import Tensor

from lockgate.ops import kernels
from lockgate.ops._triton import launch, support
from lockgate.ops.autocast import as_autocast, autocast_dtype
from lockgate.ops.dispatch import Backend, BackendUnavailable, forced_backend, select
from lockgate.ops.kernels import DIFFERENTIABLE, FLAGS, Arguments
from lockgate.ops.masks import Masks
from lockgate.ops.recurrence import Weights
from lockgate.ops.tracing import is_traced

_LIBRARY = torch.library.Library("lockgate", "FRAGMENT")  # type: ignore[no-untyped-call]

# those of `Arguments`
_ARGUMENTS = (
    "Tensor x, Tensor h, Tensor? c, Tensor w_ih, Tensor w_hh, Tensor? b_ih, Tensor? b_hh, "
    "Tensor? w_hr, Tensor? ln_ih, Tensor? ln_hh, Tensor? ln_c, Tensor? ln_c_bias, "
    "Tensor? mask_x, Tensor? mask_h, Tensor? zoneout_h, Tensor? zoneout_c, "
    "Tensor? valid, bool reverse, bool reset_after, bool relu, bool recompute"
)


class Operator:
    """The operators of one cell: `lockgate::<cell>` and `lockgate::<cell>_backward`."""

    def __init__(
        self,
        cell: kernels.Cell,
        state: type[Any],
        options: type[Any],
        reference: Callable[..., Any],
    ) -> None:
        """Define them.

        Args:
            cell: What the kernels need to know.
            state: The cell's State.
            options: The cell's Options.
            reference: The cell's `reference.run`.
        """
        self._cell, self._state, self._options, self._reference = cell, state, options, reference
        self._backends = (
            Backend("cpu", self._forward_by_kernels, kernels.why_not),
            Backend("triton", self._forward_by_triton, partial(support.why_not, cell)),
            Backend("reference", self._forward_by_reference, lambda *_: None),
        )
        results = "(Tensor output, Tensor last_h, Tensor last_c, Tensor saved)"
        gradients = ", ".join(["Tensor"] * DIFFERENTIABLE)
        define = cast("Callable[[str], None]", _LIBRARY.define)
        define(f"{cell.name}({_ARGUMENTS}, SymInt save) -> {results}")
        define(
            f"{cell.name}_backward(Tensor? d_output, Tensor? d_last_h, Tensor? d_last_c, "
            f"Tensor output, Tensor saved, {_ARGUMENTS}, bool[] wanted) -> ({gradients})"
        )
        implement = cast("Callable[[str, Any, str], None]", _LIBRARY.impl)
        for name, function, fake in (
            (cell.name, self._forward, self._fake_forward),
            (f"{cell.name}_backward", self._backward, self._fake_backward),
        ):
            implement(name, function, "CompositeExplicitAutograd")
            torch.library.register_fake(f"lockgate::{name}", fake, lib=_LIBRARY)
        # not register_autograd: it looks through the schema in every call, which takes 0.1 ms
        implement(cell.name, self._differentiable, "Autograd")
        self._op = getattr(torch.ops.lockgate, cell.name).default
        self._backward_op = getattr(torch.ops.lockgate, f"{cell.name}_backward").default

    def __call__(
        self,
        x: Tensor,
        state: Sequence[Tensor],
        weights: Weights,
        masks: Masks,
        valid: Tensor | None,
        options: Any,
    ) -> tuple[Tensor, Any]:
        """Run over a sequence; arguments and results are those of `reference.run`."""
        c = state[1] if self._cell.has_c else None
        arguments = Arguments(x, state[0], c, *weights, *masks, valid, *kernels.flags_of(options))
        by_triton = self._by_triton(arguments)
        save = self._save(arguments, by_triton)
        if by_triton:
            # here, since no autocast is on when a graph that was traced under one runs
            arguments = support.cast(arguments)
        elif autocast_dtype("cpu") is not None and self._by_kernels(arguments):
            arguments = kernels.for_bfloat16(arguments)
        run = self._op if _watched(*arguments) else self._differentiable
        output, h, c, _ = run(*arguments, save)
        last = (h, c) if self._cell.has_c else (h,)
        return as_autocast(output), self._state(*map(as_autocast, last))

    def _save(self, arguments: Arguments, by_triton: bool) -> int:
        """Count what the forward has to save: nothing where no backward will come."""
        inputs = [value for value in arguments.sources if value is not None]
        if not torch.is_grad_enabled() or not any(value.requires_grad for value in inputs):
            return 0
        if by_triton:
            return launch.saved_size(self._cell, arguments)
        x, like = arguments.x, arguments.w_hh
        if not kernels.BUILT or like.dtype != torch.float32 or x.device.type != "cpu":
            return 0
        return kernels.saved_size(self._cell, arguments)

    def _by_triton(self, arguments: Arguments) -> bool:
        """Tell whether the GPU's kernels run a call; a graph keeps to what it was traced with."""
        if not support.may_run(arguments.x) or forced_backend() not in (None, "triton"):
            return False
        return support.why_not(self._cell, *self._call(arguments)) is None

    def _by_kernels(self, arguments: Arguments) -> bool:
        """Tell whether the kernels of a CPU run a call; a graph keeps to what it was then."""
        if arguments.x.device.type != "cpu" or forced_backend() not in (None, "cpu"):
            return False
        return kernels.why_not(*self._call(arguments)) is None

    def _call(self, a: Arguments) -> tuple[Any, ...]:
        """Put the arguments as every backend takes them."""
        state = self._state(a.h, a.c) if self._cell.has_c else self._state(a.h)
        nonlinearity = "relu" if a.relu else "tanh"
        named = {"reverse": a.reverse, "recompute": a.recompute, "nonlinearity": nonlinearity}
        if not a.reset_after:
            named["reset_after"] = False
        return a.x, state, a.weights, a.masks, a.valid, self._options(**named)

    # ---- what the operators do ----

    def _differentiable(self, *flat: Any) -> tuple[Tensor, ...]:
        results: tuple[Tensor, ...]
        sources = [value for value in flat[:DIFFERENTIABLE] if value is not None]
        if torch.is_grad_enabled() and any(value.requires_grad for value in sources):
            apply = cast("Callable[..., tuple[Tensor, ...]]", _Recorded.apply)
            results = apply(self, *flat)
        else:
            results = self._below_autograd(*flat)
        return results

    def _below_autograd(self, *flat: Any) -> tuple[Tensor, ...]:
        if not _watched(*flat):
            return self._forward(*flat)
        with torch._C._AutoDispatchBelowAutograd():
            results: tuple[Tensor, ...] = self._op(*flat)
        return results

    def _forward(self, *flat: Any) -> tuple[Tensor, ...]:
        arguments, save = Arguments(*flat[:-1]), flat[-1]
        run = select(self._backends, *self._call(arguments)).run
        results: tuple[Tensor, ...] = run(arguments, save)
        return results

    def _forward_by_kernels(self, arguments: Arguments, save: int) -> tuple[Tensor, ...]:
        return kernels.forward(self._cell, arguments, save=save > 0)

    def _forward_by_triton(self, arguments: Arguments, save: int) -> tuple[Tensor, ...]:
        return launch.forward(self._cell, arguments, save=save > 0)

    def _forward_by_reference(self, a: Arguments, save: int) -> tuple[Tensor, ...]:
        if save > 0 and a.x.device.type == "cuda":
            raise BackendUnavailable(
                "the reference cannot run this graph: it was traced for triton, whose gradients "
                "need what triton saves. Trace it again where the backend is forced."
            )
        output, last = self._run_reference(a)
        h, c = last if self._cell.has_c else (*last, a.x.new_empty(0))
        # an operator's results may not be its arguments, which a wholly padded call carries over
        return output, h.clone(), c.clone(), a.h.new_zeros(save)

    def _run_reference(self, a: Arguments) -> tuple[Tensor, Any]:
        """Run the reference, which under no autocast has one type, that of the weights."""
        if autocast_dtype(a.x.device.type) is None:
            a = a._replace(x=a.x.to(a.w_hh.dtype))
        output, last = self._reference(*self._call(a))
        return output, last

    def _backward(self, *flat: Any) -> tuple[Tensor, ...]:
        d_results, (output, saved), wanted = flat[:3], flat[3:5], flat[-1]
        found = self._first_gradients(Arguments(*flat[5:-1]), d_results, output, saved, wanted)
        # laid out as the fake says, whatever a transposed argument made of its gradient
        return tuple(output.new_empty(0) if g is None else g.contiguous() for g in found)

    def _first_gradients(
        self,
        arguments: Arguments,
        d_results: Sequence[Tensor | None],
        output: Tensor,
        saved: Tensor,
        wanted: Sequence[bool],
    ) -> Sequence[Tensor | None]:
        """Differentiate once, by what ran the forward."""
        if kernels.wrote(saved):
            return kernels.backward(self._cell, arguments, d_results, output, saved, wanted)
        if launch.wrote(saved):
            return launch.backward(self._cell, arguments, d_results, output, saved, wanted)
        own = [
            None if value is None else value.detach().requires_grad_(want)
            for value, want in zip(arguments.sources, wanted, strict=True)
        ]
        with torch.enable_grad():
            return self._reference_gradients(
                arguments.with_sources(own), d_results, wanted, create_graph=False
            )

    def _reference_gradients(
        self,
        a: Arguments,
        d_results: Sequence[Tensor | None],
        wanted: Sequence[bool],
        create_graph: bool,
    ) -> list[Tensor | None]:
        """Run the reference again and differentiate it."""
        output, last = self._run_reference(a)
        results = zip((output, *last), d_results, strict=False)
        pairs = [(value, d) for value, d in results if d is not None and value.requires_grad]
        leaves = [value if want else None for value, want in zip(a.sources, wanted, strict=True)]
        sources = [leaf for leaf in leaves if leaf is not None]
        if not pairs:
            return [None if leaf is None else torch.zeros_like(leaf) for leaf in leaves]
        values, d_values = zip(*pairs, strict=True)
        found = iter(
            torch.autograd.grad(
                values, sources, d_values, create_graph=create_graph, materialize_grads=True
            )
        )
        return [None if leaf is None else next(found) for leaf in leaves]

    def _gradients(
        self,
        arguments: Arguments,
        d_results: Sequence[Tensor | None],
        output: Tensor,
        saved: Tensor,
        wanted: list[bool],
    ) -> Sequence[Tensor | None]:
        """Differentiate `lockgate::<cell>`; with create_graph, so that it can be done again."""
        if torch.is_grad_enabled():
            # a view of each, lest one tensor in two places gets the gradient of both twice
            own = [None if v is None else v.view_as(v) for v in arguments.sources]
            return self._reference_gradients(
                arguments.with_sources(own), d_results, wanted, create_graph=True
            )
        if not _watched(*d_results, output, saved, *arguments):
            return self._first_gradients(arguments, d_results, output, saved, wanted)
        flat = self._backward_op(*d_results, output, saved, *arguments, wanted)
        return [g if want else None for g, want in zip(flat, wanted, strict=True)]

    def _fake_forward(self, *flat: Any) -> tuple[Tensor, ...]:
        a, save = Arguments(*flat[:-1]), flat[-1]
        B, H = a.h.shape
        c = a.h.new_empty(0) if a.c is None else a.c.new_empty(a.c.shape)
        return a.h.new_empty(a.x.shape[0], B, H), a.h.new_empty(B, H), c, a.h.new_empty(save)

    def _fake_backward(self, *flat: Any) -> tuple[Tensor, ...]:
        sources, wanted = flat[5 : 5 + DIFFERENTIABLE], flat[-1]
        x = sources[0]
        return tuple(
            source.new_empty(source.shape) if want else x.new_empty(0)
            for source, want in zip(sources, wanted, strict=True)
        )


def _watched(*values: Tensor | bool | int | None) -> bool:
    """Tell whether anybody sees the operators; else 0.1 ms in torch's dispatcher is spared."""
    return is_traced(*values) or torch._C._autograd._profiler_enabled()


class _Recorded(torch.autograd.Function):
    """A call of an operator whose gradients are wanted."""

    @staticmethod
    def forward(ctx: Any, operator: Operator, *flat: Any) -> tuple[Tensor, ...]:
        output, last_h, last_c, saved = operator._below_autograd(*flat)
        arguments = Arguments(*flat[:-1])
        ctx.operator, ctx.flags = operator, arguments[-FLAGS:]
        ctx.set_materialize_grads(False)
        ctx.mark_non_differentiable(saved)
        ctx.save_for_backward(*arguments[:-FLAGS], output, saved)
        return output, last_h, last_c, saved

    @staticmethod
    def backward(ctx: Any, *d_results: Tensor | None) -> tuple[Tensor | None, ...]:
        *tensors, output, saved = ctx.saved_tensors
        arguments = Arguments(*tensors, *ctx.flags)
        wanted = [bool(need) for need in ctx.needs_input_grad[1 : DIFFERENTIABLE + 1]]
        gradients = ctx.operator._gradients(arguments, d_results[:3], output, saved, wanted)
        return None, *gradients, *[None] * (len(arguments) - DIFFERENTIABLE + 1)
