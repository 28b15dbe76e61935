"""The masks of one call of a layer: drawn in training, expected in evaluation, or given."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from lockgate.nn.checks import check_masks
from lockgate.nn.rates import (
    MaskFor,
    MaskOver,
    MaskPer,
    Zoneout,
    check_gap_rates,
    zoneout_rates,
)
from lockgate.nn.structure import Structure
from lockgate.ops.masks import Masks
from lockgate.ops.sampling import sample_mask


class Drops(NamedTuple):
    """What a layer drops in training, by its arguments' names, and how its masks are drawn."""

    input_dropout: float
    dropout: float | Sequence[float]
    recurrent_dropout: float
    output_dropout: float
    weight_dropout: float
    zoneout: Zoneout
    mask_per: Mapping[str, MaskPer]
    mask_over: Mapping[str, MaskOver]
    mask_for: Mapping[str, MaskFor]


class LayerMasks(NamedTuple):
    """All masks of one call of a layer, as `draw_masks` returns and `masks=` takes them."""

    cells: tuple[Masks, ...]  # of each layer and direction, ordered as in h_n
    output: Tensor | None = None  # (1 or time, 1 or batch, features of the output)
    weights: tuple[Tensor | None, ...] = ()  # of each cell, on weight_hh


def draw(
    structure: Structure,
    drops: Drops,
    like: Tensor,
    batch: int,
    steps: int | None,
    generator: torch.Generator | None,
) -> LayerMasks:
    """Draw the masks of one call; they have the dtype and device of `like`."""

    def sample(rate: float, place: str, features: int, *gates: int) -> Tensor | None:
        if rate == 0.0:
            return None
        rows = 1 if drops.mask_for.get(place) == "batch" else batch
        shape = (_times(drops, place, steps), *gates, rows, features)
        return sample_mask(shape, rate, like, generator)

    layout, cells, weights = structure.layout, [], []
    gates = {"gate": structure.gates, "cell": 1}
    entering = (drops.input_dropout, *check_gap_rates(drops.dropout, layout.layers))
    zone_h, zone_c = zoneout_rates(drops.zoneout)
    for index in range(layout.cells):
        number, _ = layout.place(index)
        H, h_size = layout.hidden_size(index), layout.h_size(index)
        x_shape = layout.input_size_of(index), gates[drops.mask_per["input"]]
        h_shape = h_size, gates[drops.mask_per["recurrent"]]
        cells.append(
            Masks(
                sample(entering[number], "between" if number else "input", *x_shape),
                sample(drops.recurrent_dropout, "recurrent", *h_shape),
                _kept(sample(zone_h, "zoneout", h_size, 1)),
                _kept(sample(zone_c, "zoneout", H, 1)),
            )
        )
        weight = None
        if drops.weight_dropout > 0.0:
            shape = (structure.rows(index), h_size)
            weight = sample_mask(shape, drops.weight_dropout, like, generator)
        weights.append(weight)
    output = sample(drops.output_dropout, "output", layout.output_size)
    return LayerMasks(tuple(cells), output, tuple(weights))


def expected(zoneout: Zoneout, cells: int, like: Tensor) -> LayerMasks:
    """Give what evaluation uses: of zoneout its expectation, and nothing else."""
    zone_h, zone_c = zoneout_rates(zoneout)
    masks = Masks()
    if zone_h or zone_c:
        of_h, of_c = (
            like.new_full((1, 1, 1, 1), rate) if rate else None for rate in (zone_h, zone_c)
        )
        masks = Masks(zoneout_h=of_h, zoneout_c=of_c)
    return LayerMasks((masks,) * cells)


def check(masks: Any, structure: Structure, batch: int, steps: int, like: Tensor) -> None:
    """Raise unless masks that the caller gives fit a call of a layer."""
    check_masks(_by_name(masks), _largest_shapes(structure, batch, steps), like)


