"""The simulation agrees with closed forms where there are any."""

import pytest

from benchmarks.scale_out.simulate import Job, Parts, limits, search, simulate, study

NODES = [1, 2, 5, 10, 30]


def passes(jobs: int, seconds: float = 10.0, count: int = 3, folds: int = 1) -> list[list[Job]]:
    return [[Job(one % folds, seconds) for one in range(jobs)] for _ in range(count)]


@pytest.mark.parametrize("nodes", NODES)
def test_without_overhead_it_is_linear_up_to_the_jobs_of_a_pass(nodes: int) -> None:
    one, many = (simulate(passes(30), n, 1, Parts()) for n in (1, nodes))

    assert one.seconds / many.seconds == pytest.approx(nodes)
    assert many.efficiency(nodes) == pytest.approx(1.0)
    assert simulate(passes(30), 1, nodes, Parts()) == many


def test_more_workers_than_jobs_of_a_pass_change_nothing() -> None:
    most, more = (simulate(passes(30), nodes, 1, Parts()) for nodes in (30, 120))

    assert most.seconds == more.seconds == 30.0
    assert more.efficiency(120) == pytest.approx(0.25)


@pytest.mark.parametrize("nodes", NODES)
def test_a_serial_part_of_each_pass_gives_amdahls_law(nodes: int) -> None:
    serial = 50.0
    share = serial / (serial + 300.0)
    one, many = (simulate(passes(30), n, 1, Parts(between=serial)) for n in (1, nodes))

    assert one.seconds / many.seconds == pytest.approx(1 / (share + (1 - share) / nodes))


def test_storing_bounds_what_any_number_of_workers_does() -> None:
    few, many = (simulate(passes(30, count=1), n, 1, Parts(store=2.0)) for n in (1, 30))

    # one worker computes while what came before is stored; of thirty, each waits its turn
    assert few.seconds == pytest.approx(30 * 10.0 + 2.0)
    assert many.seconds == pytest.approx(10.0 + 30 * 2.0)


def test_handing_in_delays_each_job_by_those_before() -> None:
    done = simulate(passes(30, count=1), 30, 1, Parts(hand_in=0.5))

    assert done.seconds == pytest.approx(30 * 0.5 + 10.0)


def test_starting_makes_each_fit_longer() -> None:
    done = simulate(passes(30), 10, 1, Parts(start=1.0))

    assert done.seconds == pytest.approx(3 * 3 * 11.0)
    assert done.efficiency(10) == pytest.approx(10 / 11)


def test_data_are_sent_once_to_each_node_one_after_the_other() -> None:
    parts = Parts(ship=3.0)

    # two workers of a node share what was sent; the second pass finds it there
    assert simulate(passes(2, count=2), 1, 2, parts).seconds == pytest.approx(3.0 + 2 * 10.0)
    assert simulate(passes(2, count=2), 2, 1, parts).seconds == pytest.approx(2 * 3.0 + 2 * 10.0)
    assert simulate(passes(4, folds=2), 1, 1, parts).seconds == pytest.approx(2 * 3.0 + 12 * 10.0)


def test_a_long_fit_at_the_end_is_waited_for() -> None:
    done = simulate([[Job(0, 10.0), Job(0, 10.0), Job(0, 40.0)]], 2, 1, Parts())

    assert done.seconds == 50.0


def test_what_limits_is_named_with_what_would_be_saved_without_it() -> None:
    first, share = next(limits(passes(30), 120, 1, Parts()))
    assert (first, share) == ("passes", pytest.approx(2 / 3))

    first, share = next(limits(passes(30, count=1), 30, 1, Parts(store=2.0)))
    assert (first, share) == ("storing", pytest.approx(60 / 70))


def test_a_study_and_a_search_have_the_fits_that_they_have() -> None:
    assert [len(jobs) for jobs in study(10.0)] == [15, *[35] * 6, 5, 5]
    sizes = [len(jobs) for jobs in search(10.0)]
    assert sizes == [5, *[6, 8] * 6, 4, 8, 20, 20, 5, 5]


def test_seconds_of_fits_spread_around_their_mean_and_are_the_same_again() -> None:
    seconds = [job.seconds for jobs in study(10.0, spread=0.4, rounds=300) for job in jobs]

    assert sum(seconds) / len(seconds) == pytest.approx(10.0, rel=0.03)
    assert study(10.0, spread=0.4) == study(10.0, spread=0.4)
