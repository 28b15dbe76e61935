"""A backtest gives what would have been forecast then: nothing later is seen, and all is kept."""

import numpy as np
import pandas as pd
import polars as pl
import pytest

import lockgate
from lockgate import DataError
from lockgate.tasks.forecasting import as_of, choose
from lockgate.tasks.forecasting import backtest as module

HORIZON = 3
BASELINES = ["naive", "seasonal_naive", "drift", "window_mean", "ridge"]


@pytest.fixture
def backtest(table, small):
    """Run a backtest of the table, with settings that are fitted in a blink."""

    def run(source=table, model=None, **told):
        told = {"n_windows": 3, **told}
        return lockgate.backtest(model, source, **({} if model else small), **told)

    return run


@pytest.fixture
def long(table):
    """Three series: the whole, one that ends after 380 days, one that begins after 200."""
    days = table.select("day", "sold", "price")
    parts = [days, days.head(380), days.tail(200).with_columns(pl.col("sold") * 10)]
    named = [part.with_columns(shop=pl.lit(n)) for part, n in zip(parts, "abc", strict=True)]
    return pl.concat(named)


def forecasts_by_cutoff(result):
    columns = [c for c in result.forecasts.columns if c != "y"]
    return {key: part.select(columns) for (key,), part in result.forecasts.group_by("cutoff")}


def test_a_model_forecasts_what_it_predicts_from_the_table_cut_at_each_cutoff(
    backtest, trained, table
):
    fitted, folder = trained

    for model in (fitted, folder, str(folder)):
        result = backtest(model=model, n_windows=5, step=4)

        assert result.forecasts.height == 5 * HORIZON
        assert result.fits == 0
        for cutoff, part in forecasts_by_cutoff(result).items():
            later = fitted.predict(table.filter(pl.col("day") <= cutoff))
            assert part["ds"].to_list() == later["ds"].to_list()
            assert part["lockgate"].to_list() == later["forecast"].to_list()
    assert result.forecasts["cutoff"].max() == table["day"][-1 - HORIZON]
    sold = table.select(ds="day", sold="sold")
    truth = result.forecasts.join(sold, on="ds", how="left", maintain_order="left")
    assert truth["y"].to_list() == truth["sold"].to_list()


@pytest.mark.parametrize("members", [1, 2])
def test_a_fit_before_a_cutoff_is_what_train_would_have_delivered(
    backtest, table, small, tmp_path, members
):
    told = {**small, "members": members, "mix": members > 1}
    config = {name: value for name, value in told.items() if name not in ("target", "horizon")}

    result = lockgate.backtest(
        config, table, target="sold", horizon=3, n_windows=3, refit_every=1, gap=2
    )

    assert result.fits == 3
    for cutoff, part in forecasts_by_cutoff(result).items():
        known = table.filter(pl.col("day") <= cutoff).height - 2
        held = round(known * 0.15 / 0.85)
        split = f"{table['day'][known - held]},{table['day'][known]}"
        out = tmp_path / str(known)
        fitted, _ = lockgate.train(table, out=out, **told, split=split)
        later = fitted.predict(table.head(known + 2))
        assert part["lockgate"].to_list() == later["forecast"].to_list()


@pytest.mark.parametrize("window", ["expanding", "rolling"])
def test_rows_after_a_cutoff_change_no_forecast_from_it(table, window, monkeypatch):
    told = {"n_windows": 4, "refit_every": 2, "window": window, "members": 2, "mix": True}
    told |= {"linear_path": "on", "normalise": "auto"}
    monkeypatch.setattr(choose, "TRIAL_STEPS", 3)
    small = {"target": "sold", "horizon": 3, "lookback": 7, "hidden_size": 4, "max_epochs": 1}
    before = lockgate.backtest(small, table, **told)
    rng = np.random.default_rng(0)

    for number, cutoff in enumerate(before.forecasts["cutoff"].unique().sort()):
        later = pl.col("day") > cutoff
        canary = table.with_columns(
            sold=pl.when(later).then(pl.Series(rng.normal(1e4, 1e3, 400))).otherwise("sold"),
            price=pl.when(later).then(99.0).otherwise("price"),
        )
        after = lockgate.backtest(small, canary, **told)

        mine, theirs = forecasts_by_cutoff(before), forecasts_by_cutoff(after)
        known = sorted(mine)[: number + 1]
        assert all(mine[one].equals(theirs[one]) for one in known)
        beyond = sorted(mine)[number + 1 :]
        assert not any(mine[one].equals(theirs[one]) for one in beyond)


