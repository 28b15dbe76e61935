"""What MLflow reads is what the history and the folder of a run hold, once; nothing is sent."""

import math
import os
import subprocess
import sys

import pytest

from lockgate import DataError
from lockgate.tracking.ended import Ended
from lockgate.tracking.mlflow import MlflowWriter

NOLOAD = "ignore:The ``noload`` loader strategy is deprecated"
"""Of MLflow's own tables, with SQLAlchemy 2.1."""
pytestmark = pytest.mark.filterwarnings(NOLOAD)


@pytest.fixture
def out(tmp_path):
    """The folder of a run."""
    (tmp_path / "shop").mkdir()
    return tmp_path / "shop"


def curve(client, run, name):
    return [(one.step, one.value) for one in client.get_metric_history(run.info.run_id, name)]


def test_a_fit_is_a_run_below_that_of_the_whole(runs, config, history, out):
    MlflowWriter(out, out / "mlflow.json").fit(out, "rounds/1-a/lstm", config, history)

    client, found = runs(out)
    whole, fit = sorted(found, key=lambda run: "mlflow.parentRunId" in run.data.tags)
    assert fit.data.tags["mlflow.parentRunId"] == whole.info.run_id
    assert (whole.info.run_name, fit.info.run_name) == ("shop", "rounds/1-a/lstm")
    assert (whole.info.status, fit.info.status) == ("RUNNING", "FINISHED")
    assert fit.data.tags["lockgate.stopped"] == "early"
    assert fit.info.end_time - fit.info.start_time == 5000
    for name, values in (
        ("loss/training", history.training),
        ("loss/validation", history.validation),
        ("learning_rate", [0.01] * 4),
        ("epoch", [0.5, 1.0, 1.5, 2.0]),
    ):
        assert curve(client, fit, name) == list(zip(history.steps, values, strict=True))
    assert fit.data.params["training.learning_rate"] == "0.01"
    assert fit.data.params["data.target"] == "sold"


def test_long_curves_are_written_whole(runs, config, history, out):
    steps = list(range(1, 702))
    curves = dict.fromkeys(("training", "validation", "gradient_norm", "seconds"), [0.5] * 701)
    long = history.model_copy(update={**curves, "steps": steps})

    MlflowWriter(out, out / "mlflow.json").fit(out, "lstm", config, long)

    client, found = runs(out)
    fit = next(run for run in found if run.info.run_name == "lstm")
    for name in ("loss/training", "loss/validation", "epoch"):
        assert [step for step, _ in curve(client, fit, name)] == steps


def test_a_fit_that_diverged_is_written_to_its_end(runs, config, history, out):
    diverged = history.model_copy(
        update={"validation": [5.0, 4.5, math.inf, math.nan], "stopped": "diverged"}
    )

    MlflowWriter(out, out / "mlflow.json").fit(out, "lstm", config, diverged)

    client, found = runs(out)
    fit = next(run for run in found if run.info.run_name == "lstm")
    values = [value for _, value in curve(client, fit, "loss/validation")]
    assert fit.data.tags["lockgate.stopped"] == "diverged"
    assert values[:2] == [5.0, 4.5]
    assert values[2] > 1e308  # the largest number, which MLflow keeps for infinity
    assert math.isnan(values[3])


def test_a_fit_that_is_there_is_not_written_again_and_half_of_one_is(runs, config, history, out):
    notes = out / "mlflow.json"
    MlflowWriter(out, notes).fit(out, "lstm", config, history)
    client, found = runs(out)
    fit = next(run for run in found if run.info.run_name == "lstm")

    MlflowWriter(out, notes).fit(out, "lstm", config, history)

    assert {run.info.run_id for run in runs(out)[1]} == {run.info.run_id for run in found}
    assert len(curve(client, fit, "loss/training")) == 4

    client.update_run(fit.info.run_id, status="RUNNING")  # as a process that was killed leaves it
    MlflowWriter(out, notes).fit(out, "lstm", config, history)

    [again] = [run for run in runs(out)[1] if run.info.run_name == "lstm"]
    assert again.info.run_id != fit.info.run_id
    assert len(curve(client, again, "loss/training")) == 4


