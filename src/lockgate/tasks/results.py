"""What `results.json` holds: the types of its values, and the version of its format."""

from collections.abc import Mapping
from typing import Any, Literal, NotRequired, TypedDict, cast

from lockgate.errors import DataError

FORMAT_VERSION = 1

Scores = dict[str, float | None]
"""Every score by its name; None where it is not defined."""
Status = Literal["pass", "warn", "fail"]
ReachVerdict = Literal["vanishes", "explodes", "holds"]


class Interval(TypedDict):
    """A mean over seeds with its interval; one seed has none."""

    mean: float | None
    low: float | None
    high: float | None


class Losses(TypedDict):
    """The learning curves of a fit: a value for each time that it was validated."""

    training: list[float | None]
    validation: list[float | None]
    gradient_norm: list[float | None]
    seconds: list[float | None]
    # what studies of the first format do not tell
    steps: NotRequired[list[int]]
    per_epoch: NotRequired[int]
    keeps: NotRequired[str]


class SeedReach(TypedDict):
    """How far back the gradient of a fit reaches; see `lockgate.nn.Reach`."""

    norms: list[float | None]
    factor: float | None
    verdict: ReachVerdict


class RungReach(TypedDict):
    """The same of a rung: medians over its seeds."""

    shares: list[float | None]  # of the last step's norm, by steps back
    factor: float
    verdict: ReachVerdict


class SeedResult(TypedDict):
    """One fit of a rung."""

    seed: int
    validation: float | None
    test: Scores | None
    best_epoch: float | None
    epochs: float
    stopped: str | None
    seconds: float
    reach: NotRequired[SeedReach | None]  # older studies have none
    history: Losses


class RungResult(TypedDict):
    """A rung: what it is, its scores over seeds, its fits."""

    name: str
    words: str
    parent: str | None
    cell: str
    model: dict[str, Any]
    parameters: int
    validation: Interval
    test: Interval
    test_scores: Scores
    test_intervals: NotRequired[dict[str, Interval]]  # older studies have none
    per_step: list[float | None]
    seconds: float | None
    best_epoch: float | None
    overfits_from: float | None
    gap: float | None
    reach: NotRequired[RungReach | None]  # older studies have none
    seeds: list[SeedResult]


class BaselineResult(TypedDict):
    """A baseline and its scores."""

    name: str
    setting: str
    validation: Scores
    test: Scores
    per_step: list[float | None]
    reference: bool


class Effect(TypedDict):
    """A change of the score in per cent, with its interval where there is one."""

    percent: float | None
    low: float | None
    high: float | None


class PairResult(Effect):
    """A rung against its parent."""

    rung: str
    parent: str
    outcome: str
    smallest_visible: float | None
    seeds: int
    excluded: list[int]


class BaselineEffect(Effect):
    """The selected network against the reference baseline."""

    name: str
    outcome: str
    better: list[str]


class Selected(TypedDict):
    """The selected fit."""

    rung: str
    seed: int


class VerdictResult(TypedDict):
    """The comparisons of a study, in numbers and in sentences."""

    words: list[str]
    pairs: list[PairResult]
    selected: Selected | None
    baseline: BaselineEffect | None
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
    words: NotRequired[list[str]]


class CellResult(TypedDict):
    """The cell that the rungs are built on, and the scores it was chosen by."""

    selected: str
    validation: Scores


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
    baselines: list[BaselineResult]
    rungs: list[RungResult]
    cell: CellResult | None
    verdict: VerdictResult
    delivered: NotRequired[Delivered | None]  # older studies have none
    checks: list[Check]


def checked_results(content: object, name: object = "results") -> Results:
    """Return the content of a `results.json`, with the task of results from before there were two.

    Args:
        content: What was read.
        name: What an error calls it.

    Raises:
        DataError: If it is of another format; the message has the command that repeats the study.

    Example:
        >>> checked_results({"format_version": 2, "command": "lockgate study shop.csv"})
        Traceback (most recent call last):
        ...
        lockgate.errors.DataError: results must have format_version 1, got 2. Use the lockgate \
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
    return cast(Results, {"task": "forecast", **content})


def selected_rung(results: Results) -> RungResult | None:
    """Return the selected rung; None if every fit diverged."""
    selected = results["verdict"]["selected"]
    if selected is None:
        return None
    return next((rung for rung in results["rungs"] if rung["name"] == selected["rung"]), None)


def reference_baseline(results: Results) -> BaselineResult | None:
    """Return the baseline that the selected network is set against."""
    return next((one for one in results["baselines"] if one["reference"]), None)
