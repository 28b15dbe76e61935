"""Check and time one group after another."""

import sys
from typing import Any

import numpy as np
import torch

from benchmarks.layers import fma_peak
from benchmarks.layers.candidates import Layers, calls, check, losses
from benchmarks.layers.cases import RATIOS, Group
from benchmarks.layers.peers import LONGEST_SECONDS, PACKAGES, Arrays, Peer, PeerFailed
from benchmarks.layers.rounds import Candidate, run, summary, timed

SHARES = {
    "train": 0.6,
    "inference": 0.4,
    "step": 0.2,
    "shared": 1.0,
    "variants": 1.0,
    "bfloat16": 1.0,
    "stored": 0.3,
}  # of the seconds given to a shape
PEERS = {"train": "keras", "inference": "onnx", "step": "onnx"}


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
        told: dict[str, Any] = {"failed": {}, "slow": {}}
        with torch.set_grad_enabled(group.trains):
            layers = Layers(group)
            told["errors"] = {"ours": check(mode, layers), **losses(mode, layers)}
            candidates = [
                Candidate(name, timed(call))
                for name, call in calls(mode, layers, self.chosen).items()
            ]
            candidates += self._of_peer(group, layers, told)
            peaks = self.peaks if mode in ("train", "inference") else []
            rounds = run([*candidates, *peaks], self.seconds * SHARES[mode], list(PACKAGES))
        names = [candidate.name for candidate in candidates]
        work = shape.gflop(cell, train=group.trains)
        told |= summary(
            rounds,
            [pair for pair in RATIOS[mode] if set(pair) <= set(names)],
            peers=list(PACKAGES),
            peaks=[peak.name for peak in peaks],
            gflop={name: work for name in names if not name.endswith("-draw")},
        )
        return {"name": group.name, "cell": cell, "mode": mode, **shape._asdict(), **told}

    def _of_peer(self, group: Group, layers: Layers, told: dict[str, Any]) -> list[Candidate]:
        """Return the candidate of the group's peer, or tell why it has none."""
        peer = self.peers.get(PEERS.get(group.mode, ""))
        if peer is None:
            return []
        try:
            error, seconds = peer.load(group.cell, group.mode, arrays(group, layers))
        except PeerFailed as failure:
            print(failure, file=sys.stderr)
            told["failed"][peer.name] = str(failure)
            return []
        told["errors"][peer.name] = error
        if seconds > LONGEST_SECONDS:
            told["slow"][peer.name] = seconds
            return []
        return [peer.candidate()]


@torch.no_grad()
def arrays(group: Group, layers: Layers) -> Arrays:
    """Give a peer what it computes with, and what a plain forward has to give."""
    x = layers.x
    if group.mode == "step":
        x = x[:1].expand(group.shape.T, -1, -1)  # each step of the stream has the same row
    tensors = dict(zip(("w_ih", "w_hh", "b_ih", "b_hh"), layers.torch.parameters(), strict=True))
    tensors |= {"x": x, "d_output": layers.d_output, "output": layers.torch(x)[0]}
    return {name: np.ascontiguousarray(t.detach().numpy()) for name, t in tensors.items()}
