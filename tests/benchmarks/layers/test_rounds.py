"""Samples under contention are dropped, and ratios are taken within rounds."""

import pytest

pytest.importorskip("resource", reason="the benchmark runs on Linux and macOS")

from benchmarks.layers.rounds import (
    ENOUGH,
    Candidate,
    Sample,
    clean_rounds,
    goes_on,
    is_clean,
    repeats_for,
    spread,
    summary,
    timed,
)
from benchmarks.layers.rounds import run as run_rounds


def rounds_of(*seconds, clean=True):
    """Give a round for each pair of seconds, of torch's and of ours."""
    return [{"torch": Sample(a, clean, 7.0), "ours": Sample(b, True)} for a, b in seconds]


@pytest.mark.parametrize(
    ("wall", "steal", "delay", "clean"),
    [(1.0, 0, 0.0, True), (1.0, 0, 0.02, True), (1.0, 0, 0.021, False), (1.0, 1, 0.0, False)],
)
def test_sample_is_dropped_under_contention(wall, steal, delay, clean):
    assert is_clean(wall, steal, delay) is clean


@pytest.mark.parametrize(("seconds", "repeats"), [(1.0, 1), (0.02, 1), (0.002, 10), (0.0, 2e7)])
def test_short_call_is_repeated(seconds, repeats):
    assert repeats_for(seconds) == repeats


def test_sample_is_of_one_call():
    calls = []
    take = timed(lambda: calls.append(None))
    calls.clear()

    sample = take()

    assert 0.0 < sample.seconds < 0.001
    assert len(calls) > 100


def test_order_is_reversed_in_every_second_round():
    order = []

    def candidate(name):
        return Candidate(name, lambda: order.append(name) or Sample(1.0, True))

    rounds = run_rounds([candidate("a"), candidate("b"), candidate("c")], seconds=0.001)

    assert list(rounds[0]) == ["a", "b", "c"]
    assert "".join(order).startswith("abccba"[: len(order)])


def test_round_counts_only_if_all_of_it_is_clean():
    rounds = [*rounds_of((2.0, 1.0)), *rounds_of((2.0, 1.0), clean=False)]

    assert clean_rounds(rounds, []) == rounds[:1]


def test_peer_under_contention_spoils_its_own_ratios_alone():
    rounds = rounds_of((2.0, 1.0), clean=False)

    assert clean_rounds(rounds, ["torch"]) == rounds
    assert clean_rounds(rounds, ["torch"], "torch") == []


def test_rounds_go_on_for_twice_the_time_where_few_are_clean():
    clean, dirty = rounds_of((2.0, 1.0)), rounds_of((2.0, 1.0), clean=False)

    assert goes_on(0.9, 1.0, clean * ENOUGH, [])
    assert goes_on(9.0, 1.0, [], [])
    assert not goes_on(1.1, 1.0, clean * ENOUGH, [])
    assert goes_on(1.1, 1.0, dirty * ENOUGH, [])
    assert not goes_on(2.1, 1.0, dirty * ENOUGH, [])


def test_spread_has_median_and_quartiles():
    assert spread([1.0, 2.0, 3.0, 4.0, 50.0]) == {"median": 3.0, "low": 2.0, "high": 4.0}
    assert spread([1.23456]) == {"median": 1.235, "low": 1.235, "high": 1.235}


def test_ratio_is_the_median_within_rounds():
    rounds = rounds_of((2.0, 1.0), (30.0, 10.0), (4.0, 1.0), (5.0, 1.0), (60.0, 10.0))
    dirty = rounds_of((900.0, 1.0), clean=False)

    found = summary([*rounds, *dirty], [("torch", "ours")])

    assert (found["rounds"], found["clean_rounds"]) == (6, 5)
    ratio = found["ratios"]["torch/ours"]
    assert (ratio["median"], ratio["rounds"], ratio["crowded"]) == (4.0, 5, False)
    torch = found["candidates"]["torch"]
    assert torch["milliseconds"]["median"] == 5000.0
    assert (torch["dropped"], torch["page_faults"]) == (1, 7.0)


def test_all_rounds_count_and_are_marked_where_few_are_clean():
    dirty = rounds_of((900.0, 1.0), (901.0, 1.0), (902.0, 1.0), clean=False)

    ratio = summary([*rounds_of((2.0, 1.0)), *dirty], [("torch", "ours")])["ratios"]["torch/ours"]

    assert (ratio["median"], ratio["rounds"], ratio["crowded"]) == (900.5, 4, True)


def test_share_is_of_the_best_peak_in_the_round():
    peak = {"mm": Sample(0.5, True), "fma": Sample(0.25, True)}
    rounds = [{**found, **peak} for found in rounds_of((4.0, 2.0)) * ENOUGH]

    found = summary(rounds, [], peaks=["mm", "fma"], gflop={"ours": 4.0})

    assert found["shares"]["ours"]["median"] == 0.5
    assert found["peak_gflops"]["fma"]["median"] == 4.0
    assert set(found["candidates"]) == {"torch", "ours"}
