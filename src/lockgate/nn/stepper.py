"""A layer that runs one time step after another."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from lockgate.ops import kernels
from lockgate.ops.masks import Masks
from lockgate.ops.recurrence import Weights


class Stepper:
    """What `stepper()` of a layer returns: call it with each step of a stream.

    Shape:
        - x: `(batch, input_size)`; the batch may change between streams, not within one.
        - hx, and the new state: as the layer takes and returns it, `(num_layers, batch,
          hidden_size)`. Default: zeros.
        - output: `(batch, hidden_size)`.

    No gradient is recorded.
    """

    def __init__(
        self,
        operator: Callable[..., Any],
        cell: kernels.Cell,
        state: type[Any],
        options: Any,
        weights: Sequence[Weights],
    ) -> None:
        """Copy the weights of each layer as they are."""
        self._operator, self._state, self._options = operator, state, options
        self._weights = [_copy(layer) for layer in weights]
        first = self._weights[0].w_ih
        self._input_size, self._hidden_size = first.shape[1], weights[0].w_hh.shape[1]
        self._like = first
        self._kernels: list[Callable[..., None]] = []
        zeros = self._zeros(1)
        x = first.new_empty(1, 1, self._input_size)
        call = (x, state(*(part[0] for part in zeros)), self._weights[0], Masks(), None)
        if kernels.why_not(*call, options) is None:
            relu = getattr(options, "nonlinearity", "tanh") == "relu"
            self._kernels = [kernels.steps(cell, weight, relu=relu) for weight in self._weights]

    def __call__(self, x: Tensor, hx: Any = None) -> tuple[Tensor, Any]:
        """Run one step; return the output of the top layer, and the state for the next step.

        Raises:
            ValueError: If x or hx has another shape or dtype, or is on another device.
            TypeError: If hx is not the layer's state: a tensor, or the pair of an LSTM.
        """
        like = self._like
        if x.ndim != 2 or x.shape[1] != self._input_size:
            expected = f"(batch, {self._input_size})"
            raise ValueError(f"x must have shape {expected}, got {tuple(x.shape)}")
        if x.dtype != like.dtype or x.device != like.device:
            expected = f"{like.dtype} on {like.device}"
            raise ValueError(f"x must be {expected}, got {x.dtype} on {x.device}")
        single = len(self._state._fields) == 1
        state = self._given(hx, x.shape[0], single)
        new = self._run_kernels(x, state) if self._kernels else self._run_operator(x, state)
        return new[0][-1], new[0] if single else new

    def _given(self, hx: Any, batch: int, single: bool) -> tuple[Tensor, ...]:
        if hx is None:
            return self._zeros(batch)
        if single and not isinstance(hx, Tensor):
            raise TypeError(f"hx must be a tensor, got {type(hx).__name__}")
        if not single and (not isinstance(hx, tuple | list) or len(hx) != 2):
            raise TypeError(f"hx must be a pair (h, c), got {type(hx).__name__}")
        state = (hx,) if single else tuple(hx)
        shape = (len(self._weights), batch, self._hidden_size)
        like = self._like
        for part in state:
            if part.shape != shape or part.dtype != like.dtype:
                expected = f"shape {shape} and be {like.dtype}"
                raise ValueError(
                    f"hx must have {expected}, got {tuple(part.shape)} and {part.dtype}"
                )
            if part.device != like.device:
                raise ValueError(f"hx must be on {like.device}, got {part.device}")
        return state

    def _zeros(self, batch: int) -> tuple[Tensor, ...]:
        shape = (len(self._weights), batch, self._hidden_size)
        return tuple(self._like.new_zeros(shape) for _ in self._state._fields)

    def _run_kernels(self, x: Tensor, state: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        if x.stride(1) != 1:
            x = x.contiguous()
        batch, size = x.shape[0], 4 * x.shape[0] * self._hidden_size
        state = tuple(part.contiguous() for part in state)
        new = tuple(torch.empty_like(part) for part in state)
        h, new_h = state[0].data_ptr(), new[0].data_ptr()
        c, new_c = (state[1].data_ptr(), new[1].data_ptr()) if len(state) > 1 else (0, 0)
        threads = torch.get_num_threads()
        row, stride = x.data_ptr(), x.stride(0)
        for layer, step in enumerate(self._kernels):
            at = layer * size
            step(threads, batch, row, stride, h + at, c + at, new_h + at, new_c + at)
            row, stride = new_h + at, self._hidden_size
        return new

    @torch.no_grad()
    def _run_operator(self, x: Tensor, state: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        last = []
        for layer, weights in enumerate(self._weights):
            below = self._state(*(part[layer] for part in state))
            _, new = self._operator(x.unsqueeze(0), below, weights, Masks(), None, self._options)
            last.append(new)
            x = new.h
        return tuple(torch.stack(part) for part in zip(*last, strict=True))


def _copy(weights: Weights) -> Weights:
    """Copy weights, so that no later change of the layer's reaches them."""
    w_ih, w_hh, *biases = weights
    copies = (None if bias is None else bias.detach().clone() for bias in biases)
    return Weights(w_ih.detach().clone(), w_hh.detach().clone(), *copies)
