"""The masks of one call of a layer: drawn in training, expected in evaluation, given by the caller.

What a layer drops is read from its attributes at each call, so that a rate may change in training.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import Tensor, nn

from lockgate.nn.rates import check_gap_rates, zoneout_rates
from lockgate.ops.masks import Masks
from lockgate.ops.sampling import sample_mask

if TYPE_CHECKING:
    from lockgate.nn.recurrent import Recurrent


class LayerMasks(NamedTuple):
    """All masks of one call of a layer, as `draw_masks` returns and `masks=` takes them."""

    cells: tuple[Masks, ...]  # of each layer and direction, ordered as in h_n
    output: Tensor | None = None  # (1 or time, batch, features of the output)
    weights: tuple[Tensor | None, ...] = ()  # of each cell, on weight_hh


def draw(
    layer: "Recurrent", batch: int, steps: int | None, generator: torch.Generator | None
) -> LayerMasks:
    """Draw the masks of one call."""

    def sample(rate: float, place: str, *shape: int) -> Tensor | None:
        if rate == 0.0:
            return None
        times = 1
        if place == "zoneout" or layer.mask_over[place] == "step":
            if steps is None:
                raise ValueError(
                    "steps must be the number of time steps, got None: a mask of this layer is "
                    "drawn anew at each of them."
                )
            times = steps
        return sample_mask((times, *shape), rate, layer._parameter(), generator)

    batch = rows_of_mask(layer, batch)
    layout, cells, weights = layer._layout, [], []
    gates = {"gate": layer._gates, "cell": 1}
    entering = (layer.input_dropout, *check_gap_rates(layer.dropout, layout.layers))
    zone_h, zone_c = zoneout_rates(layer.zoneout)
    for index in range(layout.cells):
        number, _ = layout.place(index)
        H, h_size = layout.hidden_size(index), layout.h_size(index)
        x_shape = (gates[layer.mask_per["input"]], batch, layout.input_size_of(index))
        h_shape = (gates[layer.mask_per["recurrent"]], batch, h_size)
        cells.append(
            Masks(
                sample(entering[number], "between" if number else "input", *x_shape),
                sample(layer.recurrent_dropout, "recurrent", *h_shape),
                _kept(sample(zone_h, "zoneout", 1, batch, h_size)),
                _kept(sample(zone_c, "zoneout", 1, batch, H)),
            )
        )
        weights.append(_draw_weight(layer, index, generator))
    output = sample(layer.output_dropout, "output", batch, layout.output_size)
    return LayerMasks(tuple(cells), output, tuple(weights))


def expected(layer: "Recurrent") -> LayerMasks:
    """Give what evaluation uses: of zoneout its expectation, and nothing else."""
    zone_h, zone_c = zoneout_rates(layer.zoneout)
    masks = Masks()
    if zone_h or zone_c:
        like = layer._parameter()
        of_h, of_c = (
            like.new_full((1, 1, 1, 1), rate) if rate else None for rate in (zone_h, zone_c)
        )
        masks = Masks(zoneout_h=of_h, zoneout_c=of_c)
    return LayerMasks((masks,) * layer._layout.cells)


def largest_shapes(layer: "Recurrent", steps: int, batch: int) -> dict[str, tuple[int, ...]]:
    """Give the largest shape of each mask; along all but its features it may be of size 1."""
    layout = layer._layout
    shapes: dict[str, tuple[int, ...]] = {}
    for index in range(layout.cells):
        H, h_size = layout.hidden_size(index), layout.h_size(index)
        name = f"cells[{index}]"
        shapes[f"{name}.x"] = (steps, layer._gates, batch, layout.input_size_of(index))
        shapes[f"{name}.h"] = (steps, layer._gates, batch, h_size)
        shapes[f"{name}.zoneout_h"] = (steps, 1, batch, h_size)
        shapes[f"{name}.zoneout_c"] = (steps, 1, batch, H)
        shapes[f"weights[{index}]"] = (layer._gates * H, h_size)
    return {**shapes, "output": (steps, batch, layout.output_size)}


def by_name(masks: Any) -> dict[str, Tensor | None]:
    """List the masks under the names that errors call them by."""
    if not hasattr(masks, "cells") or not hasattr(masks, "output"):
        raise TypeError(f"masks must be what draw_masks returns, got {type(masks).__name__}")
    named: dict[str, Tensor | None] = {}
    weights = masks.weights or (None,) * len(masks.cells)
    for index, (cell, weight) in enumerate(zip(masks.cells, weights, strict=False)):
        named |= {f"cells[{index}].{name}": mask for name, mask in cell._asdict().items()}
        named[f"weights[{index}]"] = weight
    return {**named, "output": masks.output}


def _draw_weight(
    layer: "Recurrent", index: int, generator: torch.Generator | None
) -> Tensor | None:
    if layer.weight_dropout == 0.0:
        return None
    shape = (layer._gates * layer._layout.hidden_size(index), layer._layout.h_size(index))
    return sample_mask(shape, layer.weight_dropout, layer._parameter(), generator)


def _kept(mask: Tensor | None) -> Tensor | None:
    """Turn a dropout mask around: 1 where it drops."""
    return None if mask is None else (mask == 0.0).to(mask.dtype)


@contextmanager
def one_for_all_rows(model: nn.Module) -> Iterator[None]:
    """Let every mask that a model draws inside the `with` block be the same for all samples."""
    modules = list(model.modules())
    for module in modules:
        module._one_for_all_rows = True  # type: ignore[assignment]
    try:
        yield
    finally:
        for module in modules:
            del module._one_for_all_rows


def rows_of_mask(module: nn.Module, batch: int) -> int:
    """Give the rows that a mask for a batch is drawn with: 1 inside `one_for_all_rows`."""
    return 1 if getattr(module, "_one_for_all_rows", False) else batch
