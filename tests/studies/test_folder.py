"""A study goes on where it stopped, repeats no fit, and mixes with no other study."""

import json
import os
import pickle
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import lockgate
from lockgate import DataError
from lockgate.files import is_half_written
from lockgate.studies import plan as plan_module
from lockgate.tasks.forecasting import task as forecasting_module
from lockgate.training import checkpoint


@pytest.fixture
def out(tmp_path) -> Path:
    return tmp_path / "runs" / "study"


@pytest.fixture
def study(small_study, table, out):
    def run(source=table, resume=False, **settings):
        return lockgate.study(source, out=out, resume=resume, **{**small_study, **settings})

    return run


@pytest.fixture
def copied(finished, out):
    """The folder of the finished study, free to be changed."""
    return Path(shutil.copytree(finished.folder, out))


@pytest.fixture
def fitted(monkeypatch):
    """The fits that were computed, and before which of them the study breaks off."""
    original, done = forecasting_module.train, []

    def train(prepared, config, *, seed, name, on_epoch, **parts):
        if len(done) == done_before_break[0]:
            raise error[0]
        done.append((name, seed, len(prepared.arrays.target)))
        return original(prepared, config, seed=seed, name=name, on_epoch=on_epoch, **parts)

    done_before_break, error = [None], [KeyboardInterrupt()]
    monkeypatch.setattr(forecasting_module, "train", train)

    def break_off(after, by=KeyboardInterrupt):
        done_before_break[0] = None if after is None else len(done) + after
        error[0] = by
        return done

    return break_off


@pytest.mark.parametrize(
    "error", [KeyboardInterrupt(), OSError(28, "No space left on device")], ids=["ctrl-c", "disk"]
)
@pytest.mark.parametrize("after", [2, 7, 12])
def test_an_interrupted_study_goes_on_without_repeating_a_fit(
    study, fitted, finished, numbers, error, after
):
    done = fitted(after, error)
    with pytest.raises(type(error)):
        study()
    assert len(done) == after

    fitted(None)
    result = study(resume=True)

    # six rounds of two rungs, on folds that each end later, and what is delivered
    assert len(done) == len(set(done)) == 13
    assert numbers(result.results) == numbers(finished.results)
    assert result.results["verdict"]["test_looks"] == 1


def test_a_study_interrupted_by_a_callback_goes_on(small_study, table, out, fitted, monkeypatch):
    done = fitted(None)

    def interrupt(self, fit, count, total):
        if count == 4:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("lockgate.progress.StudyProgress.on_fit", interrupt)
        with pytest.raises(KeyboardInterrupt):
            lockgate.study(table, out=out, **small_study)
    lockgate.study(table, out=out, resume=True, **small_study)

    assert len(done) == len(set(done)) == 13


def test_more_rounds_are_played_on_resuming_and_looked_at_beyond_the_plan(
    study, copied, fitted, finished, monkeypatch
):
    done = fitted(None)
    monkeypatch.setattr("lockgate.studies.rounds.stop", lambda _: None)
    monkeypatch.setattr("lockgate.studies.rounds.resting", lambda _: set())

    result = study(resume=True, rounds=9)

    verdict, before = result.results["verdict"], finished.results["verdict"]
    assert verdict["rounds"] == 9
    assert {seed for name, seed, _ in done if name == "lstm"} >= {7, 8, 9}
    assert not {seed for _, seed, _ in done} & {1, 2, 3, 4, 5, 6}
    [pair], [old] = verdict["pairs"], before["pairs"]
    assert pair["looks"][:2] == old["looks"]
    assert json.loads((copied / "looks.json").read_text())["stages"] == [
        [6, 0.04, 6],
        [9, 0.005, 9],
    ]


def test_a_study_whose_time_was_over_goes_on_for_what_was_planned(study, out, monkeypatch):
    """Its last look had all that was left to spend; what comes after spends what was kept."""
    monkeypatch.setattr("lockgate.studies.rounds.stop", lambda _: None)
    with monkeypatch.context() as short:
        short.setattr("lockgate.studies.plan.Plan.budget", 0.01)
        first = study().results["verdict"]
    assert (first["rounds"], first["ended"]) == (3, "budget")
    assert json.loads((out / "looks.json").read_text())["stages"] == [[6, 0.04, 3]]

    # killed before it had written what it found: it ends as it would have
    kept = (out / "results.json").read_bytes()
    (out / "results.json").unlink()
    again = study(resume=True).results["verdict"]
    assert (again["rounds"], again["ended"]) == (3, "budget")
    (out / "results.json").write_bytes(kept)

    longer = study(resume=True).results["verdict"]

    assert (longer["rounds"], longer["ended"]) == (6, "rounds")
    assert json.loads((out / "looks.json").read_text())["stages"] == [
        [6, 0.04, 3],
        [6, 0.005, 6],
    ]


