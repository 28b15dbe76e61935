"""A run is tracked as it goes, killed or not, and is otherwise the run that it would have been."""

import json
import sys
from collections import Counter
from pathlib import Path

import pytest

import lockgate
from lockgate import DataError
from lockgate.settings import read_settings
from lockgate.studies.fits import read_fit
from lockgate.training.history import History

# of MLflow's own tables, with SQLAlchemy 2.1
pytestmark = pytest.mark.filterwarnings("ignore:The ``noload`` loader strategy is deprecated")
BOTH = ("tensorboard", "mlflow")


@pytest.fixture
def killed_after(monkeypatch):
    """Run something until so many fits were told of, and break it off there."""

    def run(fits, what):
        def interrupt(progress, fit, done, total):
            if done == fits:
                raise KeyboardInterrupt

        with monkeypatch.context() as patch:
            for progress in ("StudyProgress", "TuneProgress"):
                patch.setattr(f"lockgate.progress.{progress}.on_fit", interrupt)
            with pytest.raises(KeyboardInterrupt):
                what()

    return run


def fits_in(out: Path) -> dict[str, History]:
    """Return the history of each fit that a folder keeps, by its name."""
    found = [*out.glob("rounds/*/*/fit.json"), *out.glob("delivered/*/*/fit.json")]
    return {str(one.parent.relative_to(out)): read_fit(one.parent).history for one in found}


def test_a_killed_study_is_tracked_once_and_its_results_are_those_without(
    runs, events, table, small_study, finished, killed_after, numbers, tmp_path
):
    out = tmp_path / "study"
    study = {"source": table, "out": out, "track": BOTH, **small_study}

    killed_after(5, lambda: lockgate.study(**study))
    assert len(list(out.glob("tensorboard/rounds/*/*"))) == 5
    result = lockgate.study(**study, resume=True)

    kept = fits_in(out)
    assert len(kept) == 13
    client, found = runs(out)
    names = Counter(run.info.run_name for run in found)
    assert names == Counter(["study", *kept])
    for run in found:
        assert run.info.status == "FINISHED"
        if run.info.run_name != "study":
            history = kept[run.info.run_name]
            curve = client.get_metric_history(run.info.run_id, "loss/validation")
            expected = list(zip(history.steps, history.validation, strict=True))
            assert [(one.step, one.value) for one in curve] == expected
            scalars, _ = events(out / "tensorboard" / run.info.run_name)
            assert scalars["loss/validation"] == expected
    [whole] = [run for run in found if run.info.run_name == "study"]
    delivered = result.results["delivered"]["mixture"]
    assert whole.data.metrics["test/mae/delivered"] == delivered["mae"]
    assert events(out / "tensorboard" / "run")[0]["test/mae/delivered"] == [(6, delivered["mae"])]
    files = {one.path for one in client.list_artifacts(whole.info.run_id)}
    assert {"report.html", "verdict.txt", "fitted"} <= files
    # nothing of it changes the study
    assert (out / "study.json").read_text() == (finished.folder / "study.json").read_text()
    for name in ("rungs", "verdict", "delivered", "baselines", "folds"):
        assert numbers(result.results[name]) == numbers(finished.results[name])
    assert "track=['tensorboard', 'mlflow']" in result.results["command"]


def test_a_study_may_be_tracked_from_where_it_goes_on(
    events, table, small_study, killed_after, tmp_path
):
    out = tmp_path / "study"
    killed_after(5, lambda: lockgate.study(table, out=out, **small_study))

    lockgate.study(table, out=out, resume=True, track="tensorboard", **small_study)

    written = {str(one.parent.relative_to(out / "tensorboard")) for one in out.rglob("events*")}
    assert written == {"run", *fits_in(out)}


@pytest.mark.slow
def test_a_killed_search_is_tracked_once_each_trial_with_its_own_settings(
    runs, table, small_tune, space, killed_after, tmp_path
):
    pytest.importorskip("optuna", reason="Optuna is not installed")
    out = tmp_path / "search"
    search = {"source": table, "out": out, "space": space, "track": "mlflow", **small_tune}

    killed_after(6, lambda: lockgate.tune(**search))
    result = lockgate.tune(**search, resume=True)

    _, found = runs(out)
    by_name = {run.info.run_name: run for run in found}
    assert len(by_name) == len(found)
    assert {run.info.status for run in found} == {"FINISHED"}
    for trial in result.results["trials"]:
        own = [run for name, run in by_name.items() if name.endswith(f"/trial-{trial['number']}")]
        assert own
        for path, value in trial["values"].items():
            told = {run.data.params[path] for run in own}
            assert told <= {str(value), str([value])}
    names = {one["name"] for one in result.results["entrants"]}
    assert {f"judged/mae/{name}" for name in names} <= {*by_name["search"].data.metrics}


