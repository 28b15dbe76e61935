"""A real browser, without a network, draws the page, wide and on a phone, light and dark."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lockgate.reports import pages, write_report

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium on this machine")

Results = dict[str, Any]

PHONE, DESK = 390, 1280

LABELS = """selector => [...document.querySelectorAll(selector)].map(group =>
  [...group.querySelectorAll("text")].map(text => {
    const box = text.getBoundingClientRect();
    return [box.left, box.right, box.top, box.bottom];
  }))"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with sync_api.sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield running
        running.close()


FITS = """() => [...document.querySelectorAll("[data-chart]")].every(box =>
  Math.abs(box.clientWidth - box.querySelector("svg").getBoundingClientRect().width) <= 1)"""

INKS = """() => [getComputedStyle(document.body).backgroundColor,
  getComputedStyle(document.querySelector("[data-chart] .ytick text")).fill]"""

OVERFLOWING = """() => [...document.querySelectorAll(".scroll")]
  .filter(box => box.offsetParent && box.scrollWidth > box.clientWidth)
  .map(box => box.getAttribute("aria-labelledby"))"""

WIDTH = "document.documentElement.scrollWidth"


class Visit:
    """A page opened offline, with all it complained about and all it asked for."""

    def __init__(self, browser: Any, path: Path, width: int, scheme: str = "light") -> None:
        size = {"width": width, "height": 844}
        phone = width < 500
        self.context = browser.new_context(
            viewport=size, offline=True, color_scheme=scheme, is_mobile=phone, has_touch=phone
        )
        self.page = self.context.new_page()
        self.complaints: list[str] = []
        self.asked: list[str] = []
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.goto(path.as_uri())

    def resize(self, width: int) -> None:
        self.page.set_viewport_size({"width": width, "height": 844})
        self.page.wait_for_function(FITS, timeout=5000)

    def drawn(self) -> int:
        return self.page.locator("[data-chart]").filter(has=self.page.locator("svg")).count()


@pytest.fixture
def visit(browser: Any, tmp_path: Path) -> Iterator[Any]:
    visits: list[Visit] = []

    def open_report(results: Results, width: int, scheme: str = "light") -> Visit:
        visits.append(Visit(browser, write_report(results, tmp_path), width, scheme))
        return visits[-1]

    yield open_report
    for one in visits:
        one.context.close()


def test_every_chart_is_drawn_and_nothing_widens_the_page(odd: Results, visit: Any) -> None:
    seen = visit(odd, PHONE)

    assert seen.complaints == []
    assert [url.rpartition("/")[2] for url in seen.asked] == ["report.html"]
    assert seen.drawn() == len(pages.figures(odd))
    assert seen.page.evaluate(WIDTH) == PHONE
    seen.resize(DESK)
    assert seen.page.evaluate(WIDTH) == DESK
    assert seen.complaints == []


@pytest.mark.parametrize("kind", ["class", "texts", "number"])
def test_a_page_of_labels_is_drawn_and_not_widened(studied: Any, visit: Any, kind: str) -> None:
    results = studied(kind).results
    seen = visit(results, PHONE)

    assert seen.complaints == []
    assert seen.drawn() == len(pages.figures(results))
    assert seen.page.evaluate(WIDTH) == PHONE
    seen.resize(DESK)
    assert seen.page.evaluate(WIDTH) == DESK
    assert seen.page.evaluate(OVERFLOWING) == []


@pytest.mark.parametrize("width", [PHONE, DESK])
def test_labels_do_not_overlap(results: Results, visit: Any, width: int) -> None:
    seen = visit(results, width)

    for group in (".xaxislayer-above", ".yaxislayer-above", ".axis"):
        boxes = [labels for labels in seen.page.evaluate(LABELS, group) if labels]
        assert boxes
        for labels in boxes:
            assert all(label[0] >= 0 and label[1] <= width for label in labels)
            for i, one in enumerate(labels):
                assert not any(overlap(one, other) for other in labels[i + 1 :])


def overlap(a: list[float], b: list[float]) -> bool:
    return a[0] < b[1] and b[0] < a[1] and a[2] + 1 < b[3] and b[2] + 1 < a[3]


