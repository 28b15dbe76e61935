"""Time an epoch of a text classifier: ours against Keras, both with recurrent dropout.

    python -m benchmarks.classifier

20,000 texts of at most 200 tokens, Embedding 64, a bidirectional LSTM 64, batches of 64. Ours is an
epoch of `lockgate.training.fit`, with its evaluation of a sample; Keras's is `fit` with
jit_compile=True on the same tokens, padded to 200. Each runs in a process of its own that waits
while the other runs, in rounds whose order turns round. Texts are once all of 200 tokens, and once
of 20 to 200, where ours pads a batch to its longest text alone. Both kinds together write
docs/benchmarks/classifier.md.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from importlib.metadata import version
from typing import Any

import numpy as np

from benchmarks.common import command
from benchmarks.common.files import DOCS, ROOT, write_whole
from benchmarks.common.markdown import table

NAME = "classifier"
PAGE = DOCS / "classifier.md"

TEXTS, LONGEST, VOCABULARY, SIZE, BATCH, RATE = 20_000, 200, 10_000, 64, 64, 0.25
KINDS = {"full": LONGEST, "mixed": 20}  # the shortest text of each kind


def arrays(kind: str, texts: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Draw tokens (N, 200), zero where padded, lengths and labels; the same in every process."""
    rng = np.random.default_rng(0)
    lengths = rng.integers(KINDS[kind], LONGEST + 1, texts)
    tokens = rng.integers(1, VOCABULARY, (texts, LONGEST)).astype(np.int32)
    tokens[np.arange(LONGEST) >= lengths[:, None]] = 0
    return tokens, lengths, rng.integers(0, 2, texts)


def ours(kind: str, texts: int, threads: int) -> Any:
    """Return what runs an epoch of ours."""
    import torch

    from lockgate.data.examples import Examples
    from lockgate.models import Classifier, ClassifierConfig
    from lockgate.training import LabelTrainingConfig, Streams, fit

    torch.set_num_threads(threads)
    tokens, lengths, labels = arrays(kind, texts)
    config = ClassifierConfig(
        hidden_size=SIZE,
        embedding_size=SIZE,
        input_dropout=RATE,
        recurrent_dropout=RATE,
        weight_dropout=0.0,
        embedding_dropout=0.0,
        output_dropout=0.0,
        pooling="last",
    )
    streams = Streams.of(0, 0)
    model = Classifier(0, VOCABULARY, 2, config, generator=streams.weights)
    starts = torch.from_numpy(np.concatenate([[0], np.cumsum(lengths)]))
    values = torch.from_numpy(tokens[tokens > 0])
    y = torch.from_numpy(labels)
    train = Examples(values, starts, y, torch.arange(texts))
    validation = Examples(values, starts, y, torch.arange(BATCH))
    training = LabelTrainingConfig(batch_size=BATCH, max_epochs=1, epoch_windows=texts)
    return lambda: fit(model, train, validation, training, streams)


def keras(kind: str, texts: int, threads: int) -> Any:
    """Return what runs an epoch of Keras."""
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    import keras
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tokens, _, labels = arrays(kind, texts)
    layer = keras.layers.LSTM(SIZE, dropout=RATE, recurrent_dropout=RATE)
    model = keras.Sequential(
        [
            keras.layers.Embedding(VOCABULARY, SIZE, mask_zero=True),
            keras.layers.Bidirectional(layer),
            keras.layers.Dense(2),
        ]
    )
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile("adam", loss, jit_compile=True)
    return lambda: model.fit(tokens, labels, batch_size=BATCH, epochs=1, verbose=0)


def serve(name: str, kind: str, texts: int, threads: int) -> None:
    """Answer each line with the seconds of an epoch."""
    epoch = {"ours": ours, "keras": keras}[name](kind, texts, threads)
    epoch()  # compiles, and loads what is loaded once
    print("ready", flush=True)
    for _ in sys.stdin:
        began = time.perf_counter()
        epoch()
        print(json.dumps(time.perf_counter() - began), flush=True)


