"""Time zones: which one the offsets of stamps tell, and stamps on the clock of one.

The rules are those that come along with polars: no database of the machine is read.
"""

from datetime import UTC, datetime

import numpy as np
import polars as pl

from lockgate.errors import DataError, nearest, option, quoted

ZONES = (
    "Europe/Berlin",
    "America/New_York",
    "Europe/London",
    "America/Chicago",
    "America/Los_Angeles",
    "America/Denver",
    "Europe/Athens",
    "Australia/Sydney",
    "Australia/Adelaide",
    "Pacific/Auckland",
    "America/Halifax",
    "America/St_Johns",
    "America/Anchorage",
    "America/Adak",
    "America/Havana",
    "America/Santiago",
    "America/Asuncion",
    "America/Sao_Paulo",
    "America/Mexico_City",
    "America/Chihuahua",
    "America/Mazatlan",
    "America/Montevideo",
    "America/Miquelon",
    "America/Nuuk",
    "America/Scoresbysund",
    "America/Port-au-Prince",
    "America/Caracas",
    "Atlantic/Azores",
    "Africa/Cairo",
    "Africa/Casablanca",
    "Africa/Windhoek",
    "Antarctica/Troll",
    "Asia/Jerusalem",
    "Asia/Gaza",
    "Asia/Beirut",
    "Asia/Amman",
    "Asia/Damascus",
    "Asia/Tehran",
    "Asia/Baku",
    "Asia/Yerevan",
    "Asia/Almaty",
    "Asia/Ulaanbaatar",
    "Asia/Pyongyang",
    "Europe/Istanbul",
    "Europe/Moscow",
    "Europe/Minsk",
    "Europe/Samara",
    "Europe/Volgograd",
    "Europe/Kaliningrad",
    "Asia/Yekaterinburg",
    "Asia/Omsk",
    "Asia/Novosibirsk",
    "Asia/Krasnoyarsk",
    "Asia/Irkutsk",
    "Asia/Yakutsk",
    "Asia/Vladivostok",
    "Asia/Kamchatka",
    "Australia/Lord_Howe",
    "Pacific/Norfolk",
    "Pacific/Chatham",
    "Pacific/Easter",
    "Pacific/Fiji",
    "Pacific/Apia",
    "Asia/Kolkata",
    "Asia/Kathmandu",
    "Asia/Kabul",
    "Asia/Yangon",
    "Australia/Darwin",
    "Australia/Eucla",
    "Pacific/Marquesas",
)
"""One zone of each rule for daylight saving, and of each offset of no whole hours; of two whose
offsets agree with all stamps the first is taken."""
_ENDS_WITH_OFFSET = r"(?:Z|z|UTC|GMT|[+-]\d{2}(?::?\d{2})?)$"
_SAMPLE = 1_000
_MOST_FIXED = {-1: 12, 1: 14}  # hours that Etc/GMT reaches behind and ahead of UTC


def check_zone(zone: str) -> None:
    """Refuse what is no time zone.

    Raises:
        TypeError: If it is no text.
        DataError: If there is none of that name.
    """
    if not isinstance(zone, str):
        raise TypeError(f"zone must be the name of a time zone, got {quoted(zone)}")
    try:
        pl.Series([0]).cast(pl.Datetime("us")).dt.replace_time_zone(zone)
    except pl.exceptions.PolarsError:
        known = [*ZONES, "UTC"]
        cities = {name.rpartition("/")[2].lower().replace("_", " "): name for name in known}
        meant = cities.get(zone.strip().lower().replace("_", " "))
        hint = f"did you mean {quoted(meant)}?" if meant else nearest(zone, known, "most used")
        raise DataError(
            f"zone must be a time zone such as Europe/Berlin or UTC, got {quoted(zone)}; {hint}"
        ) from None


def from_offsets(instants: pl.Series, text: pl.Series, what: str) -> tuple[pl.Series, str]:
    """Put stamps on the clock of the zone that their offsets tell; with them, what was taken.

    Offsets that never change are a fixed clock (`Etc/GMT-2` is 2 hours ahead of UTC). Those that
    change are of the first of `ZONES` that agrees with every stamp; where none does, UTC is taken.

    Args:
        instants: The stamps in UTC, Datetime without a zone.
        text: The stamps as they were written, each ending in its offset, `Z`, `UTC` or `GMT`.
        what: What the stamps are called in a message.
    """
    utc = instants.dt.replace_time_zone("UTC")
    if not text.str.contains(_ENDS_WITH_OFFSET).all():
        return utc, f"{what} tells offsets amid its stamps: converted to UTC; {_named()}"
    minutes = _offset_minutes(text)
    offsets = minutes.unique().sort().to_list()
    words = " and ".join(_offset_words(offset) for offset in (offsets[0], offsets[-1]))
    if len(offsets) == 1:
        zone, why = _fixed(offsets[0]), f"is {_offset_words(offsets[0])} throughout"
    else:
        zone, why = None, f"is between {words}"
    zone = zone or next((name for name in ZONES if _agrees(utc, minutes, name)), None)
    if zone == "UTC":
        return utc, f"{what} is in UTC"
    if zone is None:
        return utc, f"{what} {why}, as in no one zone: converted to UTC; {_named()}"
    if len(offsets) == 1:
        others = f"where the clock changes with daylight saving, name its zone, {_example()}"
        return utc.dt.convert_time_zone(zone), f"{what} {why}: taken as {zone}; {others}"
    others = f"another zone is named with {_example()}"
    return utc.dt.convert_time_zone(zone), f"{what} {why}, as in {zone}, which is taken; {others}"


