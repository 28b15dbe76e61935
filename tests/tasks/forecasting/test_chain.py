"""The chain forecasts from raw rows what the model does from windows of the prepared table."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from exported_models import QUICK, hourly

import lockgate
from lockgate.tasks.forecasting.chain import Chain
from lockgate.tasks.forecasting.columns import column_values
from lockgate.tasks.forecasting.prepare import make_windows
from lockgate.tasks.forecasting.ridge import Ridge


@pytest.fixture(scope="module")
def fitted(tmp_path_factory: pytest.TempPathFactory) -> Any:
    out: Path = tmp_path_factory.mktemp("chain") / "run"
    settings = {**QUICK, "horizon": 5, "lookback": 26, "mix": True}
    model = lockgate.train(hourly(), out=out, **settings)[0]
    # both are to count
    return replace(model, mixture=model.mixture._replace(weight=0.6))


def inputs_at(fitted: Any, chain: Chain, origins: "np.ndarray[Any, Any]") -> list[torch.Tensor]:
    """Give the rows up to some rows of the table, as they are in it."""
    learned, table = fitted.preprocessing, fitted.read(hourly(), {})
    values = column_values(table.frame, ["y", "x"])
    stamps = learned.of_stamps(table.frame["ds"])
    rows = origins[:, None] + np.arange(1 - chain.rows, 1)
    seen = rows[:, -learned.lookback :]
    present = torch.ones(rows.shape, dtype=torch.bool)
    return [torch.from_numpy(values[rows]), torch.from_numpy(stamps[seen]), present]


def test_it_forecasts_and_bounds_as_the_model_does(fitted: Any) -> None:
    assert isinstance(fitted.mixture.baseline, Ridge)
    learned, table = fitted.preprocessing, fitted.read(hourly(), {})
    windows = make_windows(learned.apply(table), learned, range(100, 400))
    quantiles = (0.1, 0.9)
    chain = Chain(fitted, quantiles)
    assert chain.inputs == ("values", "stamps", "present")
    with torch.no_grad():
        found = dict(
            zip(
                chain.outputs,
                chain(*inputs_at(fitted, chain, windows.origins.numpy())),
                strict=True,
            )
        )
    members = fitted.by_member(windows)
    bounds = fitted.quantiles(windows, table, quantiles).swapaxes(0, 1)
    for name, wanted in (
        ("forecast", fitted.forecast(windows)),
        ("spread", members.std(axis=0, ddof=1)),
        ("bounds", bounds),
    ):
        np.testing.assert_allclose(found[name].numpy(), wanted, rtol=1e-5, atol=1e-6)


def test_a_hole_that_is_too_long_gives_no_forecast(fitted: Any) -> None:
    chain = Chain(fitted, ())
    values, *others = inputs_at(fitted, chain, np.array([200, 300]))
    values = values.nan_to_num(10.0)
    values[1, -9:-5, 1] = torch.nan
    with torch.no_grad():
        forecast = chain(values, *others)[0]
        values[1, -9, 1] = 20.0  # three steps are filled
        filled = chain(values, *others)[0]
    assert not forecast[0].isnan().any()
    assert forecast[1].isnan().all()
    assert not filled.isnan().any()


def test_what_lies_before_the_rows_that_it_reads_changes_nothing(fitted: Any) -> None:
    chain = Chain(fitted, ())
    given = inputs_at(fitted, chain, np.array([200]))
    other = given[0].clone()
    other[:, : chain.rows - fitted.preprocessing.lookback] = 1e6
    other[:, chain.rows - fitted.preprocessing.lookback] = 10.0  # nothing to fill
    same = given[0].clone()
    same[:, chain.rows - fitted.preprocessing.lookback] = 10.0
    with torch.no_grad():
        assert torch.equal(chain(other, *given[1:])[0], chain(same, *given[1:])[0])
