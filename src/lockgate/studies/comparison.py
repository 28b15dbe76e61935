"""Two finished studies of the same data side by side."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from lockgate.errors import DataError, quoted
from lockgate.studies.result import StudyResult
from lockgate.tasks.results import (
    BaselineEffect,
    PairResult,
    Results,
    delivered_parts,
    selected_rung,
)

SAME = ("target", "horizon", "task", "classes")
"""What of the data must be equal too, where the data have it, or scores are of another question."""
Row = dict[str, Any]


@dataclass(frozen=True)
class Comparison:
    """What differs between two studies, the first before the second.

    Args:
        settings: Those that differ: `setting`, `first`, `second`.
        rungs: Scores on the rows judged: `rung`, `first`, `second`, and `change %` from the first
            to the second.
        pairs: The changes and outcomes of each pair: `rung`, `against`, and of each study
            `change %`, `low`, `high` and `outcome`, ended by its number.
        delivered: Scores of what each delivers on the test part, beside the baselines: `model`,
            `first`, `second`, `change %`.
        notes: What a reader must know before he compares the numbers.
    """

    settings: list[Row]
    rungs: list[Row]
    pairs: list[Row]
    delivered: list[Row]
    notes: list[str]

    def to_dict(self) -> dict[str, Any]:
        """Return all of it as plain values."""
        return dict(vars(self))


def compare_studies(first: StudyResult, second: StudyResult) -> Comparison:
    """Set two studies of the same data side by side.

    Raises:
        DataError: If they are of other data, another task or another metric.
    """
    one, other = first.results, second.results
    _check_same(one, other)
    return Comparison(
        settings=list(_settings(one, other)),
        rungs=list(_rungs(one, other)),
        pairs=list(_pairs(one, other)),
        delivered=list(_delivered(one, other)),
        notes=list(_notes(one, other)),
    )


def _check_same(one: Results, other: Results) -> None:
    def told(what: str, of_one: object, of_other: object) -> DataError:
        return DataError(
            f"studies must be of the same {what} to be compared, got {quoted(of_one)} and "
            f"{quoted(of_other)}: repeat one of them"
        )

    if one["task"] != other["task"]:
        raise told("task", one["task"], other["task"])
    if one["data"]["fingerprint"] != other["data"]["fingerprint"]:
        raise told("data", one["data"]["source"], other["data"]["source"])
    for key in SAME:
        if one["data"].get(key) != other["data"].get(key):
            raise told(key, one["data"].get(key), other["data"].get(key))
    if one["metric"] != other["metric"]:
        raise told("metric", one["metric"], other["metric"])


def _settings(one: Results, other: Results) -> Iterator[Row]:
    of_one, of_other = (dict(_flat(results["config"])) for results in (one, other))
    for name in dict.fromkeys([*of_one, *of_other]):
        values = of_one.get(name), of_other.get(name)
        if values[0] != values[1]:
            yield {"setting": name, "first": _text(values[0]), "second": _text(values[1])}


def _flat(config: Mapping[str, Any], within: str = "") -> Iterator[tuple[str, Any]]:
    """Yield each setting by its path: `training.patience`."""
    for name, value in config.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{within}{name}.")
        else:
            yield f"{within}{name}", value


def _text(value: Any) -> str:
    if isinstance(value, list | tuple):
        return ",".join(map(str, value))
    return "none" if value is None else str(value)


def _rungs(one: Results, other: Results) -> Iterator[Row]:
    metric = one["metric"]
    of_one, of_other = (
        {rung["name"]: rung["judged"].get(metric) for rung in results["rungs"]}
        for results in (one, other)
    )
    for name in dict.fromkeys([*of_one, *of_other]):
        yield {"rung": name, **_beside(of_one.get(name), of_other.get(name))}


def _pairs(one: Results, other: Results) -> Iterator[Row]:
    of_one, of_other = (
        {(pair["rung"], pair["parent"]): pair for pair in results["verdict"]["pairs"]}
        for results in (one, other)
    )
    for rung, parent in dict.fromkeys([*of_one, *of_other]):
        row: Row = {"rung": rung, "against": parent}
        for number, pairs in enumerate((of_one, of_other), start=1):
            row |= _effect(pairs.get((rung, parent)), number)
        yield row


def _effect(effect: PairResult | BaselineEffect | None, number: int) -> Row:
    return {
        f"change % {number}": effect and effect["percent"],
        f"low {number}": effect and effect["low"],
        f"high {number}": effect and effect["high"],
        f"outcome {number}": effect and effect["outcome"],
    }


def _delivered(one: Results, other: Results) -> Iterator[Row]:
    """Give what is delivered first, then the baselines, whose fits may differ too."""
    metric = one["metric"]
    scores = [
        next(p.scores.get(metric) for p in delivered_parts(results["delivered"]) if p.whole)
        for results in (one, other)
    ]
    yield {"model": "delivered", **_beside(*scores)}
    of_one, of_other = (
        {baseline["name"]: baseline["test"].get(metric) for baseline in results["baselines"]}
        for results in (one, other)
    )
    for name in dict.fromkeys([*of_one, *of_other]):
        yield {"model": name, **_beside(of_one.get(name), of_other.get(name))}


def _beside(first: float | None, second: float | None) -> Row:
    change = 100.0 * (second / first - 1.0) if first and second is not None else None
    return {"first": first, "second": second, "change %": change}


def _notes(one: Results, other: Results) -> Iterator[str]:
    names = [results["verdict"]["selected"] for results in (one, other)]
    cells = [selected_rung(results)["cell"].upper() for results in (one, other)]
    rounds = [results["verdict"]["rounds"] for results in (one, other)]
    yield (
        f"Selected: {names[0]} ({cells[0]}) after {rounds[0]} rounds, "
        f"{names[1]} ({cells[1]}) after {rounds[1]}."
    )
    if one["folds"] != other["folds"]:
        yield "Their folds differ, so scores on the rows judged are of other rows."
    if one["data"].get("split") != other["data"].get("split"):
        yield "Their parts differ, so scores on the test part are of other rows."
    yield (
        "Changes between the studies have no interval: what is less than the intervals of the "
        "pairs is chance as well as not."
    )
