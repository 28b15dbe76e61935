"""What was done of a backtest is kept whole, and goes on in the folder of the same alone."""

import json
from copy import deepcopy

import polars as pl
import pytest
import torch

from lockgate import DataError
from lockgate.tasks.forecasting.backtest_folder import BacktestFolder, digest_of, settings_in

ASKED = {"format_version": 1, "backtest": {"n_windows": 2, "baselines": ()}}
FRAME = pl.DataFrame({"y": [1.0, None], "lockgate": [0.1, 0.2]})


def test_forecasts_and_fits_come_back_as_they_were(tmp_path, trained):
    kept = BacktestFolder(tmp_path / "run", ASKED, resume=False)
    assert kept.cutoff(1) is None
    assert kept.fitted(0) is None

    kept.keep_cutoff(1, FRAME)
    kept.checkpoints(0).mkdir(parents=True)
    kept.keep_fitted(0, trained[0])

    again = BacktestFolder(tmp_path / "run", ASKED, resume=True)
    assert again.cutoff(1).equals(FRAME)
    assert digest_of(again.fitted(0)) == digest_of(trained[0])
    assert not kept.checkpoints(0).exists()


def test_a_folder_that_holds_something_is_not_written_over(tmp_path):
    BacktestFolder(tmp_path / "run", ASKED, resume=False).keep_cutoff(0, FRAME)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").touch()

    with pytest.raises(DataError, match=r"got .*run: pass resume=True \(--resume\) to continue"):
        BacktestFolder(tmp_path / "run", ASKED, resume=False)
    for resume in (True, False):
        with pytest.raises(DataError, match=r"new folder, got .*mine: pass another run \(--run\)"):
            BacktestFolder(tmp_path / "mine", ASKED, resume=resume)


def test_a_backtest_that_failed_before_its_first_part_leaves_its_folder_free(tmp_path):
    BacktestFolder(tmp_path / "run", ASKED, resume=False)

    BacktestFolder(tmp_path / "run", {**ASKED, "format_version": 2}, resume=False)

    assert json.loads((tmp_path / "run" / "backtest.json").read_text())["format_version"] == 2


def test_another_backtest_does_not_go_on_there(tmp_path):
    BacktestFolder(tmp_path / "run", ASKED, resume=False).keep_cutoff(0, FRAME)

    with pytest.raises(DataError, match=r"backtest\.n_windows is 2 there and 3 here; pass another"):
        BacktestFolder(
            tmp_path / "run",
            {**ASKED, "backtest": {**ASKED["backtest"], "n_windows": 3}},
            resume=True,
        )


def test_what_a_killed_process_left_half_written_is_removed(tmp_path):
    kept = BacktestFolder(tmp_path / "run", ASKED, resume=False)
    kept.keep_cutoff(0, FRAME)
    (tmp_path / "run" / "cutoffs" / ".001.parquet.0123abcd").touch()
    (tmp_path / "run" / "fits" / ".000.0123abcd").mkdir(parents=True)

    BacktestFolder(tmp_path / "run", ASKED, resume=True)

    left = sorted(path.name for path in (tmp_path / "run").rglob("*"))
    assert left == ["000.parquet", "backtest.json", "cutoffs", "fits"]


def test_resuming_what_was_never_begun_begins(tmp_path):
    BacktestFolder(tmp_path / "run", ASKED, resume=True)

    assert json.loads((tmp_path / "run" / "backtest.json").read_text())["format_version"] == 1


def test_models_are_told_apart_by_their_weights(trained):
    fitted, other = trained[0], deepcopy(trained[0])
    assert digest_of(fitted) == digest_of(other)

    with torch.no_grad():
        next(other.model.parameters())[0] += 1e-3

    assert digest_of(fitted) != digest_of(other)


def test_settings_of_a_folder_are_read_without_what_lies_beside_them(trained, tmp_path):
    fitted, folder = trained

    found = settings_in(folder / "config.json")

    assert found == fitted.config.model_dump(mode="json")
    assert settings_in(str(folder / "config.yaml")) == found
    assert settings_in(None) is None
    assert settings_in({"target": "sold"}) == {"target": "sold"}
    (tmp_path / "labels.json").write_text(json.dumps({"task": "labels", "data": {}}))
    with pytest.raises(DataError, match=r"settings of a forecaster, got .*, of 'labels'"):
        settings_in(tmp_path / "labels.json")
    with pytest.raises(TypeError, match="a folder, a file or a mapping of settings, got int"):
        settings_in(3)
