"""Layers of Keras 3 and their weights, in and out."""

import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from lockgate.errors import need
from lockgate.interop.common import empty, unlike_peers
from lockgate.interop.keras_files import (
    Node,
    Weights,
    check_shape,
    nodes_of,
    open_model,
    stacked_nodes,
)
from lockgate.interop.keras_options import (
    DROPOUTS,
    GATES,
    MERGE_MODES,
    RECURRENT,
    Spec,
    check_ignore,
    read_dropout,
    read_spec,
    stack_options,
    tell_precision,
)
from lockgate.nn import GRU, LSTM, RNN
from lockgate.nn.rates import check_gap_rates
from lockgate.nn.recurrent import Recurrent, structure_of, weights_of

_OURS: dict[str, type[Recurrent]] = {"SimpleRNN": RNN, "LSTM": LSTM, "GRU": GRU}
# Keras's gates in torch's order, and torch's in Keras's: z and r change places
_ORDER = {"SimpleRNN": (0,), "LSTM": (0, 1, 2, 3), "GRU": (1, 0, 2)}


def from_keras(
    source: Any,
    *,
    layers: str | Sequence[str] | None = None,
    config: str | Mapping[str, Any] | None = None,
    ignore: Collection[str] = (),
) -> RNN | LSTM | GRU:
    """Make one lockgate layer that computes what a stack of Keras layers computes.

    It reads `SimpleRNN`, `LSTM`, `GRU`, `RNN` around the cells of these, stacked ones too, and
    `Bidirectional` around one of them, from live layers or from a file. Files are read as data:
    nothing in them is run, Keras is not needed, and what is read is bounded by the file's size. The
    result has `batch_first=True`; it always gives the whole output and the last state, and zeros at
    padding. `Dropout` and `SpatialDropout1D` between the layers become `dropout`; what stands
    before and after the layers is left to the caller, as are initialisers and seeds.

    Args:
        source: A built Keras layer, a list of them that is a stack, or the path of a `.keras` or
            `.weights.h5` file.
        layers: Names of the layers in the file that are to become one. Default: all recurrent ones.
        config: With a `.weights.h5` file the model's configuration, `model.to_json()`.
        ignore: Options that no weight depends on and that lockgate leaves behind, such as
            `"kernel_regularizer"`, `"stateful"` or `"go_backwards"`.

    Returns:
        The `lockgate.nn` layer, in training mode as new layers are.

    Raises:
        TypeError: If `source` is none of these.
        ValueError: If a layer has an option that lockgate has not, if the layers are no stack whose
            options agree, or if a file is damaged, too large, or holds other arrays than its
            configuration says.
        ModuleNotFoundError: If a file is to be read without h5py.

    Warns:
        UserWarning: If a layer computes in another type than its weights have, `mixed_bfloat16`.

    Example:
        >>> from lockgate.interop import from_keras
        >>> model.save("model.keras")  # doctest: +SKIP
        >>> from_keras("model.keras", layers=("lstm", "lstm_1"))  # doctest: +SKIP
        LSTM(3, 8, num_layers=2, batch_first=True, init='keras')
    """
    ignored = check_ignore(ignore)
    with _open(source, layers, config) as (found, weights):
        stack, between = _chain(found, layers)
        specs = [read_spec(node.kind, node.config, ignored) for node in stack]
        for node in stack:
            tell_precision(node.name, node.config)
        options = stack_options(specs, between)
        arrays = _read_arrays(stack, specs, weights)
    return _build(specs, options, arrays)


