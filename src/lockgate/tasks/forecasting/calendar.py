"""Features of stamps: where in the day, the week and the year a row lies, and how far behind."""

import numpy as np
import numpy.typing as npt

from lockgate.reading.frequency import Frequency
from lockgate.scoring.arrays import IntArray

_DAY = 86_400
_YEAR_DAYS = 365.25
# 1970-01-01 was a Thursday; weeks are counted from Monday
_MONDAY_OFFSET_DAYS = 3


def calendar_cycles(frequency: Frequency, train_ds: npt.NDArray[np.datetime64]) -> tuple[str, ...]:
    """Return the cycles worth a feature: those longer than a step, the year only if seen twice."""
    if not frequency.of_time:
        return ()
    step = frequency.seconds
    years = (train_ds[-1] - train_ds[0]) / np.timedelta64(_DAY, "s") / _YEAR_DAYS
    cycles = {"hour": step < _DAY, "weekday": step <= _DAY, "season": years >= 2}
    if step >= _YEAR_DAYS * _DAY:
        cycles["season"] = False
    return tuple(name for name, wanted in cycles.items() if wanted)


def calendar_features(
    ds: npt.NDArray[np.datetime64], cycles: tuple[str, ...]
) -> npt.NDArray[np.float32]:
    """Return sine and cosine of the phase in every cycle, shape `(T, 2 * len(cycles))`."""
    if not cycles:
        return np.empty((len(ds), 0), "f4")
    days = (ds - np.datetime64("1970-01-01")) / np.timedelta64(_DAY, "s")
    phase = {
        "hour": days % 1,
        "weekday": (np.floor(days) + _MONDAY_OFFSET_DAYS) % 7 / 7,
        "season": days % _YEAR_DAYS / _YEAR_DAYS,
    }
    waves = [wave(2 * np.pi * phase[name]) for name in cycles for wave in (np.sin, np.cos)]
    return np.stack(waves, axis=1).astype(np.float32)


def elapsed(
    ds: npt.NDArray[np.datetime64], starts: IntArray, frequency: Frequency
) -> npt.NDArray[np.float32]:
    """Return how much time has passed since the row before, as a logarithm that is 0 after a step.

    Args:
        ds: Stamps of series one behind the other, in UTC, (T,).
        starts: First row of each, for which a step is taken to have passed.
        frequency: The usual step.

    Returns:
        log((1 + t) / 2) of t steps, (T,): at least -0.7, and 1.7 after ten.

    Example:
        >>> stamps = np.array(["2024-01-01T00", "2024-01-01T01", "2024-01-01T11"], "datetime64[us]")
        >>> elapsed(stamps, np.array([0]), Frequency.parse("1h")).round(2)
        array([0. , 0. , 1.7], dtype=float32)
    """
    steps = np.diff(ds, prepend=ds[:1]) / np.timedelta64(1, "s") / frequency.seconds
    steps[starts] = 1.0
    return np.log((1.0 + steps) / 2.0).astype(np.float32)
