"""What the page of verdicts says of its picture is what the rule says."""

import re
import runpy
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def script() -> dict:
    return runpy.run_path(str(ROOT / "scripts" / "concept_pictures"), run_name="pictures")


def test_the_verdicts_drawn_are_those_that_the_page_tells(script: dict) -> None:
    figure = script["verdicts"]()["verdict"]

    said = [text for one in figure["data"] if one["mode"] == "text" for text in one["text"]]

    assert said == [
        "10 rounds: helps",
        *("10 rounds: open", "20 rounds: helps"),
        *("10 rounds: open", "20 rounds: no difference"),
        "10 rounds: no gain",
    ]


def test_every_picture_of_a_page_is_there_and_shown(script: dict) -> None:
    pages = [page.read_text(encoding="utf-8") for page in script["FOLDER"].glob("*.md")]
    shown = {name for page in pages for name in re.findall(r"\]\((\w+\.png)\)", page)}

    assert shown == {path.name for path in script["FOLDER"].glob("*.png")}
