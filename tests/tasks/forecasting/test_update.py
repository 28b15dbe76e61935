"""An update is what adding errors by hand, a horizon of rows after another, gives."""

import dataclasses
import json
from typing import Any

import numpy as np
import polars as pl
import pytest
from held import held_out, made

import lockgate
from lockgate import DataError
from lockgate.scoring.conformal import offsets
from lockgate.tasks.forecasting.fitted import FittedForecaster
from lockgate.tasks.forecasting.intervals import Intervals
from lockgate.tasks.forecasting.update import LEVELS, UpdateResult, update

HORIZON, LOOKBACK, LEARNED, ROWS = 3, 7, 300, 700
SMALL: dict[str, Any] = {"target": "y", "horizon": HORIZON, "lookback": LOOKBACK}
SMALL |= {"hidden_size": 4, "max_epochs": 2, "members": 2, "mix": True, "learning_rate": 1e-3}


def table(rows: int = ROWS, *, change: int = 380) -> pl.DataFrame:
    """Noise around a week, three times as large from `change` on, with a few holes."""
    rng = np.random.default_rng(5)
    t = np.arange(ROWS)
    y = 5 * np.sin(2 * np.pi * t / 7) + rng.normal(size=ROWS) * np.where(t < change, 1.0, 3.0)
    y[[200, 400, 401, 555]] = np.nan
    day = np.datetime64("2020-01-01", "us") + t * np.timedelta64(1, "D")
    return pl.DataFrame({"ds": day, "y": y})[:rows]


def shops() -> pl.DataFrame:
    """Three series of unequal size, of which the last ends 20 days before the others."""
    one = table()
    parts = [
        one.select(pl.lit(name).alias("shop"), "ds", pl.col("y") * size).head(rows)
        for name, size, rows in (("a", 1.0, ROWS), ("b", 30.0, ROWS), ("c", 5.0, ROWS - 20))
    ]
    return pl.concat(parts)


@pytest.fixture(scope="module")
def fitted(tmp_path_factory: pytest.TempPathFactory) -> FittedForecaster:
    out = tmp_path_factory.mktemp("update") / "model"
    model, _ = lockgate.train(table(LEARNED), out=out, **SMALL)
    assert isinstance(model, FittedForecaster)
    return dataclasses.replace(model, intervals=made(held_out(150, horizon=HORIZON)))


@pytest.fixture(scope="module")
def of_shops(tmp_path_factory: pytest.TempPathFactory) -> FittedForecaster:
    out = tmp_path_factory.mktemp("update") / "shops"
    learned = shops().filter(pl.col("ds") < table()["ds"][LEARNED])
    model, _ = lockgate.train(learned, id="shop", out=out, **SMALL)
    assert isinstance(model, FittedForecaster)
    return model


def updated(model: FittedForecaster, frame: pl.DataFrame, *args: Any) -> UpdateResult:
    return update(model, model.read(frame, {}), *args)


def intervals_of(model: FittedForecaster) -> Intervals:
    assert model.intervals is not None
    return model.intervals


