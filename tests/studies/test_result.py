"""What a study gives back: its verdict, its table, its best model, and a page for notebooks."""

import json

import made
import pytest

from lockgate.errors import DataError
from lockgate.studies.result import StudyResult
from lockgate.tasks.forecasting.prepare import read


@pytest.fixture
def result(tmp_path):
    """A study made by hand, without a model."""
    return StudyResult(made.make(), tmp_path)


def test_the_table_holds_a_row_for_every_rung_baseline_and_part(result):
    table = result.table()

    rungs = [one["name"] for one in result.results["rungs"]]
    baselines = [one["name"] for one in result.results["baselines"]]
    parts = ["one LSTM", "mean of 5", "mixed with ridge", "ridge in it"]
    assert table["model"].to_list() == [*rungs, *baselines, *parts]
    by_name = {row["model"]: row for row in table.to_dicts()}
    assert len(by_name) == len(table)


def test_the_table_holds_scores_changes_and_chances(result):
    by_name = {row["model"]: row for row in result.table().to_dicts()}
    rung, ridge = result.results["rungs"][2], result.results["baselines"][-1]

    dropout = by_name["recurrent-dropout"]
    assert dropout["judged mae"] == rung["judged"]["mae"]
    assert dropout["test mae"] is None
    assert [dropout[name] for name in ("change %", "low", "high")] == [-4.0, -6.1, -2.0]
    assert (dropout["outcome"], dropout["chance %"], dropout["rounds"]) == ("helps", None, 10)
    assert by_name["input-dropout"]["chance %"] == pytest.approx(41.0)
    assert by_name["lstm"]["outcome"] is None
    assert by_name["ridge"]["judged mae"] == ridge["judged"]["mae"]
    assert by_name["ridge"]["test mae"] == ridge["test"]["mae"]
    assert [n for n, row in by_name.items() if row["outcome"] == "reference"] == ["ridge"]
    mixed = by_name["mixed with ridge"]
    assert (mixed["test mae"], mixed["change %"], mixed["outcome"]) == (2.198, -7.5, "beats")
    assert by_name["ridge in it"]["outcome"] is None


def test_without_a_baseline_in_it_the_mean_is_what_is_delivered(tmp_path):
    table = StudyResult(made.one_round_one_rung(), tmp_path).table()

    assert table["model"].to_list() == ["lstm", "one LSTM", "mean of 5"]


def test_the_verdict_is_its_sentences_and_opens_with_what_to_do(result):
    words = result.results["verdict"]["words"]

    assert result.verdict.splitlines() == words
    assert result.recommendation.splitlines() == result.results["verdict"]["recommendation"]
    assert result.verdict.startswith(result.recommendation)
    assert result.rounds == 10


def test_open_pairs_are_those_that_more_could_decide(result):
    by_rounds, by_rows = result.open_pairs

    assert (by_rounds["rung"], by_rounds["needed"], by_rounds["chance"]) == (
        "input-dropout",
        [5, 10],
        0.41,
    )
    assert (by_rows["rung"], by_rows["limit"]) == ("stacked-both", "rows")


def test_the_best_model_forecasts(finished, table):
    best = finished.best

    assert len(best.predict(read(table, best.config.data))) == 3


def test_a_notebook_shows_verdict_table_and_report(result):
    page = result._repr_html_()

    assert "Use an LSTM with recurrent dropout 0.25" in page
    assert "input-dropout" in page
    assert result.report_path.as_uri() in page


def test_names_are_no_markup_in_a_notebook(tmp_path):
    results = made.make()
    results["verdict"]["words"] = ["<script>alert(1)</script>"]
    results["rungs"][0]["name"] = "<b>lstm</b>"

    page = StudyResult(results, tmp_path / 'a"b')._repr_html_()

    assert "<script>" not in page
    assert "<b>" not in page
    assert 'a"b' not in page


def test_a_finished_study_is_loaded_from_its_folder(result):
    result.save()

    assert StudyResult.load(result.folder).results == result.results


@pytest.mark.parametrize("content", [None, "", "{", "[" * 100_000])
def test_a_folder_without_results_is_refused(tmp_path, content):
    if content is not None:
        (tmp_path / "results.json").write_text(content)

    with pytest.raises(DataError, match=r"finished study|results.json must be JSON"):
        StudyResult.load(tmp_path)


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
        f"results.json must have format_version 2, got {shown}. Use the lockgate that wrote it "
        "(9.0), or repeat the study: lockgate study a"
    )


def test_the_remedy_names_only_what_the_results_hold(written):
    with pytest.raises(DataError, match=r"2, got none\. Use the lockgate that wrote it\.$"):
        StudyResult.load(written({"command": 3}))


@pytest.mark.parametrize("content", [[], [1], "text", 1, None], ids=str)
def test_what_is_no_object_is_refused(written, content):
    kind = type(content).__name__

    with pytest.raises(DataError, match=rf"results.json must be an object .* 2, got a {kind}$"):
        StudyResult.load(written(content))
