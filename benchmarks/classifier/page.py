"""The page of the results."""

import argparse
import platform
from importlib.metadata import version
from typing import Any

from benchmarks.classifier.epochs import BATCH, LONGEST, RATE, SIZE, TEXTS
from benchmarks.common.markdown import table


def page(rows: list[list[str]], machine: dict[str, Any], args: argparse.Namespace) -> str:
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

Seconds of an epoch: medians of {args.rounds} rounds, in which the two, each in a process of its own
with {args.threads} threads, took turns; the ratio is that of a round, with the least and the most.

`python -m benchmarks.classifier --rounds {args.rounds}`: {versions}, {packages}.
"""
