"""Time our layers against torch's, the loop over time, Keras and onnxruntime.

    python -m benchmarks.layers                        # 15 minutes, on a quiet machine
    python -m benchmarks.layers --no-page-faults       # 5 minutes
    python -m benchmarks.layers --instruction-set avx2 # 5 minutes
    python -m benchmarks.layers --page-only            # the page again, from the results

Each writes a file of results and the page docs/benchmarks/README.md from all that are there; the
page says how it was measured. `pip install -e ".[bench]"` brings the peers.
"""

import argparse
import json
import os
import platform
import sys
import time
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.common import command, machine
from benchmarks.common.files import DOCS, write_whole
from benchmarks.layers import fma_peak, page
from benchmarks.layers.candidates import Layers, calls, check
from benchmarks.layers.cases import RATIOS, Group, groups
from benchmarks.layers.peers import LONGEST_SECONDS, PACKAGES, Arrays, Peer, PeerFailed
from benchmarks.layers.rounds import Candidate, contention_is_seen, run, summary, timed
from lockgate.ops import kernels

NAME = "layers"
SHARES = {"train": 0.6, "inference": 0.4, "step": 0.2}  # of the seconds given to a shape
PEERS = {"train": "keras", "inference": "onnx", "step": "onnx"}
# a run of another kind is a process of its own with these
VARIABLES = {
    "default": {},
    "no-page-faults": {
        "GLIBC_TUNABLES": f"glibc.malloc.mmap_threshold={2**30}:glibc.malloc.trim_threshold={2**32}"
    },
    "avx2": {
        "LOCKGATE_INSTRUCTION_SET": "avx2",
        "ONEDNN_MAX_CPU_ISA": "AVX2",
        "MKL_ENABLE_INSTRUCTIONS": "AVX2",
        "ATEN_CPU_CAPABILITY": "avx2",
    },
}


class Bench:
    """What all groups of a run share."""

    def __init__(self, threads: int, seconds: float, peers: list[str], kind: str) -> None:
        torch.set_num_threads(threads)
        self.seconds, self.chosen = seconds, peers
        self.peaks = fma_peak.peaks(threads, "avx2" if kind == "avx2" else None)
        self.peers = {name: Peer(name, threads) for name in PACKAGES if name in peers}

    def close(self) -> None:
        """End the processes of the peers."""
        for peer in self.peers.values():
            peer.close()

    def measure(self, group: Group) -> dict[str, Any]:
        """Check and time a group; return its part of the results."""
        cell, mode, shape = group
        failed: dict[str, str] = {}
        slow: dict[str, float] = {}
        with torch.set_grad_enabled(mode == "train"):
            layers = Layers(group)
            errors = {"ours": check(mode, layers)}
            candidates = [
                Candidate(name, timed(call))
                for name, call in calls(mode, layers, self.chosen).items()
            ]
            if peer := self.peers.get(PEERS[mode]):
                try:
                    errors[peer.name], seconds = peer.load(cell, mode, arrays(group, layers))
                    if seconds > LONGEST_SECONDS:
                        slow[peer.name] = seconds
                    else:
                        candidates.append(peer.candidate())
                except PeerFailed as failure:
                    print(failure, file=sys.stderr)
                    failed[peer.name] = str(failure)
            peaks = self.peaks if mode != "step" else []
            rounds = run([*candidates, *peaks], self.seconds * SHARES[mode], list(PACKAGES))
        names = [candidate.name for candidate in candidates]
        ratios = [pair for pair in RATIOS[mode] if set(pair) <= set(names)]
        work = shape.gflop(cell, train=mode == "train")
        gflop = {name: work for name in names if not name.endswith("-draw")}
        told = summary(
            *(rounds, ratios),
            peers=list(PACKAGES),
            peaks=[peak.name for peak in peaks],
            gflop=gflop,
        )
        start = {"name": group.name, "cell": cell, "mode": mode, **shape._asdict()}
        return {**start, "errors": errors, "failed": failed, "slow": slow, **told}


@torch.no_grad()
def arrays(group: Group, layers: Layers) -> Arrays:
    """Give a peer what it computes with, and what a plain forward has to give."""
    x = layers.x
    if group.mode == "step":
        x = x[:1].expand(group.shape.T, -1, -1)  # each step of the stream has the same row
    tensors = dict(zip(("w_ih", "w_hh", "b_ih", "b_hh"), layers.torch.parameters(), strict=True))
    tensors |= {"x": x, "d_output": layers.d_output, "output": layers.torch(x)[0]}
    return {name: np.ascontiguousarray(t.detach().numpy()) for name, t in tensors.items()}


