"""Draw some of many windows, evenly and at no fixed distance."""

import numpy as np

from lockgate.scoring.arrays import IntArray


def drawn_evenly(count: int, most: int, seed: int = 0) -> IntArray:
    """Return `most` of `count` places in their order, one of each of so many stretches.

    Every place is drawn with the same probability. As `most` seldom divides `count`, stretches are
    of two lengths, which differ by one. They lie in an order of chance: stretches of a rounded grid
    are long and short by turns, and places in the short ones would be drawn more often, which are
    those of some hours where the turns go with the day.

    Args:
        count: Places there are.
        most: How many are drawn, `count` at most.
        seed: Of the random numbers.

    Example:
        >>> drawn_evenly(10, 4).tolist(), drawn_evenly(3, 3).tolist()
        ([1, 3, 6, 9], [0, 1, 2])
    """
    rng = np.random.default_rng(seed)
    lengths = np.full(most, count // most)
    lengths[: count % most] += 1
    lengths = rng.permutation(lengths)
    places = np.cumsum(lengths) - lengths + rng.integers(lengths)
    # moved round, as the places at either end would else be drawn a little more or less often
    return np.sort((places + rng.integers(count)) % count)
