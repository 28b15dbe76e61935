"""Holidays of a country are a channel by the local date, in the past and at the steps forecast."""

import sys
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch

import lockgate
from lockgate import DataError
from lockgate.tasks.forecasting.config import TableConfig
from lockgate.tasks.forecasting.prepare import prepare, read
from lockgate.tasks.forecasting.public_holidays import days_off, holiday_flags

DATA: dict[str, Any] = {"target": "sold", "horizon": 4, "lookback": 8}
FITTED = {"hidden_size": 4, "max_epochs": 1, "members": 1, "mix": False}
# those of 2024 as the authorities print them
GERMAN = ["01-01", "03-29", "04-01", "05-01", "05-09", "05-20", "10-03", "12-25", "12-26"]
BAVARIAN = sorted([*GERMAN, "01-06", "05-30", "11-01"])


def make_frame(
    step: str = "1d", rows: int = 200, start: datetime = datetime(2024, 1, 1)
) -> pl.DataFrame:
    unit = {"1d": timedelta(days=1), "7d": timedelta(days=7), "6h": timedelta(hours=6)}[step]
    days = [start + row * unit for row in range(rows)]
    return pl.DataFrame({"day": days, "sold": np.random.default_rng(0).normal(size=rows)})


@pytest.mark.parametrize(
    ("code", "expected"), [("DE", GERMAN), ("DE-BY", BAVARIAN), ("deu-by", BAVARIAN)]
)
def test_days_are_those_that_the_authorities_print(code: str, expected: list[str]) -> None:
    assert days_off(code, [2024]) == [date.fromisoformat(f"2024-{day}") for day in expected]


def test_spring_festival_moves_with_the_moon() -> None:
    first = {year: min(day for day in days_off("CN", [year]) if day.month == 2) for year in (2024,)}

    assert first == {2024: date(2024, 2, 10)}
    assert set(days_off("CN", [2024, 2025])) == {*days_off("CN", [2024]), *days_off("CN", [2025])}


def test_a_stamp_falls_on_a_holiday_by_its_own_clock() -> None:
    utc = pl.Series(
        pl.datetime_range(datetime(2024, 12, 24, 12), datetime(2024, 12, 27, 12), "1h", eager=True)
    )
    stamps = utc.dt.replace_time_zone("UTC").dt.convert_time_zone("America/New_York")

    flags = holiday_flags(stamps, "US")

    assert flags.tolist() == [float(stamp.date() == date(2024, 12, 25)) for stamp in stamps]
    assert flags.sum() == 24
    assert holiday_flags(stamps.head(0), "US").shape == (0,)


def test_the_channel_is_read_in_the_past_and_at_the_steps_forecast() -> None:
    config = TableConfig(**DATA, holidays="DE-BY")

    prepared = prepare(read(make_frame(), config), config)

    learned, windows = prepared.preprocessing, prepared.windows("train")
    assert learned.channels == ("sold", "weekday sin", "weekday cos", "holiday DE-BY")
    assert learned.channels_known == ("weekday sin", "weekday cos", "holiday DE-BY")
    batch = windows.batch(slice(None))
    for x, known, origin in zip(batch.x, batch.known, windows.origins.tolist(), strict=True):
        days = [date(2024, 1, 1) + timedelta(days=origin + step) for step in range(-7, 5)]
        flags = [float(day.isoformat()[5:] in BAVARIAN) for day in days]
        assert [*x[:, -1].tolist(), *known[:, -1].tolist()] == flags


def test_a_model_reads_the_holidays_of_the_days_that_it_forecasts(tmp_path: Path) -> None:
    frame = make_frame(rows=358)  # up to 23 December
    fitted, folder = lockgate.train(frame, out=tmp_path / "model", **DATA, **FITTED, holidays="DE")
    again = lockgate.load(folder)
    torch.nn.init.normal_(again.model.ahead.out.weight)
    seen = {}
    again.model.ahead.register_forward_hook(lambda _, told, __: seen.update(known=told[1]))

    forecast = again.predict(frame)

    assert [str(day)[5:10] for day in forecast["ds"]] == ["12-24", "12-25", "12-26", "12-27"]
    assert seen["known"][0, :, -1].tolist() == [0.0, 1.0, 1.0, 0.0]
    later = make_frame(rows=400)
    assert lockgate.load(folder).evaluate(later) == fitted.evaluate(later)


@pytest.mark.parametrize(
    ("code", "message"),
    [
        (
            "XX",
            r"holidays must be the code of a country, .* such as CN or DE-BY, got 'XX'; the codes",
        ),
        ("Germany", "holidays must be the code of a country, .* got 'Germany'; the codes are"),
        (
            "DE-XX",
            r"holidays must name a part of DE that there is, got 'DE-XX'; its parts are BB, ",
        ),
        ("CN-11", "holidays must name a part of CN .* got 'CN-11'; pass CN, which has no parts"),
    ],
)
def test_a_code_of_no_country_raises(code: str, message: str) -> None:
    config = TableConfig(**DATA, holidays=code)

    with pytest.raises(DataError, match=message):
        prepare(read(make_frame(), config), config)


@pytest.mark.parametrize(("settings", "steps"), [({}, "1w"), ({"row_order": True}, "1 row")])
def test_steps_that_are_no_days_have_no_holidays(settings: dict[str, Any], steps: str) -> None:
    config = TableConfig(**DATA, **settings, holidays="CN")
    frame = make_frame("7d").drop(["day"] if settings else [])

    with pytest.raises(
        DataError, match=f"is not a day or a part of one, got CN with steps of {steps}"
    ):
        prepare(read(frame, config), config)


def test_without_the_package_the_line_that_installs_it_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "holidays", None)

    with pytest.raises(ModuleNotFoundError, match=r"holidays \(--holidays\) needs .* pip install"):
        days_off("CN")


def test_a_folder_with_a_code_of_no_country_is_refused(tmp_path: Path) -> None:
    frame = make_frame("6h")
    _, folder = lockgate.train(frame, out=tmp_path / "model", **DATA, **FITTED, holidays="CN")
    path = folder / "preprocessing.json"
    path.write_text(path.read_text().replace('"holidays": "CN"', '"holidays": "XX"'))

    with pytest.raises(DataError, match="holidays"):
        lockgate.load(folder)
