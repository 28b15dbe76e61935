"""Keras and onnxruntime, each timed in a process of its own that sleeps between its samples.

In one process the threads of two libraries would spin against each other. `serve.py` is what runs
in the other.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.common.files import ROOT
from benchmarks.layers.rounds import Candidate, Sample

LONGEST_SECONDS = 2.0  # of a call; a longer one would leave no time for the others' rounds
PACKAGES = {"keras": ("keras", "tensorflow"), "onnx": ("onnx", "onnxruntime")}

Arrays = dict[str, np.ndarray]


class PeerFailed(RuntimeError):  # noqa: N818 - the name says what happened
    """The peer ended, or could not do what was asked."""


class Peer:
    """A process that times one library."""

    def __init__(self, name: str, threads: int) -> None:
        self.name = name
        self._errors = tempfile.TemporaryFile("w+")  # noqa: SIM115 - closed with the process
        self._process = subprocess.Popen(  # noqa: S603 - our own module
            [sys.executable, "-m", "benchmarks.layers.serve", name, "--threads", str(threads)],
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
