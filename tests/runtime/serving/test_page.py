"""A real browser uses the page of a server: it forecasts, labels, and shows what it cannot do."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import lockgate_runtime
import numpy as np
import pytest
from exported_models import Exported, texts

import lockgate

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
for needed in ("fastapi", "uvicorn"):
    pytest.importorskip(needed, reason=f"{needed} is not installed")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium on this machine")

PHONE, DESK = 390, 1280
WIDTH = "document.documentElement.scrollWidth"
ATTACK = "<img src=x onerror=alert(1)>"
QUICK = {"task": "labels", "hidden_size": 6, "max_epochs": 2, "members": 1}


def export(folder: Path, data: Any, **settings: Any) -> Path:
    fitted, _ = lockgate.train(data, out=folder / "run", **QUICK, **settings)
    lockgate.export(fitted, folder / "out")
    return folder / "out"


def recordings() -> tuple[list[Any], list[list[str]]]:
    rng = np.random.default_rng(0)
    items = [rng.normal(size=(30, 2)) for _ in range(40)]
    return items, [[("low", "high")[int(v > 0)] for v in one[:, 0]] for one in items]


@pytest.fixture(scope="module")
def address(several: Exported, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folders = {
        "shops": several.folder,
        "reviews": export(tmp_path_factory.mktemp("texts"), texts()),
        "moves": export(tmp_path_factory.mktemp("steps"), recordings()),
    }
    command = [sys.executable, "-m", "lockgate_runtime.serving.server", "--port", "0"]
    process = subprocess.Popen(
        [*command, *(f"{name}={folder}" for name, folder in folders.items())],
        env={**os.environ, "PYTHONPATH": str(Path(lockgate_runtime.__file__).parents[1])},
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    said = process.stderr.readline()
    try:
        yield re.findall(r"http://\S+", said)[0]
    finally:
        process.terminate()
        process.communicate(timeout=20)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with sync_api.sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield running
        running.close()


class Visit:
    """The page with a model chosen, and all it complained about and asked for."""

    def __init__(self, browser: Any, address: str, model: str, width: int) -> None:
        phone = width < 500
        self.context = browser.new_context(
            viewport={"width": width, "height": 844}, is_mobile=phone, has_touch=phone
        )
        self.page = self.context.new_page()
        self.page.set_default_timeout(8000)
        self.complaints: list[str] = []
        self.asked: list[str] = []
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("dialog", lambda dialog: self.complaints.append(dialog.message))
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.goto(address)
        self.page.get_by_role("combobox", name="Model").select_option(model)

    def text(self, selector: str) -> str:
        return str(self.page.locator(selector).text_content())

    def wait(self, selector: str) -> None:
        self.page.locator(selector).first.wait_for(state="attached")

    def forecast(self) -> list[str]:
        """Return the column of the forecast."""
        return list(self.page.locator("#rows td:nth-child(2)").all_text_contents())

    def paste(self, table: str) -> None:
        self.page.locator("#table").fill(table)
        self.page.locator("#go").click()


@pytest.fixture
def visit(browser: Any, address: str) -> Iterator[Any]:
    visits: list[Visit] = []

    def open_page(model: str, width: int = DESK) -> Visit:
        visits.append(Visit(browser, address, model, width))
        return visits[-1]

    yield open_page
    for one in visits:
        # a refusal of the server is told by the browser too
        assert [c for c in one.complaints if "status of 422" not in c] == []
        assert all(url.startswith(address) for url in one.asked)
        one.context.close()


def test_an_example_is_forecast_with_its_bounds(visit: Any) -> None:
    seen = visit("shops")
    seen.page.get_by_role("button", name="Fill in an example").click()
    seen.wait("#chart .ahead.line")

    assert seen.page.locator("#chart path.wide").count() == 1
    assert seen.page.locator("#chart path.narrow").count() == 1
    assert len(seen.forecast()) == 4
    assert seen.page.locator("#series option").all_text_contents() == ["a", "b", "c"]
    first = seen.forecast()
    seen.page.get_by_role("combobox", name="Series").select_option("b")
    assert seen.forecast() != first


def test_another_value_is_another_forecast(visit: Any) -> None:
    seen = visit("shops")
    seen.page.locator("#fill").click()
    seen.wait("#chart .ahead.line")
    before = seen.forecast()
    last = seen.page.locator("#cells tr:not(.later) input[aria-label^='y at']").last
    last.fill("40")
    seen.wait("#chart .earlier.line")

    assert seen.forecast() != before
    assert last.evaluate("cell => cell === document.activeElement")
    last.fill("forty")
    seen.page.locator("#tried").get_by_role("alert").wait_for()
    assert 'of "y" must hold a number, got "forty"' in seen.text("#error")
    seen.page.get_by_role("button", name="Restore the values").click()
    seen.page.locator("#chart .earlier.line").wait_for(state="detached")
    assert seen.forecast() == before


def test_the_values_can_be_read_by_pointer_and_keyboard(visit: Any) -> None:
    seen = visit("shops")
    seen.page.locator("#fill").click()
    seen.wait("#chart .ahead.line")
    seen.page.locator("#chart svg").hover(position={"x": 200, "y": 100})
    pointed = seen.text("#chart .tip")
    seen.page.locator("#chart svg").focus()
    seen.page.keyboard.press("ArrowRight")

    assert re.match(r"\d{4}-\d\d-\d\dy\d", pointed)
    assert seen.text("#chart .tip") != pointed


def test_stamps_are_found_and_hostile_cells_stay_text(visit: Any) -> None:
    seen = visit("shops")
    days = [f"2024-01-{day:02}" for day in range(1, 31)]
    rows = [
        f'"{ATTACK}";{day};{at % 7 + 1},5;0;{ATTACK};30;big' if at < 26
        else f'"{ATTACK}";{day};;1;sun;30;big'
        for at, day in enumerate(days)
    ]  # fmt: skip
    seen.paste("\n".join(["unique_id;when;y;promo;weather;area;kind", *rows]))
    seen.wait("#chart .ahead.line")

    assert 'The column "when" is read as the stamps.' in seen.text("#notes")
    assert "Decimal commas are read as points." in seen.text("#notes")
    assert ATTACK in seen.text("#drawn-name")
    assert seen.page.locator("#cells select").first.input_value() == ATTACK
    assert seen.page.locator("img").count() == 0


def test_what_cannot_be_forecast_is_told_in_a_sentence(visit: Any) -> None:
    seen = visit("shops")
    seen.paste(f"ds,{ATTACK}\n2024-01-01,1\n")
    seen.page.get_by_role("alert").wait_for()

    assert seen.text("#error").startswith("Data must have the columns")
    assert ATTACK in seen.page.locator("#table").input_value()
    assert seen.page.locator("img").count() == 0
    seen.paste("ds,y\n2024-01-01\n")
    assert seen.text("#error") == "Row 2 of the table must have 2 cells, got 1."
    seen.page.locator("#fill").click()
    seen.wait("#chart .ahead.line")
    assert seen.page.locator("#error").is_hidden()


def test_a_file_can_be_dropped_and_one_of_many_series_found(visit: Any) -> None:
    seen = visit("shops")
    rows = [
        f"shop {shop},2024-01-{day:02},{day % 7 + shop if day < 27 else ''},0,sun,30,big"
        for shop in range(20)
        for day in range(1, 32)
    ]
    table = "\n".join(["unique_id,ds,y,promo,weather,area,kind", *rows])
    seen.page.evaluate(
        """text => {
          const dataTransfer = new DataTransfer();
          dataTransfer.items.add(new File([text], "shops.csv"));
          document.querySelector("#told").dispatchEvent(
            new DragEvent("drop", { dataTransfer, bubbles: true, cancelable: true }));
        }""",
        table,
    )
    seen.wait("#chart .ahead.line")
    seen.page.get_by_role("searchbox", name="Search").fill("shop 17")

    assert seen.text("#notes") == "620 rows of 20 series."
    assert seen.text("#drawn-name") == "Forecast of y: shop 17"


def test_a_forecast_can_be_taken_away_as_csv(visit: Any) -> None:
    seen = visit("shops")
    seen.page.locator("#fill").click()
    seen.wait("#chart .ahead.line")
    with seen.page.expect_download() as taken:
        seen.page.get_by_role("button", name="Download CSV").click()

    lines = Path(taken.value.path()).read_text().splitlines()
    assert lines[0].startswith("unique_id,ds,forecast")
    assert len(lines) == 1 + 3 * 4


def test_texts_get_labels_and_coloured_words(visit: Any) -> None:
    seen = visit("reviews")
    seen.page.get_by_role("textbox", name="Texts").fill(
        f"good fine film {ATTACK}\nbad awful plot\nzzz"
    )
    seen.wait("#labelled mark[title]")

    assert seen.page.locator("#labelled article").count() == 3
    assert seen.page.locator("#labelled .bar").count() == 6
    assert ATTACK in seen.text("#labelled article:first-child .words")
    assert "knows no word" in seen.text("#labelled article:last-child .note")
    assert seen.page.locator("img").count() == 0
    seen.page.get_by_role("switch", name="One text per line").uncheck()
    seen.page.locator("#labelled article:nth-child(2)").wait_for(state="detached")
    assert len([url for url in seen.asked if "predict" in url]) <= 4


def test_a_recording_gets_labels_along_its_steps(visit: Any) -> None:
    seen = visit("moves")
    seen.page.locator("#fill").click()
    seen.wait("#chart rect.area")

    assert seen.page.locator("#chart path.line").count() == 2
    assert {"low", "high"} & set(seen.page.locator("#legend li").all_text_contents())
    seen.paste("1,2\n2,3\n3,4")
    seen.page.get_by_text("3 steps.").wait_for()


@pytest.mark.parametrize("model", ["shops", "reviews", "moves"])
def test_nothing_widens_the_page_of_a_phone(visit: Any, model: str) -> None:
    seen = visit(model, PHONE)
    if model == "reviews":
        seen.page.get_by_role("textbox", name="Texts").fill("a good bad film " + "x" * 200)
        seen.wait("#labelled mark[title]")
    else:
        seen.page.locator("#fill").click()
        seen.wait("#chart svg")

    assert seen.page.evaluate(WIDTH) == PHONE
