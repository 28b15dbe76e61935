"""Results of a run with the same numbers everywhere."""

import pytest

from benchmarks.layers.cases import RATIOS, groups


@pytest.fixture
def results():
    """Make results of every group with the same numbers."""
    return make_results


def of(median, *, crowded=False):
    return {"median": median, "low": median, "high": median, "rounds": 9, "crowded": crowded}


def make_results(kind="default", *, ratio=2.0, crowded=False):
    """Give results of every group with the same numbers."""
    candidates = {"torch", *(name for pairs in RATIOS.values() for pair in pairs for name in pair)}
    told = {"milliseconds": of(1.5, crowded=crowded), "page_faults": 3.0, "dropped": 1}
    measured = [
        {
            "name": group.name,
            "cell": group.cell,
            "mode": group.mode,
            **group.shape._asdict(),
            "errors": {},
            "failed": {},
            "slow": {},
            "rounds": 12,
            "clean_rounds": 9,
            "candidates": dict.fromkeys(sorted(candidates), told),
            "ratios": {
                "/".join(pair): of(
                    ratio
                    if pair[0] in ("torch", "loop", "onnx", "unmasked") or pair[0].endswith("-loop")
                    else 0.02
                )
                for pair in RATIOS[group.mode]
            },
            "shares": {name: of(0.9) for name in sorted(candidates)},
            "peak_gflops": {"mm": of(100.0), "fma": of(120.0)},
        }
        for group in groups("", kind)
    ]
    environment = {
        "cpu": "A CPU",
        "cores": 2,
        "threads": 2,
        "instruction_set": "avx512",
        "torch_capability": "AVX512",
        "peaks": ["mm", "fma"],
        "contention_seen": True,
        "python": "3.11.7",
        "platform": "Linux",
        "versions": {"torch": "2.13.0"},
        "commit": "0123456789ab",
        "uncommitted": True,
    }
    return {
        "kind": kind,
        "command": "python -m benchmarks.layers",
        "date": "2026-11-21",
        "minutes": 14.2,
        "load_average": {"before": [0.1, 0, 0], "after": [1.9, 1, 1]},
        "environment": environment,
        "groups": measured,
    }
