"""How the step size goes over a fit."""

import math

from lockgate.training.config import Schedule

WARM_UP = 0.3
"""Share of one cycle in which the step size rises."""
LEAST = 0.04
"""Share of the largest step size with which one cycle begins."""


def share_of_rate(schedule: Schedule, step: int, total: int | None) -> float:
    """Return what the largest step size is multiplied by at a step, counted from 0.

    "cosine" falls from 1 to 0 over `total` steps (Loshchilov and Hutter, 2017, without restarts);
    "one_cycle" rises to 1 in the first 0.3 of them and falls to 0 in the rest (Smith, 2018).

    Example:
        >>> [round(share_of_rate("cosine", step, 4), 2) for step in range(5)]
        [1.0, 0.85, 0.5, 0.15, 0.0]
    """
    if schedule == "constant" or total is None:
        return 1.0
    done = min(step / total, 1.0)
    if schedule == "cosine":
        return _fall(done)
    if done < WARM_UP:
        return 1.0 - (1.0 - LEAST) * _fall(done / WARM_UP)
    return _fall((done - WARM_UP) / (1.0 - WARM_UP))


def _fall(done: float) -> float:
    """Return half a cosine, from 1 to 0."""
    return 0.5 * (1.0 + math.cos(math.pi * done))
