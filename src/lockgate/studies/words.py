"""What a study found in sentences: what to do, then the evidence for it."""

from collections.abc import Iterator, Mapping, Sequence

from lockgate.charts.formats import metric_name, plural
from lockgate.errors import count_of
from lockgate.studies.growth import growths
from lockgate.studies.phrases import chance, compared, signed, signed_percent
from lockgate.studies.recommend import alike, recommendation
from lockgate.studies.tuned import seen_words
from lockgate.tasks.results import BaselineEffect, Delivered, Effect, PairResult, Results

__all__ = [
    "delivered_answer",
    "delivered_words",
    "recommendation",
    "verdict_words",
]

ORDER = ("helps", "hurts", "no difference", "no gain", "open", "no verdict")
LEAST_ROUNDS = 3
LEAST_BLOCKS = 8


def verdict_words(results: Results, tricks: Mapping[str, str]) -> list[str]:
    """Say what to do, then what it rests on.

    After the recommendation come the single network against the reference baseline, what is
    delivered, whether the test part tells otherwise, and each pair, the clear ones first.

    Args:
        results: Those of a study, with the words of what is delivered.
        tricks: What each rung adds to its parent, by its name; nothing for the plain cells.
    """
    verdict, metric = results["verdict"], metric_name(results["metric"])
    pairs = sorted(verdict["pairs"], key=lambda pair: ORDER.index(pair["outcome"]))
    return [
        *recommendation(results, tricks),
        *_single_words(results, metric),
        *results["delivered"]["words"],
        *_otherwise(results),
        *(
            _pair_words(pair, tricks[pair["rung"]], metric, results)
            for pair in pairs
            if pair["outcome"] != "no verdict"
        ),
        *_without_verdict(pairs, tricks, metric),
        *_growing(results, tricks),
        *([seen] if (seen := seen_words(results)) else []),
    ]


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
            f"The model is {delivered['baseline']} alone, {end} On unseen rows no share of "
            f"{networks} made it better."
        )
    if delivered["baseline"] and weight == 1.0:
        return (
            f"The model is {networks}, {end} On unseen rows no share of {delivered['baseline']} "
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
        told = f"On the test part it has {compared(effect, metric)} {than}: {clear}."
        words.append(told + _better(effect, "the test part"))
    return [*words, *(delivered.get("intervals") or {}).get("words", ())]


def _interval(effect: Effect, metric: str) -> str:
    """Return a change of the metric with its interval: `−4.0 % MAE [−6.1, −2.0]`."""
    percent, low, high = effect["percent"], effect["low"], effect["high"]
    if percent is None:
        return f"a change of {metric} beyond all numbers"
    words = f"{signed_percent(percent)} {metric}"
    return words if low is None or high is None else f"{words} [{signed(low)}, {signed(high)}]"


def _score(effect: Effect, metric: str) -> str:
    """Return a change without its interval, in brackets: ` (−4.0 % MAE)`."""
    percent = effect["percent"]
    return "" if percent is None else f" ({signed_percent(percent)} {metric})"


def _single_words(results: Results, metric: str) -> Iterator[str]:
    """Set the single network against the reference baseline, on the rows judged."""
    baseline, rung = results["verdict"]["baseline"], results["verdict"]["selected"]
    if baseline is None:
        return
    name, outcome = baseline["name"], baseline["outcome"]
    if outcome == "no verdict":
        score = _score(baseline, metric)
        yield (
            f"A single network ({rung}) against {name}, on the rows judged: no verdict{score}."
            f"{_better(baseline)}"
        )
        return
    verb = {"beats": "beats", "ties": "ties with", "loses": "loses to"}[outcome]
    yield (
        f"A single network ({rung}) {verb} {name} on the rows judged: "
        f"{_interval(baseline, metric)}.{_better(baseline)}"
    )


def _better(baseline: BaselineEffect, where: str = "these rows") -> str:
    """Name the other baselines of a better score."""
    better = [other for other in baseline["better"] if other != baseline["name"]]
    return f" Better on {where}: {', '.join(better)}." if better else ""


def _otherwise(results: Results) -> Iterator[str]:
    """Say so where rounds and test part disagree beyond both intervals."""
    rounds, test = results["verdict"]["baseline"], results["delivered"]["effect"]
    if rounds is None or test is None or not _disagree(rounds, test, results["delivered"]):
        return
    metric, stretches = results["metric"], plural(len(results["folds"]), "stretch", "stretches")
    dated = any(fold["begins"] is not None for fold in results["folds"])
    of = "the latest one" if dated else "other rows"
    yield (
        f"On the test part it is otherwise: {compared(test, metric, interval=True)} than "
        f"{test['name']} alone, where in the rounds a single network has "
        f"{compared(rounds, metric, interval=True)}; the rounds tell of "
        f"{stretches if dated else 'many drawings'}, the test part of {of}."
    )


def _disagree(rounds: Effect, test: Effect, delivered: Delivered) -> bool:
    """Whether the test part tells otherwise than the rounds, beyond both intervals.

    What is delivered should do no worse beside a baseline than a single network; it may well do
    better, where it is the mean of several or mixed.
    """
    worst, best = rounds["high"], rounds["low"]
    low, high = test["low"], test["high"]
    if worst is None or best is None or low is None or high is None:
        return False
    alone = delivered["members"] == 1 and delivered["weight"] == 1.0
    return low > worst or (alone and high < best)


def _pair_words(pair: PairResult, trick: str, metric: str, results: Results) -> str:
    """Tell what came of a pair that has an interval."""
    name = trick[0].upper() + trick[1:]
    effect = f"{_interval(pair, metric)} against {pair['parent']}"
    after = f"after {count_of(pair['rounds'], 'round')}"
    match pair["outcome"]:
        case "open":
            likely = "" if pair["chance"] is None else f", {chance(pair['chance'])}"
            limit = "; more rows would tell, more rounds would not" if pair["limit"] else ""
            return f"{name} is open: {effect} {after}{likely}{limit}."
        case "no difference":
            return f"{name} makes no difference that matters: {effect}, {after}."
        case "no gain":
            return f"{name} gives no gain that matters: {effect}, {after}."
        case verb:
            small = " The change may be too small to matter." if alike(pair, results) else ""
            return f"{name} {verb}: {effect}, {after}.{small}"


def _growing(results: Results, tricks: Mapping[str, str]) -> Iterator[str]:
    """Tell whose effect changes with the rows, where what to do has not told it already."""
    told = " ".join(recommendation(results, tricks))
    for one in growths(results):
        trick = tricks[one.rung]
        sentence = one.words(trick[0].upper() + trick[1:], results["metric"])
        if sentence not in told:
            yield sentence


def _without_verdict(
    pairs: Sequence[PairResult], tricks: Mapping[str, str], metric: str
) -> Iterator[str]:
    """Tell the changes without a verdict, those of one reason together."""
    lacking_one = [pair for pair in pairs if pair["outcome"] == "no verdict"]
    for reason in dict.fromkeys(pair["reason"] for pair in lacking_one):
        each = [
            f"{tricks[pair['rung']]}{_score(pair, metric)}"
            for pair in lacking_one
            if pair["reason"] == reason
        ]
        why = f" ({reason})" if reason else ""
        yield f"Without a verdict{why}: {'; '.join(each)}."
