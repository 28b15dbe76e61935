"""A study's verdict in sentences."""

from collections.abc import Mapping, Sequence

from lockgate.charts.formats import MINUS, metric_name
from lockgate.errors import count_of
from lockgate.studies.verdict import LEAST_BLOCKS, LEAST_SEEDS
from lockgate.tasks.results import BaselineEffect, Delivered, Effect, PairResult

ERRORS = ("mae", "rmse", "mase")
"""Metrics that are errors, in a plain sentence; any other goes by its own name."""


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
    """Return the answer in plain words, then the evidence: the baseline, and each pair.

    The answer is one sentence on the network, one on the tricks. Of the pairs the clear ones come
    first.

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
    answer = [_network_answer(baseline, metric), *_tricks_answer(pairs, tricks)]
    return [*answer, _baseline_words(baseline, selected, name, lack), *words]


def delivered_words(delivered: Delivered, cell: str) -> str:
    """Say what the model is put together from.

    Example:
        >>> delivered_words(
        ...     {"members": 3, "weight": 0.6, "baseline": "ridge", "why_not_mixed": None}, "GRU"
        ... )
        'The model is 60 % the mean of 3 GRU networks and 40 % ridge, fitted to all but the test \
part.'
    """
    count, weight = delivered["members"], delivered["weight"]
    networks = f"the mean of {count} {cell} networks" if count > 1 else f"one {cell} network"
    end = "fitted to all but the test part."
    if weight == 0.0:
        return (
            f"The model is {delivered['baseline']} alone, {end} On validation no share of "
            f"{networks} made it better."
        )
    if delivered["baseline"] and weight == 1.0:
        return (
            f"The model is {networks}, {end} On validation no share of {delivered['baseline']} "
            "made it better."
        )
    if delivered["baseline"]:
        share = min(max(round(100 * weight), 1), 99)
        rest = f"{share} % {networks} and {100 - share} % {delivered['baseline']}"
        return f"The model is {rest}, {end}"
    return f"The model is {networks}, {end} No baseline is mixed in: {delivered['why_not_mixed']}."


def delivered_answer(delivered: Delivered, cell: str, metric: str) -> list[str]:
    """Say what the model is, and how it does on the test part beside the baseline in it."""
    words, effect = [delivered_words(delivered, cell)], delivered["effect"]
    if effect is not None and effect["percent"]:
        than = f"than {effect['name']} alone, fitted to the same rows"
        clear = {
            "beats": "clearly better",
            "loses": "clearly worse",
            "ties": "which may be chance",
        }.get(effect["outcome"], "too few test rows to tell whether by chance")
        words.append(f"On the test part it has {_errors(effect, metric)} {than}: {clear}.")
    return words


def _network_answer(baseline: BaselineEffect, metric: str) -> str:
    """Say, for one who knows few of the terms, what the network is worth."""
    simple = f"{baseline['name']}, the simple method that did best on validation"
    match baseline["outcome"]:
        case "beats":
            return f"The network has {_errors(baseline, metric)} than {simple}."
        case "loses":
            return f"The network has {_errors(baseline, metric)} than {simple}: use that."
        case "ties":
            return f"Neither the network nor {simple}, is clearly better."
        case _:
            here = f": here it has {_errors(baseline, metric)}" if baseline["percent"] else ""
            return f"There is too little to tell whether the network is better than {simple}{here}."


def _errors(baseline: BaselineEffect, metric: str) -> str:
    """Compare the metric, of which less is better: `4.0 % smaller errors`."""
    percent = baseline["percent"]
    more, less = ("larger", "smaller") if metric in ERRORS else ("more", "less")
    what = "errors" if metric in ERRORS else metric_name(metric)
    if percent is None:  # the network's errors are beyond all numbers
        return f"far {more} {what}"
    return f"{abs(percent):.1f} % {less if percent < 0 else more} {what}"


def _tricks_answer(pairs: Sequence[PairResult], tricks: Mapping[str, str]) -> list[str]:
    """Say which tricks helped and which hurt, and how many are open."""
    if not pairs:
        return []
    said = []
    for verb in ("helps", "hurts"):
        known = [tricks[pair["rung"]] for pair in pairs if pair["outcome"] == verb]
        if known:
            said.append(f"What {verb}: {'; '.join(known)}.")
    alike = sum(pair["outcome"] == "no real difference" for pair in pairs)
    if alike:
        said.append(f"{count_of(alike, 'trick')} made no difference.")
    open_ = sum(pair["outcome"] not in ("helps", "hurts", "no real difference") for pair in pairs)
    if open_:
        of_all = f"any of the {open_}" if open_ == len(pairs) else f"{open_} of the {len(pairs)}"
        tried = f"{of_all} tricks" if len(pairs) > 1 else "the only trick"
        said.append(f"This study cannot tell what comes of {tried} tried.")
    return [" ".join(said)]


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
