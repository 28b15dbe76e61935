"""A source becomes one regular series with its columns, or a sentence that says what to do."""

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

from lockgate.errors import DataError
from lockgate.reading.samples import sample
from lockgate.tasks.forecasting.described import describe_columns, guess_target
from lockgate.tasks.forecasting.table import Dropped, read_table

HOURS = [datetime(2024, 1, 1) + timedelta(hours=k) for k in range(6)]
DATA: dict[str, list[Any]] = {
    "when": [str(t) for t in HOURS],
    "load": ["1", "2.5", "NA", "4", "5", "6"],
    "x": ["0", "1", "0", "1", "0", "-9999"],
    "wind": ["NW", "SE", "NW", "NW", "SE", "NW"],
}


def frame_of(**columns: Any) -> pl.DataFrame:
    return pl.DataFrame(DATA | columns)


def test_table_holds_one_regular_series(tmp_path: Path) -> None:
    frame_of()[[0, 1, 2, 3, 5]].write_csv(tmp_path / "load.csv")

    table = read_table(tmp_path / "load.csv", target="load", missing=[-9999])

    assert table.frame.schema == {
        "unique_id": pl.String,
        "ds": pl.Datetime("us"),
        "y": pl.Float64,
        "x": pl.Float64,
    }
    assert table.frame["unique_id"].to_list() == ["load"] * 6
    assert table.frame["ds"].to_list() == HOURS
    assert table.frame["y"].to_list() == [1, 2.5, None, 4, None, 6]
    assert (table.target, str(table.frequency), table.rows_read) == ("load", "1h", 5)
    assert (table.source, table.ignored) == ("load.csv", (Dropped("wind", "holds text"),))
    assert table.notices == (
        "-9999 read as missing in x (1)",
        "1 gap, 1 step in all, the longest 1 step from 2024-01-01 04:00:00",
    )


def test_missing_is_null_and_never_nan() -> None:
    table = read_table(frame_of(x=[1.0, float("nan"), 2.0, 3.0, None, -9.0]), target="x")

    assert table.frame["y"].to_list() == [1, None, 2, 3, None, -9]
    assert table.frame["load"].to_list() == [1, 2.5, None, 4, 5, 6]
    assert table.source == "frame"


@pytest.mark.parametrize("take", [pl.DataFrame.lazy, pl.DataFrame.to_pandas, pl.DataFrame.to_arrow])
def test_frames_of_every_library_give_the_same_table(take: Callable[[pl.DataFrame], Any]) -> None:
    frame = frame_of(when=HOURS)

    table, expected = (read_table(source, target="load") for source in (take(frame), frame))

    assert table.frame.equals(expected.frame)
    assert table.fingerprint == expected.fingerprint


def test_pandas_index_is_the_time() -> None:
    index = pd.period_range("2020-01", periods=30, freq="M")
    frame = pd.DataFrame({"load": np.arange(30.0)}, index=index)

    table = read_table(frame, target="load")

    assert str(table.frequency) == "1mo"
    assert table.frame["ds"][29] == datetime(2022, 6, 1)


def test_nixtla_frame_keeps_its_id() -> None:
    long = pl.DataFrame({"unique_id": "H1", "ds": HOURS, "y": range(6), "x": range(6, 0, -1)})

    table = read_table(long, target="y")

    assert table.frame.columns == ["unique_id", "ds", "y", "x"]
    assert table.frame["unique_id"].unique().to_list() == ["H1"]
    assert not table.several
    both = read_table(pl.concat([long, long.with_columns(unique_id=pl.lit("H2"))]), target="y")
    assert (both.names, both.several) == (["H1", "H2"], True)


