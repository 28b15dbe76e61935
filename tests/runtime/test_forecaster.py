"""The runtime forecasts what the model does, from plain columns."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import lockgate_runtime
import numpy as np
import polars as pl
import pytest
from exported_models import DAY, HOUR, START, Exported, hourly, shops, train

import lockgate
from lockgate.tasks.forecasting.baselines import naive_baselines
from lockgate.tasks.forecasting.mixture import Mixture

SERIES = ("north", "south", "west", "new")


def columns(frame: pl.DataFrame) -> dict[str, list[Any]]:
    """Return a frame as lists of Python's own values, which know nothing of polars."""
    return frame.to_dict(as_series=False)


def assert_alike(
    exported: Exported, tables: Sequence[pl.DataFrame], future: pl.DataFrame | None = None
) -> None:
    """Compare every column of what both give."""
    model = lockgate_runtime.load(exported.folder)
    levels = sorted({float(name.rsplit("-", 1)[1]) for name in model.schema["bounds"]})
    for table in tables:
        asked = {"level": levels} if levels else {}
        wanted = exported.fitted.predict(table, future=future, **asked)
        told = {} if future is None else {"future": columns(future)}
        found = model.predict(columns(table), **told)
        assert list(found) == wanted.columns
        for name in wanted.columns:
            if wanted[name].dtype.is_float():
                truth = wanted[name].to_numpy()
                np.testing.assert_allclose(
                    found[name], truth, rtol=1e-5, atol=1e-6 * np.abs(truth).max()
                )
            else:
                # stamps as values, in the zone of the model
                given = found[name]
                given = given.tolist() if isinstance(given, np.ndarray) else given
                assert given == wanted[name].to_list()


def ahead() -> pl.DataFrame:
    """Return what is known of the four days after each shop's last."""
    ends = shops().group_by("unique_id", maintain_order=True).agg(pl.col("ds").max())
    rows = [
        (name, end + DAY * step, float(step % 2), ("sun", "snow")[step % 2])
        for name, end in ends.iter_rows()
        for step in range(1, 5)
    ]
    return pl.DataFrame(rows, schema=["unique_id", "ds", "promo", "weather"], orient="row")


def test_one_series_with_holes_and_a_mixture(plain: Exported) -> None:
    table = hourly()
    cut = table.head(650).with_columns(y=pl.when(pl.int_range(650) > 640).then(None).otherwise("y"))
    assert_alike(plain, [table, table.tail(9), table.sample(fraction=1.0, seed=1), cut])


def test_rows_that_are_absent_count_as_missing(plain: Exported) -> None:
    table = hourly()
    model = lockgate_runtime.load(plain.folder)
    whole = model.predict(
        columns(
            table.with_columns(
                x=pl.when(pl.int_range(700) != 690).then("x"),
                y=pl.when(pl.int_range(700) != 690).then("y"),
            )
        )
    )
    found = model.predict(columns(table.filter(pl.int_range(700) != 690)))
    np.testing.assert_array_equal(found["forecast"], whole["forecast"])


def test_several_series_known_ahead_static_and_with_categories(several: Exported) -> None:
    unseen = shops().filter(unique_id="new").with_columns(unique_id=pl.lit("unseen"))
    table = pl.concat([shops(), unseen.with_columns(pl.col("y") * 4)])
    future = ahead()
    of_unseen = future.filter(unique_id="new").with_columns(unique_id=pl.lit("unseen"))
    future = pl.concat([future, of_unseen])
    assert_alike(several, [table], future)
    # rows behind the last target tell the same
    model = lockgate_runtime.load(several.folder)
    known = columns(pl.concat([table, future], how="diagonal"))
    told = model.predict(columns(table), future=columns(future))
    np.testing.assert_array_equal(model.predict(known)["forecast"], told["forecast"])


HEADS = {
    "recursive": {"decoder": "recursive", "cell": "rnn", "holes": "age", "max_gap": 6},
    "segments": {"segment_length": 4, "segment_head": "positions", "linear_path": "on"},
    "normal": {"head": "normal", "normalise": "last_std"},
    "student": {"head": "student_t", "normalise": "mean", "bidirectional": True},
    "median": {"normalise": "median_mad", "num_layers": 2, "residual": True},
    "spread": {"members": 1, "normalise": "mean_std"},
}


@pytest.mark.parametrize("name", [pytest.param(n, marks=pytest.mark.slow) for n in HEADS])
def test_every_head_decoder_and_level(name: str, tmp_path: Path) -> None:
    exported = train(tmp_path, hourly(), horizon=7, lookback=26, **HEADS[name])
    short = hourly().tail(9)
    assert_alike(exported, [hourly(), short])


