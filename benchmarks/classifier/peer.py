"""A process that times one of the two, and waits while the other runs.

    python -m benchmarks.classifier.peer keras --kind mixed --texts 20000 --threads 2

answers each line with the seconds of an epoch; `Peer` is the other end.
"""

import json
import subprocess
import sys
import time

from benchmarks.classifier.epochs import KINDS, keras, ours
from benchmarks.common import command
from benchmarks.common.files import ROOT

NAME = "classifier.peer"
EPOCHS = {"ours": ours, "keras": keras}


class Peer:
    """A process that times one of the two."""

    def __init__(self, name: str, kind: str, texts: int, threads: int) -> None:
        told = [name, "--kind", kind, "--texts", str(texts), "--threads", str(threads)]
        self._process = subprocess.Popen(  # noqa: S603 - this file
            [sys.executable, "-m", f"benchmarks.{NAME}", *told],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        if self._read() != "ready":
            raise SystemExit(f"{name} did not start: run {command.called(NAME)} {' '.join(told)}")

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
    """Answer each line with the seconds of an epoch."""
    parser = command.parser(NAME, __doc__)
    parser.add_argument("name", choices=EPOCHS)
    parser.add_argument("--kind", choices=KINDS, required=True)
    parser.add_argument("--texts", type=int, required=True)
    parser.add_argument("--threads", type=int, required=True)
    args = parser.parse_args()
    epoch = EPOCHS[args.name](args.kind, args.texts, args.threads)
    epoch()  # compiles, and loads what is loaded once
    print("ready", flush=True)
    for _ in sys.stdin:
        began = time.perf_counter()
        epoch()
        print(json.dumps(time.perf_counter() - began), flush=True)


if __name__ == "__main__":
    main()
