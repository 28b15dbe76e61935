"""Intervals follow the errors of held-out forecasts, series by series where there are enough."""

import re
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from held import NAMES, STDS, held_out, made, with_spreads

from lockgate import DataError
from lockgate.scoring.conformal import levels_as_quantiles, offsets
from lockgate.tasks.base import HeldOut
from lockgate.tasks.forecasting import intervals as module
from lockgate.tasks.forecasting.intervals import Intervals
from lockgate.tasks.forecasting.intervals_file import FILE, as_file, read_intervals
from lockgate.tasks.forecasting.origins import Origins
from lockgate.tasks.forecasting.scorer import WindowScorer
from lockgate.tasks.forecasting.thinning import drawn_evenly


def test_quantiles_are_the_forecast_and_the_errors_of_their_step() -> None:
    one, other = held_out(60, seed=0), held_out(51, seed=1, name="fold-1")
    origins = Origins(np.arange(3), np.zeros(3, np.int64), (), np.ones(3))
    forecast = np.array([[1.0, 2.0], [3.0, 4.0], [50.0, 60.0]])

    told = made(one, other).quantiles(forecast, origins, [0.1, 0.9])

    errors = np.concatenate([each.scorer.truth - 5.0 for each in (one, other)]).astype(np.float32)
    expected = offsets(errors, [0.1, 0.9], sides=True)
    np.testing.assert_allclose(told, forecast + expected[:, None, :])


def test_few_errors_give_intervals_as_wide_on_both_sides() -> None:
    intervals = made(held_out(2 * 39))
    origins = Origins(np.arange(1), np.zeros(1, np.int64), (), np.ones(1))

    low, high = intervals.quantiles(np.full((1, 2), 5.0), origins, levels_as_quantiles([80]))

    assert not intervals.sides
    assert made(held_out(2 * 40)).sides
    np.testing.assert_allclose(5.0 - low, high - 5.0)


def test_a_series_with_enough_errors_is_judged_by_its_own() -> None:
    # of a horizon of 2, 80 forecasts do not hang on each other in 40 places
    series = [0] * 80 + [1] * 79 + [2] * 3
    intervals = made(held_out(162, series=series))
    origins = Origins(np.arange(3), np.arange(3), NAMES, STDS)

    told = intervals.quantiles(np.zeros((3, 2)), origins, [0.9])[0]

    own = offsets(intervals.errors[:80], [0.9], sides=True)[0]
    pooled = offsets(intervals.errors, [0.9], sides=True)[0]
    np.testing.assert_allclose(told, [100.0 * own, 1.0 * pooled, 10.0 * pooled])


def test_what_counts_is_the_step_of_which_fewest_truths_are_observed() -> None:
    one = held_out(162, series=[0] * 82 + [1] * 80)
    one.scorer.truth[20:82, 1] = np.nan
    intervals = made(one)
    origins = Origins(np.arange(2), np.arange(2), NAMES, STDS[:2])

    told = intervals.quantiles(np.zeros((2, 2)), origins, levels_as_quantiles([95]))

    # 100 of the second step; the first series has 20 of its own there, and is judged by all
    assert intervals.forecasts == 100
    assert np.isfinite(told).all()
    pooled = offsets(intervals.errors, [0.975], sides=True)[0]
    np.testing.assert_allclose(told[1, 0], 100.0 * pooled)


def test_a_series_that_was_not_held_out_is_judged_by_all() -> None:
    intervals = made(held_out(162, series=[0] * 80 + [1] * 82))
    new = Origins(np.zeros(1, np.int64), np.zeros(1, np.int64), ("new",), np.array([7.0]))

    told = intervals.quantiles(np.zeros((1, 2)), new, [0.9])[0, 0]

    np.testing.assert_allclose(told, 7.0 * offsets(intervals.errors, [0.9], sides=True)[0])


@pytest.mark.parametrize(
    ("quantiles", "as_level", "message"),
    [
        (
            levels_as_quantiles([95]),
            True,
            "level must be at most 92 for this model, got 95: it needs 19 held-out errors that do "
            "not overlap, and there are 12.0 in 24 forecasts of 2 steps; run a study, or train on "
            "more rows",
        ),
        (
            [0.5, 0.99],
            False,
            "quantiles must be from 0.039 to 0.961 for this model, got 0.99: it needs 49 held-out",
        ),
    ],
)
def test_too_few_errors_are_told_with_the_number_needed(
    quantiles: list[float], message: str, *, as_level: bool
) -> None:
    with pytest.raises(DataError, match=f"^{re.escape(message)}"):
        made(held_out(24)).check(quantiles, as_level=as_level)


def test_forecasts_that_all_overlap_have_no_level() -> None:
    with pytest.raises(DataError, match=r"^level must be left out for this model, got 80: it"):
        made(held_out(1)).check(levels_as_quantiles([80]), as_level=True)


