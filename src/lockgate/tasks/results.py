"""What `results.json` holds: the types of its values, and the version of its format."""

import math
from collections.abc import Mapping
from typing import Any, Literal, NamedTuple, TypedDict, cast

from lockgate.errors import DataError

FORMAT_VERSION = 2

Scores = dict[str, float | None]
"""Every score by its name; None where it is not defined."""
Status = Literal["pass", "warn", "fail"]
ReachVerdict = Literal["vanishes", "explodes", "holds"]


class Losses(TypedDict):
    """The learning curves of a fit: a value for each time that it was validated."""

    training: list[float | None]
    validation: list[float | None]
    gradient_norm: list[float | None]
    seconds: list[float | None]
    steps: list[int]
    per_epoch: int
    keeps: str


class SeedReach(TypedDict):
    """How far back the gradient of a fit reaches; see `lockgate.nn.Reach`."""

    norms: list[float | None]
    factor: float | None
    verdict: ReachVerdict


class RungReach(TypedDict):
    """The same of a rung: medians over its rounds."""

    shares: list[float | None]  # of the last step's norm, by steps back
    factor: float
    verdict: ReachVerdict


class RoundResult(TypedDict):
    """One fit of a rung."""

    round: int  # from 1; 0 in the rounds that choose the cell
    fold: str
    validation: float | None  # on the rows that stopped it
    judged: Scores | None  # on the rows that it is judged on; None if it diverged
    best_epoch: float | None
    epochs: float
    stopped: str | None
    seconds: float
    reach: SeedReach | None
    history: Losses


class RungResult(TypedDict):
    """A rung: what it is, its scores over rounds, its fits."""

    name: str
    words: str
    parent: str | None
    cell: str
    model: dict[str, Any]
    parameters: int
    judged: Scores  # means over rounds
    by_fold: dict[str, float | None]  # the metric, means over the rounds of each fold
    per_step: list[float | None]
    seconds: float | None
    best_epoch: float | None
    overfits_from: float | None
    gap: float | None
    reach: RungReach | None
    rounds: list[RoundResult]


class BaselineResult(TypedDict):
    """A baseline and its scores."""

    name: str
    setting: str
    judged: Scores  # means over folds
    by_fold: dict[str, float | None]  # the metric
    test: Scores  # fitted to all but the test part, as far as it can be
    per_step: list[float | None]  # on the test part
    reference: bool


class FoldResult(TypedDict):
    """A fold: how many rows it has of each kind, and where they lie."""

    name: str
    train: int
    stopping: int
    judged: int
    begins: str | None  # the first judged row, where rows have a time
    ends: str | None


class Effect(TypedDict):
    """A change of the score in per cent, with its interval where there is one."""

    percent: float | None
    low: float | None
    high: float | None


class PairLook(Effect):
    """What a look after some rounds told of a pair."""

    rounds: int


class PairResult(Effect):
    """A rung against its parent, on the rows judged; the interval is that of its last look."""

    rung: str
    parent: str
    outcome: str  # helps, hurts, no difference, no gain, open, no verdict
    chance: float | None  # that it helps, of an open pair
    needed: list[int] | None  # further rounds, from and to, that may decide an open pair
    limit: str | None  # "rows": no number of rounds decides it
    rounds: int  # that both have
    look: int | None  # rounds at the look whose interval is shown
    excluded: list[int]  # rounds of which either diverged
    reason: str | None  # of no verdict
    looks: list[PairLook]
    by_round: dict[str, float | None]  # the change in each round, in per cent, by its number


class BaselineEffect(Effect):
    """A model against the reference baseline."""

    name: str
    outcome: str  # beats, ties, loses, no verdict
    better: list[str]


class VerdictResult(TypedDict):
    """The comparisons of a study, in numbers and in sentences."""

    recommendation: list[str]  # what to do, first in `words`
    words: list[str]
    pairs: list[PairResult]
    selected: str  # the rung
    baseline: BaselineEffect | None  # its single network, on the rows judged
    may_be_best: list[str]  # rungs
    smallest_effect: float  # in per cent: what is less makes no difference
    rounds: int  # done
    most_rounds: int  # planned
    round_seconds: float  # of one more round of all that is open
    ended: str  # decided, rounds, budget, rows
    blocks: int
    test_looks: int