def to_keras(layer: RNN | LSTM | GRU) -> Any:
    """Make a `keras.Sequential` that computes what a lockgate layer computes in evaluation.

    It holds an `Input` and a Keras layer for each layer, in a `Bidirectional` where there are two
    directions, all of which return sequences; the weights are copied, and what is frozen stays.
    Batches come first, and padding is Keras's `mask`. `input_dropout`, `dropout` and
    `recurrent_dropout` are kept where Keras draws such masks: held over the sequence, for each gate
    on `h` and, with recurrent dropout, on what enters too. Every other rate becomes 0.

    Args:
        layer: A `lockgate.nn.RNN`, `LSTM` or `GRU`.

    Returns:
        The model. `model.layers` are its layers, for use in another one.

    Raises:
        TypeError: If `layer` is none of the three.
        ValueError: If evaluation shows an option that Keras lacks: `layer_norm`, `zoneout`,
            `residual`, `proj_size`, `learn_initial_state`; or if the dtype is bfloat16.
        ModuleNotFoundError: If Keras, or what it computes with, is not installed.

    Example:
        >>> from lockgate import nn
        >>> from lockgate.interop import to_keras
        >>> model = to_keras(nn.GRU(3, 8, num_layers=2, bidirectional=True))  # doctest: +SKIP
        >>> model.output_shape  # doctest: +SKIP
        (None, None, 16)
    """
    kind = next((name for name, ours in _OURS.items() if isinstance(layer, ours)), None)
    if kind is None:
        raise TypeError(f"layer must be a lockgate.nn.RNN, LSTM or GRU, got {type(layer).__name__}")
    if faults := _unlike_keras(layer):
        raise ValueError(
            f"{'; '.join(faults)}: Keras has no such layer. Keep the lockgate layer, or train one "
            "without."
        )
    install = "pip install keras tensorflow, or keras alone and set KERAS_BACKEND=torch"
    keras = need("keras", "lockgate.interop.to_keras", install)
    made = [_make_layer(keras, kind, layer, number) for number in range(layer.num_layers)]
    entry = keras.Input((None, layer.input_size), dtype=_dtype(layer))
    model = keras.Sequential([entry, *made])
    model.supports_masking = True  # all its layers do; Keras would warn that masks are lost
    for number, own in enumerate(made):
        _set_weights(own, kind, layer, number)
    return model


# ---- from Keras ----


@contextmanager
def _open(source: Any, layers: Any, config: Any) -> Iterator[tuple[list[Node], Weights | None]]:
    """Give the layers of a source, and the file that holds their weights."""
    if isinstance(source, str | os.PathLike):
        path = Path(source)
        if not path.name.endswith((".keras", ".h5")):
            raise ValueError(
                f"source must be the path of a .keras or .weights.h5 file, got {path.name!r}"
            )
        with open_model(path, config) as (model, weights):
            try:
                found = list(nodes_of(model))
            except RecursionError:
                raise ValueError(f"{path.name} must hold no models nested that deep") from None
            yield found, weights
        return
    if layers is not None or config is not None:
        raise ValueError("layers and config must be None where source is no file")
    given = source if isinstance(source, list | tuple) else [source]
    yield [node for number, layer in enumerate(given) for node in _live(layer, number)], None


def _live(layer: Any, number: int) -> Iterator[Node]:
    if not hasattr(layer, "get_config") or not hasattr(layer, "get_weights"):
        raise TypeError(
            "source must be a Keras layer, a list of them, or the path of a .keras or .weights.h5 "
            f"file, got {type(layer).__name__}"
        )
    kind = type(layer).__name__
    if kind not in RECURRENT + DROPOUTS:
        raise TypeError(f"source must hold {', '.join(RECURRENT)} alone, got {kind}")
    # numbered, since a list may hold one name twice
    config, before = layer.get_config(), str(number - 1) if number else None
    own = Node(str(number), kind, config, layer, "", before)
    for place, node in enumerate(stacked_nodes(own)):
        cells = getattr(layer.cell, "cells", [layer.cell]) if kind == "RNN" else [layer]
        yield node._replace(place=cells[place])


