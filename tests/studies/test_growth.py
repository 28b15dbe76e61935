"""An effect that changes with the rows learned from is told, and one that stays is not."""

import math
from typing import Any

import made
import numpy as np
import pytest
from scipy.stats import linregress

from lockgate.studies.checks import checks
from lockgate.studies.growth import growths
from lockgate.studies.recommend import recommendation
from lockgate.studies.words import verdict_words

Results = dict[str, Any]
NOISE = (0.4, -0.7, 0.2, 0.3, -0.5, 0.1, -0.2, 0.6, -0.4, 0.2)


def study(percents: Any, *, first: int = 3000, step: int = 400) -> Results:
    """A study of one pair, input-dropout against lstm, with an effect in each of ten folds."""
    results = made.make()
    fold = results["folds"][0]
    results["folds"] = [
        {**fold, "name": f"fold {i + 1}", "train": first + step * i} for i in range(len(percents))
    ]
    pair = next(p for p in results["verdict"]["pairs"] if p["rung"] == "input-dropout")
    pair["by_round"] = {str(i + 1): float(percent) for i, percent in enumerate(percents)}
    rung = next(one for one in results["rungs"] if one["name"] == "input-dropout")
    rung["rounds"] = [
        {**rung["rounds"][0], "round": i + 1, "fold": f"fold {i + 1}"} for i in range(len(percents))
    ]
    results["verdict"]["pairs"] = [pair]
    results["verdict"]["selected"] = "lstm"
    return results


def fading() -> np.ndarray:
    return np.linspace(-16.0, 1.0, 10) + np.array(NOISE)


def test_the_ends_are_those_of_a_straight_line_over_the_logarithm_of_the_rows() -> None:
    results = study(fading())

    [found] = growths(results)

    sizes = np.log([fold["train"] for fold in results["folds"]])
    judge = linregress(sizes, np.log1p(fading() / 100))
    ends = 100 * np.expm1(judge.intercept + judge.slope * sizes[[0, -1]])
    assert (found.rung, found.parent) == ("input-dropout", "lstm")
    assert (found.fewest, found.most) == (3000, 6600)
    assert (found.first, found.last) == pytest.approx(tuple(ends))
    assert judge.pvalue < 1e-6


@pytest.mark.parametrize(
    "results",
    [
        study(np.full(10, -8.0) + np.array(NOISE)),
        study(np.linspace(-5.0, -4.5, 10)),  # clear, and too small to matter
        study(np.linspace(-16, 1, 10) + 60 * np.array(NOISE)),
        study(fading()[:4]),
        study(fading(), step=0),
        study(fading(), step=100),
    ],
    ids=["stays", "little", "noisy", "few-folds", "one-size", "hardly-grown"],
)
def test_what_is_not_clear_or_does_not_matter_is_not_told(results: Results) -> None:
    assert list(growths(results)) == []


def test_an_effect_that_stays_is_rarely_said_to_change() -> None:
    rng = np.random.default_rng(0)
    results = study(np.zeros(10))
    [pair] = results["verdict"]["pairs"]

    told = 0
    for _ in range(1000):
        pair["by_round"] = {str(i + 1): float(c) for i, c in enumerate(rng.normal(-5, 4, 10))}
        told += bool(list(growths(results)))

    assert told == pytest.approx(50, abs=3 * math.sqrt(50))


def test_it_is_told_among_the_words_and_the_checks() -> None:
    results = study(fading())
    [found] = growths(results)
    trick = made.TRICKS["input-dropout"]

    sentence = found.words(trick[0].upper() + trick[1:], "mae")

    assert sentence in verdict_words(results, made.TRICKS)
    assert "does less the more rows there are: −16." in sentence
    [told] = [one for one in checks(results, []) if one["name"] == "More rows to learn from"]
    assert told == {
        "name": "More rows to learn from",
        "status": "warn",
        "text": found.words("input-dropout", "mae"),
    }


def test_what_is_advised_says_that_it_fades_once() -> None:
    results = study(fading())
    results["verdict"]["pairs"][0]["outcome"] = "helps"
    results["verdict"]["selected"] = "input-dropout"

    use = recommendation(results, made.TRICKS)[0]

    assert "it lowers a single network's error" in use
    assert " does less the more rows there are: " in use
    words = " ".join(verdict_words(results, made.TRICKS))
    assert words.count("does less the more rows there are") == 1


def test_what_helps_with_most_rows_too_is_advised_without_doubt() -> None:
    results = study(fading() - 8.0)
    results["verdict"]["pairs"][0]["outcome"] = "helps"
    results["verdict"]["selected"] = "input-dropout"

    assert "the more rows there are" not in recommendation(results, made.TRICKS)[0]
    assert "the more rows there are" in " ".join(verdict_words(results, made.TRICKS))
