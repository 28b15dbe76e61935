"""The page of a sweep holds its picture and its words, and what is in a name is text."""

import json
import re
from dataclasses import replace

import pytest

import lockgate
from lockgate.reports import write_rate_report

ATTACK = "<script>alert('x')</script>"


@pytest.fixture
def result(table, small, tmp_path):
    settings = {**small, "max_epochs": 60, "batches": 80}
    return lockgate.lr_find(table, out=tmp_path / "rates", **settings)


def read(result, folder):
    html = write_rate_report(result, folder).read_text(encoding="utf-8")
    text = " ".join(re.sub(r"<[^>]+>", " ", html.split("<script type")[0]).split())
    return html, text.replace("\u00a0", " ")


def test_the_page_is_that_of_the_folder_and_holds_words_and_picture(result, tmp_path):
    html, text = read(result, tmp_path / "again")

    assert html == result.report_path.read_text(encoding="utf-8")
    assert result.words[0] in text
    assert "A suggestion, not a verdict" in text
    assert re.findall(r'data-chart="([\w-]+)"', html) == ["rates"]
    embedded = html.split('id="charts">')[1].split("</script>")[0]
    dots, line = json.loads(embedded)["rates"]["data"]
    assert tuple(dots["y"]) == result.losses
    assert tuple(line["y"]) == result.smoothed
    assert "lockgate.lr_find(frame" in text


def test_where_nothing_is_suggested_the_page_says_so(result, tmp_path):
    nothing = replace(result, suggestion=None, words=("The picture suggests none.",))

    html, text = read(nothing, tmp_path / "again")

    assert "Suggested none" in text
    assert "where the loss falls fastest" not in text
    assert (
        len(
            json.loads(html.split('id="charts">')[1].split("</script>")[0])["rates"]["layout"][
                "shapes"
            ]
        )
        == 1
    )


def test_a_schedule_is_told_to_be_left_out(result, tmp_path):
    training = {**result.config["training"], "schedule": "cosine"}
    scheduled = replace(result, config={**result.config, "training": training})

    assert "schedule of the settings is left out" in read(scheduled, tmp_path / "a")[1]
    assert "schedule of the settings is left out" not in read(result, tmp_path / "b")[1]


def test_names_of_the_data_are_text_and_nothing_else(result, tmp_path):
    html, _ = read(replace(result, source=ATTACK, command=ATTACK), tmp_path / "again")

    assert ATTACK not in html