def test_rows_after_a_cutoff_change_no_forecast_of_any_series(backtest, long, table):
    late = table.select("day", "sold", "price").tail(75).with_columns(shop=pl.lit("d"))
    long, told = pl.concat([long, late]), {"id": "shop", "n_windows": 4, "metric": "mase"}
    before = backtest(long, **told)
    cutoff = before.forecasts["cutoff"].unique().sort()[1]

    later = pl.col("day") > cutoff
    after = backtest(long.with_columns(sold=pl.when(later).then(7e3).otherwise("sold")), **told)

    mine, theirs = forecasts_by_cutoff(before), forecasts_by_cutoff(after)
    assert {*before.forecasts["unique_id"]} == {"a", "c", "d"}
    assert [mine[one].equals(theirs[one]) for one in sorted(mine)] == [True, True, False, False]


def test_the_canary_sees_a_fit_that_reads_one_row_too_many(backtest, table, monkeypatch):
    def too_late(data, steps, config):
        return as_of.learned_from(data, range(steps.start, steps.stop + 1), config)

    monkeypatch.setattr(module, "learned_from", too_late)
    cutoff = table["day"][-1 - HORIZON]
    canary = table.with_columns(sold=pl.when(pl.col("day") > cutoff).then(1e4).otherwise("sold"))

    mine, theirs = (forecasts_by_cutoff(backtest(one, refit_every=1)) for one in (table, canary))

    assert not mine[cutoff].equals(theirs[cutoff])


def test_each_fit_learns_for_itself_and_stays_until_the_next(backtest, tmp_path, table):
    backtest(n_windows=5, refit_every=2, gap=1, run=tmp_path / "run")

    fits = [lockgate.load(tmp_path / "run" / "fits" / f"{number:03}") for number in range(3)]
    seen = [one.preprocessing.seen_until for one in fits]
    days = [table["day"][-1 - HORIZON - back * HORIZON - 1] for back in (4, 2, 0)]
    assert seen == [str(day) for day in days]
    assert len({one.preprocessing.means[0] for one in fits}) == 3
    assert len({one.ridge.coefficients.tobytes() for one in fits}) == 3
    assert not (tmp_path / "run" / "fits" / "003").exists()


def test_a_folder_is_fitted_anew_with_its_settings(backtest, trained, table):
    _, folder = trained

    anew = backtest(model=folder, n_windows=9, refit_every=5)
    same = backtest(model=folder / "config.json", n_windows=9, refit_every=5)
    once = backtest(model=folder / "config.yaml", n_windows=9)

    assert (anew.fits, same.fits, once.fits) == (2, 2, 1)
    assert anew.forecasts.equals(same.forecasts)
    assert once.forecasts.head(15).equals(anew.forecasts.head(15))
    assert not once.forecasts.equals(anew.forecasts)
    with pytest.raises(DataError, match=r"fit anew for each, refit_every=1 \(--refit-every 1\)"):
        backtest(model=folder, n_windows=40)


def test_utilsforecast_takes_the_frame_as_it_is(backtest, table):
    from utilsforecast.evaluation import evaluate
    from utilsforecast.losses import mae, rmse

    result = backtest()

    names = [one.name for one in result.scores]
    assert names == ["lockgate", *BASELINES]
    assert result.forecasts.columns == ["unique_id", "ds", "cutoff", "y", *names]
    for frame in (result.forecasts, backtest(table.to_pandas()).forecasts):
        judged = evaluate(frame, metrics=[mae, rmse])
        scored = pl.from_pandas(judged) if isinstance(judged, pd.DataFrame) else judged
        for one in result.scores:
            by_cutoff = scored.filter(pl.col("metric") == "mae").sort("cutoff")[one.name]
            np.testing.assert_allclose(list(one.by_cutoff.values()), by_cutoff, rtol=1e-9)
            assert one.scores["mae"] == pytest.approx(by_cutoff.mean(), rel=1e-9)