def test_a_training_is_tracked_with_every_member(runs, events, table, small, tmp_path):
    settings = {**small, "members": 2, "mix": True}

    plain, _ = lockgate.train(table, out=tmp_path / "plain", **settings)
    fitted, out = lockgate.train(table, out=tmp_path / "model", track=BOTH, **settings)

    assert fitted.metrics["test"] == plain.metrics["test"]
    assert fitted.metrics["history"]["validation"] == plain.metrics["history"]["validation"]
    assert read_settings(out / "config.yaml") == read_settings(tmp_path / "plain" / "config.yaml")
    assert lockgate.load(out).metrics == fitted.metrics
    fits = {f"fits/{learn}-{seed}" for learn in ("train", "development") for seed in (0, 1)}
    client, found = runs(out)
    assert Counter(run.info.run_name for run in found) == Counter(["model", *fits])
    first = next(run for run in found if run.info.run_name == "fits/train-0")
    curve = client.get_metric_history(first.info.run_id, "loss/training")
    assert [one.value for one in curve] == fitted.metrics["history"]["training"]
    for name in fits:
        assert len(events(out / "tensorboard" / name)[0]["loss/training"]) == 2
    score = events(out / "tensorboard" / "run")[0]["test/mae/delivered"]
    assert score == [(0, fitted.metrics["test"]["mae"])]


def test_a_training_killed_as_it_was_written_is_tracked_once(
    runs, table, small, monkeypatch, tmp_path
):
    training = {"source": table, "out": tmp_path / "model", "track": BOTH, **small}

    def interrupt(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("lockgate.tracking.mlflow.MlflowWriter.end", interrupt)
        with pytest.raises(KeyboardInterrupt):
            lockgate.train(**training)
    assert not (tmp_path / "model").exists()

    _, out = lockgate.train(**training, resume=True)

    names = [run.info.run_name for run in runs(out)[1]]
    assert sorted(names) == ["fits/train-0", "model"]
    assert [one.name for one in (out / "tensorboard" / "fits").iterdir()] == ["train-0"]


def test_a_training_that_has_ended_says_that_it_is_not_tracked(table, small, caplog, tmp_path):
    pytest.importorskip("tensorboard", reason="TensorBoard is not installed")
    training = {"source": table, "out": tmp_path / "model", **small}
    lockgate.train(**training)

    lockgate.train(**training, resume=True, track="tensorboard")

    assert caplog.messages == [f"{tmp_path / 'model'}: trained already, and not tracked anew"]
    assert not (tmp_path / "model" / "tensorboard").exists()


@pytest.mark.parametrize(
    ("track", "module"),
    [("tensorboard", "tensorboard"), ("mlflow", "mlflow"), ("mlflow", "sqlalchemy")],
)
@pytest.mark.parametrize("run", [lockgate.train, lockgate.study], ids=["train", "study"])
def test_a_library_that_is_missing_is_told_before_anything_is_fitted(
    run, track, module, table, small, monkeypatch, tmp_path
):
    if module == "sqlalchemy":
        pytest.importorskip("mlflow", reason="MLflow is not installed")
    monkeypatch.setitem(sys.modules, module, None)
    monkeypatch.setattr("lockgate.training.fit.fit", None)

    message = rf'track={track} needs {module}: pip install "lockgate\[tracking\]"$'
    with pytest.raises(ModuleNotFoundError, match=message):
        run(table, out=tmp_path / "x", track=track, **small)

    assert not (tmp_path / "x").exists()


def test_a_store_that_cannot_be_opened_is_told_before_anything_is_fitted(
    runs, table, small, monkeypatch, tmp_path
):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "nothing://x")
    monkeypatch.setattr("lockgate.training.fit.fit", None)

    with pytest.raises(DataError, match="must be a store that MLflow can open"):
        lockgate.train(table, out=tmp_path / "x", track="mlflow", **small)


def test_the_command_line_has_it_too(events, csv, small, tmp_path, monkeypatch):
    from typer.testing import CliRunner

    from lockgate.cli.app import app

    options = ["--target", "sold", "--horizon", "3", "--lookback", "7", "--members", "1"]
    options += ["--no-mix", "--set", "max_epochs=1", "--set", "hidden_size=4"]
    out = tmp_path / "model"
    told = ["train", str(csv), *options, "--track", "tensorboard", "--out", str(out), "--json"]

    result = CliRunner().invoke(app, told)

    assert result.exit_code == 0, result.output
    history = json.loads((out / "metrics.json").read_text(encoding="utf-8"))["history"]
    scalars, _ = events(out / "tensorboard" / "fits" / "train-0")
    assert scalars["loss/training"] == list(zip(history["steps"], history["training"], strict=True))
