"""Published tables with their traps land on the grid that is known of them, or are refused."""

import os
from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from lockgate.errors import DataError
from lockgate.tasks.forecasting.described import guess_target
from lockgate.tasks.forecasting.table import Table, read_table

ROOT = Path(__file__).parents[3]
FOLDER = Path(os.environ.get("LOCKGATE_DATA", ROOT.parent / "shared" / "data"))
pytestmark = pytest.mark.skipif(
    not FOLDER.is_dir(), reason=f"no data folder {FOLDER}; LOCKGATE_DATA names another"
)

JENA = "jena_weather_2020/weather.csv.gz"
BEIJING = "beijing_pm25/pollution.csv.gz"
BIKES = "bike_sharing/hour.csv.gz"
AIR = "air_quality_uci/AirQualityUCI_decimal_comma.csv.gz"
UNIVARIATE = "classic_univariate"


def load(name: str, **options: Any) -> Table:
    return read_table(FOLDER / name, **options)


FACTS = [
    # file, options, rows read, rows of the grid, frequency, first stamp, missing in the target
    (JENA, {"target": "T (degC)"}, 52696, 52704, "10m", datetime(2020, 1, 1, 0, 10), 9),
    (
        JENA,
        {"target": "T (degC)", "missing": [-9999], "resample": "1h"},
        52696,
        8784,
        "1h",
        datetime(2020, 1, 1, 1),
        1,
    ),
    (
        "jena_2009/jena_climate.csv.gz",
        {"target": "T (degC)"},
        4000,
        4000,
        "10m",
        datetime(2009, 1, 1, 0, 10),
        0,
    ),
    ("ett/ETTh1.csv.gz", {"target": "OT"}, 17420, 17420, "1h", datetime(2016, 7, 1), 0),
    ("ett/ETTm1.csv.gz", {"target": "OT"}, 69680, 69680, "15m", datetime(2016, 7, 1), 0),
    (
        BEIJING,
        {"target": "pm2.5", "time": "year,month,day,hour"},
        43824,
        43800,
        "1h",
        datetime(2010, 1, 2),
        2043,
    ),
    (
        BIKES,
        {"target": "cnt", "time": "dteday,hr"},
        17379,
        17544,
        "1h",
        datetime(2011, 1, 1),
        165,
    ),
    (
        AIR,
        {"target": "CO(GT)", "time": "Date,Time", "missing": [-200], "decimal": ","},
        9357,
        9357,
        "1h",
        datetime(2004, 3, 10, 18),
        1683,
    ),
    (
        f"{UNIVARIATE}/airline-passengers.csv",
        {"target": "Passengers"},
        144,
        144,
        "1mo",
        datetime(1949, 1, 1),
        0,
    ),
    (
        f"{UNIVARIATE}/monthly-sunspots.csv",
        {"target": "Sunspots"},
        2820,
        2820,
        "1mo",
        datetime(1749, 1, 1),
        0,
    ),
    (
        f"{UNIVARIATE}/daily-min-temperatures.csv",
        {"target": "Temp"},
        3650,
        3652,
        "1d",
        datetime(1981, 1, 1),
        2,
    ),
    ("nab/nyc_taxi.csv.gz", {"target": "value"}, 10320, 10320, "30m", datetime(2014, 7, 1), 0),
    (
        "nab/machine_temperature_system_failure.csv.gz",
        {"target": "value"},
        22695,
        22683,
        "5m",
        datetime(2013, 12, 2, 21, 15),
        0,
    ),
]


@pytest.mark.parametrize(
    ("name", "options", "rows_read", "rows", "frequency", "start", "missing"),
    FACTS,
    ids=[Path(fact[0]).name.split(".")[0] + "-" + fact[4] for fact in FACTS],
)
def test_table_has_the_grid_known_of_it(
    name: str,
    options: dict[str, Any],
    rows_read: int,
    rows: int,
    frequency: str,
    start: datetime,
    missing: int,
) -> None:
    table = load(name, **options)

    assert (table.rows_read, table.frame.height, str(table.frequency)) == (
        rows_read,
        rows,
        frequency,
    )
    assert table.frame["ds"][0] == start
    assert table.frame["ds"].to_list() == table.frequency.range(start, rows).to_list()
    assert table.frame["y"].null_count() == missing


