"""A layer that runs one time step after another."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from lockgate.nn import state as states
from lockgate.nn.checks import ShapeError
from lockgate.nn.layout import Layout
from lockgate.ops import kernels
from lockgate.ops.masks import Masks
from lockgate.ops.recurrence import Weights
from lockgate.ops.tracing import is_traced

STORED = ("float32", "bfloat16", "int8")
_LARGEST = 127  # of int8, the same on both sides of 0


def rounded(weights: Weights, stored: str) -> Weights:
    """Return weights as they are once they have been stored in fewer bytes.

    Of int8, a row of W_ih and that of W_hh which is added to it share a scale, by which the largest
    of both is 127. Biases and gains stay.
    """
    if stored == "float32":
        return weights
    if stored == "bfloat16":
        matrices = {
            name: matrix.bfloat16().to(matrix.dtype)
            for name in ("w_ih", "w_hh", "w_hr")
            if (matrix := getattr(weights, name)) is not None
        }
        return weights._replace(**matrices)
    both, of_x = _to_int8(torch.cat([weights.w_ih, weights.w_hh], 1)), weights.w_ih.shape[1]
    w_ih, w_hh = both[:, :of_x], both[:, of_x:]
    w_hr = None if weights.w_hr is None else _to_int8(weights.w_hr)
    return weights._replace(w_ih=w_ih.contiguous(), w_hh=w_hh.contiguous(), w_hr=w_hr)


def _to_int8(rows: Tensor) -> Tensor:
    largest = rows.abs().amax(1, keepdim=True)
    scale = torch.where(largest > 0, largest / _LARGEST, torch.ones_like(largest))
    return (rows / scale).round() * scale


class LayerStep(NamedTuple):
    """What one layer needs for a step."""

    weights: Weights
    first: Any  # its state before the first step, for a batch of 1
    masks: Masks  # what is expected of them


class Stepper:
    """What `stepper()` of a layer returns: call it with each step of a stream.

    Shape:
        - x: `(batch, input_size)`; the batch may change between streams, not within one.
        - hx, and the new state: as the layer takes and returns it, `(num_layers, batch,
          hidden_size)`. Default: zeros, or what the layer has learnt.
        - output: `(batch, hidden_size)`.

    No gradient is recorded.
    """

    def __init__(
        self,
        operator: Callable[..., Any],
        cell: kernels.Cell,
        options: Any,
        layout: Layout,
        steps: Sequence[LayerStep],
        residual: bool,
        stored: str,
    ) -> None:
        """Take over the weights of each layer, rounded to what they are stored as."""
        steps = [step._replace(weights=rounded(step.weights, stored)) for step in steps]
        self._operator, self._options, self._layout = operator, options, layout
        self._steps, self._residual = steps, residual
        self._state = type(steps[0].first)
        self._like = steps[0].weights.w_ih
        self._kernels: list[Callable[..., None]] = []
        x = self._like.new_empty(1, 1, layout.input_size)
        runs = all(self._runs_on_kernels(x, step) for step in steps)
        self._features = [part.shape[1] for part in steps[0].first]  # of h, and of c
        if runs and layout.uniform and not residual:
            self._kernels = [
                kernels.steps(cell, step.weights, step.masks, options, stored) for step in steps
            ]

    def _runs_on_kernels(self, x: Tensor, step: LayerStep) -> bool:
        call = (x, step.first, step.weights, step.masks, None, self._options)
        return kernels.why_not(*call) is None

    def __call__(self, x: Tensor, hx: Any = None) -> tuple[Tensor, Any]:
        """Run one step; return the output of the top layer, and the state for the next step.

        Raises:
            ShapeError: If x or hx has another shape.
            ValueError: If x or hx has another dtype, or is on another device.
            TypeError: If hx is not the layer's state: a tensor, or the pair of an LSTM.
        """
        like = self._like
        if x.ndim != 2 or x.shape[1] != self._layout.input_size:
            expected = f"(batch, {self._layout.input_size})"
            raise ShapeError(f"x must have shape {expected}, got {tuple(x.shape)}")
        if x.dtype != like.dtype or x.device != like.device:
            expected = f"{like.dtype} on {like.device}"
            raise ValueError(f"x must be {expected}, got {x.dtype} on {x.device}")
        given = hx if isinstance(hx, tuple | list) else (hx,)
        if self._kernels and not is_traced(x, *given):
            return self._run_kernels(x, hx)
        return self._run_operator(x, hx)

    def _run_kernels(self, x: Tensor, hx: Any) -> tuple[Tensor, Any]:
        # what a step before has returned needs no check, which takes longer than a small step
        batch, stepped = x.shape[0], (hx,) if len(self._features) == 1 else hx
        if not self._stepped(stepped, batch):
            stepped = tuple(part.contiguous() for part in self._given(hx, x))
        if x.stride(1) != 1:
            x = x.contiguous()
        new = [torch.empty_like(part) for part in stepped]
        places = [part.data_ptr() for part in (*stepped, *new)]
        h, c, new_h, new_c = places if len(new) > 1 else (places[0], 0, places[1], 0)
        of_h, of_c = 4 * batch * self._features[0], 4 * batch * self._features[-1]  # bytes
        threads, row, stride = torch.get_num_threads(), x.data_ptr(), x.stride(0)
        for step in self._kernels:
            step(threads, batch, row, stride, h, c, new_h, new_c)
            row, stride = new_h, self._features[0]
            h, c, new_h, new_c = h + of_h, c + of_c, new_h + of_h, new_c + of_c
        return new[0][-1], tuple(new) if len(new) > 1 else new[0]

    def _stepped(self, state: Any, batch: int) -> bool:
        """Tell whether a state is one that a step returns: of its sizes, and all in one piece."""
        if type(state) is not tuple or len(state) != len(self._features):
            return False
        return all(
            isinstance(part, Tensor)
            and part.shape == (len(self._kernels), batch, features)
            and part.dtype is torch.float32
            and part.is_cpu
            and part.is_contiguous()
            for part, features in zip(state, self._features, strict=True)
        )

    def _given(self, hx: Any, x: Tensor) -> list[Tensor]:
        if hx is None:
            first = zip(*(step.first for step in self._steps), strict=True)
            return [torch.stack(part).expand(-1, x.shape[0], -1) for part in first]
        parts = states.parts(hx, self._state, self._layout, x.unsqueeze(0), batched=True)
        # under autocast a state may be of another type
        return [part.to(self._like.dtype) for part in parts]

    @torch.no_grad()
    def _run_operator(self, x: Tensor, hx: Any) -> tuple[Tensor, Any]:
        if hx is None:
            state = [self._expanded(step.first, x.shape[0]) for step in self._steps]
        else:
            state = states.split(hx, self._state, self._layout, x.unsqueeze(0), batched=True)
        last = []
        for layer, (step, below) in enumerate(zip(self._steps, state, strict=True)):
            call = (x.unsqueeze(0), below, step.weights, step.masks, None, self._options)
            output, new = self._operator(*call)
            x = output[0] + x if self._residual and layer > 0 else output[0]
            last.append(new)
        return x, states.join(last, self._layout, batched=True)

    def _expanded(self, first: Any, batch: int) -> Any:
        return self._state(*(part.expand(batch, -1) for part in first))
