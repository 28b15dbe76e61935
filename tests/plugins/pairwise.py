"""`@pytest.mark.pairwise`: of a test's many cases run a pairwise cover, and the rest where asked.

Most faults of many options need two of them to meet. So the cases that run by default are few, and
hold every two values of two parameters that meet in any case. The other cases are marked `slow`.
"""

from collections import Counter, defaultdict
from collections.abc import Hashable, Sequence
from itertools import combinations

import pytest


def cover(cases: Sequence[Sequence[Hashable]]) -> list[int]:
    """Choose among cases, which are values in the order of the parameters; give their places.

    The least cover is NP-hard to find; this one is that, or larger by a few.
    """
    values = [tuple(enumerate(case)) for case in cases]
    evenly, first = _choose(values, evenly=True), _choose(values, evenly=False)
    return first if len(first) < len(evenly) else evenly


def _choose(cases: list[tuple[tuple[int, Hashable], ...]], *, evenly: bool) -> list[int]:
    """Take the case that adds most until nothing is left to add.

    Of equals it is the first, or `evenly` the first of those whose values were taken least.
    """
    pairs = [set(combinations(case, min(2, len(case)))) for case in cases]
    missing = set().union(*pairs)
    taken: Counter[tuple[int, Hashable]] = Counter()
    chosen: list[int] = []

    def worth(place: int) -> tuple[int, int]:
        return len(pairs[place] & missing), -sum(taken[value] for value in cases[place])

    while missing:
        best = max(range(len(cases)), key=worth)
        chosen.append(best)
        missing -= pairs[best]
        if evenly:
            taken.update(cases[best])
    return sorted(_without_needless(chosen, pairs))


def _without_needless(chosen: list[int], pairs: list[set]) -> list[int]:
    """Leave out what later choices have made needless."""
    for place in tuple(chosen):
        others = [other for other in chosen if other != place]
        if pairs[place] <= set().union(*(pairs[other] for other in others)):
            chosen = others
    return chosen


@pytest.hookimpl(tryfirst=True)  # before pytest leaves out what is slow
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the cases of pairwise tests that are outside the cover."""
    tests: dict[str, list[pytest.Function]] = defaultdict(list)
    for item in items:
        if item.get_closest_marker("pairwise") and not _is_left_out(item):
            assert isinstance(item, pytest.Function)
            tests[item.nodeid.partition("[")[0]].append(item)
    for cases in tests.values():
        # a value is one object in all cases, and need not be hashable
        chosen = cover([tuple(map(id, case.callspec.params.values())) for case in cases])
        for place in set(range(len(cases))).difference(chosen):
            cases[place].add_marker(pytest.mark.slow)


def _is_left_out(item: pytest.Item) -> bool:
    """Tell whether a case is slow by itself or will be skipped: it can cover nothing."""
    skipped = any(mark.args[:1] == (True,) for mark in item.iter_markers("skipif"))
    return skipped or item.get_closest_marker("slow") is not None
