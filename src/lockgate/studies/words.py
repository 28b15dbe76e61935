"""A study's verdict in sentences."""

from collections.abc import Mapping, Sequence

from lockgate.charts.formats import MINUS, metric_name
from lockgate.tasks.results import BaselineEffect, Effect, PairResult


def verdict_words(
    pairs: Sequence[PairResult],
    baseline: BaselineEffect,
    selected: str,
    tricks: Mapping[str, str],
    metric: str,
) -> list[str]:
    """Return how the selected rung stands, then a sentence for each pair, the clear ones first.

    Args:
        pairs: The `verdict.pairs` of the results.
        baseline: The `verdict.baseline` of the results.
        selected: Name of the rung chosen on validation.
        tricks: What each rung adds to its parent, by its name.
        metric: Name of the metric.
    """
    order = ("helps", "hurts", "no real difference")
    rank = {outcome: i for i, outcome in enumerate(order)}
    ranked = sorted(pairs, key=lambda pair: rank.get(pair["outcome"], len(order)))
    name = metric_name(metric)
    words = [_pair_words(pair, tricks[pair["rung"]], name) for pair in ranked]
    return [_baseline_words(baseline, selected, name), *words]


def signed_percent(value: float) -> str:
    """Return a signed percentage: `−4.0 %`."""
    return f"{signed(value)} %"


def signed(value: float) -> str:
    """Return a number with its sign and one decimal: `−4.0`, `+0.3`."""
    return f"{value:+.1f}".replace("-", MINUS)


def _interval(effect: Effect, metric: str) -> str:
    change, low, high = effect["percent"], effect["low"], effect["high"]
    # an outcome that is worded with them has all three
    assert change is not None and low is not None and high is not None  # noqa: PT018
    return f"{signed_percent(change)} {metric} [{signed(low)}, {signed(high)}]"


def _pair_words(pair: PairResult, trick: str, metric: str) -> str:
    name, parent = trick[0].upper() + trick[1:], f"against {pair['parent']}"
    match pair["outcome"]:
        case "no verdict":
            return f"{name}: no verdict {parent}, too few seeds or test blocks."
        case "undecided (budget)":
            return f"{name}: undecided {parent}, because a limit of steps cut fits short."
        case "undecided":
            seen = f"an effect under {pair['smallest_visible']:.1f} % could not have been seen"
            return f"{name}: undecided, {_interval(pair, metric)} {parent}; {seen}."
        case "no real difference":
            return f"{name} makes no real difference: {_interval(pair, metric)} {parent}."
        case verb:
            return f"{name} {verb}: {_interval(pair, metric)} {parent}."


def _baseline_words(baseline: BaselineEffect, selected: str, metric: str) -> str:
    name = baseline["name"]
    if baseline["outcome"] == "no verdict":
        score = (
            ""
            if baseline["percent"] is None
            else f" ({signed_percent(baseline['percent'])} {metric})"
        )
        return (
            f"The selected network ({selected}) against {name}: no verdict{score}, "
            "too few seeds or test blocks."
        )
    verb = {"beats": "beats", "ties": "ties with", "loses": "loses to"}[baseline["outcome"]]
    better = [other for other in baseline["better"] if other != name]
    also = f"; {', '.join(better)} did better on the test part" if better else ""
    return f"The selected network ({selected}) {verb} {name}: {_interval(baseline, metric)}{also}."
