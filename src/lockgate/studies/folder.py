"""The folder of a study: which study it holds, and what is kept in it."""

import hashlib
import json
import re
import shutil
from pathlib import Path
from typing import Any

from lockgate.errors import DataError
from lockgate.files import write_text
from lockgate.settings import write_settings
from lockgate.studies.fits import save_prepared
from lockgate.studies.plan import Plan

# settings that may change when a study is resumed: they change no number
_FREE = ("workers",)


def open_folder(out: Path, asked: Any, plan: Plan, *, resume: bool) -> Any:
    """Make `out` the folder of this study, or find it there; return the configuration to run.

    The limit of steps that a budget was turned into is that of the first run, so that all fits
    share it.

    Raises:
        DataError: If `out` holds something else, or this study and `resume` is not set.
    """
    identity = {"data": plan.data.fingerprint, "asked": _identity(asked)}
    path = out / "study.json"
    if path.exists():
        known = _read_identity(out)
        _refuse_another(out, known, identity)
        if not resume:
            raise DataError(
                f"out must be a new folder, got {out}, which holds this study: "
                "pass resume=True (--resume) to continue it, or another out"
            )
        steps = known["max_steps"]
    elif out.exists() and not (out.is_dir() and all(map(_is_half_written, out.iterdir()))):
        raise DataError(f"out must be a new folder, got {out}, which holds something else")
    else:
        steps = plan.config.training.max_steps
        write_text(path, json.dumps({**identity, "max_steps": steps}, indent=2))
    _clear_half_written(out)
    if not (out / "prepared").exists():
        save_prepared(out, plan.prepared, plan.task)
    training = plan.config.training.model_copy(update={"max_steps": steps})
    config = plan.config.model_copy(update={"training": training})
    write_settings(config, out / "config.yaml")
    return config


def _identity(asked: Any) -> dict[str, Any]:
    settings: dict[str, Any] = asked.model_dump(mode="json", exclude=set(_FREE))
    if asked.budget is not None:
        # what the first run made of the budget is in the config.yaml that it wrote
        del settings["training"]["max_steps"]
    return settings


def study_id(out: Path) -> str:
    """Return what tells this study from others: its configuration, data and folder."""
    text = (out / "study.json").read_text(encoding="utf-8")
    return f"{out.name} {hashlib.sha256(text.encode()).hexdigest()[:16]}"


def _clear_half_written(out: Path) -> None:
    for path in (*out.glob(".*"), *out.glob("predictions/.*"), *out.glob("fits/*/.*")):
        if _is_half_written(path):
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def _is_half_written(path: Path) -> bool:
    # the temporary name of a file or folder that a killed process was writing
    return re.fullmatch(r"\..+\.[0-9a-f]{8}", path.name) is not None


def _read_identity(out: Path) -> dict[str, Any]:
    try:
        known = json.loads((out / "study.json").read_text(encoding="utf-8"))
        return {key: known[key] for key in ("data", "asked", "max_steps")}
    except (ValueError, TypeError, KeyError, RecursionError):
        raise DataError(
            f"out must be a new folder, got {out}, whose study.json cannot be read"
        ) from None


def _refuse_another(out: Path, known: dict[str, Any], identity: dict[str, Any]) -> None:
    there, here = _flat(known["asked"]), _flat(identity["asked"])
    differ = [key for key in here.keys() | there.keys() if here.get(key) != there.get(key)]
    if differ:
        key = sorted(differ)[0]
        raise DataError(
            f"out must be a new folder or that of this study, got {out}, which holds another: "
            f"{key} is {there.get(key)!r} there and {here.get(key)!r} here; pass another out"
        )
    if known["data"] != identity["data"]:
        raise DataError(
            f"out must be a new folder or that of this study, got {out}, "
            "which holds a study of other data; pass another out"
        )


def _flat(nested: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in nested.items():
        flat |= (
            _flat(value, f"{prefix}{key}.") if isinstance(value, dict) else {prefix + key: value}
        )
    return flat