def environment(threads: int, peaks: Sequence[Candidate], peers: Sequence[str]) -> dict[str, Any]:
    """Say what the results hold for."""
    status = kernels.status()
    if status is None:
        raise SystemExit("the CPU kernels must be built: install lockgate with a C++ compiler")
    packages = [
        "lockgate",
        "torch",
        "numpy",
        *(p for name in peers for p in PACKAGES.get(name, ())),
    ]
    known = {name for variables in VARIABLES.values() for name in variables}
    known |= {name for name in os.environ if name.startswith(("OMP_", "GOMP_", "MKL_", "ONEDNN_"))}
    return {
        "cpu": machine.cpu(),
        "cores": os.cpu_count(),
        "threads": threads,
        "instruction_set": status.instruction_set,
        "threads_of": status.threads,
        "torch_capability": torch.backends.cpu.get_cpu_capability(),
        "peaks": [peak.name for peak in peaks],
        "contention_seen": contention_is_seen(),
        "python": platform.python_version(),
        "platform": machine.system(),
        "versions": {name: package for name in packages if (package := machine.installed(name))},
        "commit": machine.commit(),
        "uncommitted": bool(machine.git("status", "--porcelain", "--", ".", ":!docs/benchmarks")),
        "variables": {name: os.environ[name] for name in sorted(known) if name in os.environ},
    }


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = command.parser(NAME, __doc__)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seconds", type=float, help="for each shape; 20, or 10 of another kind")
    parser.add_argument("--only", default="", help="groups whose name contains this text")
    parser.add_argument("--peers", help="of torch,loop,keras,onnx; all, or torch of another kind")
    parser.add_argument("--out", type=Path, help="folder; docs/benchmarks, or none with --only")
    parser.add_argument("--page-only", action="store_true", help="write the page again")
    kinds = parser.add_mutually_exclusive_group()
    kinds.add_argument("--no-page-faults", action="store_true", help="malloc keeps its memory")
    kinds.add_argument("--instruction-set", choices=["avx2"], help="the most that all may use")
    args = parser.parse_args()
    if args.page_only:
        return args
    args.kind = "no-page-faults" if args.no_page_faults else args.instruction_set or "default"
    plain = args.kind == "default"
    args.seconds = args.seconds or (20.0 if plain else 10.0)
    args.peers = (args.peers or ("torch,loop,keras,onnx" if plain else "torch")).split(",")
    if unknown := sorted(set(args.peers) - {"torch", "loop", *PACKAGES}):
        parser.error(f"--peers must be of torch, loop, keras, onnx, got {', '.join(unknown)}")
    for name in [name for name in PACKAGES if name in args.peers]:
        if missing := [package for package in PACKAGES[name] if find_spec(package) is None]:
            print(f"without {name}: {', '.join(missing)} missing; see `.[bench]`", file=sys.stderr)
            args.peers.remove(name)
    if args.out is None and not args.only:
        args.out = DOCS
    return args


def told(group: dict[str, Any]) -> str:
    """Say in a line what was measured of a group."""
    parts = [
        f"{name} {candidate['milliseconds']['median']:.4g}"
        for name, candidate in group["candidates"].items()
    ]
    rounds = f"{group['clean_rounds']} of {group['rounds']} rounds clean"
    return f"{group['name']}: {', '.join(parts)} ms; {rounds}"


def main() -> None:
    """Run the benchmark and write its results."""
    args = arguments()
    if args.page_only:
        page.write(args.out or DOCS)
        return
    variables = VARIABLES[args.kind]
    if any(os.environ.get(name) != value for name, value in variables.items()):
        os.execve(sys.executable, sys.orig_argv, {**os.environ, **variables})  # noqa: S606
    load, began = os.getloadavg(), time.time()
    bench = Bench(args.threads, args.seconds, args.peers, args.kind)
    here = environment(args.threads, bench.peaks, args.peers)
    measured = []
    try:
        for group in groups(args.only):
            if args.kind == "no-page-faults" and group.mode == "step":
                continue  # a step allocates nothing large
            measured.append(bench.measure(group))
            print(told(measured[-1]), flush=True)
    finally:
        bench.close()
    results = {
        "kind": args.kind,
        "command": command.given(NAME),
        "date": time.strftime("%Y-%m-%d", time.gmtime(began)),
        "minutes": round((time.time() - began) / 60, 1),
        "load_average": {"before": load, "after": os.getloadavg()},
        "seconds": args.seconds,
        "environment": here,
        "groups": measured,
    }
    if args.out is not None:
        args.out.mkdir(parents=True, exist_ok=True)
        file = args.out / page.FILES[args.kind]
        write_whole(file, json.dumps(results, indent=1) + "\n")
        page.write(args.out)


if __name__ == "__main__":
    main()
