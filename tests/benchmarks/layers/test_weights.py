"""The peers are given the weights as they lay them out."""

import numpy as np
import pytest

pytest.importorskip("resource", reason="the benchmark runs on Linux and macOS")

from benchmarks.layers import weights


def test_gates_are_reordered_by_blocks_of_rows():
    names = np.repeat(["i", "f", "g", "o"], 2)

    assert "".join(weights.reordered(names, weights.ONNX_ORDER["lstm"])) == "iiooffgg"
    assert "".join(weights.reordered(names, weights.KERAS_ORDER["lstm"])) == "iiffggoo"
    assert "".join(weights.reordered(np.array(["r", "z", "n"]), weights.ONNX_ORDER["gru"])) == "zrn"


def test_weights_have_the_shapes_of_the_peers():
    given = {"w_ih": np.ones((12, 3)), "w_hh": np.ones((12, 4)), "b_ih": np.ones(12)}
    given["b_hh"] = np.ones(12)

    assert [w.shape for w in weights.keras_weights("gru", given)] == [(3, 12), (4, 12), (2, 12)]
    onnx = weights.onnx_weights("gru", given)
    assert {name: w.shape for name, w in onnx.items()} == {
        "W": (1, 12, 3),
        "R": (1, 12, 4),
        "B": (1, 24),
    }
