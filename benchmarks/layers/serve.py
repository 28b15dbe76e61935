"""The process of a peer: loads a shape, and takes samples of it when it is asked.

    python -m benchmarks.layers.serve keras --threads 2

reads a line of JSON for each request and answers with one; `peers.Peer` is the other end.
"""

import json
import os
import sys
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from benchmarks.common import command
from benchmarks.layers.cases import RATE, TOLERANCE
from benchmarks.layers.peers import LONGEST_SECONDS, PACKAGES, Arrays
from benchmarks.layers.rounds import DELAY_LIMIT, Sample, timed
from benchmarks.layers.weights import keras_weights, onnx_weights

NAME = "layers.serve"
# TensorFlow runs a thread more than it is allowed processors: on a quiet machine they wait for each
# other for 4 to 11 % of the time, and far longer where another process takes a processor
DELAY_LIMITS = {"keras": 0.15, "onnx": DELAY_LIMIT}


class Loaded(NamedTuple):
    """A shape that a peer is ready for."""

    call: Callable[[], object]
    error: float  # of the plain forward
    seconds: float  # of one call


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
    parser = command.parser(NAME, __doc__)
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
