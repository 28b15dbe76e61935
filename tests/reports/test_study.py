"""The report is one complete file that needs no network and runs no text from the data."""

import base64
import hashlib
import json
import os
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import made
import pytest

from lockgate import DataError
from lockgate.charts import formats
from lockgate.reports import pages, write_report

Results = dict[str, Any]

LOADING = {"iframe", "object", "embed", "img", "link", "audio", "video", "source", "base", "form"}


class Page(HTMLParser):
    """Elements, the text of the page, its scripts and the cells of its tables."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[str] = []
        self.rows: list[list[str]] = []
        self.shown = ""
        self._inside = ""
        self.feed(text)
        self.shown = " ".join(self.shown.split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self._inside = tag if tag in ("script", "style") else self._inside
        if tag == "script":
            self.scripts.append("")
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_endtag(self, tag: str) -> None:
        if tag in ("script", "style"):
            self._inside = ""
        if tag == "table":  # what follows is in none of its cells
            self.rows.append([])

    def handle_data(self, data: str) -> None:
        if self._inside == "script":
            self.scripts[-1] += data
        elif not self._inside:
            self.shown += data
            if self.rows and self.rows[-1]:
                self.rows[-1][-1] += data

    def row(self, first: str, cells: int) -> list[str]:
        """The cells after the head of the row that begins with `first` and has `cells` cells."""
        tidy = [[" ".join(cell.split()) for cell in row] for row in self.rows]
        return next(r[1:] for r in tidy if r and r[0].startswith(first) and len(r) == cells)


def read(results: Results, folder: Path) -> Page:
    return Page(write_report(results, folder).read_text(encoding="utf-8"))


def numbers_in(value: Any) -> Iterator[float]:
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for child in value:
            yield from numbers_in(child)
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        yield float(value)


def strings_in(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for child in value:
            yield from strings_in(child)
    elif isinstance(value, str):
        yield value


def heavy(results: Results) -> Results:
    """A study of long training, far horizons and many columns."""
    for rung in results["rungs"]:
        for one in rung["rounds"]:
            for key in ("training", "validation", "gradient_norm", "seconds"):
                one["history"][key] = [0.123456789] * 3000
            one["epochs"] = 3000
        rung["per_step"] = [0.123456789] * 720
    results["rungs"] = [
        rung | {"name": rung["name"] + again} for again in ("", "-2") for rung in results["rungs"]
    ]
    results["data"]["channels"] = [f"channel number {i}" for i in range(500)]
    return results


def test_the_file_is_written_where_asked(results: Results, tmp_path: Path) -> None:
    folder = tmp_path / "runs" / "wetter größe"
    path = write_report(results, folder)

    assert path == folder / "report.html"
    assert os.listdir(folder) == ["report.html"]
    assert path.read_bytes().rstrip().endswith(b"</html>")


def test_the_file_stays_under_six_megabytes(results: Results, tmp_path: Path) -> None:
    assert write_report(results, tmp_path).stat().st_size < 5.2e6
    assert write_report(heavy(results), tmp_path).stat().st_size < 6e6


def test_nothing_is_loaded_from_elsewhere(odd: Results, style: str, tmp_path: Path) -> None:
    page = read(odd, tmp_path)

    for tag, attributes in page.elements:
        assert tag not in LOADING
        assert not {"src", "srcset", "data", "action", "xlink:href", "ping"} & attributes.keys()
        target = attributes.get("href", "#")
        assert target == "results.json" or target.startswith("#")
    assert not re.search(r"url\(|@import|@font-face", style)
    assert not re.search(r"https?:|fetch\(|XMLHttp|import\b|eval\(|innerHTML", page.scripts[-1])


def test_every_link_within_the_page_has_its_target(results: Results, tmp_path: Path) -> None:
    page = read(results, tmp_path)
    targets = {attributes["id"] for _, attributes in page.elements if "id" in attributes}
    links = {a["href"][1:] for t, a in page.elements if t == "a" and a["href"].startswith("#")}

    assert len(links) == 14
    assert links <= targets


def test_the_browser_is_told_to_allow_only_the_two_scripts(
    results: Results, tmp_path: Path
) -> None:
    page = read(results, tmp_path)
    policy = next(a["content"] for t, a in page.elements if a.get("http-equiv"))
    hashes = [
        base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
        for script in page.scripts[1:]
    ]

    assert policy.startswith("default-src 'none'; ")
    assert re.findall(r"'sha256-([^']+)'", policy) == hashes
    assert "unsafe-inline" not in policy.split("script-src")[1].split(";")[0]
    assert "http" not in policy


def test_text_from_the_data_is_shown_and_never_run(
    attacked: Results, attack: str, tmp_path: Path
) -> None:
    page = read(attacked, tmp_path)

    assert len(page.scripts) == 3
    assert all(not name.startswith("on") for _, attributes in page.elements for name in attributes)
    assert not {"b onclick", "i"} & {tag for tag, _ in page.elements}
    assert page.shown.count(attack) >= 8
    assert '<b onclick="x()">T & %{y} </b>' in page.shown
    assert "alert" not in page.scripts[2]


def test_a_chart_reads_back_the_text_it_was_given(
    attacked: Results, attack: str, tmp_path: Path
) -> None:
    figures = json.loads(read(attacked, tmp_path).scripts[0])
    names = {trace.get("name") for trace in figures["forecast-0"]["data"]}

    assert attack.replace("<", "&lt;").replace(">", "&gt;") in names


def test_every_text_of_the_results_is_on_the_page(results: Results, tmp_path: Path) -> None:
    shown = read(results, tmp_path).shown.replace("\xa0", " ")
    telling = [results["checks"], results["environment"]]
    telling += [pages.page(results).leads, pages.page(results).evidence]
    telling += [results["data"][key] for key in ("dropped", "ignored", "notices", "channels")]
    telling += [[rung["name"], rung["words"]] for rung in results["rungs"]]
    telling += [[results["command"], results["data"]["fingerprint"], results["created"]]]

    assert [text for text in strings_in(telling) if text.replace("`", "") not in shown] == []


def test_the_verdict_comes_first(results: Results, tmp_path: Path) -> None:
    page = read(results, tmp_path)
    headings = [tag for tag, _ in page.elements if tag in ("h1", "h2")]

    assert headings == ["h1"] + ["h2"] * 13
    assert page.shown.index("Use an LSTM with recurrent dropout 0.25") < 200


def test_every_number_in_a_table_is_in_the_results(odd: Results, tmp_path: Path) -> None:
    page = read(odd, tmp_path)
    known = sorted(numbers_in(odd))
    numeric = re.compile(r"−?[\d,]+(\.\d+)?")
    cells = [c.strip() for row in page.rows for c in row if numeric.fullmatch(c.strip())]

    assert len(cells) >= 20
    for cell in cells:
        value = float(cell.replace("−", "-").replace(",", ""))
        half = 0.5 * 10.0 ** -len(cell.partition(".")[2]) * (1 + 1e-9)
        assert any(abs(value - one) <= half for one in known), cell


def test_baselines_have_their_own_scores(results: Results, tmp_path: Path) -> None:
    page = read(results, tmp_path)

    for one in results["baselines"]:
        expected = [
            formats.number(one[part][key], digits)
            for part in ("judged", "test")
            for key, digits in (("mae", 2), ("rmse", 2), ("mase", 3))
        ]
        assert page.row(one["name"], 7) == expected
    marked = [row[0] for row in page.rows if len(row) == 7 and "reference" in row[0]]
    assert [text.split() for text in marked] == [
        ["ridge", "referencestrength", "10", "chosen", "on", "validation"]
    ]


def test_beside_baselines_stand_the_single_network_and_what_is_delivered(
    results: Results, tmp_path: Path
) -> None:
    page = read(results, tmp_path)

    assert page.row("recurrent-dropout selected", 7) == ["2.26", "2.96", "0.837", "–", "–", "–"]
    assert page.row("mixed with ridge delivered", 7) == ["–", "–", "–", "2.20", "2.88", "0.815"]


def test_what_is_delivered_is_told_part_by_part(results: Results, tmp_path: Path) -> None:
    page = read(results, tmp_path)

    assert page.row("one network", 4) == ["2.33", "3.05", "0.865"]
    assert page.row("mean of 5", 4) == ["2.27", "2.98", "0.844"]
    assert page.row("mixed with ridge delivered", 4) == ["2.20", "2.88", "0.815"]
    assert page.row("ridge in it", 4) == ["2.38", "3.11", "0.882"]


def test_rungs_have_their_own_scores_and_costs(results: Results, tmp_path: Path) -> None:
    page = read(results, tmp_path)
    row, rung = page.row("stacked-both", 8), results["rungs"][5]

    assert row[0] == "two lstm layers + both dropouts"
    assert row[1] == "open against stacked"
    assert row[2:] == [
        formats.number(rung["judged"]["mae"], 2),
        "0.019",
        formats.number(rung["best_epoch"], 1),
        "55,320",
        "58 s",
    ]
    assert page.row("lstm", 8)[1] == "–"


def test_a_cell_that_was_not_chosen_says_which_rounds_it_has(
    results: Results, tmp_path: Path
) -> None:
    assert "that chose the cell" not in read(results, tmp_path).shown.split("Every round")[0]
    for one in results["rungs"][6]["rounds"]:
        one["round"] = 0

    assert "10 rounds that chose the cell" in read(results, tmp_path).shown


def test_every_round_is_there(results: Results, tmp_path: Path) -> None:
    page = read(results, tmp_path)
    rounds = [row for row in page.rows if len(row) == 9 and row[0] in made.REACH]

    assert len(rounds) == 7 * 10
    one = results["rungs"][0]["rounds"][0]
    assert [cell.strip() for cell in rounds[0]][1:5] == [
        "1",
        "fold 1",
        formats.number(one["validation"], 2),
        formats.number(one["judged"]["mae"], 2),
    ]


def test_folds_are_told_with_their_dates_and_sizes(results: Results, tmp_path: Path) -> None:
    page = read(results, tmp_path)

    assert page.row("fold 2", 6) == ["2020-06-28", "2020-07-24 23:00", "3,640", "640", "640"]
    by_fold = results["rungs"][4]["by_fold"].values()
    assert page.row("stacked", 6) == [formats.number(score, 2) for score in by_fold]


def test_every_interval_of_the_verdict_is_in_words(results: Results, tmp_path: Path) -> None:
    shown = read(results, tmp_path).shown.replace("\xa0", " ")

    for text in (
        "helps −4.0 % [−6.1, −2.0]",
        "hurts +3.4 % [+1.6, +5.3]",
        "beats −2.6 % [−4.9, −0.4]",
    ):
        assert text in shown
    assert "no difference +0.2 % [−0.5, +0.9]" in shown
    assert "open −2.2 % [−5.8, +1.5] 70 % likely to help; more rows" in shown


def test_the_reach_of_the_gradient_is_told(results: Results, tmp_path: Path) -> None:
    shown = read(results, tmp_path).shown.replace("\xa0", " ")

    assert "the gradient vanishes in lstm, input-dropout, stacked and stacked-both; it" in shown
    assert "A bidirectional network" not in shown
    results["rungs"][6]["model"]["bidirectional"] = True
    assert "A bidirectional network reads the first step last" in read(results, tmp_path).shown


def test_a_study_that_measured_no_reach_says_so(results: Results, tmp_path: Path) -> None:
    for rung in results["rungs"]:
        rung["reach"] = None
    page = read(results, tmp_path)

    assert "This study did not measure it." in page.shown
    assert "reach" not in json.loads(page.scripts[0])


def test_looks_at_the_test_part_are_told(results: Results, tmp_path: Path) -> None:
    first = read(results, tmp_path).shown
    results["verdict"]["test_looks"] = 4
    later = read(results, tmp_path).shown

    rest = ", by what is delivered and the baselines."
    assert f"The test part has been looked at once{rest}" in first
    assert "Each look after the first" not in first
    assert f"The test part has been looked at 4 times{rest}" in later
    assert "Each look after the first" in later


def test_missing_numbers_are_dashes_and_nothing_reads_none(odd: Results, tmp_path: Path) -> None:
    shown = read(odd, tmp_path).shown

    assert not re.search(r"\b(None|nan|NaN|undefined)\b", shown)


def test_the_configuration_is_there_as_yaml(results: Results, tmp_path: Path) -> None:
    shown = read(results, tmp_path).shown

    assert "model: cell: auto hidden_size: 64 num_layers: 1 init: keras" in shown
    assert "budget: null metric: mae" in shown


@pytest.mark.parametrize("step", ["os.fsync", "pathlib.Path.replace"])
def test_a_failed_write_leaves_the_old_report_and_nothing_else(
    results: Results, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    write_report(results, tmp_path)
    before = (tmp_path / "report.html").read_bytes()
    results["verdict"]["recommendation"] = ["Another verdict."]

    def fail(*args: Any) -> None:
        raise OSError("No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(step, fail)
        with pytest.raises(OSError, match="No space left"):
            write_report(results, tmp_path)

    assert os.listdir(tmp_path) == ["report.html"]
    assert (tmp_path / "report.html").read_bytes() == before


def test_a_page_that_cannot_be_made_leaves_no_file(results: Results, tmp_path: Path) -> None:
    del results["rungs"][0]["words"]

    with pytest.raises(KeyError, match="words"):
        write_report(results, tmp_path)

    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(("version", "shown"), [(1, "1"), (None, "none")], ids=["1", "none"])
def test_another_format_version_raises(version: int | None, shown: str, tmp_path: Path) -> None:
    message = f"results must have format_version 2, got {shown}. Use the lockgate that wrote it."

    with pytest.raises(DataError, match=re.escape(message)):
        write_report({"format_version": version}, tmp_path)


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_a_number_that_is_none_raises_with_its_place(
    results: Results, tmp_path: Path, bad: float
) -> None:
    results["rungs"][1]["judged"]["mae"] = bad

    place = re.escape("results.rungs[1].judged.mae")
    with pytest.raises(ValueError, match=f"{place} must be finite, or null .* got {bad}"):
        write_report(results, tmp_path)


def test_the_results_are_not_changed(results: Results, tmp_path: Path) -> None:
    before = json.dumps(results)

    write_report(results, tmp_path)

    assert json.dumps(results) == before
