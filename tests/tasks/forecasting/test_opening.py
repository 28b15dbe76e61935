"""Closing times are told from stamps where they are clear, and never from gaps by chance."""

import numpy as np
import pytest

from lockgate.tasks.forecasting.opening import (
    DAY,
    WEEK,
    find_opening,
    is_within,
    opening_words,
    slots_by_day,
)

HOUR = 3_600
FIRST = np.datetime64("2024-01-01", "s").astype(np.int64)  # a Monday


def steps(weeks: float, step: int) -> np.ndarray:
    return FIRST + np.arange(0, int(weeks * WEEK), step)


def day_of(seconds: np.ndarray) -> np.ndarray:
    return (seconds - FIRST) // DAY % 7


def shop(weeks: float) -> np.ndarray:
    """Hours of a shop: Monday to Friday from 9 to 17, Saturday from 10 to 13."""
    hours = steps(weeks, HOUR)
    hour, day = hours // HOUR % 24, day_of(hours)
    open_ = (day < 5) & (hour >= 9) & (hour <= 17) | (day == 5) & (hour >= 10) & (hour <= 13)
    return hours[open_]


def business_days(weeks: float) -> np.ndarray:
    days = steps(weeks, DAY)
    return days[day_of(days) < 5]


def exchange(weeks: float) -> np.ndarray:
    """Half hours with a break at noon: 9:00 to 11:30 and 12:30 to 15:00."""
    halves = steps(weeks, 1_800)
    at = halves % DAY / HOUR
    return halves[(day_of(halves) < 5) & ((at >= 9) & (at < 11.5) | (at >= 12.5) & (at < 15))]


@pytest.mark.parametrize(
    ("seconds", "step", "words", "by_day"),
    [
        (business_days(8), DAY, "Mon to Fri", [1, 1, 1, 1, 1, 0, 0]),
        (
            shop(4),
            HOUR,
            "Mon to Fri 09:00 to 17:00 (9 slots), Sat 10:00 to 13:00 (4 slots)",
            [9, 9, 9, 9, 9, 4, 0],
        ),
        (exchange(4), 1_800, "Mon to Fri 09:00 to 14:30 (10 slots)", [10] * 5 + [0, 0]),
        (steps(5, DAY // 2)[::2], DAY // 2, "Mon to Sun at 00:00", [1] * 7),
        # hours that begin at half past
        (shop(4) + 1_800, HOUR, None, [9, 9, 9, 9, 9, 4, 0]),
    ],
)
def test_a_clear_pattern_is_found(
    seconds: np.ndarray, step: int, words: str | None, by_day: list[int]
) -> None:
    opening = find_opening(seconds, step)

    assert slots_by_day(opening, step) == by_day
    assert words is None or opening_words(opening, step) == words
    every = np.arange(seconds[0], seconds[-1] + 1, step)
    assert every[is_within(opening, every)].tolist() == seconds.tolist()


def test_holidays_outages_and_rare_openings_leave_the_pattern() -> None:
    random = np.random.default_rng(0)
    days = business_days(60)
    kept = days[random.random(len(days)) > 0.08]
    sunday = FIRST + 30 * WEEK + 6 * DAY
    outage = (kept > FIRST + 20 * WEEK) & (kept < FIRST + 29 * WEEK)

    opening = find_opening(np.sort(np.append(kept[~outage], sunday)), DAY)

    assert opening == ((0, 5 * DAY),)


@pytest.mark.parametrize("step", [600, HOUR, DAY // 4, DAY // 2, DAY])
@pytest.mark.parametrize("missing", [0.0, 0.05, 0.2, 0.5, 0.8, 0.95])
def test_gaps_by_chance_are_no_pattern(step: int, missing: float) -> None:
    random = np.random.default_rng(int(step + 100 * missing))

    for weeks in (4, 8, 9, 26):
        for _ in range(3 if step < DAY // 4 else 40):
            seconds = steps(weeks, step)
            left = seconds[random.random(len(seconds)) >= missing]
            assert find_opening(left, step) == (), (weeks, missing)


def test_one_time_of_the_week_that_is_never_seen_is_a_gap() -> None:
    hours = steps(30, HOUR)

    assert find_opening(hours[(hours - FIRST) % WEEK != 50 * HOUR], HOUR) == ()


def test_few_weeks_tell_nothing() -> None:
    assert find_opening(business_days(7), DAY) == ()
    assert find_opening(shop(3), HOUR) == ()


@pytest.mark.parametrize("step", [WEEK, 2 * DAY, 7_000])
def test_steps_that_do_not_fill_a_week_have_no_pattern(step: int) -> None:
    assert find_opening(steps(40, step)[::2], step) == ()


@pytest.mark.slow
@pytest.mark.parametrize(("step", "weeks"), [(DAY, 8), (DAY // 2, 4), (DAY // 4, 4)])
@pytest.mark.parametrize("missing", [0.1, 0.2, 0.3, 0.4, 0.5])
def test_chance_shows_a_pattern_in_two_of_a_thousand_tables_at_most(
    step: int, weeks: int, missing: float
) -> None:
    random, seconds = np.random.default_rng(step), steps(weeks, step)

    found = sum(
        find_opening(seconds[random.random(len(seconds)) >= missing], step) != ()
        for _ in range(20_000)
    )

    assert found <= 40