def test_reserved_names_raise() -> None:
    numbers = list(range(6))

    message = r"leave 'y' to the target, got another .* pass target=\"y\" \(--target \"y\"\)"
    with pytest.raises(DataError, match=message):
        read_table(frame_of(y=numbers), target="load")
    with pytest.raises(DataError, match=r"column names must leave 'ds' to the time, got another"):
        read_table(frame_of(ds=numbers), target="load")
    with pytest.raises(DataError, match=r"target must be no time and no name .* got 'ds'"):
        read_table(frame_of(ds=numbers), target="ds")
    with pytest.raises(DataError, match=r"target must be another column than the time, got 'when'"):
        read_table(frame_of(), target="when")
    assert read_table(frame_of(ds=["a"] * 6), target="load").ignored[1].column == "ds"


@pytest.mark.parametrize(
    ("target", "columns", "message"),
    [
        ("Laod", {}, r"target must name a column of the table, got 'Laod'; did you mean 'load'\?"),
        ("zzz", {}, r"got 'zzz'; the columns are when, load, x, wind"),
        ("wind", {}, r"target 'wind' must be numeric, got 'NW' in row 1; leave the cell empty whe"),
        (
            "load",
            {"load": ["1", "2", "3", "4 kW", "5", "6"]},
            r"target 'load' must be numeric, got '4 kW' in row 4; leave the cell empty",
        ),
        (
            "load",
            {"load": ["1", "2,6", "3", "4", "5", "6"]},
            r"target 'load' must be numeric, got '2,6' in row 2; if the comma is the decimal mark, "
            r'pass decimal="," \(--decimal ","\)$',
        ),
        (
            "load",
            {"load": ["1", "2,600", "3", "4", "5", "6"]},
            r'decimal="," .*; if the comma parts thousands, pass decimal="." \(--decimal "."\)$',
        ),
        ("load", {"load": [[1]] * 6}, r"must be numeric, got values of type List\(Int64\)"),
        ("load", {"load": [""] * 6}, r"target 'load' must hold values, got only missing ones"),
        ("load", {"load": [None] * 6}, r"target 'load' must hold values, got only missing ones"),
        ("load", {"load": ["1", "2", "3", "4", "5", "inf"]}, r"column 'load' must .* in row 6"),
    ],
)
def test_target_that_cannot_be_forecast_raises(
    target: str, columns: dict[str, Any], message: str
) -> None:
    with pytest.raises(DataError, match=message):
        read_table(frame_of(**columns), target=target)


def test_decimal_comma_is_read_where_told() -> None:
    frame = frame_of(load=["1,5", "2", "3", "4", "5", "6"], x=["1.5"] * 6)

    table = read_table(frame, target="load", decimal=",")

    assert table.frame["y"][0] == 1.5
    assert table.ignored[0] == Dropped(
        "x", "holds numbers with another decimal mark, such as '1.5'"
    )
    with pytest.raises(
        DataError, match=r'if the point is the decimal mark, pass decimal="." \(--de'
    ):
        read_table(frame, target="x", decimal=",")
    with pytest.raises(
        DataError, match=r'decimal must be "." or ",", got ";"'.replace('";"', "';'")
    ):
        read_table(frame, target="load", decimal=";")


def test_numbers_as_people_write_them_are_read_and_told() -> None:
    frame = frame_of(
        load=["11,790.89", "1,000", "3", "(4)", "5", "6"],
        share=["5 %", "6 %", "7 %", "8 %", "9 %", "12.5 %"],
        doubt=["1,234", "2,345", "3,456", "4,567", "5,678", "6,789"],
    )

    table = read_table(frame, target="load")

    assert table.frame["y"].to_list() == [11790.89, 1000, 3, -4, 5, 6]
    assert table.frame["share"].to_list() == [5, 6, 7, 8, 9, 12.5]
    in_doubt = "holds numbers in which a mark may be decimal or not, such as '1,234'"
    assert dict(table.ignored)["doubt"] == in_doubt
    assert table.notices == (
        "column 'load': '11,790.89' is read as 11790.89 and '(4)' is read as -4",
        "column 'share': '12.5 %' is read as 12.5, percent are not divided by 100",
        f"column 'doubt' {in_doubt}; ignored",
    )


