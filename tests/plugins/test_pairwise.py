"""A pairwise cover holds every pair, is small, and decides what the default run takes."""

from collections import Counter
from itertools import combinations, product
from math import prod

import pairwise
import pytest
from pairwise import cover

pytest_plugins = ["pytester"]

# values of each parameter: the largest matrices of the kernel tests, and others
MATRICES = [(3, 4, 9, 2, 2), (33, 4, 3), (16, 2, 4, 3), (4, 3, 2, 3, 2, 2, 2), (7, 6, 3, 2, 2)]
MATRICES += [(2, 2), (5, 1, 1), (4,), (2, 2, 2), (3, 3, 3, 3)]
MATRIX = pytest.mark.parametrize("matrix", MATRICES, ids=lambda m: "x".join(map(str, m)))


def cases_of(matrix: tuple[int, ...]) -> list[tuple[int, ...]]:
    return list(product(*map(range, matrix)))


def pairs(cases: list[tuple]) -> set[tuple]:
    """Write every pair out: two places and the values that a case has there."""
    return {
        (a, b, case[a], case[b]) for case in cases for a, b in combinations(range(len(case)), 2)
    }


@MATRIX
def test_every_two_values_meet(matrix: tuple[int, ...]) -> None:
    cases = cases_of(matrix)

    chosen = [cases[place] for place in cover(cases)]

    assert pairs(chosen) == pairs(cases)
    assert {(i, v) for case in chosen for i, v in enumerate(case)} == {
        (i, v) for i, size in enumerate(matrix) for v in range(size)
    }


@MATRIX
def test_a_cover_is_as_small_as_can_be(matrix: tuple[int, ...]) -> None:
    # each case has one pair of values of the two longest parameters
    least = prod(sorted(matrix)[-2:])

    assert len(cover(cases_of(matrix))) == least


def test_no_case_of_a_cover_is_needless() -> None:
    cases = [case for case in cases_of((4, 3, 3, 2, 2)) if sum(case) % 5]
    chosen = [cases[place] for place in cover(cases)]

    for case in chosen:
        assert pairs([other for other in chosen if other != case]) < pairs(cases)


def test_values_of_the_kernels_matrix_are_chosen_equally_often() -> None:
    cases = cases_of(MATRICES[0])
    chosen = [cases[place] for place in cover(cases)]

    for parameter in zip(*chosen, strict=True):
        assert len(set(Counter(parameter).values())) == 1


def test_two_values_that_meet_in_no_case_are_not_asked_for() -> None:
    cases = [case for case in cases_of((3, 3, 3)) if case[0] != case[1]]

    assert pairs([cases[place] for place in cover(cases)]) == pairs(cases)
    assert cover([]) == []


TESTS = """
import pytest

@pytest.fixture(params=["x", "y"])
def c(request):
    return request.param

FURTHER = {
    "runs": 3,
    "skipped": pytest.param(3, marks=pytest.mark.skipif(True, reason="it is told")),
    "slow": pytest.param(3, marks=pytest.mark.slow),
}
A = pytest.mark.parametrize("a", [1, 2])

@A
def test_every_case(a, c):
    pass
"""
for kind in ("runs", "skipped", "slow"):
    TESTS += f"""
@pytest.mark.pairwise
@pytest.mark.parametrize("b", [{{"not": "hashable"}}, None, FURTHER["{kind}"]])
@A
def test_{kind}(a, b, c):
    pass
"""


def test_cases_outside_the_cover_are_slow(pytester: pytest.Pytester) -> None:
    items = pytester.getitems(TESTS)

    pairwise.pytest_collection_modifyitems(items)

    left = Counter(item.originalname for item in items if not item.get_closest_marker("slow"))
    assert left["test_every_case"] == 4
    assert left["test_runs"] == 6
    # of the 2 x 2 x 2 that run 4 are a cover; the 4 that are skipped tell it
    assert left["test_skipped"] == 4 + 4
    assert left["test_slow"] == 4
