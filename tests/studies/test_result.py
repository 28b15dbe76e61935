"""What a study gives back: its verdict, its table, its best model, and a page for notebooks."""

import json
import shutil

import pytest

from lockgate import DataError, StudyResult
from lockgate.tasks.forecasting.prepare import read


def test_the_table_holds_a_row_for_every_rung_and_baseline(finished):
    table = finished.table()

    names = ["lstm", "input-dropout", "last value", "seasonal naive 7", "drift", "window mean"]
    assert table["model"].to_list() == [*names, "ridge"]
    by_name = {row["model"]: row for row in table.to_dicts()}
    rung = finished.results["rungs"][1]
    assert by_name["input-dropout"]["test mae"] == rung["test"]["mean"]
    assert by_name["input-dropout"]["outcome"] == finished.results["verdict"]["pairs"][0]["outcome"]
    ridge = finished.results["baselines"][-1]
    assert by_name["ridge"]["test mae"] == ridge["test"]["mae"]
    references = [b["name"] for b in finished.results["baselines"] if b["reference"]]
    assert [n for n, row in by_name.items() if row["outcome"] == "reference"] == references


def test_the_verdict_is_its_sentences(finished):
    assert finished.verdict.splitlines() == finished.results["verdict"]["words"]
    assert len(finished.verdict.splitlines()) == 4


def test_the_best_model_forecasts(finished, table):
    best = finished.best

    assert len(best.predict(read(table, best.config.data))) == 3


def test_a_notebook_shows_verdict_table_and_report(finished):
    page = finished._repr_html_()

    assert "The selected network" in page
    assert "input-dropout" in page
    assert finished.report_path.as_uri() in page


def test_names_are_no_markup_in_a_notebook(finished, tmp_path):
    results = json.loads(json.dumps(finished.results))
    results["verdict"]["words"] = ["<script>alert(1)</script>"]
    results["rungs"][0]["name"] = "<b>lstm</b>"

    page = StudyResult(results, tmp_path / 'a"b')._repr_html_()

    assert "<script>" not in page
    assert "<b>" not in page
    assert 'a"b' not in page


def test_a_finished_study_is_loaded_from_its_folder(finished):
    loaded = StudyResult.load(finished.folder)

    assert loaded.results == finished.results
    assert loaded.best.metrics == finished.best.metrics


@pytest.mark.parametrize("content", [None, "", "{", "[" * 100_000])
def test_a_folder_without_results_is_refused(finished, tmp_path, content):
    folder = shutil.copytree(finished.folder, tmp_path / "study")
    (folder / "results.json").unlink()
    if content is not None:
        (folder / "results.json").write_text(content)

    with pytest.raises(DataError, match=r"finished study|results.json must be JSON"):
        StudyResult.load(folder)


@pytest.fixture
def written(tmp_path):
    """Write the content of a `results.json`; give its folder."""

    def write(content):
        (tmp_path / "results.json").write_text(json.dumps(content))
        return tmp_path

    return write


@pytest.mark.parametrize(
    ("version", "shown"), [(99, "99"), ("1", "'1'"), (None, "none")], ids=["99", "text", "none"]
)
def test_results_of_another_format_are_refused_with_the_remedy(written, version, shown):
    content = {"format_version": version, "lockgate_version": "9.0", "command": "lockgate study a"}

    with pytest.raises(DataError) as error:
        StudyResult.load(written(content))

    assert str(error.value).endswith(
        f"results.json must have format_version 1, got {shown}. Use the lockgate that wrote it "
        "(9.0), or repeat the study: lockgate study a"
    )


def test_the_remedy_names_only_what_the_results_hold(written):
    with pytest.raises(DataError, match=r"1, got none\. Use the lockgate that wrote it\.$"):
        StudyResult.load(written({"command": 3}))


@pytest.mark.parametrize("content", [[], [1], "text", 1, None], ids=str)
def test_what_is_no_object_is_refused(written, content):
    kind = type(content).__name__

    with pytest.raises(DataError, match=rf"results.json must be an object .* 1, got a {kind}$"):
        StudyResult.load(written(content))


def test_results_from_before_there_were_two_tasks_are_forecasts(finished, written):
    content = {key: value for key, value in finished.results.items() if key != "task"}

    assert StudyResult.load(written(content)).results == finished.results