def test_what_was_killed_goes_on_to_the_same_forecasts(backtest, tmp_path, monkeypatch):
    told = {"n_windows": 5, "refit_every": 2, "members": 2, "mix": True}
    small = {"target": "sold", "horizon": 3, "lookback": 7, "hidden_size": 4, "max_epochs": 1}
    table = read_table()
    whole = lockgate.backtest(small, table, **told)
    forecast, done = module._forecast_from, []

    for most in (1, 2, 1):
        # killed after so many cutoffs more

        def killed(*words, most=most):
            if len(done) == most:
                raise RuntimeError("killed")
            done.append(words)
            return forecast(*words)

        done.clear()
        monkeypatch.setattr(module, "_forecast_from", killed)
        with pytest.raises(RuntimeError, match="killed"):
            lockgate.backtest(small, table, run=tmp_path / "run", resume=True, **told)
    monkeypatch.setattr(module, "_forecast_from", forecast)
    ended = lockgate.backtest(small, table, run=tmp_path / "run", resume=True, **told)
    monkeypatch.setattr(module, "_forecast_from", lambda *_: 1 / 0)
    again = lockgate.backtest(small, table, run=tmp_path / "run", resume=True, **told)

    assert ended.forecasts.equals(whole.forecasts)
    assert ended.to_dict() == again.to_dict() == whole.to_dict()
    with pytest.raises(DataError, match=r"backtest\.gap is 0 there and 1 here"):
        lockgate.backtest(small, table, run=tmp_path / "run", resume=True, gap=1, **told)
    assert not list((tmp_path / "run").rglob("*.training"))


def read_table():
    """Return a table of the form of the tests' own."""
    t = np.arange(300)
    sold = 50 + 9 * np.sin(2 * np.pi * t / 7) + np.random.default_rng(3).normal(0, 2, 300)
    return pl.DataFrame(
        {
            "day": pl.datetime_range(
                pl.datetime(2021, 1, 1), pl.datetime(2021, 10, 27), "1d", eager=True
            ),
            "sold": sold,
        }
    )


def test_a_resumed_run_of_another_model_is_refused(backtest, trained, other_table, small, tmp_path):
    other, _ = lockgate.train(other_table, out=tmp_path / "other", **small)
    backtest(model=trained[0], run=tmp_path / "run")

    with pytest.raises(DataError, match="holds another: model is "):
        backtest(model=other, run=tmp_path / "run", resume=True)


def test_several_series_are_forecast_as_one_by_one(backtest, long):
    result = backtest(long, id="shop", refit_every=0, n_windows=4, step=5)

    at = result.forecasts.group_by("cutoff", maintain_order=True).agg(pl.col("unique_id").unique())
    assert [sorted(names) for names in at["unique_id"]] == [["a", "c"]] * 4
    assert result.windows == 8
    assert any("some of the 3 series are not forecast" in one for one in result.notices)
    for (name,), part in result.forecasts.group_by("unique_id"):
        own = long.filter(pl.col("shop") == name).select(ds="day", sold="sold")
        assert part.join(own, on="ds")["sold"].to_list() == part["y"].to_list()


def test_scores_of_several_series_stand_beside_their_own_naive(backtest, long):
    result = backtest(long, id="shop", n_windows=4, step=5)

    errors = result.forecasts.group_by("unique_id").agg(
        (pl.col(name) - pl.col("y")).abs().mean() for name in ("lockgate", "seasonal_naive")
    )
    better = (errors["lockgate"] < errors["seasonal_naive"]).sum()
    told = result.by_series
    assert (told.better, told.series, told.naive) == (better, 2, "seasonal_naive")
    by_name = {row["unique_id"]: row for row in errors.to_dicts()}
    ratios = sorted(by_name, key=lambda n: by_name[n]["lockgate"] / by_name[n]["seasonal_naive"])
    assert [one.unique_id for one in told.shown] == [ratios[0], ratios[1], ratios[1]]
    for one in told.shown:
        assert one.model == pytest.approx(by_name[one.unique_id]["lockgate"])
        assert one.naive == pytest.approx(by_name[one.unique_id]["seasonal_naive"])
    assert f"{told.better} of 2 series" in result.sections()[-1].lines[-1]


