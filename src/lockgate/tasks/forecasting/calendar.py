"""Calendar features: where in the day, the week and the year a row lies."""

import numpy as np
import numpy.typing as npt

from lockgate.reading.frequency import Frequency

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
