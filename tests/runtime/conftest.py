"""Small models that were exported, once for all tests."""

import pytest

pytest.importorskip("onnxruntime", reason='needs the extra "onnx"')
pytest.importorskip("onnxscript", reason='needs the extra "onnx"')

from exported_models import Exported, hourly, shops, train


@pytest.fixture(scope="session")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Exported:
    """A forecaster of one series, mixed with ridge."""
    return train(tmp_path_factory.mktemp("plain"), hourly(), horizon=5, lookback=26, mix=True)


@pytest.fixture(scope="session")
def several(tmp_path_factory: pytest.TempPathFactory) -> Exported:
    """A forecaster of several series, with columns known ahead, static ones and categories."""
    return train(
        tmp_path_factory.mktemp("several"),
        shops(),
        horizon=4,
        lookback=14,
        known_future="promo,weather",
        categorical="weather,kind",
        head="quantiles",
        cell="gru",
    )
