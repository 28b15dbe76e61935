"""`lockgate upgrade` rewrites a folder of the first format in place, and refuses anything else."""

import json
import shutil
from pathlib import Path

FORMAT_1 = Path(__file__).parents[1] / "data" / "format-1"


def test_a_folder_gets_todays_format_and_predicts_the_same(lockgate, tmp_path):
    shutil.copytree(FORMAT_1 / "forecast", tmp_path / "model")
    before = lockgate("predict", "model", FORMAT_1 / "shop.csv")

    result = lockgate("upgrade", "model")

    assert result.exit_code == 0, result.stderr
    assert result.stdout == "model has today's format\n"
    assert json.loads((tmp_path / "model" / "config.json").read_text())["format_version"] == 2
    assert lockgate("predict", "model", FORMAT_1 / "shop.csv").stdout == before.stdout != ""


def test_the_model_of_a_study_is_upgraded_in_its_folder(lockgate, tmp_path):
    shutil.copytree(FORMAT_1 / "waves", tmp_path / "study" / "fitted")

    assert lockgate("upgrade", "study").exit_code == 0

    config = json.loads((tmp_path / "study" / "fitted" / "config.json").read_text())
    assert config["format_version"] == 2
    assert [path.name for path in (tmp_path / "study").iterdir()] == ["fitted"]


def test_what_is_no_fitted_folder_is_refused(refused, tmp_path):
    (tmp_path / "empty").mkdir()

    assert "empty is no fitted model" in refused("upgrade", "empty")
