"""A fitted model is used for data of its task alone, and its folder changes whole or not at all."""

import shutil

import numpy as np
import polars as pl
import pytest

import lockgate
from lockgate import DataError
from lockgate.files import DiskFullError


@pytest.fixture
def classifier(labelled, tmp_path):
    texts, settings = labelled("texts")
    return lockgate.train(texts, out=tmp_path / "classifier", max_epochs=1, **settings)[0]


@pytest.mark.parametrize("use", [lockgate.backtest, lockgate.update])
def test_what_needs_a_past_is_refused_to_a_classifier(classifier, csv, use):
    with pytest.raises(DataError, match=r"^model must be a forecaster of a table, whose rows have"):
        use(classifier, csv)


def test_settings_are_no_model_to_be_updated(csv):
    told = r"^model must be a forecaster or the folder of one, got \{'target': 'sold'\}$"
    with pytest.raises(DataError, match=told):
        lockgate.update({"target": "sold"}, csv)


@pytest.mark.parametrize("use", [lockgate.predict, lockgate.evaluate])
def test_a_table_that_comes_along_is_of_a_forecaster(classifier, tmp_path, use):
    told = r"classifier must hold a forecaster of a table for 'sample:co2'"
    with pytest.raises(DataError, match=told):
        use(tmp_path / "classifier", "sample:co2")


def test_a_full_disk_leaves_the_folder_as_it_was_and_offers_no_resume(tmp_path, monkeypatch):
    day = np.datetime64("2020-01-01", "us") + np.arange(300) * np.timedelta64(1, "D")
    table = pl.DataFrame({"ds": day, "y": np.random.default_rng(0).normal(size=300).cumsum()})
    told = {"target": "y", "horizon": 2, "lookback": 7, "hidden_size": 4, "max_epochs": 1}
    folder, copy = tmp_path / "model", tmp_path / "copy"
    lockgate.train(table[:250], out=folder, members=2, **told)
    shutil.copytree(folder, copy)

    def full(_):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("os.fsync", full)
        told = r"intervals\.safetensors cannot be written, as its disk is full: make room there$"
        with pytest.raises(DiskFullError, match=told):
            lockgate.update(folder, table)

    files = [{path.name: path.read_bytes() for path in one.iterdir()} for one in (folder, copy)]
    assert files[0] == files[1]
    assert lockgate.update(folder, table).forecasts == lockgate.update(copy, table).forecasts