@pytest.mark.parametrize(("decimal", "first"), [(".", 1234), (",", 1.234)])
def test_remedies_for_a_mark_in_doubt_read_it(decimal: str, first: float) -> None:
    frame = frame_of(load=["1,234", "2,345", "3,456", "4,567", "5,678", "6,789"])
    with pytest.raises(DataError, match=rf'pass decimal="{re.escape(decimal)}"'):
        read_table(frame, target="load")

    assert read_table(frame, target="load", decimal=decimal).frame["y"][0] == first


def test_targets_below_their_bound_are_refused() -> None:
    frame = frame_of(load=[1, 2, -3, -9, 5, 6])

    with pytest.raises(DataError, match=r"at least 0, as at_least says, got -3 in row 3; .*=.-9"):
        read_table(frame, target="load", at_least=0)
    told = "no forecast, baselines' neither, is below 0 (at_least)"
    assert told in read_table(frame, target="load", at_least=0, missing=(-3, -9)).notices


def test_faulty_columns_are_ignored_and_told() -> None:
    frame = frame_of(
        few=["1", "2", "abc", "4", "5", "6"],
        half=["1", "2", "abc", "4", "x", "y"],
        comma=["1,5", "2", "3", "4", "5", "6"],
        empty=["NA"] * 6,
        spans=[timedelta(1)] * 6,
        flag=[True, False] * 3,
    )

    table = read_table(frame, target="load")

    reasons = {
        "wind": "holds text",
        "few": "holds text in 1 row, the first row 3: 'abc'",
        "half": "holds text",
        "comma": "holds numbers with another decimal mark, such as '1,5'",
        "empty": "holds no values",
        "spans": "holds Duration(time_unit='us')",
    }
    assert dict(table.ignored) == reasons
    assert table.notices == tuple(f"column '{n}' {reasons[n]}; ignored" for n in ("few", "comma"))
    assert table.frame["flag"].to_list() == [1, 0] * 3


def test_nameless_columns_tell_the_time_or_nothing(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    pd.DataFrame({"load": range(6)}, index=pd.DatetimeIndex(HOURS)).to_csv(path)
    assert read_table(path, target="load").frame["ds"].to_list() == HOURS

    frame_of().drop("wind").to_pandas().to_csv(path)
    table = read_table(path, target="load")
    assert table.ignored == (Dropped("unnamed 1", "has no name in the header"),)


def test_notices_of_every_step_come_in_order(tmp_path: Path) -> None:
    rows = ["2024-01-01 02:00Z,3,°", "2024-01-01 00:00Z,1,°", "2024-01-01 01:00Z,2,°"]
    (tmp_path / "a.csv").write_bytes("\n".join(["t,y,u", *rows]).encode("latin-1"))

    assert read_table(tmp_path / "a.csv", target="y").notices == (
        "a.csv is not valid UTF-8: read as Latin-1; if letters look wrong, name its encoding "
        "(--encoding)",
        "time 't' is in UTC",
        "rows were not in the order of time: sorted",
    )


CHINESE = "时间,气温（度）,风向,湿度\n" + "".join(
    f"{t},{k * k},东北,{k % 2}\n" for k, t in enumerate(HOURS)
)


@pytest.mark.parametrize(
    ("codec", "named"),
    [("gb18030", None), ("gb18030", "gb18030"), ("utf-16", None), ("utf-16-le", "utf-16-le")],
)
def test_chinese_is_read_from_any_encoding(tmp_path: Path, codec: str, named: str | None) -> None:
    path, plain = tmp_path / "a.csv", tmp_path / "plain.csv"
    path.write_bytes(CHINESE.encode(codec))
    plain.write_text(CHINESE, encoding="utf-8")

    table = read_table(path, target="气温（度）", encoding=named)

    assert table.fingerprint == read_table(plain, target="气温（度）").fingerprint
    assert table.frame.columns == ["unique_id", "ds", "y", "湿度"]
    assert len(table.notices) == (named is None)
    assert describe_columns(path, encoding=named) == describe_columns(plain)
    assert guess_target(path, encoding=named) == guess_target(plain) == "湿度"


def test_fingerprint_changes_with_what_is_read_and_nothing_else() -> None:
    base = read_table(frame_of(), target="load").fingerprint
    data = frame_of()

    assert re.fullmatch("[0-9a-f]{64}", base)
    assert read_table(data, target="load", name="other").fingerprint == base
    assert read_table(data.reverse(), target="load").fingerprint == base
    assert read_table(data.drop("wind"), target="load").fingerprint == base
    changed = [
        read_table(data, target="x"),
        read_table(data.rename({"x": "z"}), target="load"),
        read_table(frame_of(x=["0", "1", "0", "1", "0", "NA"]), target="load"),
        read_table(frame_of(x=["0", "1", "0", "1", "NA", "0"]), target="load"),
        read_table(frame_of(x=["0", "1", "0", "1", "0", "-9998"]), target="load"),
        read_table(data[:5], target="load"),
        read_table(frame_of(when=[str(t + timedelta(days=1)) for t in HOURS]), target="load"),
    ]
    assert len({base, *(table.fingerprint for table in changed)}) == 8


def test_other_types_raise() -> None:
    with pytest.raises(TypeError, match="target must be the name of a column, got 3"):
        read_table(frame_of(), target=3)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="missing must be numbers, got 'NA'"):
        read_table(frame_of(), target="load", missing=["NA"])  # type: ignore[list-item]