def test_mase_divides_by_the_naive_error_of_the_rows_learned_from(backtest, table):
    result = backtest(n_windows=2, refit_every=1)

    y, errors = table["sold"].to_numpy(), []
    for (cutoff,), part in result.forecasts.group_by("cutoff"):
        known = table.filter(pl.col("day") <= cutoff).height
        train = y[: known - round(known * 0.15 / 0.85)]
        scale = np.abs(train[7:] - train[:-7]).mean()
        errors.append((part["lockgate"] - part["y"]).abs().to_numpy() / scale)
    assert result.scores[0].scores["mase"] == pytest.approx(np.mean(errors), rel=1e-6)


def test_intervals_are_those_of_predicting_from_the_table_cut_there(small, table, tmp_path):
    from utilsforecast.evaluation import evaluate
    from utilsforecast.losses import coverage, mae

    told = {**small, "members": 2, "mix": True}
    fitted, folder = lockgate.train(table, out=tmp_path / "model", **told)

    result = lockgate.backtest(folder, table, n_windows=5, level=[50, 60])

    bounds = [f"-{side}-{level}" for level in (50, 60) for side in ("lo", "hi")]
    for cutoff, part in forecasts_by_cutoff(result).items():
        later = fitted.predict(table.filter(pl.col("day") <= cutoff), level=[50, 60])
        for bound in bounds:
            mine, theirs = part[f"lockgate{bound}"], later[f"forecast{bound}"]
            np.testing.assert_allclose(mine, theirs, rtol=1e-12)
    assert [one.name for one in result.scores] == ["lockgate", *BASELINES]
    assert [c for c in evaluate(result.forecasts, [mae]).columns if "-lo-" in c] == []
    judged = evaluate(result.forecasts, [mae, coverage], models=["lockgate"], level=[60])
    inside = judged.filter(pl.col("metric") == "coverage_level60")["lockgate"].mean()
    assert result.coverage["60"] == pytest.approx(inside)


@pytest.mark.parametrize("level", [0, 100, -3])
def test_a_level_that_is_no_share_is_refused(backtest, level):
    with pytest.raises(DataError, match="level must be numbers above 0 and below 100"):
        backtest(level=level)


def test_one_network_has_no_intervals(backtest):
    with pytest.raises(DataError, match="level must be left out of this model"):
        backtest(level=80)


def test_numbers_of_rows_stand_for_stamps(backtest, table):
    result = backtest(table.drop("day"), row_order=True)

    assert result.forecasts["ds"].dtype == pl.Int64
    assert result.forecasts["ds"].to_list() == list(range(392, 401))
    assert result.forecasts["cutoff"].unique().sort().to_list() == [391, 394, 397]
    assert result.cutoffs == ("391", "394", "397")


def test_an_observed_calendar_steps_along_its_rows(backtest, table):
    rng = np.random.default_rng(0)
    kept = np.sort(rng.choice(400, 300, replace=False))

    result = backtest(table[kept], calendar="observed")

    days = table["day"].to_numpy()[kept]
    assert result.forecasts["ds"].to_numpy().tolist() == days[-9:].tolist()
    cutoffs = result.forecasts["cutoff"].unique().sort().to_numpy()
    assert cutoffs.tolist() == days[[-10, -7, -4]].tolist()


def test_a_zone_stays(backtest, table):
    zoned = table.with_columns(pl.col("day").dt.replace_time_zone("Europe/Berlin"))

    frame = backtest(zoned).forecasts

    assert {frame["ds"].dtype, frame["cutoff"].dtype} == {pl.Datetime("us", "Europe/Berlin")}


def test_a_missing_target_is_forecast_and_not_scored(backtest, table):
    holed = table.with_columns(
        sold=pl.when(pl.int_range(pl.len()) == 397).then(None).otherwise("sold")
    )

    result = backtest(holed)

    assert result.forecasts["y"].null_count() == 1
    assert result.forecasts["lockgate"].null_count() == 0
    errors = (result.forecasts["lockgate"] - result.forecasts["y"]).abs()
    assert result.scores[0].scores["mae"] == pytest.approx(errors.mean(), rel=1e-9)


def test_a_cutoff_in_a_long_hole_is_told_and_left_out(backtest, table):
    hole = pl.int_range(pl.len()).is_between(389, 394)
    holed = table.with_columns(sold=pl.when(hole).then(None).otherwise("sold"))

    result = backtest(holed, n_windows=5)

    assert len(result.cutoffs) == 5
    assert result.forecasts["cutoff"].n_unique() == 3
    assert any(one.startswith("nothing is forecast from 2021-01-") for one in result.notices)
    section = result.sections()[1].rows
    assert [row["lockgate"] is None for row in section] == [False, False, True, True, True]


