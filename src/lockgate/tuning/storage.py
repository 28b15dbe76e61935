"""Where the trials of a search are kept: a journal, or a database that Optuna can write to."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lockgate.errors import DataError
from lockgate.files import DiskFullError, told_when_full
from lockgate.tuning.optional import optuna, told_little
from lockgate.tuning.sampler import distributions
from lockgate.tuning.space import Space
from lockgate.tuning.trial import Trial

JOURNAL = "trials.journal"
"""The journal in the folder of a search, where no other storage is named."""
IDENTITY, OUTCOME = "lockgate", "outcome"
FIRST = b'{"op_code":'
"""What each line of a journal begins with."""
PASSED_ON = "the trials of this search"


class TrialStorage:
    """The trials of one search, each whole or still to be done."""

    def __init__(self, storage: Any, study_id: int, space: Space) -> None:
        self._storage, self._study_id = storage, study_id
        self._distributions = distributions(space)

    def close(self) -> None:
        """Let go of a database."""
        _let_go(self._storage)

    @property
    def finished(self) -> dict[int, Trial]:
        """The finished trials by their numbers."""
        found = {}
        for frozen in self._storage.get_all_trials(self._study_id, deepcopy=False):
            if frozen.state.is_finished() and OUTCOME in frozen.user_attrs:
                found[frozen.number] = Trial.model_validate_json(frozen.user_attrs[OUTCOME])
        return found

    def begin(self, number: int, values: Mapping[str, Any]) -> None:
        """Enter a trial as running; one that was found running is done again.

        Raises:
            DataError: If a trial of that number has other settings.
        """
        known = self._storage.get_all_trials(self._study_id, deepcopy=False)
        if number < len(known):
            if known[number].params != dict(values):
                raise DataError(
                    f"storage must hold {PASSED_ON}, got other settings of trial {number}: pass "
                    "another storage"
                )
            return
        assert number == len(known)
        self._storage.create_new_trial(
            self._study_id,
            template_trial=optuna().trial.create_trial(
                state=optuna().trial.TrialState.RUNNING,
                params=dict(values),
                distributions=self._distributions,
            ),
        )

    def finish(self, trial: Trial) -> None:
        """Enter what came of a trial."""
        states = optuna().trial.TrialState
        found = {"complete": states.COMPLETE, "refused": states.FAIL}
        frozen = self._storage.get_all_trials(self._study_id, deepcopy=False)[trial.number]
        if frozen.state.is_finished():
            return
        place = frozen._trial_id
        for step, value in enumerate(trial.by_fold.values()):
            self._storage.set_trial_intermediate_value(place, step, value)
        self._storage.set_trial_user_attr(place, OUTCOME, trial.model_dump_json())
        values = None if trial.change is None else [trial.change]
        self._storage.set_trial_state_values(place, found.get(trial.state, states.PRUNED), values)


def open_storage(
    where: str | Path, name: str, identity: Mapping[str, Any], space: Space, *, resume: bool
) -> TrialStorage:
    """Open the storage of a search, or begin it.

    Args:
        where: File of a journal, or an address of a database such as `postgresql://...`.
        name: What the search is called in it.
        identity: What tells this search from others.
        space: What is searched.
        resume: Whether it may hold this search already.

    Raises:
        DataError: If it holds another search, or this one and `resume` is not set, or cannot be
            opened.
    """
    with told_little():
        storage = _opened(where)
        try:
            study_id = _study_of(
                storage, where, name, json.dumps(identity, sort_keys=True), resume=resume
            )
        except BaseException:
            _let_go(storage)
            raise
    return TrialStorage(storage, study_id, space)


def _study_of(storage: Any, where: str | Path, name: str, identity: str, *, resume: bool) -> int:
    """Return the number of a search in a storage, begun or found there."""
    known = {study.study_name: study._study_id for study in storage.get_all_studies()}
    if name not in known:
        if known and not _is_address(where):
            raise DataError(
                f"storage must be new or hold this search, got {_shown(where)}, which "
                "holds another: pass another storage"
            )
        study_id = int(storage.create_new_study([optuna().study.StudyDirection.MINIMIZE], name))
        storage.set_study_user_attr(study_id, IDENTITY, identity)
        return study_id
    study_id = int(known[name])
    if storage.get_study_user_attrs(study_id).get(IDENTITY) != identity:
        raise DataError(
            f"storage must be new or hold this search, got {_shown(where)}, which "
            f"holds another of the name {name}: pass another storage, or another out"
        )
    if not resume:
        raise DataError(
            f"storage must be new, got {_shown(where)}, which holds this search: pass "
            "resume=True (--resume) to continue it, or another storage"
        )
    return study_id


def _let_go(storage: Any) -> None:
    storage.remove_session()
    if (engine := getattr(storage, "engine", None)) is not None:
        engine.dispose()


def _opened(where: str | Path) -> Any:
    storages = optuna().storages
    if _is_address(where):
        return _database(str(where))
    path = Path(where)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _without_half_a_line(path)
        return storages.JournalStorage(_journal(path))
    except DiskFullError:
        raise
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"storage must be a journal of Optuna, got {path}: {error}") from None


def _journal(path: Path) -> Any:
    """Open a journal that tells when its disk is full.

    Half a line that is then left is taken off when it is opened again.
    """
    with told_when_full(path):
        journal = optuna().storages.journal.JournalFileBackend(str(path))
    append = journal.append_logs

    def append_or_tell(logs: list[dict[str, Any]]) -> None:
        with told_when_full(path):
            append(logs)

    journal.append_logs = append_or_tell
    return journal


def _database(address: str) -> Any:
    """Open a database by SQLAlchemy, which Optuna brings along; its driver it does not."""
    from sqlalchemy.exc import SQLAlchemyError

    if address.startswith("postgresql://") and not _has("psycopg2") and _has("psycopg"):
        address = f"postgresql+psycopg://{address.removeprefix('postgresql://')}"
    try:
        return optuna().storages.RDBStorage(address)
    except (SQLAlchemyError, ImportError) as error:
        reason = " ".join(str(error).split("\n")[0].split())
        install = " (pip install psycopg)" if isinstance(error, ImportError) else ""
        raise DataError(
            f"storage must be a database that can be opened, got {_shown(address)}: "
            f"{reason}{install}"
        ) from None


def _has(module: str) -> bool:
    from importlib.util import find_spec

    return find_spec(module) is not None


def _is_address(where: str | Path) -> bool:
    return isinstance(where, str) and "://" in where


def _shown(where: str | Path) -> str:
    """Return where it is without the password."""
    if not _is_address(where):
        return str(where)
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError

    try:
        return make_url(str(where)).render_as_string(hide_password=True)
    except ArgumentError:
        return str(where).split("://")[0] + "://..."


def _without_half_a_line(path: Path) -> None:
    """Take off the end of a journal what a killed process was writing."""
    content = path.read_bytes() if path.exists() else b""
    if content and not content.startswith(FIRST):
        raise ValueError("it holds something else")
    if not content.endswith(b"\n"):
        with path.open("ab") as file:
            file.truncate(content.rfind(b"\n") + 1)
