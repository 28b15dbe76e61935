"""What the pages in docs show runs as shown, and what they link to is there."""

import re
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import lockgate

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("docs/**/*.md"), *ROOT.glob("*.md"), *ROOT.glob("examples/*.md")])

DAYS = pl.DataFrame({"step": range(503)}).select(
    ds=pl.datetime(2024, 1, 1) + pl.duration(days="step"),
    y=(pl.col("step") * 0.9).sin() + (pl.col("step") * 7919 % 101) / 50,
    promo=pl.col("step") * 31 % 10 // 7,
)
ROWS = DAYS.head(-3), DAYS.tail(3)


def test_the_layer_page_runs_from_its_first_line_to_its_last() -> None:
    page = (ROOT / "docs" / "layer.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    names: dict[str, Any] = {}

    # what reads a file of the reader's is shown by the tests of interop
    ran = [block for block in blocks if ".keras" not in block]
    for block in ran:
        exec(block, names)  # noqa: S102 - the page's own code

    assert len(ran) >= 3
    assert names["samples"].shape == (100, 50, 4, 8)


def test_what_the_page_of_series_shows_of_the_estimator_runs() -> None:
    page = (ROOT / "docs" / "series.md").read_text(encoding="utf-8")
    section = page[page.index("## Frames of Nixtla's libraries") :]
    block = re.findall(r"```python\n(.*?)```", section, re.DOTALL)[0]
    small = "horizon=3, lookback=7, hidden_size=4, max_epochs=1"
    days, later = (pl.DataFrame({"unique_id": ["a", "b"]}).join(rows, how="cross") for rows in ROWS)
    names: dict[str, Any] = {"lockgate": lockgate, "sales": days, "plan": later.drop("y")}

    exec(block.replace("horizon=14", small).replace("step=14", "step=3"), names)  # noqa: S102

    assert names["forecast"].columns == ["unique_id", "ds", "forecast", "spread"]
    assert names["forecast"]["ds"].to_list() == later["ds"].to_list()
    assert {"forecast-lo-80", "forecast-hi-95"} <= {*names["bounds"].columns}
    assert names["folds"].columns[:5] == ["unique_id", "ds", "cutoff", "y", "lockgate"]
    assert names["folds"]["cutoff"].n_unique() == 4


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_what_a_page_links_to_is_there(page: Path) -> None:
    targets = re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))

    gone = [t for t in targets if "://" not in t and not (page.parent / t).exists()]

    assert not gone