def in_zone(stamps: pl.Series, zone: str, rows: pl.Series, what: str) -> pl.Series:
    """Put stamps on the clock of `zone`; those without a zone were read off that clock.

    Of an hour that comes twice, where daylight saving ends, the first of two equal stamps is the
    earlier.

    Raises:
        DataError: If a stamp is skipped by that clock, as daylight saving begins.
    """
    if zone_of(stamps) is not None:
        return stamps.dt.convert_time_zone(zone)
    early, late = (
        stamps.dt.replace_time_zone(zone, ambiguous=which, non_existent="null")
        for which in ("earliest", "latest")
    )
    if early.null_count():
        raise DataError(_why_skipped(stamps, early.is_null(), zone, rows, what))
    twice = early != late
    if not twice.any():
        return early
    # rows may run backwards
    backwards = stamps[0] > stamps[-1]
    first = stamps.is_last_distinct() if backwards else stamps.is_first_distinct()
    return pl.select(pl.when(twice & ~first).then(late).otherwise(early)).to_series()


def zone_of(stamps: pl.Series) -> str | None:
    """Return the zone of a Datetime column."""
    return stamps.dtype.time_zone if isinstance(stamps.dtype, pl.Datetime) else None


def wall_clock(stamps: pl.Series) -> pl.Series:
    """Return what the clock on the wall shows, as Datetime without a zone; numbers of rows stay."""
    if not stamps.dtype.is_temporal():
        return stamps
    return stamps.dt.replace_time_zone(None)


def instants(stamps: pl.Series) -> pl.Series:
    """Return stamps in UTC, as Datetime without a zone; those without a zone as they are."""
    if zone_of(stamps) is None:
        return stamps
    return stamps.dt.convert_time_zone("UTC").dt.replace_time_zone(None)


def instant(text: str) -> np.datetime64:
    """Read a stamp that `shown` wrote, in UTC where it has an offset.

    Raises:
        ValueError: If it is none.
    """
    stamp = datetime.fromisoformat(text)
    if stamp.tzinfo is not None:
        stamp = stamp.astimezone(UTC).replace(tzinfo=None)
    return np.datetime64(stamp, "us")


def offsets_of(stamps: pl.Series) -> pl.Series:
    """Return how far the clock of each stamp is ahead of UTC, as Duration."""
    return stamps.dt.base_utc_offset() + stamps.dt.dst_offset()


def shown(stamps: pl.Series, place: int = 0) -> str:
    """Write one stamp, with its offset where it has a zone: `2024-03-31 03:00:00+02:00`.

    Of rows in their order it is the number of one.
    """
    if not stamps.dtype.is_temporal():
        return str(stamps[place])
    # by polars, since Python's own stamps need a database of zones on the machine
    form = "%Y-%m-%d %H:%M:%S%.f" + ("%:z" if zone_of(stamps) else "")
    return str(stamps.slice(place, 1).dt.to_string(form)[0])


def _named() -> str:
    return f"a zone is named with {_example()}"


def _example() -> str:
    return option("zone", "Europe/Berlin")


def _offset_minutes(text: pl.Series) -> pl.Series:
    parts = text.to_frame("text").select(
        sign=pl.col("text").str.extract(r"([+-])\d{2}:?(?:\d{2})?$"),
        hours=pl.col("text").str.extract(r"[+-](\d{2}):?(?:\d{2})?$").cast(pl.Int64),
        minutes=pl.col("text").str.extract(r"[+-]\d{2}:?(\d{2})$").cast(pl.Int64),
    )
    size = pl.col("hours").fill_null(0) * 60 + pl.col("minutes").fill_null(0)
    signed = pl.when(pl.col("sign") == "-").then(-size).otherwise(size)
    return parts.select(signed).to_series()


def _offset_words(minutes: int) -> str:
    if not minutes:
        return "in UTC"
    return f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02}:{abs(minutes) % 60:02}"


def _fixed(minutes: int) -> str | None:
    """Name the zone whose clock is always so far ahead of UTC; its sign is the other way round."""
    hours, rest = divmod(minutes, 60)
    if not minutes:
        return "UTC"
    if rest or abs(hours) > _MOST_FIXED[1 if hours > 0 else -1]:
        return None
    return f"Etc/GMT{-hours:+}"


def _agrees(utc: pl.Series, minutes: pl.Series, zone: str) -> bool:
    """Whether the clock of `zone` has the offset of every stamp; a sample is asked first."""
    step = max(1, len(utc) // _SAMPLE)
    for every in dict.fromkeys((step, 1)):
        local = utc.gather_every(every).dt.convert_time_zone(zone)
        if not (offsets_of(local).dt.total_minutes() == minutes.gather_every(every)).all():
            return False
    return True


def _why_skipped(
    stamps: pl.Series, skipped: pl.Series, zone: str, rows: pl.Series, what: str
) -> str:
    value, row = shown(stamps.filter(skipped)), rows.filter(skipped)[0]
    day_before = stamps.filter(skipped).head(1).dt.offset_by("-1d").dt.replace_time_zone(zone)
    fixed = _fixed(int(offsets_of(day_before).dt.total_minutes()[0]))
    remedy = "mend or delete the row"
    if fixed:
        remedy += f", or, if that clock never changes, pass {option('zone', fixed)}"
    return (
        f"{what} must hold times that the clock of {zone} shows, got {value} in row {row}, "
        f"which it skips; {remedy}"
    )
