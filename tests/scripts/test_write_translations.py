"""Every translation is of the text of today, and shows the same code."""

import re
import runpy
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SCRIPT = runpy.run_path(str(ROOT / "scripts" / "write_translations"), run_name="translations")
PAGES = SCRIPT["pages"]()


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_translation_is_of_the_text_of_today(path: Path) -> None:
    """A section that says something else is translated, then scripts/write_translations
    --translated."""
    translation = path.read_text(encoding="utf-8")
    original = PAGES[path].read_text(encoding="utf-8")

    assert re.findall(r"<!-- of (\w+) -->", translation) == SCRIPT["fingerprints"](original)
    assert SCRIPT["with_code"](translation, original) == translation
    assert SCRIPT["noted"](translation, original) == translation


@pytest.mark.parametrize("folder", ["tutorials", "concepts"])
def test_every_tutorial_and_concept_is_translated(folder: str) -> None:
    written = {path.name for path in (ROOT / "docs" / folder).glob("*.md")}

    assert {path.name for path in (ROOT / "docs" / "zh" / folder).glob("*.md")} == written


ORIGINAL = "# A\n\nOne.\n\n```sh\n# no heading\n```\n\n## B\n\nTwo.\n"
TABLE = "<!-- speed: scripts/write_readme -->\n1\n<!-- end -->\n"


def test_a_section_that_changed_is_no_longer_the_one_translated() -> None:
    text = ORIGINAL + TABLE
    first = SCRIPT["fingerprints"](text)

    changed = SCRIPT["fingerprints"](text.replace("Two", "Three"))

    assert len(first) == 2
    assert changed[0] == first[0]
    assert changed[1] != first[1]
    assert SCRIPT["fingerprints"](text.replace("1", "2").replace("no h", "a h")) == first


def test_code_is_copied_and_each_section_noted() -> None:
    translation = "# 甲\n\n一。\n\n```sh\nold\n```\n\n## 乙\n\n二。\n"
    first, second = SCRIPT["fingerprints"](ORIGINAL)

    done = SCRIPT["noted"](SCRIPT["with_code"](translation, ORIGINAL), ORIGINAL)

    assert done.startswith(f"# 甲\n<!-- of {first} -->\n\n一。")
    assert f"```sh\n# no heading\n```\n\n## 乙\n<!-- of {second} -->\n" in done
    assert SCRIPT["noted"](done, ORIGINAL) == done


def test_a_translation_with_other_blocks_is_refused() -> None:
    with pytest.raises(ValueError, match="must have 1 blocks of code"):
        SCRIPT["with_code"]("# 甲\n", ORIGINAL)