def test_a_series_begins_and_ends_with_an_observed_target() -> None:
    table = read_table(frame_of(load=[None, "2.5", None, "4", None, None]), target="load")

    assert table.frame["ds"].to_list() == HOURS[1:4]
    assert table.frame["y"].to_list() == [2.5, None, 4]
    assert table.rows_read == 6
    assert table.notices == (
        "no 'load' is observed in the first 1 step, before 2024-01-01 01:00:00: left out",
        "no 'load' is observed in the last 2 steps, after 2024-01-01 03:00:00: left out, forecasts "
        'begin there; a model fitted with known_future="x" (--known-future "x") reads what is '
        "known there",
    )


def test_a_target_that_ends_before_its_rows_with_nothing_beside_it() -> None:
    whole = frame_of()[["when", "load"]]
    ended = frame_of(load=["1", "2.5", "3", "4", None, None])[["when", "load"]]

    assert read_table(whole, target="load").notices == ()
    told = "after 2024-01-01 03:00:00: left out, forecasts begin there"
    assert read_table(ended, target="load").notices[0].endswith(told)


def test_co2_sample_is_weekly_with_its_holes() -> None:
    table = read_table(sample("co2"), target="co2", name="co2")

    assert (table.source, str(table.frequency), table.frame.height) == ("co2", "1w", 2284)
    assert table.frame["y"].null_count() == 59
    assert table.frame["ds"][0] == datetime(1958, 3, 29)
    with pytest.raises(DataError, match="sample must be one of co2, got 'c02'"):
        sample("c02")


def test_stamps_without_a_common_step_have_a_calendar_of_their_own() -> None:
    random = np.random.default_rng(0)
    seconds = random.integers(60, 9_000, 99).cumsum()
    ds = np.datetime64("2024-01-01", "us") + seconds * np.timedelta64(1, "s")
    frame = pl.DataFrame({"ds": ds, "y": random.normal(size=99), "shop": ["a"] * 99})
    remedy = r'; pass resample="\w+" \(--resample \w+\)'
    irregular = r', or calendar="irregular" \(--calendar irregular\)$'

    with pytest.raises(DataError, match=remedy + irregular):
        read_table(frame.drop("shop"), target="y")
    # which several series cannot have, and a table cannot that is laid on the slots of a model's
    with pytest.raises(DataError, match=remedy + "$"):
        read_table(frame, target="y", id_columns="shop")
    with pytest.raises(DataError, match=r"at least 3 different stamps .*, got 2$"):
        read_table(frame.drop("shop").head(2), target="y")
    read = read_table(frame.drop("shop"), target="y", calendar="irregular")
    assert read.frame["ds"].to_numpy().tolist() == ds.tolist()