def test_counts_are_bounded_from_below(tmp_path: Path) -> None:
    table = shops().select("unique_id", "ds", pl.col("y").abs().round())
    exported = train(tmp_path, table, horizon=3, lookback=14, head="negative_binomial", at_least=0)
    assert_alike(exported, [table])
    found = lockgate_runtime.load(exported.folder).predict(columns(table))
    assert min(found["forecast-lo-80"]) >= 0.0


def test_a_norm_in_the_cell_forecasts_alike(tmp_path: Path) -> None:
    table = hourly(300)
    exported = train(tmp_path, table, horizon=5, lookback=20, layer_norm=True, **ONE)
    assert_alike(exported, [table, table.tail(9)])


def wave(stamps: Sequence[datetime] | pl.Series, season: int) -> pl.DataFrame:
    rng = np.random.default_rng(0)
    y = 3 + np.sin(np.arange(len(stamps)) / season * 2 * np.pi) + rng.normal(0, 0.1, len(stamps))
    return pl.DataFrame({"ds": stamps, "y": y})


def in_berlin(first: datetime, last: datetime, step: str) -> pl.DataFrame:
    stamps = pl.datetime_range(first, last, step, time_zone="Europe/Berlin", eager=True)
    return wave(stamps, 7)


ONE = {"members": 1, "max_epochs": 1}
CALENDARS: dict[str, tuple[Any, dict[str, Any], Sequence[int]]] = {
    "months": (
        lambda: wave(
            pl.datetime_range(datetime(2000, 1, 1), datetime(2019, 12, 1), "1mo", eager=True), 12
        ),
        {"horizon": 6, "lookback": 12},
        (240, 231),
    ),
    # days of 23 and 25 hours, by the clock on the wall
    "days in a zone": (
        lambda: in_berlin(datetime(2022, 1, 1), datetime(2024, 4, 20), "1d"),
        {"horizon": 9, "lookback": 14, "holidays": "DE"},
        (841, 814),
    ),
    "hours in a zone": (
        lambda: in_berlin(datetime(2024, 1, 1), datetime(2024, 3, 31, 20), "1h"),
        {"horizon": 9, "lookback": 14},
        (2180, 2150),
    ),
    # months by invoices, which come when they come
    "irregular months": (
        lambda: wave(
            [
                datetime(2000 + i // 12, i % 12 + 1, 1)
                + DAY * int(np.random.default_rng(i).integers(5))
                for i in range(240)
            ],
            12,
        ),
        {"horizon": 5, "lookback": 12, "calendar": "irregular"},
        (240, 231),
    ),
    "irregular": (
        lambda: wave(
            [
                START + timedelta(minutes=int(m))
                for m in np.cumsum(np.random.default_rng(0).integers(5, 60, 500))
            ],
            20,
        ),
        {"horizon": 5, "lookback": 20, "calendar": "irregular"},
        (500, 490),
    ),
}


RARE = ("hours in a zone", "irregular", "irregular months", "window mean", "last value")
"""Of which the default run has another of the kind."""


def common(names: Iterable[str]) -> list[Any]:
    return [pytest.param(n, marks=[pytest.mark.slow] * (n in RARE)) for n in names]


@pytest.mark.parametrize("name", common(CALENDARS))
def test_steps_go_on_as_the_calendar_does(name: str, tmp_path: Path) -> None:
    make, settings, ends = CALENDARS[name]
    table = make()
    exported = train(tmp_path, table, **ONE, **settings)
    assert_alike(exported, [table.head(end) for end in ends])


def test_an_opening_with_holes_closed_days_and_empty_rows(tmp_path: Path) -> None:
    hours = [START + HOUR * i for i in range(24 * 7 * 12)]
    open_ = [hour for hour in hours if hour.weekday() < 5 and 8 <= hour.hour < 18]
    table = wave(open_, 10)
    exported = train(tmp_path, table, horizon=13, lookback=20, **ONE)
    every = pl.DataFrame({"ds": hours}).join(table, on="ds", how="left")
    day = pl.col("ds").dt.date()
    assert_alike(
        exported,
        [
            table,
            table.head(567),
            table.filter(pl.int_range(600) != 590),  # an hour is absent
            table.filter(day != pl.date(2024, 3, 20)),  # a day off
            every,  # nights have rows without a value
        ],
    )
    model = lockgate_runtime.load(exported.folder)
    odd = columns(table.with_columns(pl.col("ds") + pl.duration(minutes=10 * pl.int_range(600))))
    with pytest.raises(lockgate_runtime.DataError, match="lies between two steps"):
        model.predict(odd)


def test_rows_of_each_series_are_numbered(tmp_path: Path) -> None:
    one = hourly(200).select("y")
    names = ["b", "a"] * 200
    table = pl.DataFrame({"unique_id": names, "y": np.repeat(one["y"].to_numpy(), 2)})
    table = table.with_columns(
        pl.col("y") * pl.when(pl.col("unique_id") == "a").then(9).otherwise(1)
    )
    table = table.with_columns(pl.col("y").fill_nan(None))
    exported = train(tmp_path, table, horizon=5, lookback=20, row_order=True, id="unique_id", **ONE)
    assert_alike(exported, [table, table.sort("unique_id"), table.head(390)])


def test_rows_may_be_the_steps(tmp_path: Path) -> None:
    table = hourly(300).select("y", "x")
    exported = train(tmp_path, table, horizon=5, lookback=20, row_order=True, **ONE)
    assert_alike(exported, [table, table.head(290)])


@pytest.mark.parametrize(
    "name", common(["seasonal naive 24", "drift", "window mean", "last value"])
)
def test_every_naive_forecast_of_a_mixture(name: str, plain: Exported, tmp_path: Path) -> None:
    known = {baseline.name: baseline for baseline in naive_baselines([24])}
    one = replace(plain.fitted, models=plain.fitted.models[:1], intervals=None)
    fitted = replace(one, mixture=Mixture(0.4, known[name]))
    lockgate.export(fitted, tmp_path / "out")
    assert_alike(Exported(fitted, tmp_path / "out"), [hourly(), hourly().head(680)])


def test_a_model_of_one_series_names_it_after_its_target(tmp_path: Path) -> None:
    table = hourly(300).rename({"y": "sold"})
    exported = train(tmp_path, table, **{**ONE, "target": "sold", "horizon": 5, "lookback": 20})
    assert_alike(exported, [table])
    model = lockgate_runtime.load(exported.folder)
    assert set(model.predict(columns(table))["unique_id"]) == {"sold"}


def test_a_series_without_a_target_is_left_out(several: Exported) -> None:
    empty = shops().filter(unique_id="new").with_columns(unique_id=pl.lit("e"), y=pl.lit(None))
    assert_alike(several, [pl.concat([shops(), empty], how="vertical_relaxed")], ahead())


def test_what_is_told_twice_is_taken_from_the_future(several: Exported) -> None:
    """Rows behind the last target fill what the future does not tell."""
    known, model = ahead(), lockgate_runtime.load(several.folder)
    first = known.group_by("unique_id", maintain_order=True).head(1)
    rest = known.group_by("unique_id", maintain_order=True).tail(3)
    table = columns(
        pl.concat([shops(), first.with_columns(weather=pl.lit("rain"))], how="diagonal")
    )
    wanted = model.predict(
        columns(shops()),
        future=columns(pl.concat([first.with_columns(weather=pl.lit("rain")), rest])),
    )
    np.testing.assert_array_equal(
        model.predict(table, future=columns(rest))["forecast"], wanted["forecast"]
    )
    apart = model.predict(table, future=columns(known))
    whole = model.predict(columns(shops()), future=columns(known))
    np.testing.assert_array_equal(apart["forecast"], whole["forecast"])


@pytest.mark.parametrize(
    ("cell", "codes"),
    [
        *(("1", 1), ("1.0", 1), (1, 1), (1.0, 1), (True, 1), ("true", 1), (" x ", 2), (1e-5, 3)),
        *(("1_0", 0), ("١", 0), (None, 0), (float("nan"), 0), (np.float32("nan"), 0)),
        ("-9999", 0),
    ],
)
def test_categories_are_spelt_as_lockgate_spells_them(
    cell: Any, codes: int, several: Exported
) -> None:
    model: Any = lockgate_runtime.load(several.folder)
    model.schema["categories"]["kind"] = ["1", "x", "0.00001"]
    model.schema["missing"] = [-9999.0]
    assert model._codes("kind", model.tables._texts_of("kind", [cell])).tolist() == [codes]


def test_a_day_that_begins_an_hour_late_is_a_day() -> None:
    """At Cairo the clock skips the midnight of 26 April 2024."""
    from lockgate_runtime.stamps import Steps

    schema = {"step": {"count": 86_400_000_000, "unit": "us", "words": "1d"}}
    schema |= {"zone": "Africa/Cairo", "by_wall_clock": True, "opening": [], "closed_days": True}
    schema |= {"every_row": False, "resample": None, "calendar": [], "holidays": None}
    steps = Steps(schema)
    days = pl.datetime_range(datetime(2024, 4, 20), datetime(2024, 4, 30), "1d", eager=True)
    stamps = days.dt.replace_time_zone("Africa/Cairo", non_existent="null").fill_null(
        pl.Series([datetime(2024, 4, 26, 1)]).dt.replace_time_zone("Africa/Cairo")[0]
    )
    read = steps.read(stamps.to_list(), "ds")
    axis = steps.axis(read, "ds")
    assert axis.places(read).tolist() == list(range(11))
    np.testing.assert_array_equal(steps.after(read[:4], 7), read[4:])


def test_a_part_of_a_country_is_named_in_any_case() -> None:
    from lockgate_runtime.stamps import _holidays

    days = np.array(["2024-01-06", "2024-01-07"], "datetime64[us]").astype(np.int64)
    assert _holidays(days, "de-by").tolist() == [1.0, 0.0]  # Epiphany, in Bavaria
    assert _holidays(days, "DE").tolist() == [0.0, 0.0]


# ---- what is refused ----


def given(**changed: Any) -> dict[str, Any]:
    return columns(hourly()) | changed


STAMPS = [START + HOUR * i for i in range(700)]
REFUSED: dict[str, tuple[Any, str]] = {
    "no mapping": ([1.0, 2.0], r"data must be a mapping of columns .* got list"),
    "no column": (
        {"ds": STAMPS, "y": [1.0] * 700},
        r"data must have the columns 'y', 'x', 'ds', got none named 'x'",
    ),
    "ragged": (given(x=[1.0]), "columns of data must be of one length, got .*'x' 1"),
    "nothing": ({"ds": [], "y": [], "x": []}, "data must hold rows, got none"),
    "texts": (given(x=["a"] * 700), "'x' must hold numbers, got"),
    "infinite": (given(x=[np.inf] * 700), "'x' must hold finite numbers, got others; leave"),
    "no target": (given(y=[None] * 700), "data must have an observed target, got none"),
    "twice": (given(ds=STAMPS[:-1] + STAMPS[:1]), "'ds' must tell the rows apart, got a stamp"),
    "off": (
        given(ds=[*STAMPS[:-1], STAMPS[-1] + timedelta(minutes=7)]),
        "'ds' must hold stamps 1h apart, got 2024-01-30T03:07:00.000000, which lies between",
    ),
    "no stamps": (given(ds=["soon"] * 700), "'ds' must hold stamps by ISO 8601, got 'soon'"),
    "a zone": (
        given(ds=[s.replace(tzinfo=UTC) for s in STAMPS]),
        "'ds' must hold stamps without a time zone, got",
    ),
    "a long hole": (
        given(x=[1.0] * 680 + [None] * 20),
        "the last 26 rows must have no hole longer than 3 steps, got one",
    ),
    "a wrong year": (
        given(ds=[datetime(1024, 1, 1), *STAMPS[1:]]),
        r"'ds' must hold stamps of one stretch of time, got 8,766,\d+ steps of 1h from",
    ),
    "another step": (
        given(ds=[START + 2 * HOUR * i for i in range(700)]),
        "'ds' must hold stamps 1h apart, got most of them 2 steps apart",
    ),
    "a number too large": (given(x=[10**400] * 700), "'x' must hold numbers, got"),
    "no list": (given(x=5.0), "'x' of data must be a list or an array, got one value"),
    "no name": (given(unique_id=[None] * 700), "'unique_id' must name the series of every row"),
    "two series": (
        given(unique_id=["a"] * 350 + ["b"] * 350),
        "data must hold one series, as the one that the model was fitted to, got 2",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_used_is_told(name: str, plain: Exported) -> None:
    data, words = REFUSED[name]
    with pytest.raises(lockgate_runtime.DataError, match=words):
        lockgate_runtime.load(plain.folder).predict(data)


def test_steps_that_nothing_is_known_of_are_told(several: Exported) -> None:
    model = lockgate_runtime.load(several.folder)
    table = columns(shops())
    with pytest.raises(lockgate_runtime.DataError, match=r"got none at .* of 'north' and 3 more"):
        model.predict(table)
    future: Mapping[str, Any] = columns(ahead().drop("promo"))
    with pytest.raises(lockgate_runtime.DataError, match="got none named 'promo'"):
        model.predict(table, future=future)
    late = ahead().with_columns(pl.col("ds") + HOUR)
    with pytest.raises(lockgate_runtime.DataError, match="got none at"):
        model.predict(table, future=columns(late))


def test_a_model_that_reads_nothing_ahead_takes_no_future(plain: Exported) -> None:
    with pytest.raises(lockgate_runtime.DataError, match="future must be left out"):
        lockgate_runtime.load(plain.folder).predict(given(), future=given())


def test_columns_may_have_the_names_that_the_model_learned_from(tmp_path: Path) -> None:
    # neither is named in the settings but for the id: the times were found
    own = shops().rename({"ds": "day", "unique_id": "shop"}).drop("weather", "kind")
    model = lockgate_runtime.load(
        train(tmp_path, own, **ONE, horizon=3, lookback=8, id="shop").folder
    )
    assert model.schema["named"] == {"ds": "day", "unique_id": "shop"}
    renamed = own.rename({"day": "ds", "shop": "unique_id"})
    found, wanted = model.predict(columns(own)), model.predict(columns(renamed))
    assert list(found) == list(wanted)
    np.testing.assert_array_equal(found["forecast"], wanted["forecast"])
