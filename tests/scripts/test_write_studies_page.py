import json
import re
from pathlib import Path
from xml.etree import ElementTree

import made
import pytest
import write_studies_page as writer

from lockgate.errors import DataError


def test_section_tells_rungs_baselines_and_what_is_delivered():
    section = writer.section("Weather", made.make())

    assert "lockgate study weather.csv.gz" in section
    assert "- Use an LSTM with recurrent dropout 0.25: it lowers" in section
    assert "| **recurrent-dropout** (selected) | 2.256 |  |  |" in section
    assert "| ridge (reference) | 2.286 | 2.377 | −7.5 % |  |  |" in section
    assert "| ridge in it |  | 2.377 | −7.5 % [−10.1, −4.8] |  |  |" in section
    assert "| drift | 3.362 | 3.496 | −37.1 % |  |  |" in section
    assert "| **mixed with ridge** (delivered) |  | 2.198 |  |  |  |" in section
    assert "10 rounds" in section


def test_the_interval_is_that_of_the_baseline_fitted_to_the_same_rows():
    results = made.make()
    results["delivered"]["refitted"]["mae"] = 2.1
    results["delivered"]["effect"] |= {"percent": 4.7, "low": -1.0, "high": 9.0}

    section = writer.section("Weather", results)

    assert "| ridge (reference) | 2.286 | 2.377 | −7.5 % |  |  |" in section
    assert "| ridge in it |  | 2.1 | +4.7 % [−1.0, +9.0] |  |  |" in section


def test_section_tells_of_every_pair_once_and_what_limits_it():
    section = writer.section("Weather", made.make())

    assert "| recurrent-dropout against lstm | helps | −4.0 % [−6.1, −2.0] | 10 |  |" in section
    assert (
        "| input-dropout against lstm | open, 41 % likely to help | +0.4 % [−2.2, +3.1] | 10 "
        "| 5 to 10 more rounds |" in section
    )
    assert (
        "| stacked-both against stacked | open, 70 % likely to help | −2.2 % [−5.8, +1.5] | 10 "
        "| more rows |" in section
    )
    assert "- A single network (recurrent-dropout) beats ridge on the rows judged" in section
    assert "Recurrent dropout 0.25 helps:" not in section


@pytest.mark.parametrize("odd", made.ODD)
def test_every_study_that_can_be_has_a_section(odd):
    assert writer.section("W", made.ODD[odd]()).startswith("## W")


def test_what_diverged_has_no_numbers():
    section = writer.section("W", made.some_diverged())

    assert "| stacked-both | – |  |  | – |" in section
    assert "no verdict: the rung or its parent has no score | – | 0 |  |" in section


def test_page_counts_the_studies_that_are_finished_and_names_the_others(tmp_path):
    for name, results in (("bike", made.make()), ("taylor", made.some_diverged())):
        (tmp_path / name).mkdir()
        (tmp_path / name / "results.json").write_text(json.dumps(results))

    writer.main(tmp_path, tmp_path / "page.md")

    page = (tmp_path / "page.md").read_text(encoding="utf-8")
    assert "\n\nNot run: Temperature at Jena, one hour ahead; Temperature at Jena" in page
    assert "| Bike rentals, the next 24 hours | 4 of 6 | 2 | 1 | 1 | 0 | 1 | 1 | 0 | 10 |" in page
    assert "| **all** | 8 of 12 | 4 | 2 | 2 | 0 | 2 | 1 | 1 | 20 |" in page
    assert page.count("\n## ") == 3  # with that of all cards
    assert (tmp_path / "studies" / "bike.svg").exists()


def test_results_of_an_earlier_format_are_refused(tmp_path):
    (tmp_path / "bike").mkdir()
    old = {"format_version": 1, "command": "lockgate study hour.csv.gz"}
    (tmp_path / "bike" / "results.json").write_text(json.dumps(old))

    with pytest.raises(DataError, match="repeat the study: lockgate study hour"):
        writer.main(tmp_path, tmp_path / "page.md")


def test_intervals_are_told_as_they_are_and_kept_up_to_date():
    level = {"level": 80.0, "before": {"share": 0.728}, "kept_up": {"share": 0.801}}
    told = {"forecasts": 1318, "levels": [{**level, "interval_scores": [200.0, 190.0]}]}

    found = writer.intervals_table({"Bikes": told})

    assert found.splitlines()[0].startswith(
        "|  | forecasts | 80 % covers | kept up to date | interval score"
    )
    assert found.splitlines()[2] == "| Bikes | 1,318 | 72.8 % | 80.1 % | −5.0 % | – | – | – |"


def test_a_card_tells_the_verdict_and_the_best_baseline_of_the_test_part():
    card = writer.card("weather", "Weather", made.make())

    assert card.startswith("**[Weather](#weather)**\n\n![Weather: a forecast of the test part](")
    assert "\nUse an LSTM with recurrent dropout 0.25: it lowers" in card
    assert "MAE 2.198 on the test part; the best baseline there, ridge, has 2.377 (−7.5 %)." in card


@pytest.mark.parametrize("odd", made.ODD)
def test_every_study_that_can_be_has_a_card(odd):
    assert writer.card("w", "W", made.ODD[odd]()).startswith("**[W](#w)**")


def test_the_picture_shows_the_median_forecast_and_holes_in_it():
    results = made.make()
    median = results["forecasts"][1]
    median["history"]["y"][3] = None
    truth = median["future"]["y"]
    low, high = ([one + by for one in truth] for by in (-1.0, 1.0))
    median["future"]["intervals"] = [{"level": 80.0, "low": low, "high": high}]

    drawn = ElementTree.fromstring(writer.picture(results))  # noqa: S314

    title = drawn.find("{*}title").text
    assert title == f"{results['data']['target']}: a forecast from {median['origin']}"
    points = [len(one.get("points").split()) for one in drawn.findall("{*}polyline")]
    past, ahead = len(median["history"]["y"]), len(median["future"]["y"])
    assert points == [3, past + ahead - 4, ahead, ahead]
    [bounds] = drawn.findall("{*}polygon")
    assert len(bounds.get("points").split()) == 2 * ahead


def test_the_page_of_docs_has_a_card_and_a_small_picture_of_every_study():
    docs = Path(__file__).parents[2] / "docs"
    page = (docs / "studies.md").read_text(encoding="utf-8")

    assert re.findall(r"\]\(studies/(.+)\.svg\)", page) == list(writer.STUDIES)
    for name, title in writer.STUDIES.items():
        assert f"**[{title}](#{name})**" in page
        assert f'<a id="{name}"></a>\n\n## {title}\n' in page
        assert (docs / "studies" / f"{name}.svg").stat().st_size < 60_000
