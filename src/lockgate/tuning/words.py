"""What a search found in sentences: what to use, whether tuning helped, and by how much luck."""

from collections.abc import Iterator, Mapping
from typing import Any

from lockgate.charts.formats import metric_name
from lockgate.errors import count_of
from lockgate.studies.phrases import (
    chance,
    change,
    compared,
    error_name,
    signed,
    signed_percent,
    span,
)
from lockgate.studies.plan import budget_seconds
from lockgate.tasks.results import PairResult
from lockgate.tuning.results import EntrantResult, TuneResults

OVER = 1.2
"""Times the budget from which on it is told that a search took longer."""
FLATTERY = 0.5
"""Points of a per cent below which the search and the rounds tell the same."""


def recommendation(results: TuneResults) -> list[str]:
    """Say what to do: use the tuned settings, or keep the default; a better baseline first."""
    return [*_baseline(results), _use(results), *_open(results)]


def tuning_words(results: TuneResults) -> list[str]:
    """Say what to do, then what it rests on: the luck of the search, each trial, the delivery."""
    return [
        *recommendation(results),
        *_optimism(results),
        *(_pair(pair, results) for pair in results["verdict"]["pairs"]),
        *_ended(results),
        *_over(results),
        *results["delivered"]["words"],
    ]


def settings_in_words(values: Mapping[str, Any]) -> str:
    """Tell settings by their names: `cell gru, hidden_size 48, learning_rate 0.0021`."""
    return ", ".join(f"{path.rpartition('.')[2]} {value_in_words(v)}" for path, v in values.items())


def value_in_words(value: Any) -> str:
    """Tell a value in three digits.

    Example:
        >>> value_in_words(0.00213456), value_in_words(48), value_in_words("gru")
        ('0.00213', '48', 'gru')
    """
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def tuned_pair(results: TuneResults) -> PairResult | None:
    """Return the verdict on the tuned settings against the default."""
    verdict = results["verdict"]
    return next((one for one in verdict["pairs"] if one["rung"] == verdict["tuned"]), None)


def entrant(results: TuneResults, name: str) -> EntrantResult:
    """Return what was fitted again by its name."""
    return next(one for one in results["entrants"] if one["name"] == name)


def called(name: str) -> str:
    """Name a trial in a sentence.

    Example:
        >>> called("trial-7"), called("default")
        ('trial 7', 'the default')
    """
    return name.replace("-", " ") if name.startswith("trial-") else f"the {name}"


def _use(results: TuneResults) -> str:
    verdict = results["verdict"]
    error, trials = error_name(results["metric"]), count_of(results["search"]["done"], "trial")
    pair = tuned_pair(results)
    if verdict["selected"] != "default":
        chosen = next(one for one in verdict["pairs"] if one["rung"] == verdict["selected"])
        rounds = count_of(chosen["rounds"], "round")
        return (
            f"Use the settings of {called(verdict['selected'])}: they lower a single network's "
            f"{error} by {change(chosen)} against the default settings ({rounds})."
        )
    if pair is None:
        return f"Keep the default settings: none of {trials} could be judged on every fold."
    best = f"{called(pair['rung'])}, the best of {trials}"
    against = "the default settings"
    match pair["outcome"]:
        case "no difference":
            why = f"tuning makes no difference that matters, {best}, has {_effect(pair, results)}"
            return f"Keep {against}: {why}."
        case "no gain":
            why = f"tuning gives no gain that matters, {best}, has {_effect(pair, results)}"
            return f"Keep {against}: {why}."
        case "hurts":
            return (
                f"Keep {against}: tuning hurts, {best}, raises the {error} by {change(pair)} once "
                "it is fitted again."
            )
        case "no verdict":
            why = f" ({pair['reason']})" if pair["reason"] else ""
            return f"Keep {against}: that tuning helps has no verdict{why}."
        case _:
            return f"Keep {against}: tuning is not shown to help."