def test_looks_that_cannot_be_read_are_refused(study, copied):
    (copied / "looks.json").write_text("{}")

    with pytest.raises(DataError, match=r"looks.json must hold the looks of a study"):
        study(resume=True)


def test_a_finished_study_resumes_without_a_fit(study, copied, fitted, finished, numbers):
    done = fitted(None)

    result = study(resume=True)

    assert done == []
    assert numbers(result.results) == numbers(finished.results)


def test_a_new_folder_may_be_resumed(study, out):
    assert study(resume=True, rungs="lstm", rounds=3).folder == out


@pytest.mark.slow
def test_the_number_of_workers_may_change_on_resuming(study, copied, fitted):
    done = fitted(None)

    study(resume=True, workers=2)

    assert done == []


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"hidden_size": 5}, r"model.hidden_size is 4 there and 5 here; pass another out"),
        ({"folds": 4}, r"data.folds is 3 there and 4 here"),
        ({"smallest_effect": 1}, r"smallest_effect is 0.05 there and 1.0 here"),
        ({"horizon": 4}, r"data.horizon is 3 there and 4 here"),
        ({"target": "price"}, r"data.target is 'sold' there and 'price' here"),
        ({"resample": "2d"}, r"data.resample is None there and '2d' here"),
    ],
    ids=lambda v: next(iter(v)) if isinstance(v, dict) else "",
)
def test_another_configuration_in_the_folder_is_refused_by_the_setting(
    study, copied, fitted, changed, message
):
    done = fitted(None)
    before = contents(copied)

    with pytest.raises(DataError, match=message):
        study(resume=True, **changed)

    assert done == []
    assert contents(copied) == before


def contents(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def test_other_data_in_the_folder_are_refused(study, copied, other_table):
    before = contents(copied)

    with pytest.raises(DataError, match="which holds a study of other data; pass another out"):
        study(other_table, resume=True)

    assert contents(copied) == before


def test_one_changed_value_is_other_data(study, copied, table):
    table[7, "price"] = 3.0

    with pytest.raises(DataError, match="which holds a study of other data"):
        study(table, resume=True)


def test_the_same_study_again_needs_resume_which_is_told_before_anything_is_read(
    study, copied, monkeypatch
):
    before = contents(copied)
    monkeypatch.setattr("lockgate.studies.study.plan", lambda *_: pytest.fail("it was read"))

    with pytest.raises(DataError, match=r"which holds a study: pass resume=True \(--resume\)"):
        study()

    assert contents(copied) == before


@pytest.mark.parametrize("resume", [False, True])
def test_a_folder_of_something_else_is_refused_and_left_alone(study, out, resume):
    out.mkdir(parents=True)
    (out / "notes.txt").write_text("mine")

    with pytest.raises(DataError, match="which holds something else"):
        study(resume=resume)

    assert contents(out) == {"notes.txt": b"mine"}


def test_a_file_in_the_folder_s_place_is_refused(study, out):
    out.parent.mkdir()
    out.write_text("mine")

    with pytest.raises(DataError, match="must be a new folder"):
        study()

    assert out.read_text() == "mine"


@pytest.mark.parametrize("content", ["", "{", "[]", '{"data": 1}'])
def test_a_study_that_cannot_be_read_is_refused(study, copied, content):
    (copied / "study.json").write_text(content)

    with pytest.raises(DataError, match=r"whose study.json cannot be read"):
        study(resume=True)


def test_a_study_of_an_earlier_format_is_refused_with_its_remedy(study, copied):
    path = copied / "study.json"
    known = json.loads(path.read_text())
    del known["format_version"]
    path.write_text(json.dumps(known))

    with pytest.raises(DataError, match=r"a study of an earlier lockgate: repeat it in another"):
        study(resume=True)


# in the first round, in a later one, and in what is delivered
@pytest.mark.parametrize("number", [1, 6, 13])
def test_a_study_that_is_killed_inside_a_fit_goes_on_inside_it(
    study, out, finished, numbers, monkeypatch, number
):
    keep, halves = checkpoint.Checkpoint.keep, []
    monkeypatch.setattr(checkpoint, "EVERY_SECONDS", 0.0)
    monkeypatch.setattr(checkpoint, "_SHARE", 1e9)

    def kill(self, state):
        keep(self, state)
        if state.history.stopped is None:
            halves.append(self.path.name)
            if len(halves) == number:
                raise RuntimeError("killed")

    monkeypatch.setattr(checkpoint.Checkpoint, "keep", kill)
    with pytest.raises(RuntimeError, match="killed"):
        study()
    left = [path.name for path in (out / "checkpoints").iterdir()]

    result = study(resume=True)

    assert left == [halves[number - 1]]
    # of each of 13 fits the first epoch ended once
    assert len(halves) == len(set(halves)) == 13
    assert numbers(result.results) == numbers(finished.results)
    assert not (out / "checkpoints").exists()
    assert [path for path in out.rglob("*") if is_half_written(path)] == []


@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, 2])
def test_a_study_that_is_killed_at_random_moments_ends_as_one_that_is_not(
    workers, csv, out, small_study, finished, numbers
):
    settings = {**small_study, "workers": workers}
    told = f"{str(csv)!r}, out={str(out)!r}, resume=True, **{settings!r}"
    code, drawn = f"import lockgate; lockgate.study({told})", np.random.default_rng(workers)

    def whole() -> int:
        found = [Path(folder, name) for folder, _, names in os.walk(out) for name in names]
        return sum(not any(map(is_half_written, (path, *path.parents))) for path in found)

    for _ in range(6):
        before = whole()
        # a process that outlives it goes on writing for a while, as it may
        with subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.DEVNULL) as process:
            while process.poll() is None and whole() == before:
                time.sleep(0.01)
            time.sleep(drawn.uniform(0.0, 2.0))
            process.kill()

    result = lockgate.study(csv, out=out, resume=True, **settings)

    assert numbers(result.results) == numbers(finished.results)
    for path in (finished.folder / "fitted").glob("*.safetensors"):
        assert (out / "fitted" / path.name).read_bytes() == path.read_bytes()