class Peer:
    """A process that times one of the two."""

    def __init__(self, name: str, kind: str, texts: int, threads: int) -> None:
        told = ["--serve", name, "--kind", kind, "--texts", str(texts), "--threads", str(threads)]
        self._process = subprocess.Popen(  # noqa: S603 - this file
            [sys.executable, "-m", "benchmarks.classifier", *told],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        if self._read() != "ready":
            raise SystemExit(f"{name} did not start: run it alone with {' '.join(told)}")

    def seconds(self) -> float:
        """Run an epoch."""
        assert self._process.stdin is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        return float(json.loads(self._read()))

    def close(self) -> None:
        """End the process."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()

    def _read(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()


def main() -> None:
    """Print the seconds of an epoch of both, and their ratio."""
    parser = command.parser(NAME, __doc__)
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--texts", type=int, default=TEXTS)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--kind", choices=KINDS)
    parser.add_argument("--serve", choices=("ours", "keras"), help=argparse.SUPPRESS)
    told = parser.parse_args()
    if told.serve:
        serve(told.serve, told.kind, told.texts, told.threads)
        return
    from lockgate.fitted.environment import environment

    print(environment())
    rows = []
    for kind in [told.kind] if told.kind else KINDS:
        peers = {n: Peer(n, kind, told.texts, told.threads) for n in ("ours", "keras")}
        taken: dict[str, list[float]] = {name: [] for name in peers}
        for turn in range(told.rounds):
            for name in sorted(peers, reverse=turn % 2 == 1):
                taken[name].append(peers[name].seconds())
        for peer in peers.values():
            peer.close()
        middle = {name: statistics.median(seconds) for name, seconds in taken.items()}
        ratios = [k / o for k, o in zip(taken["keras"], taken["ours"], strict=True)]
        ratio = f"{statistics.median(ratios):.1f} ({min(ratios):.1f} to {max(ratios):.1f})"
        seconds = [f"{middle[name]:.1f}" for name in ("ours", "keras")]
        print(f"{kind}: ours {seconds[0]} s, Keras {seconds[1]} s an epoch; ratio {ratio}")
        rows.append([f"{KINDS[kind]} to {LONGEST}", *seconds, ratio])
    if told.kind is None and told.texts == TEXTS:
        PAGE.parent.mkdir(parents=True, exist_ok=True)
        write_whole(PAGE, page(rows, environment(), told))


def page(rows: list[list[str]], machine: dict[str, Any], told: argparse.Namespace) -> str:
    """Write the page."""
    lengths = table(("tokens of a text", "ours, s", "Keras, s", "Keras / ours"), rows)
    machine = {**machine, "platform": f"{platform.system()} {platform.machine()}"}
    versions = ", ".join(f"{name} {value}" for name, value in machine.items())
    packages = ", ".join(f"{name} {version(name)}" for name in ("keras", "tensorflow"))
    return f"""# An epoch of a text classifier

{TEXTS:,} texts, Embedding {SIZE}, a bidirectional LSTM {SIZE}, batches of {BATCH}, {RATE} dropout
of the input and of the recurrent state, in both. Ours is an epoch of `lockgate.training.fit`, with
its evaluation of a sample after it; Keras's is `fit` with `jit_compile=True` on the same tokens,
padded to {LONGEST}. Where all texts are that long, what is compared is the arithmetic; where they
differ, ours makes batches of like lengths and pads each to its longest text.

{lengths}

Seconds of an epoch: medians of {told.rounds} rounds, in which the two, each in a process of its own
with {told.threads} threads, took turns; the ratio is that of a round, with the least and the most.

`python -m benchmarks.classifier --rounds {told.rounds}`: {versions}, {packages}.
"""


if __name__ == "__main__":
    main()
