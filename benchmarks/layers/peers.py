"""Keras and onnxruntime, each timed in a process of its own that sleeps between its samples.

    python -m benchmarks.layers.peers keras --threads 2

reads a line of JSON for each request and answers with one; `Peer` is the other end. In one process
the threads of two libraries would spin against each other.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from benchmarks.common.files import ROOT
from benchmarks.layers.cases import RATE, TOLERANCE
from benchmarks.layers.rounds import DELAY_LIMIT, Candidate, Sample, timed

LONGEST_SECONDS = 2.0  # of a call; a longer one would leave no time for the others' rounds
PACKAGES = {"keras": ("keras", "tensorflow"), "onnx": ("onnx", "onnxruntime")}
# TensorFlow runs a thread more than it is allowed processors: on a quiet machine they wait for each
# other for 4 to 11 % of the time, and far longer where another process takes a processor
DELAY_LIMITS = {"keras": 0.15, "onnx": DELAY_LIMIT}
# where each gate of torch's stands in theirs
KERAS_ORDER = {"lstm": (0, 1, 2, 3), "gru": (1, 0, 2), "rnn": (0,)}
ONNX_ORDER = {"lstm": (0, 3, 1, 2), "gru": (1, 0, 2), "rnn": (0,)}

Arrays = dict[str, np.ndarray]


class Loaded(NamedTuple):
    """A shape that a peer is ready for."""

    call: Callable[[], object]
    error: float  # of the plain forward
    seconds: float  # of one call


class PeerFailed(RuntimeError):  # noqa: N818 - the name says what happened
    """The peer ended, or could not do what was asked."""


class Peer:
    """A process that times one library."""

    def __init__(self, name: str, threads: int) -> None:
        self.name = name
        self._errors = tempfile.TemporaryFile("w+")  # noqa: SIM115 - closed with the process
        self._process = subprocess.Popen(  # noqa: S603 - this file
            [sys.executable, "-m", __spec__.name, name, "--threads", str(threads)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
        )

    def load(self, cell: str, mode: str, arrays: Arrays) -> tuple[float, float]:
        """Make the peer ready for a shape.

        Returns:
            The error of its plain forward, and the seconds of a call. Where they are more than
            LONGEST_SECONDS, it takes no samples.
        """
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "arrays.npz")
            np.savez(path, **arrays)
            answer = self._ask(do="load", cell=cell, mode=mode, path=str(path))
        return answer["error"], answer["seconds"]

    def candidate(self) -> Candidate:
        """Return what takes a sample of what was loaded."""
        return Candidate(self.name, lambda: Sample(**self._ask(do="sample")), pool=self.name)

    def close(self) -> None:
        """End the process."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()
        self._errors.close()

    def _ask(self, **request: str) -> dict[str, Any]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            self._process.stdin.write(json.dumps(request) + "\n")
            self._process.stdin.flush()
            line = self._process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            self._errors.seek(0)
            raise PeerFailed(f"{self.name} ended: {self._errors.read()[-2000:]}")
        answer: dict[str, Any] = json.loads(line)
        if "failed" in answer:
            raise PeerFailed(f"{self.name}: {answer['failed']}")
        return answer


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


# ---- in the process of the peer ----


def load_keras(cell: str, mode: str, arrays: Arrays) -> Loaded:
    """Compile a train step with dropout on input and state."""
    import keras
    import tensorflow as tf

    assert mode == "train", "of Keras, only train steps are timed"
    keras.backend.clear_session()
    kind = {"lstm": keras.layers.LSTM, "gru": keras.layers.GRU, "rnn": keras.layers.SimpleRNN}[cell]
    layer = kind(
        arrays["w_hh"].shape[1], return_sequences=True, dropout=RATE, recurrent_dropout=RATE
    )
    # batch first, the only layout that Keras has
    x = tf.constant(arrays["x"].swapaxes(0, 1).copy())
    d_output = tf.constant(arrays["d_output"].swapaxes(0, 1).copy())
    layer.build(x.shape)
    layer.set_weights(keras_weights(cell, arrays))

    @tf.function(jit_compile=True)
    def step(x: Any, d_output: Any) -> Any:
        with tf.GradientTape() as tape:
            tape.watch(x)
            output = layer(x, training=True)
        return tape.gradient(output, [x, *layer.trainable_variables], output_gradients=d_output)

    plain = tf.function(lambda x: layer(x, training=False))(x).numpy().swapaxes(0, 1)

    def call() -> Any:
        # fetching a value waits for the result, should it be computed in the background
        return step(x, d_output)[-1].numpy()

    first = call()
    began = time.perf_counter()
    assert np.abs(call() - first).max() > 0, "nothing is dropped"
    return Loaded(call, _error(plain, arrays["output"]), time.perf_counter() - began)


