"""Offsets tell their zone; stamps on the clock of a zone are the instants that they were."""

from datetime import datetime, timedelta

import numpy as np
import polars as pl
import pytest

from lockgate import DataError
from lockgate.reading.zones import (
    ZONES,
    check_zone,
    from_offsets,
    in_zone,
    instant,
    instants,
    shown,
    wall_clock,
    zone_of,
)


def hours_in(zone: str, first: datetime, count: int, step: int = 1) -> pl.Series:
    """Hours of real time on the clock of a zone."""
    utc = [first + timedelta(hours=step * k) for k in range(count)]
    return pl.Series("ds", utc, pl.Datetime("us", "UTC")).dt.convert_time_zone(zone)


def told(stamps: pl.Series) -> tuple[pl.Series, str]:
    """Read back stamps that are written with their offsets."""
    text = stamps.dt.to_string("%Y-%m-%dT%H:%M:%S%:z")
    return from_offsets(instants(stamps), text, "time 't'")


@pytest.mark.parametrize("zone", ZONES)
def test_offsets_are_kept_whatever_zone_they_come_from(zone: str) -> None:
    stamps = hours_in(zone, datetime(2005, 1, 1), 7_500, step=24)

    read, notice = told(stamps)

    assert zone_of(read) == zone, notice
    assert read.equals(stamps.dt.convert_time_zone(str(zone_of(read))))


def test_the_rule_of_daylight_saving_tells_the_zone() -> None:
    read, notice = told(hours_in("America/New_York", datetime(2024, 10, 1), 24 * 60))

    assert zone_of(read) == "America/New_York"
    assert notice == (
        "time 't' is between -05:00 and -04:00, as in America/New_York, which is taken; another "
        'zone is named with zone="Europe/Berlin" (--zone Europe/Berlin)'
    )


def test_offsets_that_are_of_no_zone_are_converted_to_utc_and_told() -> None:
    text = pl.Series(["2024-07-01T00:00:00+02:00", "2024-07-02T00:00:00-07:00"])
    utc = pl.Series([datetime(2024, 6, 30, 22), datetime(2024, 7, 2, 7)])

    read, notice = from_offsets(utc, text, "time 't'")

    assert (zone_of(read), wall_clock(read).to_list()) == ("UTC", utc.to_list())
    assert notice == (
        "time 't' is between -07:00 and +02:00, as in no one zone: converted to UTC; a zone is "
        'named with zone="Europe/Berlin" (--zone Europe/Berlin)'
    )


def test_offsets_that_do_not_end_the_stamps_lead_to_utc() -> None:
    utc = pl.Series([datetime(2024, 7, 1)])

    read, notice = from_offsets(utc, pl.Series(["+02:00 1.7.2024 2 h"]), "time 't'")

    assert (zone_of(read), wall_clock(read).to_list()) == ("UTC", utc.to_list())
    assert notice.startswith("time 't' tells offsets amid its stamps: converted to UTC; a zone is")


@pytest.mark.parametrize(
    ("offset", "zone"),
    [("+00:00", "UTC"), ("-0300", "Etc/GMT+3"), ("+14", "Etc/GMT-14"), ("+05:30", "Asia/Kolkata")],
)
def test_one_offset_is_a_fixed_clock(offset: str, zone: str) -> None:
    read, _ = from_offsets(pl.Series([datetime(2024, 7, 1)]), pl.Series([f"t{offset}"]), "time")

    assert zone_of(read) == zone


@pytest.mark.parametrize("backwards", [False, True])
@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe"])
def test_the_hour_that_comes_twice_is_read_in_its_order(zone: str, *, backwards: bool) -> None:
    half_hours = [datetime(2024, 1, 1) + timedelta(minutes=30 * k) for k in range(48 * 366)]
    stamps = pl.Series("ds", half_hours, pl.Datetime("us", "UTC")).dt.convert_time_zone(zone)
    if backwards:
        stamps = stamps.reverse()

    read = in_zone(wall_clock(stamps), zone, pl.Series(range(len(stamps))), "time")

    assert read.equals(stamps)


def test_a_time_that_the_clock_skips_is_refused_with_a_remedy_that_works() -> None:
    stamps = pl.Series([datetime(2024, 3, 31, h) for h in range(6)])
    rows = pl.Series(range(1, 7))
    message = (
        r"time 't' must hold times that the clock of Europe/Berlin shows, got 2024-03-31 02:00:00 "
        r"in row 3, which it skips; mend or delete the row, or, if that clock never changes, pass "
        r'zone="Etc/GMT-1" \(--zone Etc/GMT-1\)'
    )

    with pytest.raises(DataError, match=message):
        in_zone(stamps, "Europe/Berlin", rows, "time 't'")
    assert len(in_zone(stamps, "Etc/GMT-1", rows, "time 't'")) == 6


@pytest.mark.parametrize(
    ("zone", "hint"),
    [
        ("berlin", "did you mean 'Europe/Berlin'?"),
        ("New York", "did you mean 'America/New_York'?"),
        ("Europe/Berlln", "did you mean 'Europe/Berlin'"),
        ("nowhere at all", "the most used are Europe/Berlin, America/New_York"),
    ],
)
def test_a_name_of_no_zone_is_refused(zone: str, hint: str) -> None:
    with pytest.raises(DataError, match=f"zone must be a time zone such .* got '{zone}'; ") as told:
        check_zone(zone)
    assert hint in str(told.value)
    with pytest.raises(TypeError, match="zone must be the name of a time zone, got 3"):
        check_zone(3)  # type: ignore[arg-type]


def test_stamps_are_shown_with_their_offset_and_read_back() -> None:
    stamps = pl.Series([datetime(2024, 3, 31, 3)]).dt.replace_time_zone("Europe/Berlin")

    assert shown(stamps) == "2024-03-31 03:00:00+02:00"
    assert shown(wall_clock(stamps)) == "2024-03-31 03:00:00"
    assert instant(shown(stamps)) == np.datetime64("2024-03-31T01:00")
    assert instant("2024-03-31 03:00:00") == np.datetime64("2024-03-31T03:00")
