"""Time requests to lockgate-serve, and to a plain server with FastAPI and torch beside it.

    python -m benchmarks.serving
    python -m benchmarks.serving --soak 10 --write
    python -m benchmarks.serving --soak 60 --soak-rate 100 --soak-only

An LSTM of 64 that reads 168 steps of one column and forecasts 24. Both servers run all the while,
and take turns; the client is this process, on the same cores. --write writes
docs/benchmarks/serving.md.
"""

import argparse
import asyncio
import os
import tempfile
from pathlib import Path

import uvloop

from benchmarks.common import command, machine
from benchmarks.common.files import DOCS, write_whole
from benchmarks.serving.load import closed, open_loop
from benchmarks.serving.page import LEAST_RATE, Sample, Soak, page, row, told_soak
from benchmarks.serving.plain import HIDDEN, HORIZON, LOOKBACK
from benchmarks.serving.servers import OURS, PLAIN, Server, bodies, exported, ours, running

NAME = "serving"
PACKAGES = ("lockgate", "fastapi", "uvicorn", "uvloop", "onnxruntime", "numpy", "torch")


def main() -> None:
    """Print the rates and latencies of both."""
    args = arguments()
    with tempfile.TemporaryDirectory() as name:
        folder = exported(Path(name))
        asked = bodies(folder)
        if args.soak_only:
            with running(ours(folder), asked[OURS]) as own:
                print(told_soak(soaked(own, args)))
            return
        with (
            running(ours(folder), asked[OURS]) as own,
            running(["benchmarks.serving.plain"], asked[PLAIN]) as other,
        ):
            servers = {OURS: own, PLAIN: other}
            before = os.getloadavg()[0]
            samples = {name: [sample(one, args, 1.0)][:0] for name, one in servers.items()}
            for turn in range(args.rounds):
                for name in sorted(servers, reverse=turn % 2 == 1):
                    samples[name].append(sample(servers[name], args, args.seconds))
                    print(*row(name, samples[name][-1:]), flush=True)
            soak = soaked(own, args) if args.soak else None
    told = page(samples, soak, about(args, before))
    print(told)
    if args.write:
        write_whole(DOCS / "serving.md", told)


def sample(server: Server, args: argparse.Namespace, seconds: float) -> Sample:
    """Ask a server in a closed loop, and then in an open one."""
    told = server.port, server.request, args.connections
    rate = uvloop.run(closed(*told, seconds))
    return Sample(rate, uvloop.run(open_loop(*told, LEAST_RATE / 2, seconds)))


def soaked(server: Server, args: argparse.Namespace) -> Soak:
    """Ask a server in an open loop for long, and look at its memory."""

    async def go_on() -> Soak:
        seconds = 60 * args.soak
        told = server.port, server.request, args.connections, args.soak_rate
        asking = asyncio.create_task(open_loop(*told, seconds))
        await asyncio.sleep(min(5.0, seconds / 10))
        held = [server.resident()]
        await asyncio.sleep(seconds / 2)
        held.append(server.resident())
        found = await asking
        return Soak(args.soak, args.soak_rate, [*held, server.resident()], found)

    return uvloop.run(go_on())


def about(args: argparse.Namespace, load: float) -> dict[str, str]:
    """Tell what was measured, and on what."""
    versions = [f"{name} {machine.installed(name)}" for name in PACKAGES]
    own = f"{machine.system()}, {machine.cpu()}, {os.cpu_count()} cores, commit {machine.commit()}"
    return {
        "what": (
            f"An LSTM of {HIDDEN} that reads {LOOKBACK} steps of one column and forecasts "
            f"{HORIZON}.\n`{OURS}` reads JSON with stamps and values, and answers with stamps; it "
            "runs the requests\nthat come together as one batch of onnxruntime. The plain server "
            "is what a tutorial shows:\nFastAPI, a body of values alone, a run of torch for each "
            "request, on one thread."
        ),
        "connections": str(args.connections),
        "load": f"Load of the machine: {load:.1f} before, {os.getloadavg()[0]:.1f} at the end.",
        "command": command.given(NAME),
        "machine": ", ".join([*versions, own]),
    }


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = command.parser(NAME, __doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=10.0, help="of a sample")
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--soak", type=float, metavar="MINUTES", help="ask on for so long")
    parser.add_argument("--soak-rate", type=float, default=LEAST_RATE / 2, help="requests a second")
    parser.add_argument("--soak-only", action="store_true", help="compare nothing, write nothing")
    parser.add_argument("--write", action="store_true", help="write docs/benchmarks/serving.md")
    asked = parser.parse_args()
    if asked.soak_only and (asked.soak is None or asked.write):
        parser.error("--soak-only must go with --soak, and without --write")
    return asked


if __name__ == "__main__":
    main()
