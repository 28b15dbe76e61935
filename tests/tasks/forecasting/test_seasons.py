"""Seasons are found where a series repeats itself, and nowhere else."""

import os
from pathlib import Path

import numpy as np
import pytest

from lockgate.reading.frequency import Frequency
from lockgate.tasks.forecasting.seasons import autocorrelation, calendar_periods, find_seasons
from lockgate.tasks.forecasting.table import read_table

HOURLY, DAILY, WEEKLY = (Frequency.parse(step) for step in ("1h", "1d", "1w"))
# the folder of real series lies beside the project
DATA = Path(os.environ.get("LOCKGATE_DATA", Path(__file__).parents[4] / "shared" / "data"))


def wave(period: float, rows: int) -> np.ndarray:
    return np.sin(2 * np.pi * np.arange(rows) / period)


def noise(rows: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=rows)


def with_holes(y: np.ndarray, share: float = 0.3) -> np.ndarray:
    holes = np.random.default_rng(1).random(len(y)) < share
    return np.where(holes, np.nan, y)


def loop_autocorrelation(y: np.ndarray) -> list[float]:
    rows = np.flatnonzero(np.isfinite(y))
    slope, level = np.polynomial.Polynomial.fit(rows, y[rows], 1).convert().coef[::-1]
    z = {int(t): y[t] - slope * t - level for t in rows}
    variance = sum(v * v for v in z.values()) / len(z)
    result = []
    for lag in range(len(y) // 2 + 2):
        products = [z[t] * z[t + lag] for t in z if t + lag in z]
        result.append(sum(products) / len(products) / variance if products else 0.0)
    return result


@pytest.mark.parametrize("rows", [3, 30, 101])
@pytest.mark.parametrize("holes", [0.0, 0.4])
def test_autocorrelation_agrees_with_a_loop(rows: int, holes: float) -> None:
    y = noise(rows) + 0.3 * np.arange(rows)
    y = with_holes(y, holes) if rows > 3 else y

    np.testing.assert_allclose(autocorrelation(y), loop_autocorrelation(y), atol=1e-9)


@pytest.mark.parametrize("y", [np.full(9, np.nan), np.full(9, 2.5), np.arange(9.0)], ids=str)
def test_nothing_repeats_in_what_does_not_vary_about_its_trend(y: np.ndarray) -> None:
    assert not autocorrelation(y).any()
    assert find_seasons(y, HOURLY) == ()


@pytest.mark.parametrize("rows", [500, 1_003, 2_000])
def test_day_and_week_are_both_found(rows: int) -> None:
    y = wave(24, rows) + wave(168, rows) + 0.3 * noise(rows)

    assert find_seasons(y, HOURLY) == (24, 168)
    assert find_seasons(with_holes(y), HOURLY) == (24, 168)


@pytest.mark.parametrize("rows", [480, 1_003, 2_000, 20_000])
@pytest.mark.parametrize("share", [0.0, 0.5])
def test_equal_days_make_no_week_and_no_year(rows: int, share: float) -> None:
    assert find_seasons(wave(24, rows) + share * noise(rows), HOURLY) == (24,)


def test_a_small_wave_is_found_beside_a_wandering_level() -> None:
    rows = 4_000
    y = 0.5 * noise(rows).cumsum() + 4 * wave(24, rows)

    assert find_seasons(y, HOURLY) == (24,)


@pytest.mark.parametrize("rows", [1_003, 2_000, 4_000])
def test_a_smooth_week_makes_no_day(rows: int) -> None:
    assert find_seasons(wave(168, rows) + 0.5 * noise(rows), HOURLY) == (168,)


def test_a_week_of_two_kinds_of_days_is_a_season() -> None:
    hours = np.arange(24 * 7 * 12)
    weekend = hours // 24 % 7 >= 5

    assert find_seasons(wave(24, len(hours)) * np.where(weekend, 0.3, 1), HOURLY) == (24, 168)


def test_a_year_of_weeks_is_52_though_it_is_longer() -> None:
    rows = 52 * 8
    y = wave(365.25 / 7, rows) + 0.05 * np.arange(rows) + 0.3 * noise(rows)

    assert find_seasons(y, WEEKLY) == (52,)


def test_a_year_of_months_is_found_in_three_of_them() -> None:
    assert find_seasons(wave(12, 36) + 0.1 * noise(36), Frequency.parse("1mo")) == (12,)


def test_a_season_must_be_held_twice() -> None:
    assert find_seasons(wave(168, 320), HOURLY) == ()


@pytest.mark.parametrize("rows", [60, 100, 200, 1_000, 5_000])
@pytest.mark.parametrize("frequency", [HOURLY, DAILY], ids=str)
def test_white_noise_has_no_season(rows: int, frequency: Frequency) -> None:
    assert {find_seasons(noise(rows, seed), frequency) for seed in range(20)} == {()}


@pytest.mark.parametrize("rows", [100, 200, 2_000, 5_000])
def test_a_random_walk_has_hardly_ever_a_season(rows: int) -> None:
    found = [find_seasons(noise(rows, seed).cumsum(), HOURLY) for seed in range(40)]

    assert sum(map(bool, found)) <= 2  # a walk may wander to and fro by chance


@pytest.mark.parametrize("rows", [150, 400, 1_500])
@pytest.mark.parametrize("step", ["1h", "5h"])  # five hours divide neither the day nor the week
def test_a_period_that_no_calendar_knows_is_found(rows: int, step: str) -> None:
    assert find_seasons(wave(37, rows) + 0.1 * noise(rows), Frequency.parse(step)) == (37,)


@pytest.mark.parametrize(
    ("step", "periods"),
    [
        ("20ms", (180_000, 4_320_000, 30_240_000, 1_577_880_000)),
        ("10m", (6, 144, 1008, 52596)),
        ("1h", (24, 168, 8766)),
        ("5h", (1753,)),
        ("1d", (7, 365)),
        ("1w", (52,)),
        ("1mo", (12,)),
        ("1q", (4,)),
        ("5mo", ()),
        ("1y", ()),
    ],
)
def test_the_calendar_gives_the_periods_that_are_whole_steps(
    step: str, periods: tuple[int, ...]
) -> None:
    assert calendar_periods(Frequency.parse(step)) == periods


def test_rows_have_no_calendar_but_seasons() -> None:
    rows = Frequency(1, "row")

    assert calendar_periods(rows) == ()
    assert find_seasons(wave(24, 480) + 0.1 * noise(480), rows) == (24,)


@pytest.mark.parametrize(
    ("path", "target", "seasons"),
    [
        ("jena_weather_2020/weather.csv.gz", "T (degC)", (24,)),
        # its daily wave is small beside its wandering
        ("ett/ETTh1.csv.gz", "OT", (24, 168)),
        ("ett/ETTh1.csv.gz", "HUFL", (24,)),
    ],
    ids=["jena-T", "etth1-OT", "etth1-HUFL"],
)
def test_seasons_of_real_series(path: str, target: str, seasons: tuple[int, ...]) -> None:
    if not (DATA / path).exists():
        pytest.skip(f"no {DATA / path}")
    table = read_table(DATA / path, target=target, resample="1h", missing=[-9999.0])
    y = table.frame["y"].fill_null(np.nan).to_numpy()

    assert find_seasons(y[: int(0.7 * len(y))], table.frequency) == seasons