def load_onnx(cell: str, mode: str, arrays: Arrays, threads: int) -> Loaded:
    """Make a session for a forward, or for a step of a stream from its last state."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    model = onnx_model(cell, mode, arrays).SerializeToString()
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    if mode == "inference":
        feed = {"X": arrays["x"]}
        began = time.perf_counter()
        (output,) = session.run(["Y"], feed)
        seconds = time.perf_counter() - began
        error = _error(output[:, 0], arrays["output"])
        return Loaded(lambda: session.run(["Y"], feed), error, seconds)

    names = [node.name for node in session.get_outputs()]
    states = [name.replace("Y_", "initial_") for name in names]
    B, H = arrays["x"].shape[1], arrays["w_hh"].shape[1]
    feed = {name: np.zeros((1, B, H), np.float32) for name in states}
    feed["X"] = arrays["x"][:1]

    def step() -> object:
        new = session.run(names, feed)
        feed.update(zip(states, new, strict=True))
        return new

    steps = arrays["output"].shape[0]
    began = time.perf_counter()
    for _ in range(steps):
        step()
    seconds = (time.perf_counter() - began) / steps
    return Loaded(step, _error(feed["initial_h"][0], arrays["output"][-1]), seconds)


def onnx_model(cell: str, mode: str, arrays: Arrays) -> Any:
    """Make a model of the one node that computes the layer."""
    from onnx import TensorProto, helper, numpy_helper

    def tensor(name: str, shape: list[int]) -> Any:
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)

    T, B, n_in = arrays["x"].shape
    H = arrays["w_hh"].shape[1]
    attributes = {"linear_before_reset": 1} if cell == "gru" else {}
    parts = ("h", "c") if cell == "lstm" else ("h",)
    inputs, outputs = [tensor("X", [T, B, n_in])], [tensor("Y", [T, 1, B, H])]
    given, made = ["X", "W", "R", "B"], ["Y"]
    if mode == "step":
        inputs = [tensor("X", [1, B, n_in])]
        inputs += [tensor(f"initial_{part}", [1, B, H]) for part in parts]
        outputs = [tensor(f"Y_{part}", [1, B, H]) for part in parts]
        given, made = (
            [*given, "", *(f"initial_{p}" for p in parts)],
            ["", *(f"Y_{p}" for p in parts)],
        )
    node = helper.make_node(cell.upper(), given, made, hidden_size=H, **attributes)
    weights = [numpy_helper.from_array(w, name) for name, w in onnx_weights(cell, arrays).items()]
    graph = helper.make_graph([node], cell, inputs, outputs, weights)
    # versions that every onnxruntime of recent years reads
    return helper.make_model(
        graph, ir_version=8, opset_imports=[helper.make_opsetid("", 17)], producer_name="lockgate"
    )


def _error(theirs: np.ndarray, ours: np.ndarray) -> float:
    error = float(np.abs(theirs - ours).max() / np.abs(ours).max())
    assert error <= TOLERANCE, f"the plain forward differs by {error:.1e}"
    return error


def prepare(name: str, threads: int) -> Callable[..., Loaded]:
    """Import the library with its threads set; return what loads a shape."""
    if name == "onnx":
        return lambda *args: load_onnx(*args, threads)
    os.environ |= {"KERAS_BACKEND": "tensorflow", "TF_CPP_MIN_LOG_LEVEL": "3"}
    import tensorflow as tf

    tf.config.set_visible_devices([], "GPU")
    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(threads)
    return load_keras


def main() -> None:
    """Answer requests until there are no more."""
    parser = argparse.ArgumentParser()
    parser.add_argument("name", choices=PACKAGES)
    parser.add_argument("--threads", type=int, required=True)
    args = parser.parse_args()
    # what a library prints must not come between the answers
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    load = prepare(args.name, args.threads)
    take: Callable[[], Sample] | None = None
    for line in sys.stdin:
        request = json.loads(line)
        try:
            if request["do"] == "load":
                with np.load(request["path"]) as arrays:
                    loaded = load(request["cell"], request["mode"], dict(arrays))
                if loaded.seconds <= LONGEST_SECONDS:
                    take = timed(loaded.call, DELAY_LIMITS[args.name])
                answer: dict[str, Any] = {"error": loaded.error, "seconds": loaded.seconds}
            else:
                assert take is not None
                answer = take()._asdict()
        except Exception as failure:
            answer = {"failed": f"{type(failure).__name__}: {failure}"}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
