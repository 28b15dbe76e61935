"""Windows know their step and their series, with its scale where there are several."""

import numpy as np
import polars as pl
import pytest

from lockgate.settings import resolve
from lockgate.tasks.forecasting.config import ForecastConfig
from lockgate.tasks.forecasting.origins import origins_of
from lockgate.tasks.forecasting.task import TASK


@pytest.mark.parametrize("shops", [1, 2])
def test_origins_are_those_of_the_rows(shops: int) -> None:
    rng = np.random.default_rng(0)
    days = pl.datetime_range(pl.datetime(2024, 1, 1), pl.datetime(2024, 4, 9), "1d", eager=True)
    # the second shop opens nine days later, and sells ten times as much
    frames = [
        pl.DataFrame(
            {"shop": name, "day": days[9 * k :], "sold": 10**k * rng.normal(size=100 - 9 * k)}
        )
        for k, name in enumerate("ab"[:shops])
    ]
    settings = {"target": "sold", "horizon": 2, "lookback": 5}
    named = {"id": "shop"} if shops > 1 else {}
    config = resolve(ForecastConfig, {**settings, **named})
    table = TASK.read(pl.concat(frames), config)
    prepared = TASK.prepare(table, config)

    origins = origins_of(prepared.windows("test"), table)

    rows = prepared.windows("test").origins.numpy()
    assert table.frame["ds"].gather(rows).to_list() == [days[int(s)] for s in origins.steps]
    if shops == 1:
        assert origins.names == ()
        assert (origins.stds == 1.0).all()
        return
    assert [origins.names[k] for k in origins.series] == table.frame["unique_id"][rows].to_list()
    large = origins.stds[origins.series == 1]
    assert large == pytest.approx(np.full(len(large), prepared.preprocessing.series[1].std))
    assert origins.select(slice(3, 4)).stds.tolist() == origins.stds[3:4].tolist()