def test_jena_tells_its_traps() -> None:
    table = load(JENA, target="T (degC)", missing=[-9999])

    sentinels, repeated, gap = table.notices
    assert sentinels.startswith("-9999 read as missing in wv (m/s) (1), max. PAR")
    assert repeated == "1 repeated time stamp averaged, the first 2020-05-12 06:00:00"
    assert gap == "1 gap, 9 steps in all, the longest 9 steps from 2020-05-29 09:40:00"
    assert table.ignored == ()
    assert table.frame["OT"].min() > 0  # type: ignore[operator]


def test_jena_hour_is_the_mean_of_its_six_stamps() -> None:
    ten = load(JENA, target="T (degC)").frame.filter(pl.col("ds") > datetime(2020, 3, 1, 4))

    hour = load(JENA, target="T (degC)", resample="1h").frame

    mean = hour.filter(pl.col("ds") == datetime(2020, 3, 1, 5))["y"][0]
    assert mean == pytest.approx(sum(ten["y"][:6]) / 6)


def test_bikes_tell_their_absent_hours() -> None:
    table = load(BIKES, target="cnt", time="dteday,hr")

    assert table.notices[0].startswith("75 gaps, 165 steps in all, the longest 36 steps from 2012")


def test_pollution_leaves_out_its_text_column() -> None:
    table = load(BEIJING, target="pm2.5", time="year,month,day,hour")

    assert [tuple(dropped) for dropped in table.ignored] == [("cbwd", "holds text")]
    assert table.notices == (
        "no 'pm2.5' is observed in the first 24 steps, before 2010-01-02 00:00:00: left out",
    )
    assert table.frame.columns[3:] == ["No", "DEWP", "TEMP", "PRES", "Iws", "Is", "Ir"]


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        (
            AIR,
            {"target": "CO(GT)", "time": "Date,Time"},
            r"target 'CO\(GT\)' must be numeric, got '2,6' in row 1; if the comma is the decimal "
            r'mark, pass decimal="," \(--decimal ","\)$',
        ),
        (AIR, {"target": "T", "decimal": ","}, r"got 391 different stamps in 9,357 rows; name all"),
        (BIKES, {"target": "cnt"}, r"time must tell the rows apart, got 731 different stamps in"),
        (
            BEIJING,
            {"target": "pm2.5"},
            r"got none among .*; pass time=\"year,month,day,hour\" \(--time",
        ),
        (f"{UNIVARIATE}/taylor.csv", {"target": "Y"}, r"got none among Y \('22262'\)"),
        (
            f"{UNIVARIATE}/heart_rate.csv",
            {"target": "Heart rate"},
            r"among Heart rate .*--row-order",
        ),
        (f"{UNIVARIATE}/shampoo.csv", {"target": "Sales"}, r"got none among Month \('1-01'\)"),
        (
            f"{UNIVARIATE}/shampoo.csv",
            {"target": "Sales", "time": "Month"},
            r"got '1-01' in row 1; where the rows are equal steps .*--row-order",
        ),
        (
            "exchange_rate/exchange_rate.txt.gz",
            {"target": "0"},
            r"the first row must name the columns, got 0.785500, .* 4 more .*; add a header",
        ),
        (
            "occupancy/datatraining.txt.gz",
            {"target": "Temperature"},
            r"2,534 of 8,143 time stamps are off the 1m grid, .* pass resample=\"1m\"",
        ),
        (
            "tinyshakespeare/input.txt.gz",
            {"target": "x"},
            r"must be a table, got one column of text",
        ),
        ("zh_hongloumeng/hongloumeng.txt.gz", {"target": "x"}, r"must be a table, got one column"),
        ("indoor_movement/IndoorMovement.zip", {"target": "x"}, r"source must end in .csv"),
        ("m4/Hourly-train.csv.gz", {"target": "V2"}, r"got none among V1 \('H1'\), .* 956 more"),
    ],
)
def test_table_that_needs_help_is_refused(name: str, options: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        load(name, **options)


def test_targets_are_guessed() -> None:
    assert guess_target(FOLDER / "ett/ETTh1.csv.gz") == "OT"
    assert guess_target(FOLDER / BIKES, time="dteday,hr") == "cnt"
    assert guess_target(FOLDER / "nab/nyc_taxi.csv.gz") == "value"
