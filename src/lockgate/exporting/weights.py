"""A graph of ONNX whose large matrices are stored in fewer bytes, and computes as it did."""

from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper

LEAST = 1024
"""Numbers of a matrix below which little would be saved."""
NARROW = 8
"""Columns below which a scale for each row would be a good part of what is stored."""
_LARGEST = 127  # of int8, the same on both sides of 0
Array = npt.NDArray[Any]


def stored(data: bytes, weights: str) -> bytes:
    """Return a graph of ONNX that stores its matrices as `bfloat16` or `int8`.

    The graph itself turns them back into the type that they had, which onnxruntime does once, when
    it loads the graph. Numbers of int8 have a scale for each row, or column of a narrow matrix.

    Args:
        data: The graph, as the bytes of its file.
        weights: What is stored; vectors, and matrices of fewer than `LEAST` numbers, stay.
    """
    model = onnx.load_from_string(data)
    graph = model.graph
    kept, nodes = [], []
    for one in graph.initializer:
        matrix = numpy_helper.to_array(one)
        if matrix.dtype.kind != "f" or matrix.ndim < 2 or matrix.size < LEAST:
            kept.append(one)
            continue
        tensors, restoring = _STORING[weights](one, matrix)
        kept += tensors
        nodes += restoring
    nodes += graph.node
    del graph.initializer[:], graph.node[:]
    graph.initializer.extend(kept)
    graph.node.extend(nodes)
    written: bytes = model.SerializeToString()
    return written


def _bfloat16(one: TensorProto, matrix: Array) -> tuple[list[Any], list[Any]]:
    name = f"{one.name}.bfloat16"
    # numpy has no such type
    bits = torch.from_numpy(matrix.copy()).bfloat16().view(torch.int16).numpy()
    tensor = helper.make_tensor(name, TensorProto.BFLOAT16, one.dims, bits.tobytes(), raw=True)
    return [tensor], [helper.make_node("Cast", [name], [one.name], to=one.data_type)]


def _int8(one: TensorProto, matrix: Array) -> tuple[list[Any], list[Any]]:
    axis = _axis_of_scales(matrix.shape)
    others = tuple(place for place in range(matrix.ndim) if place != axis)
    largest = np.abs(matrix).max(axis=others, keepdims=True)
    scales = np.where(largest > 0, largest / _LARGEST, 1.0).astype(np.float32)
    whole = np.rint(matrix / scales).clip(-_LARGEST, _LARGEST).astype(np.int8)
    name, scale, single = (f"{one.name}.{kind}" for kind in ("int8", "scale", "float32"))
    tensors = [numpy_helper.from_array(whole, name), numpy_helper.from_array(scales.ravel(), scale)]
    return tensors, [
        helper.make_node("DequantizeLinear", [name, scale], [single], axis=axis),
        helper.make_node("Cast", [single], [one.name], to=one.data_type),
    ]


_STORING = {"bfloat16": _bfloat16, "int8": _int8}


def _axis_of_scales(shape: tuple[int, ...]) -> int:
    """Return the axis of the rows: the first that is not of one, as the direction of a layer is."""
    rows = next((place for place, size in enumerate(shape) if size > 1), 0)
    columns = np.prod(shape[rows + 1 :])
    return rows if columns >= NARROW else len(shape) - 1
