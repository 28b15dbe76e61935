"""What the pages in docs show runs as shown, and what they link to is there."""

import re
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("docs/**/*.md"), *ROOT.glob("*.md"), *ROOT.glob("examples/*.md")])


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


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_what_a_page_links_to_is_there(page: Path) -> None:
    targets = re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))

    gone = [t for t in targets if "://" not in t and not (page.parent / t).exists()]

    assert not gone
