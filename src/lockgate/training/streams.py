"""Three independent streams of random numbers for one fit."""

import hashlib
from typing import NamedTuple

import numpy as np
import torch


class Streams(NamedTuple):
    """Generators of one fit. What one of them draws never moves another.

    Fits of one seed share initial weights and batch order whatever network they train, so that a
    difference between them is the network's; their masks differ by `name`.
    """

    weights: torch.Generator
    batches: torch.Generator
    masks: torch.Generator

    @classmethod
    def of(cls, random_state: int, seed: int, name: str = "") -> "Streams":
        """Return the streams of fit `name` with `seed`, of a run with `random_state`.

        All draw on the CPU, so that a seed means the same numbers on every device.
        """
        rung = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "little")
        keys = {"weights": [seed, 0], "batches": [seed, 1], "masks": [seed, 2, rung]}
        seeds = {
            stream: np.random.SeedSequence([random_state, *key]) for stream, key in keys.items()
        }
        generators = {
            stream: torch.Generator().manual_seed(
                int(seed.generate_state(1, np.uint64)[0] >> np.uint64(1))
            )
            for stream, seed in seeds.items()
        }
        return cls(**generators)