def errors_by_hand(model: FittedForecaster, frame: pl.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Cut the table after each origin and predict: errors, (N, H), and the rows of the origins."""
    until = np.datetime64(model.preprocessing.seen_until)
    first = int((frame["ds"].to_numpy() <= until).sum())
    errors, rows = [], []
    y = frame["y"].to_numpy()
    for row in range(first - 1, len(frame) - HORIZON):
        truth = y[row + 1 : row + 1 + HORIZON]
        if np.isnan(y[row]) or np.isnan(truth).all():  # `predict` goes on after the last observed
            continue
        told = model.predict(frame[: row + 1])["forecast"].to_numpy()
        errors.append(truth - told)
        rows.append(row)
    return np.array(errors), np.array(rows)


def test_errors_are_those_of_predicting_by_hand_from_every_later_row(
    fitted: FittedForecaster,
) -> None:
    held = intervals_of(fitted)

    result = updated(fitted, table(500), 10_000)

    found = intervals_of(result.fitted)
    errors, rows = errors_by_hand(fitted, table(500))
    np.testing.assert_array_equal(found.errors[: len(held.errors)], held.errors)
    assert found.stream is not None
    later, steps = found.errors[len(held.errors) :], found.stream.steps
    assert result.forecasts == len(later) == found.later
    # from holes in the last row no forecast was made by hand
    same = np.isin(steps + rows[-1], rows)
    np.testing.assert_allclose(later[same], errors, rtol=1e-4, atol=1e-4)
    assert found.stream.last == str(table()["ds"][int(rows[-1])])
    assert (result.start, result.end) == (
        str(table()["ds"][int(rows[0] + 1)]),
        str(table()["ds"][499]),
    )


@pytest.mark.parametrize("adapt", [0.0, 0.02])
def test_what_is_told_is_what_an_update_after_every_horizon_would_have_told(
    fitted: FittedForecaster, adapt: float
) -> None:
    whole, latest = table(400), 120
    result = updated(fitted, whole, latest, adapt)

    inside: dict[float, list[np.ndarray]] = {level: [] for level in LEVELS}
    widths: dict[float, list[np.ndarray]] = {level: [] for level in LEVELS}
    _, rows = errors_by_hand(fitted, whole)
    first = int(rows[0])
    y = whole["y"].to_numpy()
    kept_up = fitted
    for start in range(first, ROWS, HORIZON):
        # the table as it was at the first origin of the block
        if start - first >= HORIZON:
            kept_up = updated(kept_up, whole[: start + 1], latest, adapt).fitted
        for row in range(start, min(start + HORIZON, len(whole) - HORIZON)):
            if np.isnan(y[row + 1 : row + 1 + HORIZON]).all() or row not in rows:
                continue
            told = kept_up.predict(whole[: row + 1], level=LEVELS)
            for level in LEVELS:
                low, high = (told[f"forecast-{end}-{level:g}"].to_numpy() for end in ("lo", "hi"))
                truth = y[row + 1 : row + 1 + HORIZON]
                known = np.isfinite(truth)
                inside[level].append(((truth >= low) & (truth <= high))[known])
                widths[level].append((high - low)[known])
        if start + HORIZON >= len(whole) - HORIZON:
            break

    assert [one.level for one in result.levels] == [*LEVELS]
    holes = result.forecasts - len(rows)  # no forecast was made by hand there
    # where a new truth lies is found for a horizon of them at once, which begins elsewhere by hand
    off = (holes + (1 if adapt else 0)) / result.forecasts
    for one in result.levels:
        share = np.concatenate(inside[one.level]).mean()
        assert one.kept_up.share == pytest.approx(share, abs=off)
        width = np.concatenate(widths[one.level]).mean()
        assert one.kept_up.width == pytest.approx(width, rel=0.05 if adapt else 0.02)


def test_two_updates_count_each_forecast_once(fitted: FittedForecaster) -> None:
    once = updated(fitted, table(), 200, 0.01).fitted
    first = updated(fitted, table(520), 200, 0.01).fitted

    twice = updated(first, table()).fitted  # the settings stay

    one, other = intervals_of(once), intervals_of(twice)
    np.testing.assert_allclose(one.errors, other.errors, rtol=1e-5, atol=1e-5)
    assert one.stream is not None
    assert other.stream is not None
    np.testing.assert_array_equal(one.stream.steps, other.stream.steps)
    assert (one.stream.until, 200, 0.01) == other.stream[:3]
    with pytest.raises(DataError, match=r"made at 2021-11-27 00:00:00 have been taken in"):
        updated(twice, table())


def test_a_later_table_alone_goes_on(fitted: FittedForecaster) -> None:
    first = updated(fitted, table(520), 200).fitted
    # its past is enough for the forecasts that are new
    whole, alone = updated(first, table()), updated(first, table()[500:])

    assert whole.forecasts == alone.forecasts
    np.testing.assert_allclose(
        intervals_of(whole.fitted).errors, intervals_of(alone.fitted).errors, rtol=1e-4, atol=1e-4
    )


def test_the_newest_errors_are_kept(fitted: FittedForecaster) -> None:
    whole = intervals_of(updated(fitted, table(), 10_000).fitted)
    held = len(intervals_of(fitted).errors)
    for latest in (12, 150, whole.later + 5):
        found = intervals_of(updated(fitted, table(), latest).fitted)
        np.testing.assert_array_equal(found.errors, whole.errors[-latest:])
        assert found.later == min(latest, whole.later)
    default = intervals_of(updated(fitted, table()).fitted)
    assert default.kept == max(held, 40 * HORIZON)


def test_more_may_be_kept_again_than_were(fitted: FittedForecaster) -> None:
    few = updated(fitted, table(500), 30).fitted

    more = intervals_of(updated(few, table(), 200).fitted)

    once = intervals_of(updated(fitted, table(), 10_000).fitted)
    later = ROWS - 500  # forecasts since, beside the 30
    assert more.kept == more.later == min(200, 30 + later)
    np.testing.assert_allclose(more.errors, once.errors[-more.kept :], rtol=1e-4, atol=1e-4)
    assert more.stream is not None
    assert len(more.stream.steps) == once.later  # where all of them lay is known still


def test_quantiles_are_those_of_the_errors_kept(fitted: FittedForecaster) -> None:
    found = updated(fitted, table(), 150).fitted

    told = found.predict(table(), level=[80])

    low, high = offsets(intervals_of(found).errors, [0.1, 0.9], sides=True)
    forecast = found.predict(table())["forecast"].to_numpy()
    np.testing.assert_allclose(told["forecast-lo-80"], forecast + low, rtol=1e-6)
    np.testing.assert_allclose(told["forecast-hi-80"], forecast + high, rtol=1e-6)


def test_series_are_counted_each_up_to_its_own_end(of_shops: FittedForecaster) -> None:
    whole, ends = shops(), table()["ds"]
    first = updated(of_shops, whole.filter(pl.col("ds") <= ends[600]), 5_000).fitted
    late = updated(first, whole, 5_000).fitted
    once = intervals_of(updated(of_shops, whole, 5_000).fitted)

    found = intervals_of(late)

    assert found.names == ("a", "b", "c")
    assert found.stream is not None
    last = dict(zip(found.names, found.stream.until, strict=True))
    assert last == {
        "a": str(ends[ROWS - 1 - HORIZON]),
        "b": str(ends[ROWS - 1 - HORIZON]),
        "c": str(ends[ROWS - 21 - HORIZON]),
    }
    assert once.stream is not None
    np.testing.assert_array_equal(found.stream.steps, once.stream.steps)
    np.testing.assert_allclose(found.errors, once.errors, rtol=1e-4, atol=1e-4)
    np.testing.assert_array_equal(found.series, once.series)
    # in standard deviations of each: the sizes are alike
    sizes = [np.nanstd(found.errors[-900:][found.series[-900:] == one]) for one in range(3)]
    assert max(sizes) < 1.2 * min(sizes)


def test_rows_of_a_series_that_come_late_are_counted(of_shops: FittedForecaster) -> None:
    whole, ends = shops(), table()["ds"]
    without = whole.filter((pl.col("shop") != "b") | (pl.col("ds") <= ends[500]))
    first = updated(of_shops, without, 5_000, 0.01).fitted

    late = updated(first, whole)

    found, once = intervals_of(late.fitted), intervals_of(updated(of_shops, whole, 5_000).fitted)
    assert late.forecasts == ROWS - 1 - 500
    assert found.stream is not None
    assert once.stream is not None
    np.testing.assert_array_equal(found.stream.steps, once.stream.steps)
    np.testing.assert_allclose(np.sort(found.errors, 0), np.sort(once.errors, 0), atol=1e-3)


def test_no_quantile_is_below_the_bound(fitted: FittedForecaster) -> None:
    own = fitted.config.data.model_copy(update={"at_least": 0.0})
    bounded = dataclasses.replace(fitted, config=fitted.config.model_copy(update={"data": own}))
    data = fitted.read(table(), {})
    free, result = update(fitted, data), update(bounded, data)
    for one, other in zip(free.levels, result.levels, strict=True):
        assert other.before.width < 0.8 * one.before.width


def test_what_it_says(fitted: FittedForecaster) -> None:
    result = updated(fitted, table(), 150)

    [section] = result.sections()
    assert section.lines == (
        f"{result.forecasts} new forecasts of {result.start} to {result.end}",
        *(f"note: {one}" for one in result.notices),
        "Intervals come from the errors of 150 forecasts now, 150 of them made after training.",
    )
    assert [row["interval"] for row in section.rows] == [
        "80 %, as it was",
        "80 %, kept up to date",
        "95 %, as it was",
        "95 %, kept up to date",
    ]
    told = json.loads(json.dumps(result.to_dict(), allow_nan=False))
    assert told["levels"][0]["kept_up"]["share"] == result.levels[0].kept_up.share
    assert "fitted" not in told
    later = table(600)[450:]
    taken = updated(fitted, table(500)).fitted
    assert "On these rows the 80 %" in taken.evaluate(table()[510:]).sections()[1].lines[1]
    assert "some of which updates" in taken.evaluate(later).sections()[1].lines[1]
    words = result.fitted.evaluate(table()).sections()[1].lines[1]
    assert "149 forecasts of rows held out, 149 of them from updates, of which about 50" in words
    assert "On these rows, some of which updates have taken in, the 80 %" in words


def test_a_level_for_which_too_few_are_kept_is_named(fitted: FittedForecaster) -> None:
    result = updated(fitted, table(), 56)

    assert [one.level for one in result.levels] == [80.0]
    assert result.sections()[0].lines[-1] == (
        "They are too few for an interval of 95 %, which needs 57: pass latest=57 (--latest 57) or "
        "more."
    )
    with pytest.raises(DataError, match="level must be at most 94 for this model, got 95"):
        result.fitted.predict(table(), level=[95])
    result.fitted.predict(table(), level=[80])
    assert updated(fitted, table(), 57).lost == ()


@pytest.mark.parametrize(
    ("latest", "message"),
    [
        (
            11,
            r"latest must be from 12 to 1,333,333 for this model, got 11: of fewer forecasts of 3",
        ),
        (10**7, r"latest must be from 12 to 1,333,333 for this model, got 10,000,000$"),
    ],
)
def test_numbers_that_cannot_be_kept_are_refused(
    fitted: FittedForecaster, latest: int, message: str
) -> None:
    with pytest.raises(DataError, match=message):
        updated(fitted, table(), latest)


def test_what_cannot_be_updated_is_refused(fitted: FittedForecaster) -> None:
    with pytest.raises(DataError, match=r"^update must be left out of this model: no forecasts"):
        updated(dataclasses.replace(fitted, intervals=None), table())
    with pytest.raises(
        DataError,
        match=r"^the table must hold 3 steps, one of them with a truth, whose forecast is new, and "
        r"the past that it reads, got none: the model has learned from all up to 2020-09-1",
    ):
        updated(fitted, table(240))


def noise(kind: str) -> pl.DataFrame:
    """1,100 days of noise, which changes after 700 or not at all."""
    rng = np.random.default_rng(11)
    white = rng.normal(size=1_100)
    if kind == "AR(1)":
        for place in range(1, len(white)):
            white[place] += 0.9 * white[place - 1]
    if kind == "doubles":
        white[700:] *= 2.0
    day = np.datetime64("2021-01-01", "us") + np.arange(1_100) * np.timedelta64(1, "D")
    return pl.DataFrame({"ds": day, "y": 20.0 * white})


@pytest.mark.parametrize(
    ("kind", "adapt", "before", "kept_up"),
    [
        ("independent", 0.0, (0.74, 0.86), (0.75, 0.85)),
        ("AR(1)", 0.0, (0.70, 0.90), (0.74, 0.86)),
        # of a normal distribution .478 lie inside of what is meant for half of its deviation
        ("doubles", 0.0, (0.42, 0.57), (0.72, 0.82)),
        ("doubles", 0.01, (0.42, 0.57), (0.76, 0.82)),
    ],
)
def test_simulated_intervals_cover_what_they_say_once_they_follow(
    fitted: FittedForecaster,
    kind: str,
    adapt: float,
    before: tuple[float, float],
    kept_up: tuple[float, float],
) -> None:
    calibrated = updated(fitted, noise(kind)[:700], 100, adapt).fitted

    [level, *_] = updated(calibrated, noise(kind)).levels

    assert before[0] < level.before.share < before[1]
    assert kept_up[0] < level.kept_up.share < kept_up[1]
