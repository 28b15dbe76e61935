"""Time our layers against torch's, the loop over time, Keras and onnxruntime.

    python benchmarks/layers.py                        # 15 minutes, on a quiet machine
    python benchmarks/layers.py --no-page-faults       # 5 minutes
    python benchmarks/layers.py --instruction-set avx2 # 5 minutes

Each writes a file of results and the page docs/benchmarks/README.md from all that are there; the
page says how it was measured. `pip install -e ".[bench]"` brings the peers.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import fma_peak
import numpy as np
import page
import torch
from candidates import Layers, calls, check
from cases import RATIOS, Group, groups
from peers import LONGEST_SECONDS, PACKAGES, Arrays, Peer, PeerFailed
from rounds import Candidate, contention_is_seen, run, summary, timed

from lockgate.ops import kernels

ROOT = Path(__file__).parents[1]
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
        "cpu": cpu(),
        "cores": os.cpu_count(),
        "threads": threads,
        "instruction_set": status.instruction_set,
        "threads_of": status.threads,
        "torch_capability": torch.backends.cpu.get_cpu_capability(),
        "peaks": [peak.name for peak in peaks],
        "contention_seen": contention_is_seen(),
        "python": platform.python_version(),
        "platform": " ".join([platform.system(), platform.machine(), *platform.libc_ver()]).strip(),
        "versions": {name: package for name in packages if (package := installed(name))},
        "commit": git("rev-parse", "--short=12", "HEAD"),
        "uncommitted": bool(git("status", "--porcelain", "--", ".", ":!docs/benchmarks")),
        "variables": {name: os.environ[name] for name in sorted(known) if name in os.environ},
    }


def cpu() -> str:
    """Name the processor."""
    path = Path("/proc/cpuinfo")
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def installed(package: str) -> str | None:
    """Give the version of a package, None where it is not there."""
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def git(*arguments: str) -> str:
    """Give what git says of this checkout, nothing outside of one."""
    command = ["git", *arguments]
    try:
        told = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603
    except OSError:
        return ""
    return told.stdout.strip()


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seconds", type=float, help="for each shape; 20, or 10 of another kind")
    parser.add_argument("--only", default="", help="groups whose name contains this text")
    parser.add_argument("--peers", help="of torch,loop,keras,onnx; all, or torch of another kind")
    parser.add_argument("--out", type=Path, help="folder; docs/benchmarks, or none with --only")
    kinds = parser.add_mutually_exclusive_group()
    kinds.add_argument("--no-page-faults", action="store_true", help="malloc keeps its memory")
    kinds.add_argument("--instruction-set", choices=["avx2"], help="the most that all may use")
    args = parser.parse_args()
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
        args.out = ROOT / "docs" / "benchmarks"
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
        "command": " ".join(["python", "benchmarks/layers.py", *sys.argv[1:]]),
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
        page.write_whole(file, json.dumps(results, indent=1) + "\n")
        page.write(args.out)


if __name__ == "__main__":
    main()
