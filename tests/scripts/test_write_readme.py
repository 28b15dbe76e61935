"""The tables of the README are those of the benchmarks and of what was delivered."""

import runpy
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = """# When

## Tables

| MAE | one | mean | mixed | baseline in it | best other | against it, % |
|---|---|---|---|---|---|---|
| Jena, 1 h | 0.4 | 0.35 | 0.3 | ridge 0.31 | ridge 0.32 | **-7.1 [-12.6, -1.3]** |
| taxi † | 2.1 | 2.05 | 2.02 | drift 2.5 | seasonal naive 336 2 | -1 [-2, 3] |

By MAE, the model is better.

## Texts and sequences

| log loss | one | mean | mixed | baseline in it | best other | against it, % |
|---|---|---|---|---|---|---|
| TREC | 1 | 1 | 1 | x 1 | x 1 | – |
"""


@pytest.fixture(scope="module")
def script() -> dict:
    return runpy.run_path(str(ROOT / "scripts" / "write_readme"), run_name="write_readme")


@pytest.mark.parametrize("name", ["README.md", "README.zh.md"])
def test_a_readme_has_the_figures_of_today(script: dict, name: str) -> None:
    readme = (ROOT / name).read_text(encoding="utf-8")

    assert script["with_tables"](readme, script["tables"](script["WORDS"][name])) == readme


def test_what_is_delivered_is_set_against_the_best_of_the_others(script: dict) -> None:
    assert list(script["told"](PAGE)) == [
        ("Jena, 1 h", "0.3", "0.32 ridge", "−6.2 %"),
        ("taxi", "2.02", "2 seasonal naive 336", "+1.0 %"),
    ]


def test_what_stands_around_the_tables_is_kept(script: dict) -> None:
    text = "a\n<!-- speed: scripts/write_readme -->\nold\n<!-- end -->\nb"

    assert script["with_tables"](text, {"speed": "new"}) == text.replace("old", "new")