def _largest_shapes(structure: Structure, batch: int, steps: int) -> dict[str, tuple[int, ...]]:
    """Give the largest shape of each mask; along all but its features it may be of size 1."""
    layout, gates = structure.layout, structure.gates
    shapes: dict[str, tuple[int, ...]] = {}
    for index in range(layout.cells):
        H, h_size = layout.hidden_size(index), layout.h_size(index)
        name = f"cells[{index}]"
        shapes[f"{name}.x"] = (steps, gates, batch, layout.input_size_of(index))
        shapes[f"{name}.h"] = (steps, gates, batch, h_size)
        shapes[f"{name}.zoneout_h"] = (steps, 1, batch, h_size)
        shapes[f"{name}.zoneout_c"] = (steps, 1, batch, H)
        shapes[f"weights[{index}]"] = (structure.rows(index), h_size)
    return {**shapes, "output": (steps, batch, layout.output_size)}


def _by_name(masks: Any) -> dict[str, Tensor | None]:
    """List the masks under the names that errors call them by."""
    if not hasattr(masks, "cells") or not hasattr(masks, "output"):
        raise TypeError(f"masks must be what draw_masks returns, got {type(masks).__name__}")
    named: dict[str, Tensor | None] = {}
    weights = masks.weights or (None,) * len(masks.cells)
    for index, (cell, weight) in enumerate(zip(masks.cells, weights, strict=False)):
        named |= {f"cells[{index}].{name}": mask for name, mask in cell._asdict().items()}
        named[f"weights[{index}]"] = weight
    return {**named, "output": masks.output}


def own_rows_of_layer(layer: nn.Module, masks: LayerMasks, batch: int) -> LayerMasks:
    """Return of the masks of a layer, which were drawn with `rows_of_mask`, those of this batch."""

    def own(mask: Tensor | None) -> Tensor | None:
        return None if mask is None else own_rows(layer, mask, batch)

    if getattr(layer, "_rows", None) is None:
        return masks
    cells = tuple(Masks(*map(own, cell)) for cell in masks.cells)
    return LayerMasks(cells, own(masks.output), masks.weights)


def _times(drops: Drops, place: str, steps: int | None) -> int:
    """Count the steps for which a mask is drawn: 1 where one is held over all of them."""
    if place != "zoneout" and drops.mask_over[place] == "sequence":
        return 1
    if steps is None:
        raise ValueError(
            "steps must be the number of time steps, got None: a mask of this layer is "
            "drawn anew at each of them."
        )
    return steps


def _kept(mask: Tensor | None) -> Tensor | None:
    """Turn a dropout mask around: 1 where it drops."""
    return None if mask is None else (mask == 0.0).to(mask.dtype)


class Rows(NamedTuple):
    """Some rows of a batch, one behind the other."""

    first: int
    last: int  # that is not of them any more
    of: int  # rows of the batch


def one_for_all_rows(model: nn.Module) -> AbstractContextManager[None]:
    """Let every mask that a model draws inside the `with` block be the same for all samples."""
    return _told(model, "_one_for_all_rows", True)


def drawn_for_whole_batch(model: nn.Module, rows: Rows) -> AbstractContextManager[None]:
    """Let every mask inside the `with` block be drawn for a batch of which the model gets `rows`.

    So the processes that share a batch drop together what one process would drop of it.
    """
    return _told(model, "_rows", rows)


@contextmanager
def _told(model: nn.Module, name: str, value: Any) -> Iterator[None]:
    """Let all modules of a model have an attribute inside the `with` block."""
    modules = list(model.modules())
    for module in modules:
        setattr(module, name, value)
    try:
        yield
    finally:
        for module in modules:
            delattr(module, name)


def rows_of_mask(module: nn.Module, batch: int) -> int:
    """Give the rows that a mask for a batch is drawn with.

    That is 1 inside `one_for_all_rows`, and those of the whole inside `drawn_for_whole_batch`.
    """
    if getattr(module, "_one_for_all_rows", False):
        return 1
    rows = getattr(module, "_rows", None)
    # no rows draw as much from a generator as some
    return batch if rows is None or batch == 0 else batch * rows.of // (rows.last - rows.first)


def own_rows(module: nn.Module, mask: Tensor, batch: int, dim: int = -2) -> Tensor:
    """Return of a mask that was drawn with `rows_of_mask` the rows of this batch.

    Of a mask that all rows share there is nothing to take.
    """
    rows = getattr(module, "_rows", None)
    if rows is None or batch == 0 or mask.shape[dim] == 1:
        return mask
    # a network may run several rows for each of the batch, side by side
    first = batch * rows.first // (rows.last - rows.first)
    return mask.narrow(dim, first, batch).contiguous()
