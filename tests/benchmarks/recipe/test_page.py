"""A recipe is compared with the reference on the sets and seeds that both have."""

import math

import pytest

from benchmarks.recipe.page import compared, page
from benchmarks.recipe.recipes import CHOSEN, REFERENCE


def row(name: str, recipe: str, seed: int, judged: float, seconds: float = 1.0) -> dict:
    told = {"set": name, "dropout": True, "recipe": recipe, "seed": seed}
    return {**told, "judged": judged, "seconds": seconds}


def test_scores_are_geometric_means_over_sets_of_ratios_seed_by_seed() -> None:
    rows = [row("TREC", REFERENCE, seed, 1.0) for seed in range(3)]
    rows += [row("SST-2", REFERENCE, 0, 2.0)]
    rows += [row("TREC", CHOSEN, seed, 0.5 * 1.1**seed, 2.0) for seed in range(3)]
    rows += [row("SST-2", CHOSEN, 0, 2.0, 2.0), row("SST-2", CHOSEN, 9, 99.0)]

    one = compared(rows)[CHOSEN]

    assert one.fits == 4
    assert one.by_set["TREC"] == pytest.approx(math.log(0.5 * 1.1))
    assert one.score == pytest.approx(math.log(0.5 * 1.1) / 2)
    assert one.spread == pytest.approx(math.log(1.1))
    assert one.of_tables is None
    assert one.time == pytest.approx(math.log(2.0))
    assert f"**{CHOSEN}** | 4 | -25.8 % | 0.095 |  | 2.00 |" in page(rows)
