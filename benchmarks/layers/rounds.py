"""Samples, the rule that drops those under contention, and medians over paired rounds."""

import gc
import resource
import statistics
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

SAMPLE_SECONDS = 0.02  # a sample repeats a shorter call up to this
PAUSE_SECONDS = 0.03  # the threads of the last pool stop spinning meanwhile
DELAY_LIMIT = 0.02  # of wall, for the sum of all threads
ENOUGH = 5  # clean rounds


class Sample(NamedTuple):
    """One candidate's part of a round."""

    seconds: float  # of one call
    clean: bool
    faults: float = 0.0  # minor page faults of one call


class Candidate(NamedTuple):
    """Something that is timed once in each round; `pool` names the threads that it runs on."""

    name: str
    take: Callable[[], Sample]
    pool: str = "torch"


Round = Mapping[str, Sample]


class Taken(NamedTuple):
    """What the system has taken from this process so far."""

    steal: int  # ticks that the hypervisor gave to others, of all processors
    delay: float  # seconds that our threads were ready to run and did not
    faults: int


def taken() -> Taken:
    """Read the counters of the system, 0 where it has none."""
    faults = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    return Taken(_steal_ticks(), _delay_seconds(), faults)


def contention_is_seen() -> bool:
    """Tell whether the system has the counters that the rule needs."""
    return Path("/proc/stat").exists() and Path("/proc/self/schedstat").exists()


def is_clean(wall: float, steal: int, delay: float, limit: float = DELAY_LIMIT) -> bool:
    """Tell whether a sample counts: no steal tick, and little waiting for a processor."""
    return steal == 0 and delay <= limit * wall


def repeats_for(seconds: float) -> int:
    """Count the calls of a sample, from the seconds of one."""
    return max(1, round(SAMPLE_SECONDS / max(seconds, 1e-9)))


def timed(call: Callable[[], object], limit: float = DELAY_LIMIT) -> Callable[[], Sample]:
    """Return what takes a sample of a call; how often it repeats the call is found here."""
    call()
    repeats = repeats_for(_best_seconds(call))
    # what slept before wakes in a call that is not timed; in a long one that is lost anyway
    return lambda: _sample(call, repeats, limit, warm=repeats > 1)


def _best_seconds(call: Callable[[], object]) -> float:
    best, spent = float("inf"), 0.0
    while spent < SAMPLE_SECONDS:
        began = time.perf_counter()
        call()
        seconds = time.perf_counter() - began
        best, spent = min(best, seconds), spent + seconds
    return best


def _sample(call: Callable[[], object], repeats: int, limit: float, *, warm: bool) -> Sample:
    if warm:
        call()
    before = taken()
    began = time.perf_counter()
    for _ in range(repeats):
        call()
    wall = time.perf_counter() - began
    after = taken()
    clean = is_clean(wall, after.steal - before.steal, after.delay - before.delay, limit)
    return Sample(wall / repeats, clean, (after.faults - before.faults) / repeats)


def run(candidates: Sequence[Candidate], seconds: float, peers: Sequence[str] = ()) -> list[Round]:
    """Take rounds for some seconds, twice as long where too few are clean.

    Each round takes one sample of every candidate, in the reverse order of the round before.
    """
    rounds: list[Round] = []
    pool = ""
    gc.collect()
    gc.disable()
    began = time.perf_counter()
    while goes_on(time.perf_counter() - began, seconds, rounds, peers):
        found = {}
        for candidate in candidates if len(rounds) % 2 == 0 else candidates[::-1]:
            if candidate.pool != pool:
                time.sleep(PAUSE_SECONDS)
                pool = candidate.pool
            found[candidate.name] = candidate.take()
        rounds.append(found)
    gc.enable()
    return rounds


def goes_on(spent: float, seconds: float, rounds: Sequence[Round], peers: Sequence[str]) -> bool:
    """Tell whether another round is due."""
    if spent < seconds or not rounds:
        return True
    return len(clean_rounds(rounds, peers)) < ENOUGH and spent < 2 * seconds


def clean_rounds(rounds: Iterable[Round], peers: Sequence[str], *names: str) -> list[Round]:
    """Return the rounds in which every sample is clean, of the peers only those in `names`.

    A peer's threads may stand in each other's way on a quiet machine too, which is its own affair.
    """
    return [
        found
        for found in rounds
        if all(s.clean for name, s in found.items() if name not in peers or name in names)
    ]


def summary(
    rounds: Sequence[Round],
    ratios: Iterable[tuple[str, str]],
    *,
    peers: Sequence[str] = (),
    peaks: Sequence[str] = (),
    gflop: Mapping[str, float] | None = None,
) -> dict[str, Any]:
    """Sum up rounds for the results.

    Args:
        rounds: All of them.
        ratios: Names of two candidates, the seconds of the first over those of the second.
        peers: Candidates in processes of their own.
        peaks: Candidates whose seconds are those of one Gflop at the peak; the best of them in a
            round is the peak of the round.
        gflop: Work of one call by candidate, of those whose share of the peak is to be told.
    """

    def over(names: Sequence[str], value: Callable[[Round], float]) -> dict[str, Any]:
        clean = clean_rounds(rounds, peers, *names)
        crowded = len(clean) < ENOUGH
        counted = rounds if crowded else clean
        return {**spread(map(value, counted)), "rounds": len(counted), "crowded": crowded}

    return {
        "rounds": len(rounds),
        "clean_rounds": len(clean_rounds(rounds, peers)),
        "candidates": {
            name: {
                "milliseconds": over([name], lambda r: 1e3 * r[name].seconds),  # noqa: B023
                "page_faults": statistics.median(r[name].faults for r in rounds),
                "dropped": sum(not r[name].clean for r in rounds),
            }
            for name in rounds[0]
            if name not in peaks
        },
        "ratios": {
            f"{slow}/{fast}": over(
                [slow, fast],
                lambda r: r[slow].seconds / r[fast].seconds,  # noqa: B023
            )
            for slow, fast in ratios
        },
        "peak_gflops": {name: over([], lambda r: 1 / r[name].seconds) for name in peaks},  # noqa: B023
        "shares": {
            name: over([name], lambda r: work * _at_peak(r, peaks) / r[name].seconds)  # noqa: B023
            for name, work in (gflop or {}).items()
            if peaks
        },
    }


def _at_peak(found: Round, peaks: Sequence[str]) -> float:
    """Give the seconds of a Gflop at the peak of a round."""
    return min(found[name].seconds for name in peaks)


def spread(values: Iterable[float]) -> dict[str, float]:
    """Give the median and the quartiles, to four digits."""
    ordered = list(values)
    low, median, high = (
        statistics.quantiles(ordered, n=4, method="inclusive") if len(ordered) > 1 else ordered * 3
    )
    return {
        name: float(f"{value:.4g}")
        for name, value in (("median", median), ("low", low), ("high", high))
    }


def _steal_ticks() -> int:
    try:
        with open("/proc/stat", encoding="ascii") as stat:
            return int(stat.readline().split()[8])
    except (OSError, IndexError):
        return 0


def _delay_seconds() -> float:
    nanoseconds = 0
    for schedstat in Path("/proc/self/task").glob("*/schedstat"):
        try:
            nanoseconds += int(schedstat.read_text(encoding="ascii").split()[1])
        except (OSError, IndexError):  # a thread that ended
            continue
    return 1e-9 * nanoseconds
