"""The estimator keeps scikit-learn's contract and gives the numbers of `lockgate.train`."""

import inspect
import warnings

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

import lockgate
from lockgate import DataError, Forecaster
from lockgate.settings import resolve, setting_paths
from lockgate.tasks.config import ONE_NETWORK
from lockgate.tasks.forecasting.config import ForecastConfig
from lockgate.tasks.forecasting.prepare import read


@pytest.fixture
def small(small):
    """An estimator is one network anyway."""
    return {name: value for name, value in small.items() if name not in ONE_NETWORK}


@pytest.fixture
def model(small) -> Forecaster:
    return Forecaster(**small, exclude="shop")


def test_its_arguments_are_the_settings_of_a_run_with_their_defaults(small):
    names = set(inspect.signature(Forecaster).parameters)
    defaults = resolve(ForecastConfig, {"target": "sold", "horizon": 3})

    of_studies = {"folds", "window", "gap"}
    assert names == set(setting_paths(ForecastConfig)) - set(ONE_NETWORK) - of_studies
    assert resolve(ForecastConfig, Forecaster("sold", 3).get_params()) == defaults


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