def test_a_run_that_goes_on_gets_what_is_new(runs, config, out):
    (out / "report.html").write_text("the report")
    (out / "fitted").mkdir()
    (out / "fitted" / "README.md").write_text("the card")

    def end(mae, rounds, **settings):
        ended = Ended(
            config=config.model_copy(update=settings),
            scores={"test/mae/delivered": mae, "test/mae/seasonal naive (7)": 3.0},
            texts={"recommendation": [f"{rounds} rounds.", "Use it."]},
            files=["report.html", "fitted/README.md"],
            rounds=rounds,
        )
        MlflowWriter(out, out / "mlflow.json").end(out, ended)

    end(2.0, 5)
    end(2.0, 5)
    end(1.0, 10, members=7)

    client, [run] = runs(out)
    assert run.info.status == "FINISHED"
    assert curve(client, run, "test/mae/delivered") == [(5, 2.0), (10, 1.0)]
    assert curve(client, run, "test/mae/seasonal naive _7_") == [(5, 3.0)]
    assert run.data.tags["mlflow.note.content"] == "10 rounds.\n\nUse it."
    assert run.data.params["members"] == "3"
    files = {one.path for one in client.list_artifacts(run.info.run_id)}
    assert files == {"report.html", "recommendation.txt", "fitted"}
    assert (out.parent / "mlartifacts" / run.info.run_id / "artifacts/fitted/README.md").exists()


@pytest.mark.slow
def test_runs_in_one_folder_of_the_same_name_stay_apart(runs, config, history, out):
    for name in ("one.json", "other.json"):
        MlflowWriter(out, out / name).fit(out, "lstm", config, history)

    assert len(runs(out)[1]) == 4


def test_a_store_of_ones_own_is_written_to(runs, config, history, out, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{out / 'own.db'}")
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", "shops")
    from mlflow import MlflowClient

    MlflowWriter(out, out / "mlflow.json").fit(out, "lstm", config, history)

    client = MlflowClient(tracking_uri=f"sqlite:///{out / 'own.db'}")
    shops = client.get_experiment_by_name("shops")
    assert len(client.search_runs([shops.experiment_id])) == 2
    assert not (out.parent / "mlflow.db").exists()


def test_a_new_store_is_made_without_a_word(runs, out, caplog):
    with caplog.at_level("INFO"):
        MlflowWriter(out, out / "mlflow.json")

    assert caplog.messages == []
    assert (out.parent / "mlflow.db").exists()


@pytest.mark.parametrize("kind", ["sqlite:///", "nothing://", ""])
def test_a_store_that_cannot_be_opened_is_one_sentence(runs, out, monkeypatch, kind):
    (out / "x.db").write_text("no database\n" * 100)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"{kind}{out / 'x.db'}")

    message = r"^MLFLOW_TRACKING_URI must be a store that MLflow can open: \S+"
    with pytest.raises(DataError, match=message) as caught:
        MlflowWriter(out, out / "mlflow.json")

    assert "\n" not in str(caught.value)


def test_something_else_in_the_place_of_the_store_is_told(runs, out):
    (out.parent / "mlflow.db").write_text("no database\n" * 100)

    with pytest.raises(DataError, match=r"mlflow\.db must be a store that MLflow can open: "):
        MlflowWriter(out, out / "mlflow.json")


def test_a_store_that_fails_later_is_told_with_how_to_go_on(
    runs, config, history, out, monkeypatch
):
    writer = MlflowWriter(out, out / "mlflow.json")

    def fail(*_, **__):
        raise RuntimeError("database or disk\nis full")

    monkeypatch.setattr("mlflow.MlflowClient.log_batch", fail)

    message = r"mlflow\.db must be .* write to: database or disk is full; continue .* \(--resume\)"
    with pytest.raises(OSError, match=message):
        writer.fit(out, "lstm", config, history)
    with pytest.raises(OSError, match=message):
        writer.end(out, Ended(config, {}, {}, (), 0))


SILENT = """
import sys
from pathlib import Path

def told(event, arguments):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.sendto"):
        print(event, arguments)

sys.addaudithook(told)
from lockgate.tracking.ended import Ended
from lockgate.tracking.mlflow import MlflowWriter
from lockgate.training.config import TrainingConfig
from lockgate.training.history import History

class Run:
    training = TrainingConfig()
    def model_dump(self, mode): return {}

out = Path(sys.argv[1])
history = History(training=[1.0], gradient_norm=[1.0], seconds=[1.0], steps=[5])
writer = MlflowWriter(out, out / "mlflow.json")
writer.fit(out, "lstm", Run(), history)
writer.end(out, Ended(Run(), {"test/mae/delivered": 1.0}, {"verdict": ["Open."]}, [], 0))
from mlflow.telemetry.client import get_telemetry_client
print(get_telemetry_client())
"""


@pytest.mark.slow
def test_nothing_is_sent_and_mlflow_tells_its_makers_nothing(runs, out):
    # where tests run it is silent anyway
    loud = {
        name: value
        for name, value in os.environ.items()
        if name not in ("CI", "PYTEST_CURRENT_TEST", "MLFLOW_DISABLE_TELEMETRY")
    }

    done = subprocess.run(
        [sys.executable, "-c", SILENT, out], env=loud, capture_output=True, text=True, check=True
    )

    assert done.stdout == "None\n"
    assert len(runs(out)[1]) == 2
