"""What MLflow loads predicts what lockgate does, and says which columns it reads."""

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml

import lockgate
from lockgate import DataError
from lockgate.tracking.ended import Ended
from lockgate.tracking.mlflow import MlflowWriter
from lockgate.tracking.pyfunc import LoadedModel, signature_of, write_model

pytestmark = pytest.mark.filterwarnings(
    "ignore:The ``noload`` loader strategy is deprecated",  # of MLflow's tables
    "ignore:.*Any type hint is inferred as AnyType",  # of its own functions, as it is imported
)


def test_mlflow_loads_the_model_of_a_run_and_forecasts_as_lockgate_does(
    runs, trained, table, monkeypatch, tmp_path
):
    fitted, folder = trained
    (tmp_path / "shop").mkdir()
    MlflowWriter(tmp_path / "shop", tmp_path / "mlflow.json").end(
        folder, Ended.read(folder, fitted.config)
    )
    _, [run] = runs(tmp_path / "shop")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path / 'mlflow.db'}")
    import mlflow.pyfunc

    model = mlflow.pyfunc.load_model(f"runs:/{run.info.run_id}/model")

    frame = table.to_pandas()
    frame["sold"] = frame["sold"].round().astype("int64")
    pd.testing.assert_frame_equal(model.predict(frame), lockgate.predict(folder, frame))
    with pytest.raises(DataError, match="level must be left out of this model"):
        model.predict(frame, params={"level": [50.0]})
    with pytest.raises(mlflow.exceptions.MlflowException, match="sold"):
        model.predict(frame.drop(columns="sold"))


def test_nothing_of_it_is_code(trained, tmp_path):
    write_model(trained[1], tmp_path, "3.17.2")

    kinds = {path.suffix for path in tmp_path.rglob("*") if path.is_file()}
    assert kinds == {"", ".yaml", ".txt", ".json", ".md", ".safetensors"}
    [flavour] = yaml.safe_load((tmp_path / "MLmodel").read_text())["flavors"].items()
    assert flavour[0] == "python_function"
    assert flavour[1]["loader_module"] == "lockgate.tracking.pyfunc"
    needed = f"lockgate[workbench]=={lockgate.__version__}\nmlflow==3.17.2\n"
    assert (tmp_path / "requirements.txt").read_text() == needed


class Echo:
    """A model that gives what it is asked."""

    def predict(self, source: Any, **settings: Any) -> Any:
        return source, settings


@pytest.mark.parametrize("params", [None, {}, {"level": []}, {"level": np.array([])}])
def test_without_levels_none_are_asked_for(params):
    assert LoadedModel(Echo()).predict("x", params) == ("x", {})


def test_levels_come_as_mlflow_hands_them_on():
    asked = LoadedModel(Echo()).predict("x", {"level": np.array([80.0, 95.0])})

    assert asked == ("x", {"level": [80.0, 95.0]})


def forecaster(data: dict[str, Any], **learned: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    settings = {"task": "forecast", "data": {"target": "y", "time": None, "id": None, **data}}
    known = {"named": {}, "columns": ["y"], "categories": [], "series": [], "target": "y"}
    return settings, {**known, **learned}


LABELS = {"text": None, "id": None, "step": None}


@pytest.mark.parametrize(
    ("model", "columns"),
    [
        (forecaster({}, named={"ds": "day"}), ["day", "y"]),
        (forecaster({}), ["y"]),  # rows are the steps
        (
            forecaster(
                {"time": "year, month", "id": "store,item"},
                named={"unique_id": "no"},
                columns=["y", "price"],
                categories=[{"column": "weather"}],
            ),
            ["year", "month", "store", "item", "y", "price", "weather"],
        ),
        (
            forecaster(
                {"target": "a,b"},
                named={"ds": "day"},
                columns=["y", "price"],
                series=[{"name": "a"}, {"name": "b"}],
            ),
            ["day", "a", "b", "price"],
        ),
        (({"task": "labels", "data": {**LABELS, "text": "title,body"}}, {}), ["title", "body"]),
        (
            (
                {"task": "labels", "data": {"text": None, "id": "i", "step": "t"}},
                {"channels": "xz"},
            ),
            ["i", "t", "x", "z"],
        ),
    ],
)
def test_the_columns_are_those_of_the_training_table(model, columns):
    inputs = json.loads(signature_of(*model)["inputs"])

    assert [one["name"] for one in inputs] == columns
    assert {one["type"] for one in inputs} == {"any"}


@pytest.mark.parametrize("task", ["labels", "language"])
def test_what_is_no_table_has_no_signature(task):
    assert signature_of({"task": task, "data": LABELS}, {"channels": []}) is None
