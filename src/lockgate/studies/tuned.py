"""Rungs of a finished search in a study: the settings that it found, beside those it began with."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from lockgate.errors import DataError, option
from lockgate.settings import difference
from lockgate.tasks.base import Task
from lockgate.tasks.results import Results
from lockgate.tasks.stack.rungs import Rung

DEFAULT, TUNED = "default", "tuned"
FREE = "device"
"""Of the training, what changes nothing that is judged."""


class Tuned(NamedTuple):
    """What a finished search found."""

    folder: str
    fingerprint: str  # of the data that it searched
    default: Any  # the run that it began with
    best: Any  # the run that it found
    words: str  # what it changed, but for what all rungs of a study share

    def as_json(self) -> dict[str, Any]:
        """Give what tells these rungs from those of another search."""
        runs = {DEFAULT: self.default, TUNED: self.best}
        return {
            name: run.model_dump(mode="json", include={"model", "training"})
            for name, run in runs.items()
        }


def check_alike(tuned: Tuned, task: Task, config: Any) -> None:
    """Refuse a search whose rows or training are not those of a study.

    Raises:
        DataError: With the first setting that differs.
    """
    there, here = (_compared(one, task) for one in (tuned.default, config))
    if (differs := difference(there, here)) is not None:
        raise DataError(
            "tuned must be a search with the data and the training of this study, got "
            f"{tuned.folder}: {differs}; give both the same"
        )


def tuned_rungs(tuned: Tuned, task: Task, config: Any) -> tuple[Rung, Rung]:
    """Return the rung of the settings that a search began with, and on it that of those it found.

    What folds are prepared by, both have as the study has it.

    Raises:
        DataError: If nothing else was found.
    """
    if not tuned.words:
        raise DataError(
            "tuned must be a search that changed more than what all rungs of a study share, got "
            f"{tuned.folder}: pass what it found to another study, and compare the two (lockgate "
            "compare)"
        )
    found = tuned.words.replace("{", "{{").replace("}", "}}")
    return (
        _rung(DEFAULT, "the default of the search", "cell", _as_here(tuned.default, task, config)),
        _rung(
            TUNED, f"the best of the search ({found})", DEFAULT, _as_here(tuned.best, task, config)
        ),
    )


def check_prepared(tuned: Tuned, task: Task, data: Any, prepared: Any, config: Any) -> None:
    """Refuse a search of other data, and settings by which folds would be prepared otherwise.

    Raises:
        DataError: With the remedy.
    """
    if tuned.fingerprint != data.fingerprint:
        raise DataError(
            f"tuned must be a search of the data of this study, got {tuned.folder}, which is of "
            "other data"
        )
    left = task.tuning.values(prepared)
    here = task.tuning.shared(config)
    for path, value in task.tuning.shared(tuned.best).items():
        own = left.get(path) if here.get(path) is None else here[path]
        if value is not None and value != own:
            name = path.rpartition(".")[2]
            raise DataError(
                f"tuned must leave {name} as it is in this study, {own}, got {value} from "
                f"{tuned.folder}: the folds of a study are prepared once for all its rungs; pass "
                f"{option(name, value)}, and every rung has it"
            )


def seen_words(results: Results) -> str | None:
    """Say of a study with a rung of a search what the search saw of the rows judged."""
    if not results["config"].get("tuned"):
        return None
    stay = any(fold["begins"] is not None for fold in results["folds"])
    # rounds of both are numbered alike, and the number is the seed
    seen = "the rows of these rounds, and chose among its best by their seeds"
    drawn = "these rows in other folds, and chose among its best by the folds and seeds of these"
    return (
        f"The search that found {TUNED} saw {seen if stay else f'{drawn} rounds'}: what its best "
        "owes to luck with them it keeps, so that its verdict is less sure than one on a trick "
        "that was named beforehand."
    )


def _compared(run: Any, task: Task) -> dict[str, Mapping[str, Any]]:
    parts = run.model_dump(mode="json", include={"data", "training"})
    parts["training"].pop(FREE)
    for path in task.tuning.settings:
        parts["data"].pop(path.rpartition(".")[2])
    return dict(parts)


def _as_here(run: Any, task: Task, config: Any) -> Any:
    """Return a run whose network has what all networks share as the study has it."""
    paths = [path.rpartition(".") for path in task.tuning.shared(run)]
    own = {name: getattr(config.model, name) for part, _, name in paths if part == "model"}
    return run.model_copy(update={"model": run.model.model_copy(update=own)})


def _rung(name: str, trick: str, parent: str, run: Any) -> Rung:
    both = any(run.model.layer_directions)
    return Rung(name, trick, parent=parent, bidirectional=both, run=run)
