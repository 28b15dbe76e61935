"""The page tells medians over rounds, ratios round by round, and what is simulated from them."""

from typing import Any

import pytest

from benchmarks.scale_out.fits import WAYS
from benchmarks.scale_out.measure import Sample
from benchmarks.scale_out.page import NODES, medians, page, parts_of, ratios

ABOUT: dict[str, Any] = {"kind": "about", "seconds": 10.0, "epochs": 90, "store": 0.004}
ABOUT |= {"bytes": 250_000_000, "unpack": 0.5, "environment": "torch 2"}


def sample(way: str, number: int, wall: float = 30.0, **others: float) -> Sample:
    told = {"computed": 29.0, "between": 0.02, "result": 0.01, "driver": 0.006, **others}
    return Sample(way, number, fits=3 * WAYS[way].workers, wall=wall, **told)


def test_rates_are_compared_within_a_round() -> None:
    one, two = "this process", "two processes"
    walls = [(one, 0, 30.0), (two, 0, 30.0), (one, 1, 60.0), (two, 1, 75.0), (one, 2, 1.0)]
    samples = [sample(*told) for told in walls]

    assert ratios(samples, two, one) == [pytest.approx(2.0), pytest.approx(1.6)]
    assert medians(samples, "per_minute")[two] == pytest.approx((12.0 + 4.8) / 2)


def test_overhead_is_what_workers_do_not_compute() -> None:
    one = sample("two processes", 0, wall=16.0, computed=29.0)

    assert one.overhead == pytest.approx((2 * 16.0 - 29.0) / 6)


def test_the_parts_of_a_fit_are_those_on_ray() -> None:
    here, ray = sample("this process", 0, between=9.0), sample("Ray, two workers", 0)

    parts = parts_of([here, ray], ABOUT)

    assert (parts.start, parts.store) == (0.02, 0.004)
    assert parts.hand_in == pytest.approx(0.002)
    assert parts.ship == pytest.approx(2.0 + 0.5)


def test_the_page_marks_what_misses_what_is_asked_and_has_a_row_for_each_number_of_nodes() -> None:
    walls = dict.fromkeys(WAYS, 30.0) | {"two processes": 40.0, "Ray, one worker": 35.0}
    rows = [ABOUT]
    for kind in ("short", "long"):
        for way, wall in walls.items():
            rows.append({"kind": kind, "sample": sample(way, 0, wall)._asdict()})

    text = page(rows)

    assert "| two processes | 9.00 | **1.50** ✗ | 1.00 |" in text
    assert "| Ray, one worker | 5.14 | 0.86 | **0.86** ✗ |" in text
    for what in ("study", "search"):
        assert sum(line.startswith(f"| {what} | 60 s |") for line in text.splitlines()) == len(
            NODES
        )
