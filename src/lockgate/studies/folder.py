"""The folder of a study: which study it holds, and what is kept in it."""

import hashlib
import json
from pathlib import Path
from typing import Any

from lockgate.errors import DataError
from lockgate.files import is_half_written, remove_folder, write_text
from lockgate.settings import difference, write_settings
from lockgate.studies.fits import save_prepared
from lockgate.studies.looks import LookPlan
from lockgate.studies.plan import Plan, with_folds
from lockgate.tasks.results import FORMAT_VERSION

# settings that may change when a study is resumed: they change no number of a round
_FREE = ("workers", "ray", "gpus_per_fit", "rounds", "budget", "track")
LOOKS = "looks.json"


def open_folder(out: Path, plan: Plan, *, resume: bool) -> None:
    """Make `out` the folder of this study, or find it there.

    Raises:
        DataError: If `out` holds something else, or this study and `resume` is not set.
    """
    identity = {
        "format_version": FORMAT_VERSION,
        "data": plan.data.fingerprint,
        "asked": {
            **plan.config.model_dump(mode="json", exclude=set(_FREE)),
            # a search that went on may have found something else in the same folder
            "tuned": plan.tuned and plan.tuned.as_json(),
        },
        "ample": plan.ample,
    }
    claim_folder(out, identity, "study", resume=resume)
    if not (out / "prepared" / "whole").exists():
        save_prepared(out / "prepared" / "whole", plan.prepared, plan.task)
    write_settings(plan.config, out / "config.yaml")


def as_begun(plan: Plan, out: Path) -> Plan:
    """Return the plan with the folds that the study in `out` began with, whatever is affordable.

    Raises:
        DataError: If what tells which study `out` holds cannot be read.
    """
    path = out / "study.json"
    if not path.exists():
        return plan
    ample = _read_identity(path).get("ample")
    if ample not in (None, plan.task.rounds.ample):
        raise DataError(f"{path} must hold how many folds the study has: pass another out")
    return with_folds(plan, ample)


def check_free(out: Path, what: str) -> None:
    """Refuse a folder that is not new, before anything is read for what would go there.

    Args:
        out: The folder.
        what: What is to be there: `study`.

    Raises:
        DataError: If it holds one already, or something else.
    """
    if (out / f"{what}.json").exists():
        raise DataError(
            f"out must be a new folder, got {out}, which holds a {what}: "
            "pass resume=True (--resume) to continue it, or another out"
        )
    if out.exists() and not (out.is_dir() and all(map(is_half_written, out.iterdir()))):
        raise DataError(f"out must be a new folder, got {out}, which holds something else")


def claim_folder(out: Path, identity: dict[str, Any], what: str, *, resume: bool) -> None:
    """Make `out` the folder of what has this identity, or find it there.

    Args:
        out: The folder.
        identity: A `format_version`, the fingerprint of the `data` and what was `asked`.
        what: What it is, as the file of the identity and sentences call it: `study`.
        resume: Whether it may be there already.

    Raises:
        DataError: If `out` holds something else, or this and `resume` is not set.
    """
    path = out / f"{what}.json"
    if path.exists() and resume:
        _refuse_another(out, _read_identity(path), identity, what)
    else:
        check_free(out, what)
        write_text(path, json.dumps(identity, indent=2))
    clear_half_written(out)


def planned_looks(out: Path, folds: int, most: int, *, ended: bool) -> LookPlan:
    """Return when the study looks at its verdicts: as planned before its first round.

    A study that had ended and goes on looks at further rounds too, on chance of error that was kept
    for it.

    Args:
        out: The folder of the study.
        folds: Rounds of a pass.
        most: Rounds that are asked for.
        ended: Whether the study had ended.

    Raises:
        DataError: If what was planned cannot be read.
    """
    path = out / LOOKS
    if not path.exists():
        return keep_looks(out, LookPlan.planned(folds, most))
    try:
        looks = LookPlan.from_json(json.loads(path.read_text(encoding="utf-8")))
    except (ValueError, TypeError, KeyError, RecursionError):
        raise DataError(f"{path} must hold the looks of a study: pass another out") from None
    further = most // folds * folds > looks.looks[-1]
    # one that was killed after its last look only ends
    goes_on = further and (ended or not looks.is_closed)
    return keep_looks(out, looks.resumed(most)) if goes_on else looks


def keep_looks(out: Path, looks: LookPlan) -> LookPlan:
    """Write down the looks of a study, and return them."""
    write_text(out / LOOKS, json.dumps(looks.as_json()))
    return looks


def study_id(out: Path, what: str = "study") -> str:
    """Return what tells this study from others: its configuration, data and folder."""
    text = (out / f"{what}.json").read_text(encoding="utf-8")
    return f"{out.name} {hashlib.sha256(text.encode()).hexdigest()[:16]}"


def clear_half_written(out: Path) -> None:
    for path in (*out.glob(".*"), *out.glob("*/.*"), *out.glob("*/*/.*")):
        if is_half_written(path):
            # a process that outlived a killed study may still write there
            remove_folder(path) if path.is_dir() else path.unlink(missing_ok=True)


def _read_identity(path: Path) -> dict[str, Any]:
    try:
        known = json.loads(path.read_text(encoding="utf-8"))
        return {"format_version": 1, **{key: known[key] for key in ("data", "asked")}, **known}
    except (ValueError, TypeError, KeyError, RecursionError):
        raise DataError(
            f"out must be a new folder, got {path.parent}, whose {path.name} cannot be read"
        ) from None


def _refuse_another(out: Path, known: dict[str, Any], identity: dict[str, Any], what: str) -> None:
    if known["format_version"] != identity["format_version"]:
        raise DataError(
            f"out must be a new folder, got {out}, which holds a {what} of an earlier lockgate: "
            "repeat it in another out"
        )
    if (differs := difference(known["asked"], identity["asked"])) is not None:
        raise DataError(
            f"out must be a new folder or that of this {what}, got {out}, which holds another: "
            f"{differs}; pass another out"
        )
    if known["data"] != identity["data"]:
        raise DataError(
            f"out must be a new folder or that of this {what}, got {out}, "
            f"which holds a {what} of other data; pass another out"
        )
