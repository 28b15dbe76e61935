"""A fitted model as a model of MLflow, which `mlflow.pyfunc.load_model` reads.

The folder is written without MLflow's own writer, whose import takes seconds. `MLmodel` names this
module, so that it must stay where it is.
"""

import json
import platform
import uuid
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import yaml

from lockgate.files import write_text
from lockgate.tasks import registry
from lockgate.tasks.base import Fitted

DATA = "fitted"


class LoadedModel:
    """What MLflow asks for predictions.

    Args:
        fitted: The model.
    """

    def __init__(self, fitted: Fitted) -> None:
        self._fitted = fitted

    def predict(self, model_input: Any, params: Mapping[str, Any] | None = None) -> Any:
        """Predict as `lockgate.predict` does.

        Args:
            model_input: Data of the form of the training data, as a frame; to a language model
                texts in a list.
            params: Of a forecaster `level`, the shares of truths, in per cent, that intervals are
                to cover: `{"level": [80.0, 95.0]}`. An empty list asks for none.

        Raises:
            DataError: If the data cannot be used, or the model cannot tell such intervals.
        """
        level = (params or {}).get("level")
        # MLflow hands on an array where it knows the type
        settings = {"level": list(level)} if level is not None and len(level) else {}
        return self._fitted.predict(model_input, **settings)


def _load_pyfunc(folder: str) -> LoadedModel:
    """Read the model; MLflow calls a function of this name."""
    return LoadedModel(registry.load(folder))


def write_model(place: Path, folder: Path, mlflow_version: str) -> None:
    """Write a fitted folder as a model of MLflow.

    Args:
        place: The fitted folder.
        folder: A folder that exists. It gets `MLmodel`, what is to be installed, and the model.
        mlflow_version: The version whose format `MLmodel` has.

    Raises:
        DataError: If `place` holds no fitted model.
    """
    registry.load(place).save(folder / DATA)
    settings, learned = (
        json.loads((folder / DATA / name).read_text(encoding="utf-8"))
        for name in ("config.json", "preprocessing.json")
    )
    model = {
        "flavors": {
            "python_function": {
                "loader_module": __name__,
                "data": DATA,
                "env": {"virtualenv": "python_env.yaml"},
                "python_version": platform.python_version(),
            }
        },
        "mlflow_version": mlflow_version,
        "model_uuid": uuid.uuid4().hex,
        "utc_time_created": f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S.%f}",
    }
    if signature := signature_of(settings, learned):
        model["signature"] = signature
    environment = {"python": platform.python_version(), "dependencies": ["-r requirements.txt"]}
    needed = [f"lockgate[workbench]=={version('lockgate')}", f"mlflow=={mlflow_version}"]
    write_text(folder / "MLmodel", yaml.safe_dump(model))
    write_text(folder / "python_env.yaml", yaml.safe_dump(environment))
    write_text(folder / "requirements.txt", "\n".join([*needed, ""]))


def signature_of(settings: Mapping[str, Any], learned: Mapping[str, Any]) -> dict[str, str] | None:
    """Tell MLflow which columns a model reads, and what may be asked for; None if neither is known.

    The columns are of any type: MLflow refuses whole numbers where decimal ones are named, and a
    table is read by lockgate whatever its types are.

    Args:
        settings: The `config.json` of a fitted folder.
        learned: Its `preprocessing.json`.

    Example:
        >>> data = {"text": "review", "id": None, "step": None}
        >>> signature_of({"task": "labels", "data": data}, {"channels": []})
        {'inputs': '[{"type": "any", "name": "review", "required": true}]'}
    """
    columns_of = {"forecast": _of_forecast, "labels": _of_labels}.get(settings["task"])
    signature = {}
    if columns_of is not None and (columns := columns_of(settings["data"], learned)):
        told = [{"type": "any", "name": name, "required": True} for name in dict.fromkeys(columns)]
        signature["inputs"] = json.dumps(told)
    if settings["task"] == "forecast":
        level = {"name": "level", "type": "double", "default": [], "shape": [-1]}
        signature["params"] = json.dumps([level])
    return signature or None


def _of_forecast(data: Mapping[str, Any], learned: Mapping[str, Any]) -> list[str]:
    named, columns = learned["named"], list(learned["columns"])
    keys = [
        *_names(data["time"] or named.get("ds")),
        *_names(data["id"] or named.get("unique_id")),
    ]
    if data["target"] not in columns:  # each target is a series of its own
        targets = [one["name"] for one in learned["series"]]
        columns = [*targets, *(name for name in columns if name != learned["target"])]
    return [*keys, *columns, *(one["column"] for one in learned["categories"])]


def _of_labels(data: Mapping[str, Any], learned: Mapping[str, Any]) -> list[str]:
    """Give the columns of texts, or of sequences in long form; none where they are no table."""
    if data["text"]:
        return _names(data["text"])
    if not data["id"]:
        return []
    return [*_names(data["id"]), *_names(data["step"]), *learned["channels"]]


def _names(columns: str | Sequence[str] | None) -> list[str]:
    told = columns.split(",") if isinstance(columns, str) else columns or ()
    return [name.strip() for name in told]
