"""A history and its settings, and what TensorBoard and MLflow themselves read of what is written.

A test that asks for one of the readers is skipped where its library is not installed.
"""

from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from lockgate.settings import resolve
from lockgate.tasks.forecasting.config import ForecastConfig
from lockgate.training.history import History


@pytest.fixture
def config() -> ForecastConfig:
    """The settings of a run."""
    return resolve(ForecastConfig, {"target": "sold", "horizon": 3, "learning_rate": 0.01})


@pytest.fixture
def history() -> History:
    """Of two epochs, each validated twice."""
    return History(
        training=[4.0, 3.0, 2.5, 2.25],
        validation=[5.0, 4.5, 4.75, 5.5],
        gradient_norm=[1.0, 0.5, 0.25, 0.125],
        seconds=[1.0, 2.0, 1.5, 0.5],
        steps=[5, 10, 15, 20],
        per_epoch=2,
        stopped="early",
    )


@pytest.fixture
def events() -> Callable[[Path], tuple[dict[str, list[Any]], dict[str, str]]]:
    """Return what reads the scalars, (step, value) by tag, and the texts of a folder."""
    if find_spec("tensorboard") is None:
        pytest.skip("TensorBoard is not installed")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    def read(folder: Path) -> tuple[dict[str, list[Any]], dict[str, str]]:
        [_] = folder.iterdir()  # one file of events
        read = EventAccumulator(str(folder))
        read.Reload()
        tags = read.Tags()
        scalars = {
            tag: [(one.step, pytest.approx(one.value, rel=1e-6)) for one in read.Scalars(tag)]
            for tag in tags["scalars"]
        }
        texts = {
            tag.removesuffix("/text_summary"): one.tensor_proto.string_val[0].decode()
            for tag in tags["tensors"]
            for one in read.Tensors(tag)
        }
        return scalars, texts

    return read


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> Callable[[Path], tuple[Any, list[Any]]]:
    """Return what opens the store beside a folder of a run, and reads its runs."""
    for name in ("MLFLOW_TRACKING_URI", "MLFLOW_EXPERIMENT_NAME"):
        monkeypatch.delenv(name, raising=False)
    if find_spec("mlflow") is None:
        pytest.skip("MLflow is not installed")
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
    from mlflow import MlflowClient

    def read(out: Path) -> tuple[Any, list[Any]]:
        client = MlflowClient(tracking_uri=f"sqlite:///{out.parent / 'mlflow.db'}")
        [own] = [one for one in client.search_experiments() if one.name != "Default"]
        return client, client.search_runs([own.experiment_id], order_by=["start_time"])

    return read
