"""When a series is open in the week, told from its stamps."""

from collections.abc import Iterator
from itertools import groupby
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Opening: TypeAlias = tuple[tuple[int, int], ...]
"""Times of the week that are open, in seconds from Monday 00:00 on the clock on the wall: `(begin,
end)`, the end exclusive, in order and apart. Without one the series is never closed."""
Seconds: TypeAlias = npt.NDArray[np.int64]

DAY = 86_400
WEEK = 7 * DAY
LEAST_WEEKS = 4
"""Weeks that must hold rows for a pattern of steps shorter than a day."""
LEAST_WEEKS_OF_DAYS = 8
CLOSED_AT_MOST = 0.1
"""Share of the weeks in which a closed time of the week may hold a row: a shop opens on a Sunday
before Christmas."""
OPEN_AT_LEAST = 0.75
"""Share of the weeks in which the open times of the week hold a row, on average."""
LEAST_CLOSED = 0.1
"""Share of the week that is closed at least: less is taken for gaps."""
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONDAY = 4 * DAY  # from 1970-01-01, a Thursday, to the first Monday


def find_opening(
    seconds: Seconds, step: int, *, open_from: float = CLOSED_AT_MOST, clear: bool = True
) -> Opening:
    """Find when in the week a series is open; nothing where it is never closed, or never clearly.

    A time of the week is open if it holds a row in more than `open_from` of the weeks that hold
    any. The pattern is clear if at least `LEAST_CLOSED` of the week is closed, the open times hold
    a row in `OPEN_AT_LEAST` of the weeks on average, and there are enough weeks that chance does
    not do that: rows that are missing at random empty the open times too.

    Args:
        seconds: Stamps that hold values on the clock on the wall, in seconds since 1970, distinct.
        step: Seconds between two.
        open_from: Share of the weeks above which a time of the week is open.
        clear: Whether the pattern must be clear.

    Example:
        >>> days = np.arange(_MONDAY, 12 * WEEK, DAY)
        >>> find_opening(days[days // DAY % 7 != 3], DAY)  # never on a Sunday
        ((0, 518400),)
    """
    if not 0 < step <= DAY or WEEK % step or not len(seconds):
        return ()
    passed, phase = np.divmod(seconds - _MONDAY, WEEK)
    weeks = len(np.unique(passed))
    share = np.bincount(phase // step, minlength=WEEK // step) / weeks
    is_open = share > open_from
    if not is_open.any() or is_open.all():
        return ()
    enough = weeks >= (LEAST_WEEKS_OF_DAYS if step == DAY else LEAST_WEEKS)
    few = (~is_open).mean() < LEAST_CLOSED or share[is_open].mean() < OPEN_AT_LEAST
    if clear and (few or not enough):
        return ()
    offset = int(phase[0] % step)
    return tuple(_runs(is_open, step, offset))


def is_within(opening: Opening, seconds: Seconds) -> npt.NDArray[np.bool_]:
    """Tell which stamps, in seconds since 1970 on the clock on the wall, are open."""
    bounds = np.array(opening).ravel()
    places = np.searchsorted(bounds, (seconds - _MONDAY) % WEEK, side="right")
    return np.asarray(places % 2 == 1)


def slots_by_day(opening: Opening, step: int) -> list[int]:
    """Count the slots of each day from Monday to Sunday."""
    begins = [np.arange(begin, end, step) // DAY for begin, end in opening]
    return [int(count) for count in np.bincount(np.concatenate(begins), minlength=7)[:7]]


def opening_words(opening: Opening, step: int) -> str:
    """Say when it is open: `Mon to Fri, 9 slots a day between 09:00 and 17:00`."""
    counts = slots_by_day(opening, step)
    runs = [(size, list(days)) for size, days in groupby(range(7), key=lambda day: counts[day])]
    words = []
    for size, days in runs:
        if not size:
            continue
        name = _DAYS[days[0]] if len(days) == 1 else f"{_DAYS[days[0]]} to {_DAYS[days[-1]]}"
        words.append(name if step == DAY else f"{name} {_hours(opening, step, days[0], size)}")
    return ", ".join(words)


def _hours(opening: Opening, step: int, day: int, size: int) -> str:
    begins = np.concatenate([np.arange(begin, end, step) for begin, end in opening])
    of_day = begins[begins // DAY == day] % DAY
    first, last = (f"{at // 3600:02}:{at // 60 % 60:02}" for at in (of_day[0], of_day[-1]))
    return f"at {first}" if size == 1 else f"{first} to {last} ({size} slots)"


def _runs(is_open: npt.NDArray[np.bool_], step: int, offset: int) -> Iterator[tuple[int, int]]:
    edges = np.flatnonzero(np.diff(np.concatenate([[0], is_open.astype(np.int8), [0]])))
    for begin, end in edges.reshape(-1, 2):
        yield int(begin) * step + offset, int(end) * step + offset
