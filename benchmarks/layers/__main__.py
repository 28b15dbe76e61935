"""Time our layers against torch's, the loop over time, Keras and onnxruntime.

    python -m benchmarks.layers                        # 15 minutes, on a quiet machine
    python -m benchmarks.layers --no-page-faults       # 5 minutes
    python -m benchmarks.layers --instruction-set avx2 # 5 minutes
    python -m benchmarks.layers --shared               # 3 minutes, masks that a batch shares
    python -m benchmarks.layers --variants             # 2 minutes, layer norm and so on
    python -m benchmarks.layers --bfloat16             # 4 minutes, under autocast
    python -m benchmarks.layers --page-only            # the page again, from the results

Each writes a file of results and the page docs/benchmarks/README.md from all that are there; the
page says how it was measured. `pip install -e ".[bench]"` brings the peers.
"""

import argparse
import json
import os
import sys
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from benchmarks.common import command
from benchmarks.common.files import DOCS, write_whole
from benchmarks.layers import page
from benchmarks.layers.bench import Bench
from benchmarks.layers.cases import groups
from benchmarks.layers.environment import VARIABLES, environment
from benchmarks.layers.peers import PACKAGES

NAME = "layers"


def main() -> None:
    """Run the benchmark and write its results."""
    args = arguments()
    if args.page_only:
        page.write(args.out or DOCS)
        return
    variables = VARIABLES[args.kind]
    if any(os.environ.get(name) != value for name, value in variables.items()):
        os.execve(sys.executable, sys.orig_argv, {**os.environ, **variables})  # noqa: S606
    results = run(args)
    if args.out is not None:
        args.out.mkdir(parents=True, exist_ok=True)
        write_whole(args.out / page.FILES[args.kind], json.dumps(results, indent=1) + "\n")
        page.write(args.out)


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Measure every group; return the results."""
    load, began = os.getloadavg(), time.time()
    bench = Bench(args.threads, args.seconds, args.peers, args.kind)
    here = environment(args.threads, bench.peaks, args.peers)
    measured = []
    try:
        for group in groups(args.only, args.kind):
            if args.kind == "no-page-faults" and group.mode == "step":
                continue  # a step allocates nothing large
            measured.append(bench.measure(group))
            print(line(measured[-1]), flush=True)
    finally:
        bench.close()
    return {
        "kind": args.kind,
        "command": command.given(NAME),
        "date": time.strftime("%Y-%m-%d", time.gmtime(began)),
        "minutes": round((time.time() - began) / 60, 1),
        "load_average": {"before": load, "after": os.getloadavg()},
        "seconds": args.seconds,
        "environment": here,
        "groups": measured,
    }


def line(group: dict[str, Any]) -> str:
    """Say in a line what was measured of a group."""
    parts = [
        f"{name} {candidate['milliseconds']['median']:.4g}"
        for name, candidate in group["candidates"].items()
    ]
    rounds = f"{group['clean_rounds']} of {group['rounds']} rounds clean"
    return f"{group['name']}: {', '.join(parts)} ms; {rounds}"


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = command.parser(NAME, __doc__)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seconds", type=float, help="for each shape; 20 or 10, by the kind")
    parser.add_argument("--only", default="", help="groups whose name contains this text")
    parser.add_argument("--peers", help="of torch,loop,keras,onnx; all, or torch of another kind")
    parser.add_argument("--out", type=Path, help="folder; docs/benchmarks, or none with --only")
    parser.add_argument("--page-only", action="store_true", help="write the page again")
    kinds = parser.add_mutually_exclusive_group()
    kinds.add_argument("--no-page-faults", action="store_true", help="malloc keeps its memory")
    kinds.add_argument("--shared", action="store_true", help="masks that a batch shares")
    kinds.add_argument("--variants", action="store_true", help="layer norm, projection, ...")
    kinds.add_argument("--bfloat16", action="store_true", help="under autocast to bfloat16")
    kinds.add_argument("--instruction-set", choices=["avx2"], help="the most that all may use")
    args = parser.parse_args()
    if args.page_only:
        return args
    args.kind = "no-page-faults" if args.no_page_faults else args.instruction_set or "default"
    for kind in ("shared", "variants", "bfloat16"):
        if getattr(args, kind):
            args.kind = kind
    plain = args.kind == "default"
    args.seconds = args.seconds or (10.0 if args.kind in ("no-page-faults", "avx2") else 20.0)
    args.peers = (args.peers or ("torch,loop,keras,onnx" if plain else "torch")).split(",")
    if unknown := sorted(set(args.peers) - {"torch", "loop", *PACKAGES}):
        parser.error(f"--peers must be of torch, loop, keras, onnx, got {', '.join(unknown)}")
    args.peers = [name for name in args.peers if _is_there(name)]
    if args.out is None and not args.only:
        args.out = DOCS
    return args


def _is_there(peer: str) -> bool:
    """Tell whether the packages of a peer are installed; say so where they are not."""
    missing = [name for name in PACKAGES.get(peer, ()) if find_spec(name) is None]
    if missing:
        print(f"without {peer}: {', '.join(missing)} missing; see `.[bench]`", file=sys.stderr)
    return not missing


if __name__ == "__main__":
    main()
