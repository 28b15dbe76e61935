"""Public holidays, which are known as far ahead as anybody likes."""

from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from lockgate.errors import INSTALL, DataError, listed, need, quoted
from lockgate.reading.frequency import Frequency
from lockgate.reading.zones import wall_clock

DAY = timedelta(days=1)


def holiday_flags(stamps: pl.Series, code: str) -> npt.NDArray[np.float32]:
    """Return 1 where a stamp falls on a public holiday by the clock on the wall, else 0, (T,).

    Args:
        stamps: Datetime, with or without a zone.
        code: A country, or a country and its part; see `days_off`.

    Example:
        >>> from datetime import datetime
        >>> eve, day = datetime(2024, 12, 24, 23), datetime(2024, 12, 25, 1)
        >>> holiday_flags(pl.Series([eve, day]), "DE")
        array([0., 1.], dtype=float32)
    """
    dates = wall_clock(stamps).dt.date()
    if dates.is_empty():
        return np.empty(0, np.float32)
    years = dates.dt.year()
    span = range(int(years.min()), int(years.max()) + 1)  # type: ignore[arg-type]
    days = pl.Series(days_off(code, span), dtype=pl.Date)
    return dates.is_in(days.implode()).to_numpy().astype(np.float32)


def days_off(code: str, years: Iterable[int] = ()) -> list[date]:
    """Return the public holidays of some years, in order.

    Args:
        code: A country by ISO 3166-1, `"CN"`, or with a part of it as the package `holidays` names
            it, `"DE-BY"`; in any case.
        years: Calendar years.

    Raises:
        ModuleNotFoundError: If the package is not installed.
        DataError: If there is no such country or part.

    Example:
        >>> [str(day) for day in days_off("US", [2024])[:2]]
        ['2024-01-01', '2024-01-15']
    """
    library = need("holidays", "holidays (--holidays)", INSTALL)
    known: Mapping[str, list[str]] = library.list_supported_countries(include_aliases=True)
    country, _, part = code.partition("-")
    if (country := country.upper()) not in known:
        raise DataError(
            "holidays must be the code of a country, or of a country and its part, such as CN or "
            f"DE-BY, got {quoted(code)}; the codes are those of ISO 3166-1"
        )
    parts = {name.lower(): name for name in known[country]}
    if part and part.lower() not in parts:
        raise DataError(
            f"holidays must name a part of {country} that there is, got {quoted(code)}; "
            f"{_parts_of(country, list(parts.values()))}"
        )
    found: Any = library.country_holidays(
        country, subdiv=parts.get(part.lower()), years=list(years), expand=False
    )
    return sorted(found)


def check_holidays(code: str, frequency: Frequency) -> None:
    """Refuse holidays of steps that are longer than a day or no time, and codes of no country.

    Raises:
        DataError: If they are.
    """
    if not frequency.of_time or frequency.longest > DAY:
        raise DataError(
            f"holidays must be left out where a step is not a day or a part of one, got {code} "
            f"with steps of {frequency}"
        )
    days_off(code)


def _parts_of(country: str, parts: list[str]) -> str:
    return f"its parts are {listed(parts, 20)}" if parts else f"pass {country}, which has no parts"
