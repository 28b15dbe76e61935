"""What a model reads and gives, in words of its users."""

from typing import Any

from lockgate_runtime.forecaster import Forecaster
from lockgate_runtime.serving.asking import Model, kind_of, plain
from lockgate_runtime.tables import ID, TIME

SHOWN_ROWS = 3


def description(name: str, model: Model) -> dict[str, Any]:
    """Describe a model: what it is asked about, what comes back, and an example."""
    schema = model.schema
    told: dict[str, Any] = {"model": name, "task": schema["task"], "reads": kind_of(model)}
    if isinstance(model, Forecaster):
        told |= {
            "target": schema["target"],
            "columns": [*_keys(model), *model.columns],
            "known_future": [*schema["known_future"], *schema["categories_known"]],
            "categories": {k: v for k, v in schema["categories"].items() if k != ID},
            "step": schema["step"]["words"],
            "zone": schema["zone"],
            "lookback": schema["lookback"],
            "rows": schema["rows"],
            "horizon": schema["horizon"],
            "several": schema["several"],
            "named": schema.get("named", {}),
            "gives": ["forecast", *(["spread"] if "spread" in schema["outputs"] else [])],
            "bounds": schema["bounds"],
        }
    else:
        told |= {
            "kind": schema["kind"],
            "classes": schema["classes"],
            "channels": [*model.columns],
        }
    return told | {"example": examples(model)}


def _keys(model: Forecaster) -> list[str]:
    keys = [ID] if model.schema["several"] else []
    return [*keys, TIME] if model.tables.reads_stamps else keys


def examples(model: Model) -> dict[str, Any]:
    """Return a request that a model may be sent; of a forecast with a few of its rows."""
    if not isinstance(model, Forecaster):
        if kind_of(model) == "texts":
            return {"texts": ["a text", "another one"]}
        return {"sequences": [[[0.0] * len(model.columns)] * SHOWN_ROWS]}
    schema = model.schema
    stamps = model.steps.after(model.steps.some(), SHOWN_ROWS + schema["horizon"])
    written = plain(model.steps.given(stamps))
    now, later = written[:SHOWN_ROWS], written[SHOWN_ROWS:]
    data = {name: _cells(model, name, now) for name in [*_keys(model), *model.columns]}
    known = [*schema["known_future"], *schema["categories_known"]]
    if not known:
        return {"data": data}
    keys = [name for name in _keys(model) if name in (ID, TIME)]
    return {
        "data": data,
        "future": {name: _cells(model, name, later) for name in [*keys, *known]},
    }


def _cells(model: Forecaster, name: str, stamps: list[str]) -> list[Any]:
    if name == TIME:
        return stamps
    if name == ID:
        return ["a"] * len(stamps)
    if values := model.schema["categories"].get(name):
        return [values[0]] * len(stamps)
    return [0.0] * len(stamps)
