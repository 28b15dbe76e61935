"""The estimator keeps scikit-learn's contract and gives the numbers of `lockgate.train`."""

import inspect
import warnings

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import torch
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

import lockgate
from lockgate import DataError, Forecaster
from lockgate.estimators import forecaster
from lockgate.settings import resolve, setting_paths
from lockgate.studies.delivery import side_by_side
from lockgate.tasks.forecasting.config import ForecastConfig
from lockgate.tasks.forecasting.prepare import read


@pytest.fixture
def model(small) -> Forecaster:
    return Forecaster(**small, exclude="shop")


def test_its_arguments_are_the_settings_of_a_run_with_their_defaults(small):
    names = set(inspect.signature(Forecaster).parameters)
    defaults = resolve(ForecastConfig, {"target": "sold", "horizon": 3})

    of_studies = {"folds", "window", "gap"}
    assert names == set(setting_paths(ForecastConfig)) - of_studies
    # but for those of several fits: it is one network unless it is told to be several
    one = defaults.model_copy(update={"members": 1, "mix": False})
    assert resolve(ForecastConfig, Forecaster("sold", 3).get_params()) == one


def test_every_argument_is_documented():
    told = Forecaster.__doc__.split("Attributes:")[0]

    for name in inspect.signature(Forecaster).parameters:
        assert name in told


def test_parameters_are_kept_set_and_cloned(model, table):
    model.set_params(hidden_size=5, missing=(-1.0,))

    assert model.get_params()["hidden_size"] == 5
    copy = clone(model.fit(table))
    assert copy.get_params() == model.get_params()
    with pytest.raises(NotFittedError):
        copy.predict(table)
    with pytest.raises(ValueError, match="Invalid parameter 'hiden_size'"):
        model.set_params(hiden_size=3)


def test_a_faulty_argument_is_told_when_fitting(table):
    model = Forecaster("sold", 3, cell="lstn", dropout=1.0)

    with pytest.raises(DataError, match=r"cell must be .*'lstn'; dropout must be less than 1"):
        model.fit(table)


def test_a_column_that_is_not_read_is_warned_of_unless_it_is_excluded(model, table):
    text = r"columns are not read: 'shop' holds text; exclude=\"shop\" \(--exclude shop\) says that"

    with pytest.warns(UserWarning, match=text):
        model.set_params(exclude=()).fit(table)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.set_params(exclude="shop").fit(table)


def test_fit_gives_the_estimator_and_the_numbers_of_train(model, table, trained):
    assert model.fit(table) is model

    fitted, _ = trained
    expected = fitted.predict(read(table, fitted.config.data))
    assert model.predict().equals(expected)
    assert model.history_.model_dump()["validation"] == fitted.metrics["history"]["validation"]


SEVERAL = [
    pytest.param({"members": 2, "mix": False}, id="means"),
    pytest.param({"members": 2, "mix": True}, id="mixed"),
    pytest.param(
        {"members": 1, "mix": True, "normalise": "auto"}, id="one-mixed", marks=pytest.mark.slow
    ),
]


@pytest.mark.parametrize("told", SEVERAL)
def test_several_members_are_what_train_delivers_to_the_bit(small, table, tmp_path, told):
    expected, _ = lockgate.train(table, out=tmp_path / "model", **{**small, **told})

    model = Forecaster(**{**small, **told}, exclude="shop").fit(table)

    fitted = model.fitted_
    assert len(fitted.models) == told["members"]
    for ours, theirs in zip(fitted.models, expected.models, strict=True):
        weights = theirs.state_dict()
        assert all(torch.equal(weight, weights[name]) for name, weight in ours.state_dict().items())
    assert (fitted.mixture is None) == (expected.mixture is None) == (not told["mix"])
    assert model.predict(level=[50, 80]).equals(expected.predict(table, level=[50, 80]))
    history = expected.metrics["history"]
    assert model.history_.model_dump(mode="json")["validation"] == history["validation"]
    # and it is set beside the same baselines, in the same unit
    more = table.with_columns(pl.col("day") + pl.duration(days=400))
    later = pl.concat([table, more])
    assert fitted.evaluate(later) == expected.evaluate(later)


def test_one_network_is_the_default_and_has_no_intervals(model, table):
    model.fit(table)

    assert len(model.fitted_.models) == 1
    assert model.fitted_.mixture is None
    with pytest.raises(DataError, match="level must be left out of this model"):
        model.predict_interval()


