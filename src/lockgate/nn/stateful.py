"""Truncated backpropagation: a long sequence in chunks, as if it were not cut."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Self

import torch
from torch import Tensor, nn

from lockgate.nn import padding, parameters
from lockgate.nn import state as states
from lockgate.nn.checks import ShapeError, check_flag, check_valid
from lockgate.nn.masks import LayerMasks
from lockgate.nn.recurrent import Recurrent, structure_of
from lockgate.ops.masks import Masks


class Stateful(nn.Module):
    """A layer that goes on where its last chunk ended, for sequences too long for one backward.

    It keeps the state, cut off from the graph of the last chunk, and the dropout masks that are
    held over a sequence; those of weights, and those drawn at every step, are drawn for each chunk.
    Rows of the batch at which another sequence begins are named in `reset`. Under
    `mask_for="batch"` those that begin together share their masks.

    The layer is a module of it: its parameters, its mode and its `state_dict` (under `layer.`) are
    the layer's. What is carried from chunk to chunk follows `.to()` and is copied with the module,
    but is in no `state_dict`.

    Args:
        layer: `RNN`, `LSTM` or `GRU`, in one direction; the caller may go on using it by itself.
        hold_masks: Whether the masks of a sequence are held over its chunks. Where sequences have
            no end, as a corpus of text has none, draw them for each chunk (AWD-LSTM does).

    Raises:
        ValueError: If any of its layers is bidirectional: the reverse direction starts at the end.
        TypeError: If the layer is none of lockgate's.

    Example:
        >>> import torch
        >>> from lockgate.nn import GRU
        >>> layer = GRU(3, 8, recurrent_dropout=0.25)
        >>> stateful = Stateful(layer)
        >>> for chunk in torch.zeros(100, 2, 3).split(20):
        ...     output = stateful(chunk)
        ...     output.square().mean().backward()
        >>> output.shape, stateful.state.shape
        (torch.Size([20, 2, 8]), torch.Size([1, 2, 8]))
    """

    __call__: Callable[..., Tensor]

    def __init__(self, layer: Recurrent, *, hold_masks: bool = True) -> None:
        super().__init__()
        if not isinstance(layer, Recurrent):
            kind = f"{type(layer).__module__}.{type(layer).__qualname__}"
            raise TypeError(f"layer must be an RNN, LSTM or GRU of lockgate.nn, got {kind}")
        if layer.bidirectional:
            raise ValueError(
                f"layer must run in one direction, got bidirectional={layer.bidirectional}: the "
                "reverse direction starts at the end of a sequence."
            )
        self.layer = layer
        self.training = layer.training  # the layer is what knows; wrapping it changes nothing
        self.hold_masks = check_flag("hold_masks", hold_masks)
        self._cells: list[Any] | None = None
        self._masks: LayerMasks | None = None

    @property
    def state(self) -> Any:
        """The state after the last chunk, as the layer returns it; None before the first."""
        if self._cells is None:
            return None
        return states.join(self._cells, structure_of(self.layer).layout, batched=True)

    def forget(self) -> None:
        """Begin anew with the next chunk, in every row, with any batch size."""
        self._cells = self._masks = None

    def forward(
        self,
        x: Tensor,
        *,
        mask: Tensor | None = None,
        lengths: padding.Lengths | None = None,
        reset: Tensor | None = None,
        generator: torch.Generator | None = None,
    ) -> Tensor:
        """Run the next chunk and return its output.

        Args:
            x: The chunk, batched, shaped as the layer takes it.
            mask: Padding, as the layer takes it.
            lengths: Valid steps, as the layer takes them.
            reset: `(batch,)`, True for rows in which a new sequence begins: their state becomes the
                initial one, learnt or zero, and their masks are drawn anew.
            generator: Where masks are drawn from. Default: torch's default generator.

        Raises:
            ShapeError: If the batch size is not that of the last chunk, or `reset` has another
                shape.
            TypeError: If `reset` is no tensor of bools.
        """
        if x.ndim != 3:
            raise ShapeError(f"x must have 3 dimensions, batch, time and features, got {x.ndim}")
        batch, steps = x.shape[:2] if self.layer.batch_first else reversed(x.shape[:2])
        if self._cells is not None and len(self._cells[0].h) != batch:
            raise ShapeError(
                f"x must have the batch size of the last chunk, {len(self._cells[0].h)}, "
                f"got {batch}. Call forget() to begin with another."
            )
        if reset is not None:
            check_valid("reset", reset, "a sequence begins")
            if tuple(reset.shape) != (batch,):
                raise ShapeError(f"reset must have shape ({batch},), got {tuple(reset.shape)}")
        masks = None
        if self.layer.training:
            new = self.layer.draw_masks(batch, steps, generator=generator)
            masks = self._masks = self._held(new, reset)
        hx = self._first(x, batch, reset)
        output: Tensor
        output, last = self.layer(x, hx, mask=mask, lengths=lengths, masks=masks)
        structure = structure_of(self.layer)
        time_major = x.transpose(0, 1) if self.layer.batch_first else x
        cells = states.split(last, structure.state, structure.layout, time_major, batched=True)
        self._cells = [type(cell)(*(part.detach() for part in cell)) for cell in cells]
        return output

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Self:
        """Take what is carried along to where `.to()` and its like take the layer."""
        super()._apply(fn, recurse)  # type: ignore[no-untyped-call]
        self._cells, self._masks = _each(fn, self._cells), _each(fn, self._masks)
        return self

    def __getstate__(self) -> dict[str, Any]:
        # plain tuples, so that what is pickled names no class but the modules' own
        return {**self.__dict__, "_cells": _plain(self._cells), "_masks": _plain(self._masks)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)  # type: ignore[no-untyped-call]
        if self._cells is not None:
            self._cells = [structure_of(self.layer).state(*cell) for cell in self._cells]
        if self._masks is not None:
            cells, output, weights = self._masks
            self._masks = LayerMasks(tuple(Masks(*own) for own in cells), output, weights)

    def extra_repr(self) -> str:
        """Show what differs from the defaults."""
        return "" if self.hold_masks else "hold_masks=False"

    def _first(self, x: Tensor, batch: int, reset: Tensor | None) -> Any:
        if self._cells is None:
            return None
        cells, structure = self._cells, structure_of(self.layer)
        if reset is not None:
            anew = reset.unsqueeze(1)
            rows = x.new_empty(1, batch, self.layer.input_size)
            first = [
                parameters.first_state(self.layer, structure, index, rows)
                for index in range(len(cells))
            ]
            cells = [
                type(old)(*(torch.where(anew, n, o) for n, o in zip(new, old, strict=True)))
                for new, old in zip(first, cells, strict=True)
            ]
        return states.join(cells, structure.layout, batched=True)

    def _held(self, new: LayerMasks, reset: Tensor | None) -> LayerMasks:
        """Keep the masks of sequences that go on; the batch is the last dimension but one."""
        if self._masks is None or not self.hold_masks:
            return new
        over, layout = self.layer.mask_over, structure_of(self.layer).layout

        def held(new: Tensor | None, old: Tensor | None, place: str) -> Tensor | None:
            if new is None or old is None or over[place] == "step":
                return new
            if reset is None:
                return old
            # what all rows share stays so where all begin anew together
            if new.shape[-2] == 1 and bool(reset.all()):
                return new
            return torch.where(reset.unsqueeze(1), new, old)

        cells = []
        for index, (own, old) in enumerate(zip(new.cells, self._masks.cells, strict=True)):
            entering = "between" if layout.place(index)[0] else "input"
            x, h = held(own.x, old.x, entering), held(own.h, old.h, "recurrent")
            cells.append(Masks(x, h, own.zoneout_h, own.zoneout_c))
        output = held(new.output, self._masks.output, "output")
        return LayerMasks(tuple(cells), output, new.weights)


@contextmanager
def state_kept(model: nn.Module) -> Iterator[None]:
    """Let what a model runs inside the `with` block go on from its state, and leave that as it is.

    Masks that are held are drawn anew inside.
    """
    carried = {m: (m._cells, m._masks) for m in model.modules() if isinstance(m, Stateful)}
    for module in carried:
        module._masks = None
    try:
        yield
    finally:
        for module, (cells, masks) in carried.items():
            module._cells, module._masks = cells, masks


def _each(fn: Callable[[Tensor], Tensor], values: Any) -> Any:
    """Apply a function to the tensors in tuples and lists, named or not."""
    if isinstance(values, Tensor):
        return fn(values)
    if isinstance(values, list):
        return [_each(fn, value) for value in values]
    if isinstance(values, tuple):
        parts = [_each(fn, value) for value in values]
        return type(values)(*parts) if hasattr(values, "_fields") else tuple(parts)
    return values


def _plain(values: Any) -> Any:
    """Give tuples and lists without names."""
    if not isinstance(values, tuple | list):
        return values
    return tuple(map(_plain, values))