def test_charts_follow_the_colour_scheme_while_open(results: Results, visit: Any) -> None:
    seen = visit(results, DESK)
    light = seen.page.evaluate(INKS)
    seen.page.emulate_media(color_scheme="dark")
    seen.page.wait_for_function(f"(before) => ({INKS})()[1] !== before", arg=light[1], timeout=5000)
    dark = seen.page.evaluate(INKS)

    for paper, ink in (light, dark):
        assert contrast(rgb(paper), rgb(ink)) >= 4.5


def test_a_tooltip_shows_names_as_text(attacked: Results, attack: str, visit: Any) -> None:
    seen = visit(attacked, DESK)
    chart = seen.page.locator('[data-chart="steps-baselines"]')
    chart.scroll_into_view_if_needed()
    box = chart.bounding_box()
    seen.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 90)

    hover = chart.locator(".hoverlayer")
    hover.locator("text").first.wait_for(timeout=5000)
    assert attack in hover.text_content()
    assert hover.locator("a").count() == 0


def test_the_policy_stops_a_script_that_got_in(results: Results, visit: Any) -> None:
    seen = visit(results, DESK)
    seen.page.evaluate("""() => {
      const script = document.createElement("script");
      script.textContent = "window.alerted = true";
      document.body.append(script);
    }""")

    assert seen.page.evaluate("window.alerted") is None
    assert "Content Security Policy" in seen.complaints[0]


def test_the_words_are_there_without_javascript(browser: Any, results: Results, tmp_path: Path):
    context = browser.new_context(java_script_enabled=False, offline=True)
    page = context.new_page()
    page.goto(write_report(results, tmp_path).as_uri())

    assert "Use an LSTM with recurrent" in page.locator("h1").inner_text()
    assert page.locator(".strips circle").count() == 7 + 7
    assert page.locator("noscript").inner_text() == (
        "The charts need JavaScript; the words and tables do not."
    )
    context.close()


def test_paper_is_light_and_shows_what_is_folded(results: Results, visit: Any) -> None:
    seen = visit(results, DESK, scheme="dark")
    seen.page.evaluate("dispatchEvent(new Event('beforeprint'))")
    ink = seen.page.evaluate(
        'getComputedStyle(document.querySelector("[data-chart] .ytick text")).fill'
    )

    assert contrast(rgb(ink), (255, 255, 255)) >= 4.5
    assert seen.page.locator("details:not([open])").count() == 0
    seen.page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert seen.page.locator("details:not([open])").count() == 5


def test_paper_is_wide_enough(results: Results, visit: Any) -> None:
    seen = visit(results, DESK)
    seen.page.evaluate("dispatchEvent(new Event('beforeprint'))")
    seen.page.emulate_media(media="print")
    seen.page.set_viewport_size({"width": 688, "height": 900})  # A4 at 96 dpi, less the margins

    assert seen.page.evaluate(WIDTH) == 688


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_and_lines_stand_out_from_their_ground(style: str, scheme: str) -> None:
    light = dict(re.findall(r"--([\w-]+): (#\w{6})", style.split("@media")[0]))
    dark = dict(re.findall(r"--([\w-]+): (#\w{6})", style.split("@media")[1]))
    colours = {name: rgb(value) for name, value in (light if scheme == "light" else dark).items()}
    texts = ("ink", "soft", "link", "good", "bad", "warn", "model", "base")
    lines = ("training", "validation", "muted", "other-1", "other-2", "other-3", "other-4")

    assert light.keys() == dark.keys()
    for ground in (colours["paper"], colours["panel"]):
        assert min(contrast(colours[name], ground) for name in texts) >= 4.5
        assert min(contrast(colours[name], ground) for name in lines) >= 3.0


def rgb(text: str) -> tuple[int, ...]:
    if text.startswith("#"):
        return tuple(int(text[i : i + 2], 16) for i in (1, 3, 5))
    return tuple(int(part) for part in re.findall(r"\d+", text)[:3])


def contrast(a: tuple[int, ...], b: tuple[int, ...]) -> float:
    """The contrast ratio of WCAG 2.2."""
    bright, dim = sorted((luminance(a), luminance(b)), reverse=True)
    return (bright + 0.05) / (dim + 0.05)


def luminance(colour: tuple[int, ...]) -> float:
    parts = [c / 255 for c in colour]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