def test_intervals_of_predict_and_of_predict_interval_are_those_of_the_model(small, table):
    told = {**small, "mix": True, "at_least": 0.0}
    model = Forecaster(**told, exclude="shop").fit(table)

    bounds = model.predict_interval(level=[80])

    assert bounds.equals(model.fitted_.predict(table, level=[80]))
    assert bounds.equals(model.predict(table, level=[80]))
    assert model.predict_interval(table.head(390), (50,)).columns[-2:] == [
        "forecast-lo-50",
        "forecast-hi-50",
    ]
    ends = model.predict(quantiles=[0.1, 0.9])
    for quantile, end in (("0.1", "lo"), ("0.9", "hi")):
        assert ends[f"forecast-q-{quantile}"].equals(
            bounds[f"forecast-{end}-80"], check_names=False
        )
    with pytest.raises(DataError, match="level must be left out where quantiles are given"):
        model.predict_interval(quantiles=[0.5])
    with pytest.raises(DataError, match=r"level must be numbers above 0 .*, got 100"):
        model.predict_interval(level=[100])


@pytest.mark.parametrize("phase", [1, 2], ids=["first-fits", "second-fits"])
def test_an_interrupted_fit_of_several_warns_and_keeps_what_there_is(
    small, table, monkeypatch, phase
):
    done = []

    def interrupted(*told):
        fit_all = side_by_side(*told)

        def fit(members):
            fits = fit_all(members)
            done.append(len(members))
            return fits[:1] if len(done) == phase else fits

        return fit

    monkeypatch.setattr(forecaster, "side_by_side", interrupted)
    model = Forecaster(**{**small, "members": 2, "mix": True}, exclude="shop")

    with pytest.warns(UserWarning, match="interrupted: the best weights so far are kept"):
        model.fit(table)

    assert len(model.fitted_.models) == phase
    assert model.predict().height == 3


@pytest.mark.parametrize(
    "convert", [pl.DataFrame.to_pandas, lambda frame: frame, pl.DataFrame.lazy]
)
def test_what_is_known_ahead_may_be_given_beside_the_table(small, table, convert):
    frame = table.drop("shop").with_columns(pl.col("price").fill_nan(None).forward_fill())
    later = frame.tail(3).select("day", price=pl.lit(13.0))
    seen = frame.head(-3)
    whole = pl.concat([seen, later], how="diagonal")
    model = Forecaster(**small, known_future="price").fit(convert(seen))

    forecast = model.predict(future=convert(later))

    assert forecast.equals(model.predict(convert(whole)))
    assert model.predict(
        convert(seen.head(-9)), future=convert(frame[-12:-9].drop("sold"))
    ).shape == (3, 3)
    lacking = "known_future must hold values of 'price' for the steps forecast, got none at"
    with pytest.raises(DataError, match=lacking) as apart:
        model.predict(future=convert(later.head(2)))
    with pytest.raises(DataError, match=lacking) as joined:
        model.predict(convert(whole.head(-1)))
    assert str(apart.value) == str(joined.value)
    with pytest.raises(DataError, match=lacking):
        model.predict()


def test_predict_goes_on_after_the_table_it_is_given(model, table):
    model.fit(table.head(380))

    assert model.predict()["ds"][0] == table["day"][380]
    assert model.predict(table)["ds"][0] > table["day"][-1]


@pytest.mark.parametrize(
    ("convert", "kind"),
    [
        (pl.DataFrame.to_pandas, pd.DataFrame),
        (pl.DataFrame.to_arrow, pa.Table),
        (lambda frame: frame, pl.DataFrame),
        (pl.DataFrame.lazy, pl.DataFrame),
    ],
    ids=["pandas", "pyarrow", "polars", "lazy"],
)
def test_a_frame_comes_back_as_the_kind_it_was(model, table, convert, kind):
    expected = model.fit(table).predict()

    forecast = model.predict(convert(table))

    assert isinstance(forecast, kind)
    np.testing.assert_array_equal(np.asarray(forecast["forecast"]), expected["forecast"].to_numpy())


def test_a_path_is_read_with_its_dialect(table, tmp_path, small):
    path = tmp_path / "shop.csv"
    text = table.select("day", "sold").write_csv(separator=";").replace(".", ",")
    path.write_text(text.replace("T00:00:00,000000", ""))

    model = Forecaster(**small, decimal=",", separator=";").fit(path)

    plain = Forecaster(**small).fit(table.select("day", "sold"))
    assert model.predict().equals(plain.predict())


def test_without_fit_nothing_is_predicted(model, table):
    with pytest.raises(NotFittedError):
        model.predict(table)


def test_a_fit_that_fails_leaves_the_fitted_model_as_it_was(model, table):
    before = model.fit(table).predict()

    with pytest.raises(DataError):
        model.fit(table.drop("sold"))

    assert model.predict().equals(before)


