"""The models of statsforecast, series by series, and why one is not there."""

import subprocess
import sys

import numpy as np
import pytest

from lockgate import DataError
from lockgate.tasks.forecasting.classical import (
    CLASSICAL,
    check_classical,
    forecast_classical,
    why_no_classical,
)

SEASON, HORIZON = 5, 4


@pytest.fixture
def waves():
    """Two short series with a season."""
    rng, t = np.random.default_rng(0), np.arange(43)
    wave = np.sin(2 * np.pi * t / SEASON)
    return [20 + 3 * wave + rng.normal(0, 0.3, 43), 5 + wave[:37] + rng.normal(0, 0.1, 37)]


def test_an_unknown_baseline_is_refused_with_those_there_are():
    with pytest.raises(DataError) as raised:
        check_classical(["theta", "arima"])

    assert str(raised.value) == (
        "baselines must be among ets, theta, mstl, got 'arima'; naive, seasonal naive and ridge "
        "are always there; the further baselines are ets, theta, mstl"
    )
    with pytest.raises(DataError, match="did you mean 'theta'"):
        check_classical(["thetas"])


def test_without_statsforecast_the_line_that_installs_it_is_told():
    code = (
        "import sys; sys.modules['statsforecast'] = None\n"
        "from lockgate.tasks.forecasting.classical import check_classical\n"
        "check_classical([])\n"
        "try:\n    check_classical(['ets'])\n"
        "except ModuleNotFoundError as error:\n    print(error)"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    told = 'baselines needs statsforecast: pip install "lockgate[baselines]"\n'
    assert done.stdout.replace("statsforecast.models", "statsforecast") == told


def test_what_needs_a_season_is_left_out_where_there_is_none():
    assert why_no_classical("mstl", ()) == "the series shows no season to take apart"
    assert why_no_classical("mstl", (7,)) is None
    assert why_no_classical("ets", ()) is None


def test_forecasts_are_those_of_statsforecast(waves):
    models = pytest.importorskip("statsforecast.models", reason="the extra [baselines]")
    kinds = {
        "ets": models.AutoETS(season_length=SEASON),
        "theta": models.AutoTheta(season_length=SEASON),
        "mstl": models.MSTL(season_length=[SEASON]),
    }

    check_classical(CLASSICAL)
    for name, model in kinds.items():
        found = forecast_classical(name, waves, (SEASON, 11) if name == "ets" else (SEASON,), 4)

        expected = [model.forecast(y=wave, h=HORIZON)["mean"] for wave in waves]
        np.testing.assert_array_equal(found, expected)


def test_no_forecast_is_below_the_bound(waves):
    pytest.importorskip("statsforecast", reason="the extra [baselines]")

    assert forecast_classical("theta", waves, (SEASON,), HORIZON, at_least=5.5).min() == 5.5


def test_a_constant_series_is_forecast_and_none_at_all_too():
    pytest.importorskip("statsforecast", reason="the extra [baselines]")

    np.testing.assert_allclose(forecast_classical("ets", [np.full(30, 2.0)], (), 2), [[2.0, 2.0]])
    assert forecast_classical("ets", [], (), 2).shape == (0, 2)


def test_a_series_that_is_too_short_names_the_baseline_to_leave_out():
    pytest.importorskip("statsforecast", reason="the extra [baselines]")

    with pytest.raises(DataError, match=r"got one of 3 rows that it cannot be: .*; leave ets out"):
        forecast_classical("ets", [np.arange(3.0)], (), 2)
