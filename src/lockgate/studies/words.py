"""A study's verdict in sentences."""

from collections.abc import Mapping, Sequence

from lockgate.charts.formats import MINUS, metric_name
from lockgate.errors import count_of
from lockgate.studies.verdict import LEAST_BLOCKS, LEAST_SEEDS
from lockgate.tasks.results import BaselineEffect, Effect, PairResult


def verdict_words(
    pairs: Sequence[PairResult],
    baseline: BaselineEffect,
    selected: str,
    tricks: Mapping[str, str],
    metric: str,
    *,
    seeds: int,
    blocks: int,
) -> list[str]:
    """Return how the selected rung stands, then a sentence for each pair, the clear ones first.

    Args:
        pairs: The `verdict.pairs` of the results.
        baseline: The `verdict.baseline` of the results.
        selected: Name of the rung chosen on validation.
        tricks: What each rung adds to its parent, by its name.
        metric: Name of the metric.
        seeds: Number of seeds of the selected rung that did not diverge.
        blocks: Number of blocks that the test part was cut into.
    """
    order = ("helps", "hurts", "no real difference")
    rank = {outcome: i for i, outcome in enumerate(order)}
    ranked = sorted(pairs, key=lambda pair: rank.get(pair["outcome"], len(order)))
    name = metric_name(metric)
    words = [_pair_words(pair, tricks[pair["rung"]], name, blocks) for pair in ranked]
    lack = lacking(seeds, blocks)
    return [_baseline_words(baseline, selected, name, lack), *words]


def lacking(seeds: int, blocks: int) -> str:
    """Tell why there is no verdict: `the test part gives 3 blocks where a verdict takes 8`."""
    if blocks < LEAST_BLOCKS:
        few = f"the test part gives {count_of(blocks, 'block')}"
        return f"{few} where a verdict takes {LEAST_BLOCKS}"
    if seeds < LEAST_SEEDS:
        return f"there are fits of {count_of(seeds, 'seed')} where a verdict takes {LEAST_SEEDS}"
    return "a score is exactly 0, or too few fits are left to tell how seeds differ"


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


def _score(effect: Effect, metric: str) -> str:
    """Return an effect without its interval, in brackets: ` (−4.0 % MAE)`."""
    change = effect["percent"]
    return "" if change is None else f" ({signed_percent(change)} {metric})"


def _pair_words(pair: PairResult, trick: str, metric: str, blocks: int) -> str:
    name, parent = trick[0].upper() + trick[1:], f"against {pair['parent']}"
    match pair["outcome"]:
        case "no verdict":
            lack = lacking(pair["seeds"], blocks)
            return f"{name}: no verdict {parent}{_score(pair, metric)}, because {lack}."
        case "undecided (budget)":
            return f"{name}: undecided {parent}, because a limit of steps cut fits short."
        case "undecided":
            seen = f"an effect under {pair['smallest_visible']:.1f} % could not have been seen"
            return f"{name}: undecided, {_interval(pair, metric)} {parent}; {seen}."
        case "no real difference":
            return f"{name} makes no real difference: {_interval(pair, metric)} {parent}."
        case verb:
            return f"{name} {verb}: {_interval(pair, metric)} {parent}."


def _baseline_words(baseline: BaselineEffect, selected: str, metric: str, lack: str) -> str:
    name = baseline["name"]
    if baseline["outcome"] == "no verdict":
        return (
            f"The selected network ({selected}) against {name}: no verdict"
            f"{_score(baseline, metric)}, because {lack}.{_better(baseline)}"
        )
    verb = {"beats": "beats", "ties": "ties with", "loses": "loses to"}[baseline["outcome"]]
    better = [other for other in baseline["better"] if other != name]
    also = f"; {', '.join(better)} did better on the test part" if better else ""
    return f"The selected network ({selected}) {verb} {name}: {_interval(baseline, metric)}{also}."


def _better(baseline: BaselineEffect) -> str:
    """Name the baselines of a better score, where no verdict speaks of them."""
    if not baseline["better"]:
        return ""
    return f" Better on the test part, for what it tells: {', '.join(baseline['better'])}."
