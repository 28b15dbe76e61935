"""The storage of a search holds its trials and no other's, whole or to be done again."""

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from lockgate import DataError
from lockgate.tuning.optional import optuna
from lockgate.tuning.space import Choices, Range
from lockgate.tuning.storage import open_storage
from lockgate.tuning.trial import Trial

SPACE = {
    "model.hidden_size": Range(2, 64, log=True, whole=True),
    "training.learning_rate": Range(1e-4, 1e-1, log=True),
    "model.cell": Choices(("lstm", "gru")),
}
IDENTITY = {"data": "abc", "asked": {"trials": 8}}
VALUES = {"model.hidden_size": 8, "training.learning_rate": 0.1 / 3, "model.cell": "gru"}


def done(number=0, state="complete", by_fold=None):
    by_fold = {"a": 0.1 / 7, "b": -0.3} if by_fold is None else by_fold
    return Trial(number=number, batch=0, values=VALUES, state=state, by_fold=by_fold)


def check(where) -> None:
    """Write trials, open the storage again, and find what was written."""
    storage = open_storage(where, "search", IDENTITY, SPACE, resume=False)
    trials = [done(0), done(1, "halved"), done(2, "diverged", {}), done(3, "refused", {})]
    for trial in trials:
        storage.begin(trial.number, trial.values)
    for trial in trials[:3]:
        storage.finish(trial)
        storage.finish(trial)

    storage.close()
    again = open_storage(where, "search", IDENTITY, SPACE, resume=True)

    assert again.finished == {trial.number: trial for trial in trials[:3]}
    again.begin(3, VALUES)  # it was running: it is done again
    again.finish(trials[3])
    assert list(again.finished.values()) == trials
    with pytest.raises(DataError, match="got other settings of trial 1: pass another storage"):
        again.begin(1, {**VALUES, "model.hidden_size": 9})
    with pytest.raises(DataError, match=r"which holds this search: pass resume=True \(--resume\)"):
        open_storage(where, "search", IDENTITY, SPACE, resume=False)
    with pytest.raises(DataError, match=r"storage must be new or hold this search, .* another"):
        open_storage(where, "search", {**IDENTITY, "data": "other"}, SPACE, resume=True)
    again.close()


def test_a_journal_holds_a_search(tmp_path):
    check(tmp_path / "some" / "trials.journal")


def test_a_database_holds_a_search_and_optuna_reads_it(tmp_path):
    address = f"sqlite:///{tmp_path / 'trials.db'}"
    check(address)

    study = optuna().load_study(study_name="search", storage=address)
    assert [trial.state.name for trial in study.trials] == ["COMPLETE", "PRUNED", "PRUNED", "FAIL"]
    assert study.best_value == done().change
    assert study.best_params == VALUES


def test_a_database_may_hold_other_searches_and_a_journal_may_not(tmp_path):
    address, journal = f"sqlite:///{tmp_path / 'trials.db'}", tmp_path / "trials.journal"
    for where in (address, journal):
        open_storage(where, "one", IDENTITY, SPACE, resume=False)

    open_storage(address, "two", IDENTITY, SPACE, resume=False)
    with pytest.raises(DataError, match=r"trials\.journal, which holds another: pass another st"):
        open_storage(journal, "two", IDENTITY, SPACE, resume=True)


def test_half_a_line_of_a_killed_process_is_taken_off(tmp_path):
    journal = tmp_path / "trials.journal"
    storage = open_storage(journal, "search", IDENTITY, SPACE, resume=False)
    storage.begin(0, VALUES)
    whole = journal.read_bytes()
    journal.write_bytes(whole + b'{"op_code":4,"wor')

    again = open_storage(journal, "search", IDENTITY, SPACE, resume=True)
    again.begin(0, VALUES)
    again.finish(done())

    assert journal.read_bytes().startswith(whole)
    assert open_storage(journal, "search", IDENTITY, SPACE, resume=True).finished == {0: done()}


@pytest.mark.parametrize("content", [b"day,sold\n1,2", b"{}\n", b"x"])
def test_a_file_that_is_no_journal_is_refused_and_left_alone(tmp_path, content):
    path = tmp_path / "shop.csv"
    path.write_bytes(content)

    with pytest.raises(DataError, match=r"storage must be a journal of Optuna, got .*shop\.csv: "):
        open_storage(path, "search", IDENTITY, SPACE, resume=False)

    assert path.read_bytes() == content


def test_a_database_that_cannot_be_opened_is_told_without_its_password(tmp_path):
    with pytest.raises(DataError, match="storage must be a database that can be opened") as error:
        open_storage(
            "postgresql://me:secret@127.0.0.1:1/none", "search", IDENTITY, SPACE, resume=False
        )
    assert "secret" not in str(error.value)
    with pytest.raises(DataError, match="storage must be a database that can be opened"):
        open_storage("nosuchdb://x/y", "search", IDENTITY, SPACE, resume=False)


@pytest.fixture
def server() -> Iterator[str]:
    """The address of a database server that is started for a test."""
    pytest.importorskip("psycopg", reason="psycopg is not installed")
    initdb, as_user = shutil.which("initdb"), []
    if initdb is None:
        pytest.skip("PostgreSQL is not installed: there is no initdb")
    if os.geteuid() == 0:  # a server refuses to run as root
        if shutil.which("setpriv") is None:
            pytest.skip("PostgreSQL does not run as root, and there is no setpriv")
        as_user = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
    control = [*as_user, str(Path(initdb).resolve().parent / "pg_ctl"), "-w"]
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    # not in the folder of the test, which another user may not enter
    with tempfile.TemporaryDirectory() as folder:
        if as_user:
            os.chown(folder, 65534, 65534)
        data, log = f"{folder}/data", f"{folder}/log"
        options = f"-p {port} -k {folder} -c listen_addresses=127.0.0.1 -c fsync=off"
        run = partial(subprocess.run, check=True, cwd=folder, stdout=subprocess.DEVNULL)
        run([*as_user, initdb, "-D", data, "-A", "trust", "-U", "me"])
        run([*control, "-D", data, "-o", options, "-l", log, "start"])
        try:
            yield f"postgresql://me@127.0.0.1:{port}/postgres"
        finally:
            run([*control, "-D", data, "-m", "immediate", "stop"])


@pytest.mark.slow
def test_postgresql_holds_a_search(server):
    check(server)
