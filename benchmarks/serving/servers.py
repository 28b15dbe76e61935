"""The two servers, as processes; and the requests that they are sent."""

import contextlib
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from benchmarks.common.files import ROOT
from benchmarks.serving.plain import HIDDEN, HORIZON, LOOKBACK

OURS, PLAIN = "lockgate-serve", "FastAPI and torch"
START = datetime(2024, 1, 1)


class Server(NamedTuple):
    """A server that runs, and the request that it is sent."""

    process: subprocess.Popen[bytes]
    port: int
    request: bytes

    def resident(self) -> int:
        """Return the bytes of memory that it holds."""
        lines = Path(f"/proc/{self.process.pid}/status").read_text().splitlines()
        (found,) = (line for line in lines if line.startswith("VmRSS"))
        return int(found.split()[1]) * 1024


def exported(folder: Path) -> Path:
    """Train a small forecaster for one epoch, and export it."""
    import numpy as np
    import polars as pl

    import lockgate

    rows = 1_000
    values = 10 + 3 * np.sin(np.arange(rows) / 24 * 2 * np.pi)
    values += np.random.default_rng(0).normal(0, 0.5, rows)
    frame = pl.DataFrame({"ds": [START + timedelta(hours=n) for n in range(rows)], "y": values})
    told = {"hidden_size": HIDDEN, "lookback": LOOKBACK, "horizon": f"{HORIZON}h", "cell": "lstm"}
    run = folder / "run"
    lockgate.train(
        frame, target="y", out=run, members=1, mix=False, max_epochs=1, level=None, **told
    )
    lockgate.export(run, folder / "lstm")
    return folder / "lstm"


def ours(folder: Path) -> list[str]:
    """Return the command of our server, behind which its port comes."""
    return ["lockgate_runtime.serving.server", f"lstm={folder}", "--port"]


@contextlib.contextmanager
def running(command: list[str], body: bytes) -> Iterator[Server]:
    """Start a server, and end it."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    path = os.pathsep.join([str(ROOT / "runtime" / "src"), str(ROOT)])
    process = subprocess.Popen(  # noqa: S603 - modules of this project
        [sys.executable, "-m", *command, str(port)],
        env={**os.environ, "PYTHONPATH": path},
    )
    try:
        _wait(process, port)
        yield Server(process, port, request(body))
    finally:
        process.terminate()
        process.wait()


def _wait(process: subprocess.Popen[bytes], port: int) -> None:
    for _ in range(600):
        if process.poll() is not None:
            break
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
            return
        time.sleep(0.1)
    raise SystemExit("the server did not start")


def request(body: bytes) -> bytes:
    """Return a request as bytes."""
    head = (
        "POST /predict HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def bodies(folder: Path) -> dict[str, bytes]:
    """Return what each server is asked: stamps and values; values alone."""
    rows = json.loads((folder / "schema.json").read_text())["rows"]
    values = [round(10 + 0.37 * (n % 24), 3) for n in range(rows)]
    stamps = [(START + timedelta(hours=n)).isoformat() for n in range(rows)]
    return {
        OURS: json.dumps({"data": {"ds": stamps, "y": values}}).encode(),
        PLAIN: json.dumps({"values": values[-LOOKBACK:]}).encode(),
    }