class Delivered(TypedDict):
    """What is delivered and what it is put together from, with their scores on the test part.

    All of it has learned from everything but the test part.
    """

    members: int
    weight: float  # of the networks in the mixture
    baseline: str | None
    why_not_mixed: str | None
    single: Scores  # of one network, the mean over members
    networks: Scores  # of the mean of the networks
    mixture: Scores
    refitted: Scores | None  # of the baseline in it
    effect: BaselineEffect | None  # of the mixture against it
    intervals: Any  # how its intervals do, as its task tells it; None if it has none
    words: list[str]


class CellResult(TypedDict):
    """The cell that the rungs are built on, and the scores it was chosen by."""

    selected: str
    judged: Scores


class Check(TypedDict):
    """What a careful reader would ask, and the answer."""

    name: str
    status: Status
    text: str


class Results(TypedDict):
    """The results of a study. A task adds what it shows of its predictions, under its own keys."""

    format_version: int
    task: str
    lockgate_version: str
    created: str
    command: str
    seconds: float
    config: dict[str, Any]
    environment: dict[str, Any]
    data: dict[str, Any]  # as its task describes them
    metric: str
    folds: list[FoldResult]
    baselines: list[BaselineResult]
    rungs: list[RungResult]
    cell: CellResult | None
    verdict: VerdictResult
    delivered: Delivered
    checks: list[Check]


def checked_results(content: object, name: object = "results") -> Results:
    """Return the content of a `results.json`.

    Args:
        content: What was read.
        name: What an error calls it.

    Raises:
        DataError: If it is of another format; the message has the command that repeats the study.

    Example:
        >>> checked_results({"format_version": 1, "command": "lockgate study shop.csv"})
        Traceback (most recent call last):
        ...
        lockgate.errors.DataError: results must have format_version 2, got 1. Use the lockgate \
that wrote it, or repeat the study: lockgate study shop.csv
    """
    if not isinstance(content, Mapping):
        raise DataError(
            f"{name} must be an object with format_version {FORMAT_VERSION}, "
            f"got a {type(content).__name__}"
        )
    version = content.get("format_version")
    if version != FORMAT_VERSION:
        writer, command = content.get("lockgate_version"), content.get("command")
        of_version = f" ({writer})" if isinstance(writer, str) else ""
        repeat = f", or repeat the study: {command}" if isinstance(command, str) else "."
        raise DataError(
            f"{name} must have format_version {FORMAT_VERSION}, "
            f"got {'none' if version is None else repr(version)}. "
            f"Use the lockgate that wrote it{of_version}{repeat}"
        )
    return cast(Results, content)


def selected_rung(results: Results) -> RungResult:
    """Return the selected rung."""
    return rung_of(results, results["verdict"]["selected"])


def rung_of(results: Results, name: str) -> RungResult:
    """Return a rung by its name."""
    return next(rung for rung in results["rungs"] if rung["name"] == name)


def changes_by_fold(pair: PairResult, results: Results) -> dict[str, float]:
    """Return the mean change of a pair in each fold that has any, in per cent."""
    fold_of = {str(one["round"]): one["fold"] for one in rung_of(results, pair["rung"])["rounds"]}
    ratios: dict[str, list[float]] = {}
    for number, change in pair["by_round"].items():
        if number in fold_of and change is not None and change > -100.0:
            ratios.setdefault(fold_of[number], []).append(math.log1p(change / 100.0))
    return {name: 100.0 * math.expm1(sum(own) / len(own)) for name, own in ratios.items()}


def reference_baseline(results: Results) -> BaselineResult | None:
    """Return the baseline that the selected network is set against."""
    return next((one for one in results["baselines"] if one["reference"]), None)


class DeliveredPart(NamedTuple):
    """Something that what is delivered is put together from, or itself, on the test part."""

    name: str
    scores: Scores
    whole: bool  # whether it is what is delivered


def delivered_parts(delivered: Delivered, single: str = "one network") -> list[DeliveredPart]:
    """Return what is delivered with the scores of its parts, each by its name.

    Args:
        delivered: Of the results.
        single: What one network is called.
    """
    mixed = delivered["baseline"] is not None and delivered["refitted"] is not None
    several = delivered["members"] > 1
    parts = [DeliveredPart(single, delivered["single"], not mixed and not several)]
    if several:
        name = f"mean of {delivered['members']}"
        parts.append(DeliveredPart(name, delivered["networks"], not mixed))
    if mixed:
        baseline, refitted = delivered["baseline"], delivered["refitted"] or {}
        parts.append(DeliveredPart(f"mixed with {baseline}", delivered["mixture"], whole=True))
        parts.append(DeliveredPart(f"{baseline} in it", refitted, whole=False))
    return parts