def _open(results: TuneResults) -> Iterator[str]:
    """Tell of an open verdict how likely tuning is to help, and what would tell."""
    pair, verdict = tuned_pair(results), results["verdict"]
    if pair is None or pair["outcome"] != "open" or verdict["selected"] != "default":
        return
    likely = "" if pair["chance"] is None else f", {chance(pair['chance'])}"
    would = "more rounds would tell (`--resume --rounds`)"
    if pair["limit"] == "rows":
        would = "more rows would tell, more rounds would not"
    elif pair["needed"]:
        low, high = pair["needed"]
        more = count_of(high, "more round") if low == high else f"{low} to {high} more rounds"
        would = f"{more} would tell if it is as it looks (`--resume --rounds`)"
    yield f"Open: {called(pair['rung'])} has {_effect(pair, results)}{likely}; {would}."


def _optimism(results: TuneResults) -> Iterator[str]:
    """Tell how much of what the search promised is left once the trial is fitted again."""
    pair = tuned_pair(results)
    if pair is None or pair["percent"] is None:
        return
    first = max(
        (one for one in results["entrants"] if one["searched"] is not None),
        key=lambda one: -(one["searched"] or 0.0),
    )
    again = next(one for one in results["verdict"]["pairs"] if one["rung"] == first["name"])
    if again["percent"] is None or first["searched"] is None:
        return
    promised, kept = first["searched"], again["percent"]
    told = (
        f"In the search {called(first['name'])} looked best, {signed_percent(promised)} "
        f"{metric_name(results['metric'])}; fitted again in rounds of its own it has "
        f"{signed_percent(kept)}"
    )
    if kept - promised > FLATTERY:
        points = signed(kept - promised).lstrip("+")
        yield (
            f"{told}: {points} points were luck, as the best of "
            f"{count_of(results['search']['done'], 'trial')} has it."
        )
    else:
        yield f"{told}: the search did not flatter it."


def _pair(pair: PairResult, results: TuneResults) -> str:
    name = called(pair["rung"])
    name = name[0].upper() + name[1:]
    values = settings_in_words(entrant(results, pair["rung"])["values"])
    if pair["outcome"] == "no verdict":
        reason = f" ({pair['reason']})" if pair["reason"] else ""
        return f"{name} has no verdict{reason}; its settings: {values}."
    outcome = {
        "no difference": "makes no difference that matters",
        "no gain": "gives no gain that matters",
        "open": "is open",
    }.get(pair["outcome"], pair["outcome"])
    after = count_of(pair["rounds"], "round")
    return (
        f"{name} {outcome}: {_effect(pair, results)} against the default, after {after}; its "
        f"settings: {values}."
    )


def _effect(pair: PairResult, results: TuneResults) -> str:
    metric = metric_name(results["metric"])
    percent, low, high = pair["percent"], pair["low"], pair["high"]
    if percent is None:
        return f"a change of {metric} beyond all numbers"
    interval = "" if low is None or high is None else f" [{signed(low)}, {signed(high)}]"
    return f"{signed_percent(percent)} {metric}{interval}"


def _baseline(results: TuneResults) -> Iterator[str]:
    """Tell first of a baseline that is better than a single network."""
    baseline, effect = results["verdict"]["baseline"], results["delivered"]["effect"]
    if baseline is None or baseline["outcome"] != "loses":
        return
    larger = compared(baseline, results["metric"], interval=True)
    if effect is not None and effect["outcome"] == "beats":
        better = compared(effect, results["metric"], interval=True)
        yield (
            f"Use what is delivered: on the test part it has {better} than {effect['name']} alone, "
            f"where a single network has {larger} than {baseline['name']} on the rows judged."
        )
        return
    yield f"Use {baseline['name']} alone: a single network has {larger}, tuned or not."


def _over(results: TuneResults) -> Iterator[str]:
    """Say so where the least that a search does takes longer than it was given."""
    budget = results["config"]["budget"]
    given = budget_seconds(budget)
    if results["seconds"] > OVER * given:
        yield (
            f"It took {span(results['seconds'], results['seconds'])} where the budget was "
            f"{budget}: one batch, one pass over the folds and the delivery are the least; fewer "
            "folds, members or a smaller space take less."
        )


def _ended(results: TuneResults) -> Iterator[str]:
    search = results["search"]
    if search["ended"] == "budget":
        yield (
            f"The time was enough for {search['done']} of {search['asked']} trials: a longer "
            "--budget, in another folder, tries all."
        )
