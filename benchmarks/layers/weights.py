"""The weights of a layer as each peer lays them out."""

import numpy as np

from benchmarks.layers.peers import Arrays

# where each gate of torch's stands in theirs
KERAS_ORDER = {"lstm": (0, 1, 2, 3), "gru": (1, 0, 2), "rnn": (0,)}
ONNX_ORDER = {"lstm": (0, 3, 1, 2), "gru": (1, 0, 2), "rnn": (0,)}


def reordered(rows: np.ndarray, order: tuple[int, ...]) -> np.ndarray:
    """Put the blocks of rows that belong to the gates in another order."""
    blocks = np.split(rows, len(order))
    return np.concatenate([blocks[gate] for gate in order])


def keras_weights(cell: str, arrays: Arrays) -> list[np.ndarray]:
    """Lay torch's weights out as Keras has them."""
    w_ih, w_hh, b_ih, b_hh = (
        reordered(arrays[name], KERAS_ORDER[cell]) for name in ("w_ih", "w_hh", "b_ih", "b_hh")
    )
    return [w_ih.T, w_hh.T, np.stack([b_ih, b_hh]) if cell == "gru" else b_ih + b_hh]


def onnx_weights(cell: str, arrays: Arrays) -> Arrays:
    """Lay torch's weights out as ONNX has them."""
    w_ih, w_hh, b_ih, b_hh = (
        reordered(arrays[name], ONNX_ORDER[cell]) for name in ("w_ih", "w_hh", "b_ih", "b_hh")
    )
    return {"W": w_ih[None], "R": w_hh[None], "B": np.concatenate([b_ih, b_hh])[None]}
