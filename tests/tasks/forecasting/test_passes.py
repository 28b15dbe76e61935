"""Passes with dropout on tell how far off a network may be, window by window."""

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch

import lockgate
from lockgate.nn import mc_dropout
from lockgate.tasks.forecasting.config import ForecasterConfig
from lockgate.tasks.forecasting.heads import point_of
from lockgate.tasks.forecasting.network import ForecastNetwork, build
from lockgate.tasks.forecasting.passes import PASSES, spread_of_passes

RATES = ("input_dropout", "dropout", "recurrent_dropout", "weight_dropout", "output_dropout")


def network(**rates: float) -> ForecastNetwork:
    told = {**dict.fromkeys(RATES, 0.0), "cell": "gru", "hidden_size": 16, **rates}
    config = ForecasterConfig.model_validate(told)
    return build(config, 2, 3, torch.Generator().manual_seed(0)).eval()


def windows(rows: int = 7) -> torch.Tensor:
    return torch.randn(rows, 9, 2, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("rate", ["input_dropout", "recurrent_dropout", "weight_dropout"])
def test_the_spread_is_that_of_passes_with_dropout_on(rate: str) -> None:
    one, x = network(**{rate: 0.4}), windows()

    found = spread_of_passes(one, [x])

    with mc_dropout(one), torch.no_grad():
        drawn = torch.stack([point_of(one(x)) for _ in range(1_500)]).std(dim=0)
    assert found.shape == (7, 3)
    # of so few passes it is off by some 13 %
    ratio = (found / drawn).numpy()
    assert np.median(ratio) == pytest.approx(1.0, abs=0.25)
    assert (np.abs(np.log(ratio)) < 5.0 / np.sqrt(2.0 * PASSES)).all()


def test_the_spread_of_a_window_is_the_same_beside_others_and_again() -> None:
    one, x = network(recurrent_dropout=0.3, input_dropout=0.3), windows()

    together, again = spread_of_passes(one, [x]), spread_of_passes(one, [x])

    torch.testing.assert_close(together, again, rtol=0, atol=0)
    for row in range(len(x)):
        alone = spread_of_passes(one, [x[row : row + 1]])
        torch.testing.assert_close(alone, together[row : row + 1], rtol=1e-4, atol=1e-6)
    assert not one.training


def test_of_a_network_that_drops_nothing_it_is_zero() -> None:
    assert not spread_of_passes(network(), [windows()]).any()


@pytest.mark.parametrize(
    ("settings", "drops"),
    [
        ({}, False),
        ({"dropout": 0.5}, False),
        ({"dropout": 0.5, "num_layers": 2}, True),
        ({"zoneout": 0.1}, True),
        ({"output_dropout": 0.1}, True),
    ],
)
def test_what_drops_is_known(settings: dict[str, float], *, drops: bool) -> None:
    told = {**dict.fromkeys(RATES, 0.0), "spread": "mc_dropout", **settings}
    config = ForecasterConfig.model_validate(told)
    assert config.drops == config.by_passes == config.tells_spread == drops
    assert ForecasterConfig(spread="mc_dropout", head="normal").by_passes


def test_passes_tell_nothing_of_a_network_without_dropout(
    tmp_path: Path, table: pl.DataFrame
) -> None:
    rates = dict.fromkeys(("input_dropout", "recurrent_dropout", "output_dropout"), 0.0)
    told: dict[str, Any] = {
        "target": "sold",
        "horizon": 3,
        "lookback": 7,
        "hidden_size": 4,
        "max_epochs": 2,
    }
    told |= {"members": 2, "spread": "mc_dropout"}

    dropping, plain = (
        lockgate.train(table, out=tmp_path / name, **told, **more)[0]
        for name, more in (("dropping", {}), ("plain", rates))
    )

    words = [one.metrics["delivered"]["intervals"]["words"] for one in (dropping, plain)]
    assert "each in the spread that the networks forecast for it" in words[0][0]
    assert len(words[0]) == 1
    assert words[1][1] == (
        "The network has no dropout, so that no passes with it tell where intervals are to be wide."
    )
    assert dropping.intervals.least > 0.0
    assert plain.intervals.least is None
    assert plain.predict(table, level=[80]).columns[-1] == "forecast-hi-80"
