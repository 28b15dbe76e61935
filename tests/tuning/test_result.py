"""Results of a search are read as they were written, and shown as tables."""

import pytest

import lockgate
from lockgate import DataError, TuneResult


def test_it_reads_what_it_wrote(searched, tmp_path, strict_json):
    copy = TuneResult(searched.results, tmp_path)
    copy.save()

    text = (tmp_path / "results.json").read_text(encoding="utf-8")
    assert strict_json(text) == searched.results
    assert TuneResult.load(tmp_path) == TuneResult.load(str(tmp_path)) == copy


def test_it_cannot_be_changed(searched):
    with pytest.raises(AttributeError):
        searched.folder = "elsewhere"


def test_words_settings_and_model_are_those_of_the_results(searched):
    words = searched.results["verdict"]["words"]

    assert searched.verdict == "\n".join(words)
    assert searched.verdict.startswith(searched.recommendation)
    selected = searched.results["verdict"]["selected"]
    chosen = [one for one in searched.results["trials"] if f"trial-{one['number']}" == selected]
    assert searched.settings == (chosen[0]["values"] if chosen else {})
    assert searched.best.metrics["rung"] == selected
    assert lockgate.load(searched.folder).metrics == searched.best.metrics
    assert searched.report_path.exists()


def test_the_settings_are_taken_by_train(searched, table, small, tmp_path):
    del small["hidden_size"], small["learning_rate"], small["lookback"]
    values = {"model.hidden_size": 3, "training.learning_rate": 0.01, "data.lookback": 14}
    one, _ = lockgate.train(table, config=values, out=tmp_path / "m", **small)

    assert one.config.model.hidden_size == 3
    assert one.config.data.lookback == 14


def test_a_row_for_each_trial(searched):
    trials = searched.trials()

    assert trials["trial"].to_list() == list(range(8))
    assert set(trials.columns) == {
        *("trial", "state", "change %", "hidden_size", "learning_rate", "cell", "lookback"),
        "seconds",
    }
    assert trials["state"].to_list().count("complete") == 3


def test_a_row_for_what_was_fitted_again_each_baseline_and_the_delivery(searched):
    table = searched.table()

    names = table["model"].to_list()
    assert names[0] == "default"
    assert names[-1] == "delivered"
    assert {"ridge", "last value"} <= set(names)
    delivered = searched.results["delivered"]["mixture"]["mae"]
    assert table["test mae"].to_list()[-1] == delivered
    assert table["in search %"].to_list()[0] is None
    assert "report.html" in searched._repr_html_()


def test_what_is_no_search_is_refused(finished, tmp_path):
    with pytest.raises(DataError, match=r"folder must hold a finished search, got .*No such file"):
        TuneResult.load(tmp_path)
    with pytest.raises(DataError, match=r"results\.json must be those of a search"):
        TuneResult.load(finished.folder)
    (tmp_path / "results.json").write_text("{")
    with pytest.raises(DataError, match="must be JSON"):
        TuneResult.load(tmp_path)