def _chain(
    found: list[Node], layers: str | Sequence[str] | None
) -> tuple[list[Node], list[tuple[float, str]]]:
    """Choose the layers of a stack; give them, and the Dropout in each gap between them."""
    chosen = [node for node in found if node.kind in RECURRENT]
    listed = ", ".join(f"{node.name!r} ({node.kind})" for node in chosen) or "none"
    if not chosen:
        kinds = ", ".join(RECURRENT)
        raise ValueError(f"source must hold a layer of {kinds}, got none")
    if layers is not None:
        names = [layers] if isinstance(layers, str) else list(layers)
        by_name = {name: [node for node in chosen if node.of == name] for name in names}
        wrong = [n for n, nodes in by_name.items() if len({node.place for node in nodes}) != 1]
        if wrong or not names or len(by_name) != len(names):
            raise ValueError(
                f"layers must name recurrent layers of the model, each once, got {names}. "
                f"It has {listed}."
            )
        chosen = [node for name in names for node in by_name[name]]
    by_place = {(node.model, node.name): node for node in found}
    between = []
    for below, above in pairwise(chosen):
        gap = _gap(below, above, by_place)
        if gap is None:
            raise ValueError(
                "layers must name layers that follow each other as one stack, with nothing but one "
                f"Dropout between two, got {[node.name for node in chosen]}. "
                f"Convert others one by one; the model has {listed}."
            )
        between.append(gap)
    return chosen, between


def _gap(
    below: Node, above: Node, by_place: Mapping[tuple[str, str], Node]
) -> tuple[float, str] | None:
    """Give the Dropout between two layers, of rate 0 where there is none; None if no stack."""
    node = by_place.get((above.model, above.reads or ""))
    gap: tuple[float, str] | None = (0.0, "sequence")
    if node is not None and node.kind in DROPOUTS:
        gap = read_dropout(node.kind, node.config)
        node = by_place.get((node.model, node.reads or ""))
    return gap if node is below else None


def _read_arrays(
    stack: Sequence[Node], specs: Sequence[Spec], weights: Weights | None
) -> list[list[Tensor]]:
    """Read kernel, recurrent kernel and bias of each layer and direction."""
    arrays: list[list[Tensor]] = []
    input_size: int | None = None
    for node, spec in zip(stack, specs, strict=True):
        for part in spec.parts:
            shapes = spec.shapes(input_size)
            if weights is None:
                own = _live_arrays(node.place, spec.name, part, shapes)
            else:
                inside = "/".join(filter(None, (node.place, part, node.cell, "vars")))
                own = [weights.read(f"{inside}/{i}", shape) for i, shape in enumerate(shapes)]
            input_size = own[0].shape[0]
            arrays.append(own)
        input_size = spec.width
    if len(kinds := {array.dtype for own in arrays for array in own}) > 1:
        raise ValueError(f"dtype must be the same for all weights, got {sorted(map(str, kinds))}")
    return arrays


def _live_arrays(layer: Any, name: str, part: str, shapes: Sequence[Any]) -> list[Tensor]:
    arrays = (getattr(layer, part) if part else layer).get_weights()
    if len(arrays) < len(shapes):
        raise ValueError(
            f"layer {name} must be built, got one without weights. Call it once, or its model."
        )
    tensors = []
    for array, shape in zip(arrays, shapes, strict=False):
        check_shape(f"a weight of layer {name}", array.shape, shape)
        if array.dtype.name == "bfloat16":
            tensors.append(torch.from_numpy(array.view("int16")).view(torch.bfloat16))
        else:
            tensors.append(torch.tensor(array))
    return tensors


@torch.no_grad()
def _build(
    specs: Sequence[Spec], options: dict[str, Any], arrays: Sequence[list[Tensor]]
) -> RNN | LSTM | GRU:
    cell, like = specs[0].cell, arrays[0][0]
    layer: Any = empty(_OURS[cell], like.device, like.shape[0], dtype=like.dtype, **options)
    layout = structure_of(layer).layout
    for index, (kernel, recurrent, *bias) in enumerate(arrays):
        weights: Any = weights_of(layer, index)
        weights.w_ih.copy_(_reorder(kernel, cell).t())
        weights.w_hh.copy_(_reorder(recurrent, cell).t())
        if bias:
            # of two rows one is for each product; one alone belongs to the first
            rows = _reorder(bias[0], cell)
            weights.b_ih.copy_(rows[0] if rows.ndim == 2 else rows)
            weights.b_hh.copy_(rows[1] if rows.ndim == 2 else torch.zeros_like(rows))
        spec = specs[layout.place(index)[0]]
        for parameter in weights:
            if parameter is not None:
                parameter.requires_grad_(spec.trainable)
    return layer  # type: ignore[no-any-return]


