"""Matrices are stored in fewer bytes, and onnxruntime reads what they were rounded to."""

import pytest

pytest.importorskip("onnxruntime", reason='needs the extra "onnx"')
pytest.importorskip("onnx", reason='needs the extra "onnx"')

import numpy as np
import onnx
import onnxruntime
import torch
from onnx import TensorProto, helper, numpy_helper

from lockgate.exporting.onnx import DEQUANTISED_ONCE
from lockgate.exporting.weights import stored

RNG = np.random.default_rng(0)
MATRICES = {
    "layer": RNG.normal(size=(1, 130, 11)).astype(np.float32),
    "embedding": RNG.normal(size=(90, 16)).astype(np.float32),
    "narrow": RNG.normal(size=(700, 3)).astype(np.float32),
    "ridge": RNG.normal(size=(40, 30)),
    "small": RNG.normal(size=(20, 20)).astype(np.float32),
    "bias": RNG.normal(size=4000).astype(np.float32),
}
MATRICES["embedding"][0] = 0.0  # of padding
MATRICES["layer"][0] *= 10.0 ** RNG.uniform(-3, 3, size=(130, 1))
KEPT = ("small", "bias")


def graph() -> bytes:
    """Return a graph that gives all matrices."""
    inits = [numpy_helper.from_array(matrix, name) for name, matrix in MATRICES.items()]
    nodes = [helper.make_node("Identity", [name], [f"{name}_out"]) for name in MATRICES]
    outputs = [
        helper.make_tensor_value_info(f"{one.name}_out", one.data_type, list(one.dims))
        for one in inits
    ]
    made = helper.make_graph(nodes, "g", [], outputs, inits)
    opset = [helper.make_opsetid("", 18)]
    written: bytes = helper.make_model(made, opset_imports=opset, ir_version=10).SerializeToString()
    return written


def run(data: bytes) -> dict[str, np.ndarray]:
    options = onnxruntime.SessionOptions()
    options.add_session_config_entry(*DEQUANTISED_ONCE)
    return dict(
        zip(MATRICES, onnxruntime.InferenceSession(data, options).run(None, {}), strict=True)
    )


def test_bfloat16_is_that_of_torch() -> None:
    data = stored(graph(), "bfloat16")
    for name, found in run(data).items():
        matrix = torch.from_numpy(MATRICES[name])
        wanted = matrix if name in KEPT else matrix.bfloat16().to(matrix.dtype)
        assert found.dtype == MATRICES[name].dtype
        np.testing.assert_array_equal(found, wanted.numpy(), err_msg=name)


def test_int8_is_off_by_half_a_step_of_its_row() -> None:
    found = run(stored(graph(), "int8"))
    # of what is narrow, of its column
    axes = {"layer": 2, "embedding": 1, "narrow": 0, "ridge": 1}
    for name, matrix in MATRICES.items():
        assert found[name].dtype == matrix.dtype
        if name in KEPT:
            np.testing.assert_array_equal(found[name], matrix)
            continue
        step = np.abs(matrix).max(axis=axes[name], keepdims=True) / 127
        assert (np.abs(found[name] - matrix) <= 0.5001 * step).all(), name
    assert (found["embedding"][0] == 0.0).all()


@pytest.mark.parametrize(("weights", "bytes_each"), [("bfloat16", 2), ("int8", 1)])
def test_it_holds_no_matrix_in_full(weights: str, bytes_each: int) -> None:
    data = stored(graph(), weights)
    numbers = sum(matrix.size for name, matrix in MATRICES.items() if name not in KEPT)
    kept = sum(MATRICES[name].nbytes for name in KEPT)
    assert len(data) < bytes_each * numbers + kept + 3000
    kinds = {one.data_type for one in onnx.load_from_string(data).graph.initializer}
    wanted = TensorProto.BFLOAT16 if weights == "bfloat16" else TensorProto.INT8
    assert kinds == {wanted, TensorProto.FLOAT}
    onnx.checker.check_model(onnx.load_from_string(data), full_check=True)
