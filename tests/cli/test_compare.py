"""`lockgate compare` shows two studies side by side, and refuses what cannot be compared."""

import json

import made
import pytest

import lockgate
from lockgate.studies.result import StudyResult


@pytest.fixture
def runs(tmp_path):
    """Two studies of the same data in folders."""
    second = made.make()
    second["config"]["training"]["patience"] = 20
    for name, results in (("one", made.make()), ("two", second)):
        (tmp_path / name).mkdir()
        StudyResult(results, tmp_path / name).save()
    return tmp_path


def test_both_studies_stand_side_by_side(lockgate, runs):
    shown = lockgate("compare", "one", "two")

    assert shown.exit_code == 0, shown.stderr
    lines = [line.split() for line in shown.stdout.splitlines()]
    assert ["training.patience", "8", "20"] in lines
    assert ["mixed", "with", "ridge"] not in lines
    assert ["delivered", "2.198", "2.198", "0"] in lines
    assert any(line[:2] == ["recurrent-dropout", "lstm"] for line in lines)


def test_all_of_it_is_json(lockgate, runs, strict_json):
    shown = lockgate("compare", "one", "two", "--json")

    assert strict_json(shown.stdout)["settings"] == [
        {"setting": "training.patience", "first": "8", "second": "20"}
    ]


def test_studies_of_other_data_are_refused(refused, runs):
    path = runs / "two" / "results.json"
    results = json.loads(path.read_text())
    results["data"] |= {"fingerprint": "other", "source": "b.csv"}
    path.write_text(json.dumps(results))

    assert refused("compare", "one", "two") == (
        "studies must be of the same data to be compared, got 'weather.csv.gz' and 'b.csv': "
        "repeat one of them"
    )


def test_what_is_no_study_is_refused(refused, runs):
    assert "folder must hold a finished study" in refused("compare", "one", "three")


def test_python_takes_folders_and_studies(runs):
    one = lockgate.StudyResult.load(runs / "one")

    assert lockgate.compare(one, runs / "two") == lockgate.compare(str(runs / "one"), runs / "two")
