"""The frame of a page holds its own scripts, asks for nothing and runs nothing else."""

import json
import math
import re
from html import unescape

import pytest

from lockgate.reports import frame
from lockgate.reports.frame import check_finite, render


def test_no_text_of_the_charts_ends_their_script_element(searched):
    from lockgate.reports.tune import page

    figures = {"a": {"data": [], "layout": {"title": "</script><script>alert(1)</script>"}}}
    html = render(
        "tune.html.j2", figures, r=searched.results, page=page(searched.results), config=""
    )

    assert "<script>alert" not in html
    assert "\\u003c/script\\u003e" in html
    assert html.count("<script") == 3
    assert "default-src 'none'; script-src 'sha256-" in unescape(html)


@pytest.mark.parametrize(
    ("value", "place"),
    [
        ({"a": [1.0, {"b": math.nan}]}, r"results\.a\[1\]\.b must be finite"),
        ([math.inf], r"results\[0\] must be finite"),
    ],
)
def test_a_number_that_is_not_finite_is_named(value, place):
    with pytest.raises(ValueError, match=place):
        check_finite(value)


def test_finite_numbers_and_gaps_are_fine():
    check_finite({"a": [1.0, None, "nan"]})


def test_no_text_ends_the_script_it_stands_in(attack):
    data = {"ds": [attack, "<!--<script>", "]]>&amp;\u2028"]}
    embedded = str(frame._embedded(data))

    assert not re.search("[<>&\u2028]", embedded)
    assert json.loads(embedded) == data


def test_line_ends_are_those_the_browser_hashes():
    assert frame._normal("a\r\nb\rc\n") == "a\nb\nc\n"
