"""What a kind of run sets, and what its results hold for."""

import os
import platform
from collections.abc import Sequence
from typing import Any

import torch

from benchmarks.common import machine
from benchmarks.layers.peers import PACKAGES
from benchmarks.layers.rounds import Candidate, contention_is_seen
from lockgate.ops import kernels

# by kind of run, each in a process of its own
VARIABLES = {
    "default": {},
    "shared": {},
    "variants": {},
    "bfloat16": {},
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
