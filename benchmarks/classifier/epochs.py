"""An epoch of ours and one of Keras's, on the same tokens."""

import os
from collections.abc import Callable
from typing import Any

import numpy as np

TEXTS, LONGEST, VOCABULARY, SIZE, BATCH, RATE = 20_000, 200, 10_000, 64, 64, 0.25
KINDS = {"full": LONGEST, "mixed": 20}  # the shortest text of each kind


def arrays(kind: str, texts: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Draw tokens (N, 200), zero where padded, lengths and labels; the same in every process."""
    rng = np.random.default_rng(0)
    lengths = rng.integers(KINDS[kind], LONGEST + 1, texts)
    tokens = rng.integers(1, VOCABULARY, (texts, LONGEST)).astype(np.int32)
    tokens[np.arange(LONGEST) >= lengths[:, None]] = 0
    return tokens, lengths, rng.integers(0, 2, texts)


def ours(kind: str, texts: int, threads: int) -> Callable[[], Any]:
    """Return what runs an epoch of ours."""
    import torch

    from lockgate.tasks.labelling.config import ClassifierConfig
    from lockgate.tasks.labelling.examples import Examples
    from lockgate.tasks.labelling.network import ClassifierNetwork
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
    model = ClassifierNetwork(0, VOCABULARY, 2, config, generator=streams.weights)
    starts = torch.from_numpy(np.concatenate([[0], np.cumsum(lengths)]))
    values = torch.from_numpy(tokens[tokens > 0])
    y = torch.from_numpy(labels)
    train = Examples(values, starts, y, torch.arange(texts))
    validation = Examples(values, starts, y, torch.arange(BATCH))
    training = LabelTrainingConfig(batch_size=BATCH, max_epochs=1, epoch_windows=texts)
    return lambda: fit(model, train, validation, training, streams)


def keras(kind: str, texts: int, threads: int) -> Callable[[], Any]:
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