def test_the_level_that_a_message_names_can_be_had() -> None:
    for rows in (5, 24, 77, 80, 101):
        intervals = made(held_out(rows))
        with pytest.raises(DataError, match="at most") as told:
            intervals.check(levels_as_quantiles([99.9]), as_level=True)
        most = int(re.findall(r"at most (\d+)", str(told.value))[0])
        intervals.check(levels_as_quantiles([most]), as_level=True)


def test_without_an_observed_truth_there_are_none() -> None:
    one = held_out(9)
    one.scorer.truth[:] = np.nan

    assert Intervals.of([one]) is None
    assert Intervals.of([]) is None


def test_of_many_errors_those_of_the_same_steps_of_all_series_are_kept(monkeypatch) -> None:
    monkeypatch.setattr(module, "MOST_NUMBERS", 200)
    series = np.repeat([0, 1], 90)
    whole = held_out(180, series=series)
    steps = np.tile(np.arange(90), 2)
    scorer = whole.scorer._replace(origins=whole.scorer.origins._replace(steps=steps))

    thinned = made(whole._replace(scorer=scorer))

    assert thinned.every == 2
    assert np.bincount(thinned.series).tolist() == [45, 45]
    assert thinned.forecasts == 180


def sampled(whole: HeldOut, most: int) -> HeldOut:
    """Some of what was held out, drawn as the windows of a part that is judged by some of them."""
    kept = drawn_evenly(len(whole.prediction), most)
    origins = whole.scorer.origins.select(kept)
    scorer = WindowScorer(
        *(whole.scorer.truth[kept], "mae", None, origins), len(whole.prediction) / most
    )
    return HeldOut(whole.name, scorer, whole.prediction[kept])


@pytest.mark.parametrize("most", [500, 1_250])
def test_of_a_sample_as_much_can_be_told_as_of_all_that_it_was_drawn_from(most: int) -> None:
    whole = held_out(1_500, horizon=24)

    every, some = made(whole), made(sampled(whole, most))

    assert some.every == 1_500 / most
    assert some.forecasts == every.forecasts == 1_500
    assert some.independent == every.independent == 62.5
    some.check([0.02, 0.98])
    assert some.can_tell(0.02)
    assert as_read(some) == some.every
    # of later forecasts as many are kept
    assert some.takes(np.arange(3_000)).mean() == pytest.approx(most / 1_500, rel=0.1)


def test_a_series_of_a_sample_keeps_errors_of_its_own_and_needs_enough_of_them() -> None:
    series = np.repeat([0, 1, 2], [900, 900, 30])
    whole = held_out(1_830, horizon=20, series=series)

    assert [*made(sampled(whole, 610)).offsets_by_series([0.5])] == ["", "large", "small"]
    assert [*made(whole).offsets_by_series([0.5])] == ["", "large", "small"]
    # what is far apart counts as often as it is there, and no more
    few = made(sampled(held_out(1_800, horizon=2), 12))
    assert few.independent == 12
    assert [*made(sampled(whole, 18)).offsets_by_series([0.5])] == [""]


def as_read(intervals: Intervals) -> float:
    """Give `every` as a file of the intervals tells it."""
    with TemporaryDirectory() as name:
        (Path(name) / FILE).write_bytes(as_file(intervals))
        found = read_intervals(Path(name), intervals.horizon)
    assert found is not None
    return found.every


def test_errors_are_those_in_spreads_and_widths_follow_the_spread_at_hand() -> None:
    parts = with_spreads(90), with_spreads(70, seed=1)
    intervals = made(*parts)
    forecast, spreads = np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([[0.5, 8.0], [2.0, 1.0]])
    origins = Origins(np.arange(2), np.zeros(2, np.int64), (), np.ones(2))

    told = intervals.quantiles(forecast, origins, [0.1, 0.9], spreads)

    every = np.concatenate([one.spreads for one in parts])
    least = 0.05 * np.median(every)
    off = np.concatenate([one.scorer.truth - one.prediction for one in parts])
    expected = offsets(off / np.maximum(every, least), [0.1, 0.9], sides=True)
    assert intervals.least == pytest.approx(least)
    for window in range(2):
        for step in range(2):
            width = expected[:, step] * spreads[window, step]
            np.testing.assert_allclose(
                told[:, window, step], forecast[window, step] + width, rtol=1e-5
            )
    # a source tells of errors in the target's unit
    assert intervals.sources[0].size == pytest.approx(
        np.median(np.abs(parts[0].scorer.truth - parts[0].prediction))
    )


def test_no_spread_is_taken_for_less_than_a_share_of_the_median() -> None:
    intervals = made(with_spreads(162, series=[0] * 80 + [1] * 82))
    origins = Origins(np.arange(2), np.arange(2), NAMES, STDS[:2])
    spreads = np.array([[0.0, 300.0], [1e-9, 3.0]])

    scale = intervals.scale(origins, spreads)

    assert intervals.least is not None
    np.testing.assert_allclose(scale, [[100.0 * intervals.least, 300.0], [intervals.least, 3.0]])
    with pytest.raises(ValueError, match="spreads must be given where errors are in spreads"):
        intervals.scale(origins, None)