def test_where_nothing_can_be_forecast_it_is_said(backtest, trained, table):
    hole = pl.int_range(pl.len()).is_between(380, 398)
    holed = table.with_columns(sold=pl.when(hole).then(None).otherwise("sold"))

    with pytest.raises(DataError, match="must hold a series with a whole lookback before a cutoff"):
        backtest(holed, model=trained[0], n_windows=3)


def test_what_cannot_be_learned_names_the_cutoff(backtest, table):
    constant = table.with_columns(
        sold=pl.when(pl.int_range(pl.len()) < 330).then(7.0).otherwise("sold")
    )

    with pytest.raises(DataError, match=r"^cutoff 2021-01-25 00:00:00: target must vary in the tr"):
        backtest(constant)


def test_statistical_models_stand_beside_the_others(backtest, table):
    models = pytest.importorskip("statsforecast.models", reason="the extra [baselines]")

    result = backtest(baselines="theta,mstl", window="rolling", refit_every=2)

    assert result.forecasts.columns[-2:] == ["theta", "mstl"]
    rows, known = 391 - 0, table["sold"].to_numpy()
    for number, cutoff in enumerate((391, 394, 397)):
        history = known[cutoff - rows : cutoff]
        part = result.forecasts[number * HORIZON : (number + 1) * HORIZON]
        theta = models.AutoTheta(season_length=7).forecast(y=history, h=HORIZON)["mean"]
        np.testing.assert_allclose(part["theta"], theta, rtol=1e-9)
        # ours of the same name, by an independent judge
        naive = models.SeasonalNaive(season_length=7).forecast(y=history, h=HORIZON)["mean"]
        np.testing.assert_allclose(part["seasonal_naive"], naive, rtol=1e-5)


def test_mstl_of_a_series_without_a_season_is_told(backtest, table):
    pytest.importorskip("statsforecast", reason="the extra [baselines]")
    noise = table.with_columns(sold=pl.Series(np.random.default_rng(0).normal(9, 1, 400)))

    result = backtest(noise, baselines="mstl")

    assert "mstl" not in result.forecasts.columns
    assert "mstl is left out: the series shows no season to take apart" in result.notices


def test_the_plan_tells_what_it_costs_before_the_first_fit(table, small):
    told = []

    def stop(plan):
        told.append(plan.words)
        raise RuntimeError("enough")

    settings = {**small, "members": 3, "mix": True}
    with pytest.raises(RuntimeError, match="enough"):
        lockgate.backtest(settings, table, n_windows=5, refit_every=2, on_plan=stop)

    assert told == [
        {
            "table": "frame: 400 steps of 1d",
            "cutoffs": "5, 3 steps apart, from 2021-01-19 00:00:00 to 2021-01-31 00:00:00",
            "fits": "3, of 18 networks in all; each learns from 385 to 397 steps",
            "baselines": "naive, ridge",
        }
    ]


def test_another_model_is_no_forecaster(studied, table, tmp_path):
    folder = studied("texts").folder

    with pytest.raises(DataError, match=r"model must be a forecaster of a table, whose rows have "):
        lockgate.backtest(folder, table)
    with pytest.raises(DataError, match=r"or a file of settings, got .*nothing, which is neither"):
        lockgate.backtest(tmp_path / "nothing", table)
    with pytest.raises(TypeError, match="a folder, a file or a mapping of settings, got int"):
        lockgate.backtest(7, table)


def test_the_table_of_a_model_is_read_anew_as_it_is_told(backtest, trained, table, tmp_path):
    shown = table.with_columns(pl.col("day").dt.strftime("%d/%m/%Y")).rename({"day": "tag"})
    shown.write_csv(tmp_path / "other.csv", separator=";")

    result = backtest(
        tmp_path / "other.csv",
        model=trained[0],
        time="tag",
        time_format="%d/%m/%Y",
        separator=";",
    )

    expected = backtest(table, model=trained[0])
    assert result.forecasts["lockgate"].to_list() == expected.forecasts["lockgate"].to_list()
    with pytest.raises(DataError, match="must tell how a source is read, got 'hidden_size'"):
        backtest(table, model=trained[0], hidden_size=3)