def _reorder(array: Tensor, cell: str) -> Tensor:
    """Bring the gates, blocks of columns, from Keras's order into torch's, or back."""
    gates = array.chunk(GATES[cell], dim=-1)
    return torch.cat([gates[gate] for gate in _ORDER[cell]], dim=-1)


# ---- to Keras ----


def _unlike_keras(layer: Recurrent) -> list[str]:
    faults = unlike_peers(layer)
    if layer.proj_size:
        faults.append(f"proj_size must be 0, got {layer.proj_size}")
    if layer.weight_ih_l0.dtype == torch.bfloat16:
        faults.append("dtype must be float16, 32 or 64, got bfloat16")
    return faults


def _make_layer(keras: Any, kind: str, layer: Recurrent, number: int) -> Any:
    entering, recurrent = _kept_rates(layer)
    options = {
        "return_sequences": True,
        "activation": layer.nonlinearity,
        "use_bias": layer.bias,
        "dropout": entering[number],
        "recurrent_dropout": recurrent,
        "dtype": _dtype(layer),
    }
    if isinstance(layer, GRU):
        options["reset_after"] = layer.reset_after
    layout = structure_of(layer).layout
    own = getattr(keras.layers, kind)(layout.hidden_sizes[number], **options)
    if not layout.both[number]:
        return own
    last = number == layer.num_layers - 1
    mode = "concat" if layer.merge_mode == "none" and not last else layer.merge_mode
    theirs = {ours: merge_mode for merge_mode, ours in MERGE_MODES.items()}
    return keras.layers.Bidirectional(own, merge_mode=theirs[mode], dtype=options["dtype"])


def _dtype(layer: Recurrent) -> str:
    return str(layer.weight_ih_l0.dtype).removeprefix("torch.")


def _kept_rates(layer: Recurrent) -> tuple[list[float], float]:
    """Give the rates on what enters each layer and on h, 0 where Keras draws other masks."""
    one_gate = isinstance(layer, RNN)

    def held(place: str) -> bool:
        return layer.mask_over[place] == "sequence" and layer.mask_for[place] == "sample"

    as_keras = held("recurrent") and (one_gate or layer.mask_per["recurrent"] == "gate")
    recurrent = layer.recurrent_dropout if as_keras else 0.0
    alike = one_gate or layer.mask_per["input"] == ("gate" if recurrent > 0.0 else "cell")
    gaps = check_gap_rates(layer.dropout, layer.num_layers)
    entering = [layer.input_dropout if alike and held("input") else 0.0]
    return entering + [rate if alike and held("between") else 0.0 for rate in gaps], recurrent


def _set_weights(own: Any, kind: str, layer: Recurrent, number: int) -> None:
    """Write the weights of a layer and its directions into the built Keras layer."""
    layout = structure_of(layer).layout
    parts = [own.forward_layer, own.backward_layer] if layout.both[number] else [own]
    cells = []
    for index, part in zip(layout.cells_of(number), parts, strict=True):
        cell = weights_of(layer, index)
        cells.append(cell)
        arrays = [_reorder(cell.w_ih.detach().t(), kind), _reorder(cell.w_hh.detach().t(), kind)]
        if cell.b_ih is not None and cell.b_hh is not None:
            two = torch.stack([cell.b_ih.detach(), cell.b_hh.detach()])
            rows = _reorder(two, kind)
            arrays.append(rows if isinstance(layer, GRU) and layer.reset_after else rows.sum(0))
        part.set_weights([array.cpu().numpy() for array in arrays])
    # Keras freezes a layer as a whole
    parameters = [p for cell in cells for p in cell if p is not None]
    own.trainable = any(p.requires_grad for p in parameters)