def test_what_a_killed_process_left_half_written_is_cleared(study, copied, fitted):
    done = fitted(None)
    one = "rounds/2-pass-0-fold-1"
    left = ["prepared/.whole.12ab34cd", f"{one}/.lstm.34cd56ef", ".fitted.56ef7890"]
    for name in left:
        (copied / name).mkdir()
        (copied / name / "model.safetensors").write_bytes(b"half")
    shutil.rmtree(copied / one / "lstm")

    study(resume=True)

    assert [fit[:2] for fit in done] == [("lstm", 2)]
    assert not [name for name in left if (copied / name).exists()]


def test_a_fit_that_breaks_while_it_is_written_leaves_nothing(study, out, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("lockgate.studies.fits.write_text", full)

    with pytest.raises(OSError, match="as its disk is full"):
        study()

    assert not list(out.glob("rounds/*/*"))


def test_another_study_under_the_same_name_reads_its_own_data(
    study, out, other_table, finished, numbers
):
    study(other_table)
    shutil.rmtree(out)

    result = study()

    assert numbers(result.results) == numbers(finished.results)


def test_prepared_arrays_are_never_unpickled(study, copied, tmp_path):
    class Bomb:
        def __reduce__(self):
            return (open, (str(tmp_path / "ran"), "w"))

    shutil.rmtree(copied / "rounds" / "2-pass-0-fold-1" / "lstm")
    path = copied / "prepared" / "pass-0-fold-1" / "inputs.npy"
    for write in (
        lambda file: np.save(file, np.array([Bomb()], dtype=object), allow_pickle=True),
        lambda file: pickle.dump(Bomb(), file),
    ):
        with path.open("wb") as file:
            write(file)

        with pytest.raises(ValueError, match=r"Python objects|allow_pickle|mmap|magic"):
            study(resume=True)

    assert not (tmp_path / "ran").exists()


def test_the_configuration_that_ran_is_written(copied, finished):
    from lockgate.settings import read_settings, resolve
    from lockgate.studies.config import study_config
    from lockgate.tasks.forecasting.config import ForecastConfig

    config = resolve(study_config(ForecastConfig, ()), read_settings(copied / "config.yaml"))

    assert config.model_dump(mode="json") == finished.results["config"]
    known = json.loads((copied / "study.json").read_text())
    assert known["data"] == finished.results["data"]["fingerprint"]


def test_a_budgeted_study_resumes_from_the_configuration_it_wrote(study, out, table):
    first = study(budget="1m", rungs="lstm", rounds=3)

    again = lockgate.study(table, out=out, resume=True, config=out / "config.yaml")

    assert again.results["config"] == first.results["config"]


def test_a_study_goes_on_with_the_folds_that_it_began_with(study, out, monkeypatch):
    open_ended = {"folds": None, "rounds": 20, "max_epochs": 1}
    first = study(**open_ended)
    assert len(first.results["folds"]) == 10

    # another machine would afford five
    monkeypatch.setattr(plan_module, "time_network", lambda *_: (1e3, 0.0))
    again = study(resume=True, budget="10m", **open_ended)

    assert len(again.results["folds"]) == 10
    assert again.rounds == first.rounds


def test_folds_that_no_study_has_are_refused(study, copied):
    known = json.loads((copied / "study.json").read_text())
    (copied / "study.json").write_text(json.dumps({**known, "ample": "many"}))

    with pytest.raises(DataError, match=r"study.json must hold how many folds the study has"):
        study(resume=True)