def test_a_fit_that_diverged_at_once_is_refused(small, table):
    model = Forecaster(**{**small, "learning_rate": 1e38}, exclude="shop", metric="rmse")

    with pytest.raises(
        DataError, match="diverged in its first epoch: pass a smaller learning_rate"
    ):
        model.fit(table)


def test_it_is_the_public_one():
    assert lockgate.Forecaster is Forecaster


COLUMNS = ["unique_id", "ds", "cutoff", "y", "lockgate", "naive", "seasonal_naive", "drift"]


@pytest.mark.parametrize(
    "told",
    [
        {},
        {"n_windows": 2, "step": 5, "refit_every": 1, "gap": 2, "window": "rolling"},
        {"n_windows": 2, "step": "4d", "level": [50]},
    ],
    ids=["default", "refits", "level"],
)
@pytest.mark.parametrize("convert", [pl.DataFrame.to_pandas, lambda frame: frame])
def test_cross_validation_is_a_backtest_by_the_same_settings(small, table, told, convert):
    small |= {"mix": "level" in told, "random_state": 3}
    model = Forecaster(**small, exclude="shop")

    frame = model.cross_validation(convert(table), **told)

    expected = lockgate.backtest(None, convert(table), **small, exclude="shop", **told).forecasts
    assert type(frame) is type(expected)
    assert frame.equals(expected)
    several = {"lockgate-lo-50", "lockgate-hi-50"} if "level" in told else set()
    names = list(frame.columns)
    assert [name for name in names if name not in several][: len(COLUMNS)] == COLUMNS
    assert several <= {*names}
    cutoffs = sorted({*frame["cutoff"]})
    assert len(cutoffs) == told.get("n_windows", 8)
    assert (cutoffs[-1] - cutoffs[-2]).days == {5: 5, "4d": 4}.get(told.get("step"), 3)
    assert not hasattr(model, "fitted_")


def test_cross_validation_reads_the_table_fitted_to_and_leaves_the_model(model, table):
    with pytest.raises(NotFittedError):
        model.cross_validation()
    before = model.fit(table).predict()

    frame = model.cross_validation(n_windows=2)

    assert frame.equals(model.cross_validation(table, n_windows=2))
    assert model.predict().equals(before)


def test_what_cross_validation_cannot_do_is_told(model, table, caplog):
    with pytest.raises(DataError, match="level must be left out of this model"):
        model.cross_validation(table, n_windows=2, level=[80])
    with pytest.raises(DataError, match="n_windows must be"):
        model.cross_validation(table, n_windows=0)
    with pytest.raises(DataError, match="hidden_size must be"):
        model.set_params(hidden_size=0).cross_validation(table)

    gone = table.with_columns(sold=pl.when(pl.int_range(pl.len()) > 2).then("sold"))
    model.set_params(hidden_size=4).cross_validation(gone, n_windows=2)

    assert "note: no 'sold' is observed in the first 3 steps" in caplog.text


def nixtla(table: pl.DataFrame) -> pl.DataFrame:
    """Return two series as Nixtla's libraries have them, one of them shorter."""
    days = table.select(ds="day", y="sold")
    parts = {"a": days, "b": days.tail(350).with_columns(pl.col("y") * 10)}
    named = [
        part.select(pl.lit(name).alias("unique_id"), "ds", "y") for name, part in parts.items()
    ]
    return pl.concat(named)


@pytest.mark.parametrize("convert", [pl.DataFrame.to_pandas, lambda frame: frame])
def test_a_frame_of_nixtla_needs_no_names_but_that_of_the_target(small, table, convert):
    told = {name: value for name, value in small.items() if name != "target"}
    frame = nixtla(table)

    forecast = Forecaster("y", **told).fit(convert(frame)).predict()

    assert list(forecast.columns) == ["unique_id", "ds", "forecast"]
    assert list(forecast["unique_id"]) == ["a"] * 3 + ["b"] * 3
    assert [stamp.day for stamp in forecast["ds"]] == [4, 5, 6] * 2
    named = frame.rename({"unique_id": "shop", "ds": "day", "y": "sold"})
    same = Forecaster(**small, id="shop", time="day").fit(named).predict()
    assert list(forecast["forecast"]) == same["forecast"].to_list()
    folds = Forecaster("y", **told).cross_validation(convert(frame), n_windows=2)
    assert list(folds.columns[:5]) == COLUMNS[:5]
    assert sorted({*folds["unique_id"]}) == ["a", "b"]
