"""The functions of the package: where they write, what they refuse, what they keep."""

from pathlib import Path

import pytest

import lockgate
from lockgate.settings import read_settings


def test_train_writes_to_runs_by_default(csv, small, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    fitted, folder = lockgate.train(csv, **small)

    assert folder == Path("runs/shop-sold")
    assert {path.name for path in folder.iterdir()} == {
        "config.json",
        "config.yaml",
        "README.md",
        "metrics.json",
        "model.safetensors",
        "preprocessing.json",
        "ridge.safetensors",
    }
    assert lockgate.load(folder).metrics == fitted.metrics
    assert read_settings(folder / "config.yaml") == fitted.config.model_dump(mode="json")


def test_a_written_configuration_repeats_the_run(trained, table, tmp_path):
    fitted, folder = trained

    again, _ = lockgate.train(table, out=tmp_path / "again", config=folder / "config.yaml")

    assert again.metrics["test"] == fitted.metrics["test"]


def test_what_is_told_overrules_the_file(trained, table, tmp_path):
    _, folder = trained

    fitted, _ = lockgate.train(
        table, out=tmp_path / "again", config=folder / "config.yaml", hidden_size=5, horizon=2
    )

    assert (fitted.config.model.hidden_size, fitted.preprocessing.horizon) == (5, 2)


def test_scores_of_training_stand_beside_the_baselines(trained):
    metrics = trained[0].metrics

    names = [baseline["name"] for baseline in metrics["baselines"]]
    assert names == ["last value", "seasonal naive 7", "drift", "window mean", "ridge"]
    assert set(metrics["test"]) == {"mae", "rmse", "mase"}
    assert len(metrics["per_step"]) == 3
    assert metrics["history"]["stopped"] == "max_epochs"


def test_every_training_looks_at_the_test_part_and_is_counted(table, other_table, small, tmp_path):
    first, _ = lockgate.train(table, out=tmp_path / "first", **small)
    second, _ = lockgate.train(table, out=tmp_path / "second", **small)
    other, _ = lockgate.train(other_table, out=tmp_path / "third", **small)

    assert [fitted.metrics["test_looks"] for fitted in (first, second, other)] == [1, 2, 1]


@pytest.mark.parametrize("kind", ["class", "steps", "number", "texts", "several"])
def test_labelled_data_in_memory_are_trained_on_and_loaded_again(labelled, tmp_path, kind):
    source, told = labelled(kind)
    small = {"hidden_size": 4, "embedding_size": 3, "max_epochs": 2}

    fitted, folder = lockgate.train(source, out=tmp_path / "model", **small, **told)

    again = lockgate.load(folder)
    assert isinstance(again, lockgate.FittedClassifier)
    assert again.predict(source[0]).equals(fitted.predict(source[0]))
    assert again.metrics["history"] == fitted.metrics["history"]
    asked = read_settings(folder / "config.yaml")
    asked["model"]["linear_path"] = "on" if kind in ("texts", "several") else "off"  # of auto
    assert asked == fitted.config.model_dump(mode="json")
    label = again.predict(source[0])["label"]
    assert label.dtype.is_numeric() == (kind == "number")
    if kind == "several":
        assert {name for text in label for name in text.split("|")} <= {"good", "fine", "bad", ""}


def test_load_reads_a_forecaster_too(trained):
    assert isinstance(lockgate.load(trained[1]), lockgate.FittedForecaster)
    assert isinstance(lockgate.load(str(trained[1])), lockgate.FittedForecaster)


def test_a_second_training_is_a_second_look(labelled, tmp_path):
    source, _ = labelled("class")
    small = {"hidden_size": 4, "max_epochs": 1}

    looks = [
        lockgate.train(source, out=tmp_path / name, **small)[0].metrics["test_looks"]
        for name in ("first", "second")
    ]

    assert looks == [1, 2]
