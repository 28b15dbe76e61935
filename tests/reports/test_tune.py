"""The page of a search shows what its results hold, whatever names and outcomes they have."""

import json
import re
from copy import deepcopy

import pytest

from lockgate import DataError
from lockgate.reports import write_tune_report
from lockgate.reports.tune import figures, page

ATTACK = "<script>alert('x')</script>"


@pytest.fixture
def results(searched):
    return deepcopy(searched.results)


def text_of(html):
    return " ".join(re.sub(r"<[^>]+>", " ", html.split("<script type")[0]).split())


def test_the_page_opens_with_what_to_do_and_holds_every_trial(results, tmp_path):
    html = write_tune_report(results, tmp_path).read_text(encoding="utf-8")
    text = text_of(html)

    headline = results["verdict"]["recommendation"][0].split(":")[0]
    assert headline in text
    for one in results["space"]:
        assert one["name"] in text
    rows = re.findall(r'<th scope="row" class="narrow">(\d+)</th>', html)
    assert sorted(map(int, rows)) == list(range(8))
    assert "lockgate.tune(frame" in text


def test_every_chart_that_is_placed_is_drawn_and_the_other_way_round(results, tmp_path):
    results["space"][0]["importance"] = 0.5
    html = write_tune_report(results, tmp_path).read_text(encoding="utf-8")

    placed = set(re.findall(r'data-chart="([\w-]+)"', html))
    assert placed == set(figures(results))
    assert {"trials", "importance", "across", "slice-0", "look-0"} <= placed
    embedded = html.split('id="charts">')[1].split("</script>")[0]
    assert set(json.loads(embedded)) == placed


def test_without_a_trial_that_has_a_score_the_page_says_so(results, tmp_path):
    for one in results["trials"]:
        one.update(state="diverged", percent=None, by_fold={})
    results["entrants"] = results["entrants"][:1]
    results["verdict"].update(pairs=[], tuned=None, selected="default", baseline=None)

    html = write_tune_report(results, tmp_path).read_text(encoding="utf-8")

    assert "No trial has a score." in html
    assert "data-chart" not in html.split("<script")[0]


def test_names_of_the_data_are_text_and_nothing_else(results, tmp_path):
    results["data"]["source"] = ATTACK
    results["space"][2]["choices"] = ["lstm", ATTACK]
    for one in results["trials"]:
        one["values"]["model.cell"] = ATTACK
    for one in results["entrants"]:
        one["values"]["model.cell"] = ATTACK

    html = write_tune_report(results, tmp_path).read_text(encoding="utf-8")

    assert ATTACK not in html


def test_settings_are_told_beside_the_default_and_the_tuned(results):
    rows = {row.name: row for row in page(results).settings}

    assert rows["cell"].tried == "lstm and gru"
    assert rows["hidden_size"].tried == "2 to 16, by logarithms"
    assert rows["hidden_size"].default == "4"
    tuned = next(one for one in results["entrants"] if one["name"] == results["verdict"]["tuned"])
    assert rows["hidden_size"].tuned == str(tuned["values"]["model.hidden_size"])


def test_the_best_trials_come_first(results):
    order = [one["number"] for one in page(results).trials]
    complete = [one for one in results["trials"] if one["state"] == "complete"]

    assert order[0] == min(complete, key=lambda one: one["percent"])["number"]
    assert len(order) == 8


def test_results_of_a_study_are_refused(finished, tmp_path):
    with pytest.raises(DataError, match="must be those of a search"):
        write_tune_report(finished.results, tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_number_that_is_not_finite_is_refused(results, tmp_path):
    results["trials"][0]["seconds"] = float("nan")
    with pytest.raises(ValueError, match=r"results\.trials\[0\]\.seconds must be finite"):
        write_tune_report(results, tmp_path)
