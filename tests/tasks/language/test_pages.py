"""The report of a language model: log loss and perplexity, and the words it is worst at."""

from html import escape
from typing import Any

import pytest

from lockgate.reports.pages import digits
from lockgate.reports.study import write_report
from lockgate.tasks.language.pages import PAGES


def test_the_report_names_scores_parts_and_words(studied: Any) -> None:
    text = studied.report_path.read_text(encoding="utf-8")

    for shown in ("perplexity", "the words of <bdi>rings.txt</bdi>", "unigram", "bigram"):
        assert shown in text
    worst = studied.results["language"]["worst"]
    assert worst == sorted(worst, key=lambda one: -one["network"])
    assert f"<bdi>{escape(worst[0]['word'])}</bdi>" in text


def test_no_word_that_is_frequent_leaves_a_sentence(studied: Any, tmp_path: Any) -> None:
    results = {**studied.results, "language": {**studied.results["language"], "worst": []}}

    path = write_report(results, tmp_path)

    assert "The test part has no word 5 times." in path.read_text(encoding="utf-8")


def test_tables_show_the_perplexity_beside_the_log_loss(studied: Any) -> None:
    columns = PAGES.columns(studied.results)

    assert list(columns.names) == ["log_loss", "perplexity"]
    assert PAGES.values(studied.results, digits(studied.results)).digits >= 1
    assert PAGES.figures(studied.results, {}) == {}


def test_a_word_is_shown_as_it_is_written(studied: Any, tmp_path: Any) -> None:
    shown = {**studied.results["language"]}
    shown["worst"] = [{**shown["worst"][0], "word": "<script>"}]

    path = write_report({**studied.results, "language": shown}, tmp_path)

    assert "<bdi>&lt;script&gt;</bdi>" in path.read_text(encoding="utf-8")


@pytest.mark.parametrize("package", ["lockgate.tasks.language"])
def test_templates_lie_in_its_folder(package: str) -> None:
    assert PAGES.package == package
