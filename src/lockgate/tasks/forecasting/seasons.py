"""Find the seasons of a series: the periods at which it repeats itself."""

import numpy as np
import numpy.typing as npt

from lockgate.reading.frequency import Frequency
from lockgate.scoring.arrays import FloatArray

Lags = npt.NDArray[np.int64]

LEAST_CORRELATION = 0.2
# what a peak must clear, in standard errors of the autocorrelation of white noise: more where any
# of hundreds of lags may be the season
_ERRORS_AT_CALENDAR = 3.0
_ERRORS_ANYWHERE = 4.0
_LEAST_GAIN = 0.05
# seconds in each cycle that a calendar gives: hour, day, week, year
_CYCLES = (3_600, 86_400, 7 * 86_400, 365.25 * 86_400)
_MONTHS_IN_YEAR = 12


def find_seasons(
    y: FloatArray, frequency: Frequency, periods: tuple[int, ...] | None = None
) -> tuple[int, ...]:
    """Return the seasons of `y`, in steps, the shortest first.

    The cycles of the calendar (hour, day, week, year) are the candidates. A candidate passes if
    the autocorrelation has a peak at it (give or take 4 %, since a year is not a whole number of
    weeks), once what moves slower than the candidate is taken off; if that is no mere echo of the
    season before it, as a week is of seven equal days; and if the series holds two whole periods.
    A peak rises by `LEAST_CORRELATION` above its surroundings and to it, and clears what noise of
    that length shows.

    Where the frequency divides no cycle, or none passes, the season is the first peak that comes
    again at twice its lag.

    Args:
        y: The training rows of the target in order, shape `(T,)`; NaN where missing.
        frequency: Time between two rows.
        periods: Steps that the cycles of the calendar take. Default: those of `calendar_periods`,
            of a series that is never closed.

    Example:
        >>> hours = np.arange(24 * 20)
        >>> find_seasons(np.sin(hours * 2 * np.pi / 24), Frequency.parse("1h"))
        (24,)
    """
    seasons: list[int] = []
    for season in calendar_periods(frequency) if periods is None else periods:
        if 2 * season > len(y):
            break
        correlation = autocorrelation(y - _moving_average(y, season))
        peaks = _peaks(correlation, y, _ERRORS_AT_CALENDAR)
        near = peaks[abs(peaks - season) <= season // 25]
        if len(near) and not (seasons and _is_echo(correlation, near, seasons[-1])):
            seasons.append(season)
    if seasons:
        return tuple(seasons)
    correlation = autocorrelation(y)
    peaks = _peaks(correlation, y, _ERRORS_ANYWHERE)
    return tuple(int(lag) for lag in peaks if _comes_again(correlation, lag))[:1]


def calendar_periods(frequency: Frequency) -> tuple[int, ...]:
    """Return how many steps the cycles of the calendar take, where that is 2 or more."""
    if frequency.unit == "mo":
        years = _MONTHS_IN_YEAR / frequency.count
        return (int(years),) if years >= 2 and years.is_integer() else ()
    if not frequency.of_time:
        return ()
    periods = (cycle * 1e6 / frequency.count for cycle in _CYCLES)
    # a year is never a whole number of steps: the nearest is the season
    steps = (round(p) if abs(p - round(p)) < 0.5 and p > 50 else p for p in periods)
    return tuple(int(p) for p in steps if p >= 2 and float(p).is_integer())


def autocorrelation(y: FloatArray) -> FloatArray:
    """Return the autocorrelation of the detrended `y`, missing values left out.

    The lags are 0 .. T // 2 + 1: one more than two periods need, so that the last can be a peak.
    Each is the mean product over the pairs that are both observed, divided by the variance.
    """
    observed = np.isfinite(y)
    lags = len(y) // 2 + 2
    if observed.sum() < 3:
        return np.zeros(lags)
    rows = np.arange(len(y))
    slope, level = np.polyfit(rows[observed], y[observed], 1)
    centred = np.where(observed, y - (slope * rows + level), 0.0)
    variance = float(np.mean(centred[observed] ** 2))
    if variance <= np.finfo(np.float64).eps * float(np.mean(y[observed] ** 2)):
        return np.zeros(lags)
    pairs = _lagged_products(observed.astype(np.float64), lags).round()
    products = _lagged_products(centred, lags)
    return np.where(pairs > 0, products / np.maximum(pairs, 1), 0.0) / variance


def _lagged_products(x: FloatArray, lags: int) -> FloatArray:
    # the power spectrum of the zero-padded series, back in time: O(T log T)
    size = 1 << (2 * len(x) - 1).bit_length()
    spectrum = np.fft.rfft(x, size)
    return np.asarray(np.fft.irfft(spectrum * spectrum.conj(), size)[:lags])


def _moving_average(y: FloatArray, length: int) -> FloatArray:
    """Average the observed values of the `length` rows around each row; fewer at both ends."""
    observed = np.isfinite(y)
    sums = np.concatenate([[0.0], np.cumsum(np.where(observed, y, 0.0))])
    counts = np.concatenate([[0], np.cumsum(observed)])
    rows = np.arange(len(y))
    start = np.maximum(rows - length // 2, 0)
    stop = np.minimum(rows + (length + 1) // 2, len(y))
    return np.asarray((sums[stop] - sums[start]) / np.maximum(counts[stop] - counts[start], 1))


def _peaks(correlation: FloatArray, y: FloatArray, errors: float) -> Lags:
    pairs = np.isfinite(y).mean() ** 2 * (len(y) - np.arange(len(correlation)))
    least = np.maximum(LEAST_CORRELATION, errors / np.sqrt(np.maximum(pairs, 1)))
    # imported here because a model is loaded without it
    from scipy.signal import find_peaks

    lags, _ = find_peaks(correlation, height=least, prominence=LEAST_CORRELATION)
    return np.asarray(lags[lags >= 2], dtype=np.int64)


def _is_echo(correlation: FloatArray, peaks: Lags, shorter: int) -> bool:
    """Whether `shorter` alone explains `peaks`: it is about as strong a quarter of them before."""
    quarter = max(1, round(peaks[0] / 4 / shorter)) * shorter
    before = correlation[peaks[0] - quarter - shorter // 2 : peaks[-1] - quarter + shorter // 2]
    return bool(before.max() > correlation[peaks].max() - _LEAST_GAIN)


def _comes_again(correlation: FloatArray, lag: int) -> bool:
    return 2 * lag < len(correlation) and bool(correlation[2 * lag] >= LEAST_CORRELATION / 2)
