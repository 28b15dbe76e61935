"""The report of a study of labels shows every number, and no text of the data becomes markup."""

import copy
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from lockgate.charts import formats
from lockgate.reports import pages, write_report

Results = dict[str, Any]
KINDS = ("class", "steps", "number", "texts", "several")
ATTACK = "</script><script>alert(1)</script>"


class Page(HTMLParser):
    """The text of the page, the names of its elements, and the cells of its tables."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.rows: list[list[str]] = []
        self.shown = ""
        self._hidden = self._in_cell = False
        self.feed(text)
        self.shown = " ".join(self.shown.replace("\xa0", " ").split())
        self.rows = [[" ".join(cell.split()) for cell in row] for row in self.rows]

    def handle_starttag(self, tag: str, attrs: Any) -> None:  # noqa: ARG002
        self.tags.append(tag)
        self._hidden = tag in ("script", "style")
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")
            self._in_cell = True

    def handle_endtag(self, tag: str) -> None:
        self._hidden = self._hidden and tag not in ("script", "style")
        self._in_cell = self._in_cell and tag not in ("td", "th")

    def handle_data(self, data: str) -> None:
        if self._hidden:
            return
        self.shown += data
        if self._in_cell:
            self.rows[-1][-1] += data

    def row(self, first: str) -> list[str]:
        return next(row[1:] for row in self.rows if row and row[0] == first)


def read(results: Results, folder: Path) -> Page:
    return Page(write_report(results, folder).read_text(encoding="utf-8"))


@pytest.fixture(params=KINDS)
def results(request: pytest.FixtureRequest, studied: Any) -> Results:
    return copy.deepcopy(studied(request.param).results)


def test_no_value_is_broken(results: Results, tmp_path: Path) -> None:
    page = read(results, tmp_path)

    shown = page.shown.replace("Diverged fits. None.", "").replace("mix=False", "")
    assert not re.search(r"\b(None|nan|NaN|inf|undefined|False)\b|\{\{|\[\]", shown)
    assert page.tags.count("script") == 3
    assert pages.figures(results).keys() >= {f"curve-{i}" for i in range(len(results["rungs"]))}


def test_every_rung_and_baseline_is_there_with_its_score(results: Results, tmp_path: Path) -> None:
    page = read(results, tmp_path)
    digits = pages.digits(results)[results["metric"]]

    for one in results["rungs"]:
        assert formats.number(one["judged"][results["metric"]], digits) in page.shown
        assert one["words"] in page.shown
    for one in results["baselines"]:
        assert formats.number(one["test"][results["metric"]], digits) in page.shown
        assert one["name"] in page.shown
    shown = pages.page(results)
    for sentence in (shown.headline, *shown.leads, *shown.evidence):
        assert sentence.replace("\xa0", " ").replace("`", "") in page.shown


def test_parts_are_shown_with_their_classes(results: Results, tmp_path: Path) -> None:
    page = read(results, tmp_path)
    split = results["data"]["split"]

    kind = "texts" if results["data"]["texts"] else "sequences"
    assert page.row(kind) == [str(part["rows"]) for part in split.values()]
    for i, name in enumerate(results["data"]["classes"] if split["train"]["classes"] else ()):
        assert page.row(name) == [str(part["classes"][i]) for part in split.values()]


def test_mistakes_are_shown_as_their_kind_of_label_has_them(
    results: Results, tmp_path: Path
) -> None:
    page = read(results, tmp_path)
    labels, kind = results["labels"], results["data"]["task"]

    assert ("What it gets wrong" in page.shown) == (kind != "number")
    heading = {"number": "The largest errors", "steps": "The sequences with the most wrong steps"}
    assert heading.get(kind, "The surest mistakes") in page.shown
    digits = pages.digits(results)[results["metric"]]
    for one in labels["mistakes"]:
        row = page.row(one["name"])
        if kind == "steps":
            assert row[0] == f"{one['wrong']} of {one['steps']}"
            assert row[1:4] == [str(one["step"]), *one["truth"], *one["predicted"]]
            continue
        assert row[0] == one["text"]
        said = one["truth"], one["predicted"]
        if kind == "number":
            assert row[1:3] == [formats.number(value, digits) for value in said]
        else:
            assert row[1:3] == [", ".join(names) or "none" for names in said]


def test_each_of_several_labels_has_its_precision_and_recall(studied: Any, tmp_path: Path) -> None:
    results = copy.deepcopy(studied("several").results)
    # of 12 texts 4 have it, of which 3 are found, with 2 others
    results["labels"]["confusion"][0] = [[6, 2], [1, 3]]
    results["labels"]["confusion"][1] = [[12, 0], [0, 0]]

    page = read(results, tmp_path)

    first, second = results["data"]["classes"][:2]
    assert page.row(first) == ["4", "1", "2", "0.600", "0.750", "0.667"]
    assert page.row(second) == ["0", "0", "0", "–", "–", "–"]


def test_scores_of_both_models_have_intervals_over_rows(results: Results, tmp_path: Path) -> None:
    page = read(results, tmp_path)

    for one in results["labels"]["scores"]:
        name = pages.page(results).columns.names[one["name"]]
        shown = [row for row in page.rows if row[:1] == [name] and len(row) == 3][-1]
        for cell in shown[1:]:
            low, high = re.fullmatch(r"[\d.]+\[([\d.]+), ([\d.]+)\]", cell).groups()
            assert float(low) <= float(high)


def test_monte_carlo_dropout_has_a_curve_only_where_something_is_dropped(
    studied: Any, tmp_path: Path
) -> None:
    results = copy.deepcopy(studied("texts").results)
    certainty = results["labels"]["certainty"]
    lower = [{**one, "accuracy": 0.123} for one in certainty["probability"]]
    scores = {"accuracy": 0.456, "log_loss": 0.789}
    drawn = {"samples": 20, "scores": scores, "shares": lower}

    for passes in (None, drawn):
        certainty["monte_carlo"] = passes
        page, figure = read(results, tmp_path), pages.figures(results)["certainty"]
        names = {trace["name"] for trace in figure["data"]}
        assert ("by Monte-Carlo dropout" in names) == (passes is not None)
        assert ("drops nothing" in page.shown) == (passes is None)
        assert page.row("50 %")[1:] == (["0.123"] if passes else [])
    for words_ in ("20 passes with dropout", "accuracy is 0.456 and log loss 0.789"):
        assert words_ in page.shown


def test_a_class_called_script_is_shown_and_not_run(studied: Any, tmp_path: Path) -> None:
    results = copy.deepcopy(studied("class").results)
    assert "<script>" in results["data"]["classes"]

    page = read(results, tmp_path)

    assert page.tags.count("script") == 3
    assert page.shown.count("<script>") >= 3


def test_text_of_the_data_never_becomes_markup(studied: Any, tmp_path: Path) -> None:
    results = copy.deepcopy(studied("texts").results)
    results["data"]["classes"] = [ATTACK, "<b onclick=x()>"]
    results["data"]["source"] = results["data"]["notices"] = [ATTACK]
    results["data"]["source"] = ATTACK
    for one in results["labels"]["mistakes"]:
        one |= {"text": ATTACK, "truth": [ATTACK], "predicted": ["<img src=x>"], "name": ATTACK}

    page = read(results, tmp_path)

    assert page.tags.count("script") == 3
    assert "img" not in page.tags
    assert page.shown.count(ATTACK) >= 5


def test_scores_without_the_overlap_stand_below_the_others(studied: Any, tmp_path: Path) -> None:
    results = copy.deepcopy(studied("texts").results)
    results["data"]["overlap"] = 4
    parts = ("single", "networks", "mixture")
    for one in [one["test"] for one in results["baselines"]] + [
        results["delivered"][part] for part in parts
    ]:
        one |= {f"{key}_without_overlap": 0.4321 for key in list(one)}

    page = read(results, tmp_path)

    assert "leaves out the rows that are in another part too (4)" in page.shown
    assert page.shown.count("0.432") >= 5 * (len(results["baselines"]) + 2)
    assert "leaves out the rows" not in read(studied("texts").results, tmp_path).shown


def test_a_number_has_no_classes_on_its_page(studied: Any, tmp_path: Path) -> None:
    page = read(studied("number").results, tmp_path)

    assert "a number" in page.shown
    assert "accuracy" not in page.shown
    assert "MAE" in page.shown


def test_what_diverged_leaves_dashes(studied: Any, tmp_path: Path) -> None:
    results = copy.deepcopy(studied("class").results)
    one = results["rungs"][1]
    one |= {"gap": None, "best_epoch": None, "reach": None, "by_fold": {}}
    one["judged"] = dict.fromkeys(one["judged"])
    for fit in one["rounds"]:
        fit |= {"stopped": "diverged", "validation": None, "judged": None, "reach": None}

    assert "diverged" in read(results, tmp_path).shown
