"""What `results.json` of a search holds: the types of its values, and the version of its format."""

from collections.abc import Mapping
from typing import Any, TypedDict, cast

from lockgate.errors import DataError
from lockgate.tasks.results import (
    BaselineEffect,
    Delivered,
    FoldResult,
    PairResult,
    Scores,
)

TUNING_FORMAT = 1


class SettingResult(TypedDict):
    """A setting that was searched."""

    path: str
    name: str
    low: float | None
    high: float | None
    log: bool
    choices: list[Any] | None
    default: Any
    importance: float | None  # share of how much trials differ that is its own


class TrialResult(TypedDict):
    """A trial; changes in per cent of the score of the default on the same rows, below 0 better."""

    number: int
    batch: int
    state: str  # complete, halved, diverged, refused
    values: dict[str, Any]  # by the paths of the settings
    percent: float | None  # over all folds; of what was halved on the first
    by_fold: dict[str, float]
    seconds: float
    parameters: int | None
    reason: str | None


class SearchResult(TypedDict):
    """How the search went."""

    asked: int
    done: int
    complete: int
    ended: str  # trials, budget
    batch: int
    seconds: float  # of all its fits, one after the other


class EntrantResult(TypedDict):
    """The default or a trial that was fitted again: its scores on the rows judged."""

    name: str
    trial: int | None
    words: str
    values: dict[str, Any]
    parameters: int | None
    judged: Scores
    by_fold: dict[str, float | None]
    seconds: float | None
    best_epoch: float | None
    searched: float | None  # the change that the search told, in per cent


class TuneVerdict(TypedDict):
    """Whether tuning helps, in numbers and in sentences."""

    recommendation: list[str]  # what to do, first in `words`
    words: list[str]
    pairs: list[PairResult]  # each trial that was fitted again against the default
    tuned: str | None  # the one of them with the least error
    selected: str  # what is delivered: a trial that helps, or the default
    baseline: BaselineEffect | None
    smallest_effect: float
    rounds: int
    most_rounds: int
    ended: str
    blocks: int
    test_looks: int


class TuneBaseline(TypedDict):
    """A baseline beside what is delivered."""

    name: str
    judged: Scores
    test: Scores


class TuneResults(TypedDict):
    """The results of a search."""

    format_version: int
    kind: str
    task: str
    lockgate_version: str
    created: str
    command: str
    seconds: float
    config: dict[str, Any]
    environment: dict[str, Any]
    data: dict[str, Any]
    metric: str
    folds: list[FoldResult]
    space: list[SettingResult]
    search: SearchResult
    trials: list[TrialResult]
    entrants: list[EntrantResult]
    verdict: TuneVerdict
    settings: dict[str, Any]  # to use, by their paths; none where the default is
    baselines: list[TuneBaseline]
    delivered: Delivered


def checked_tuning(content: object, name: object = "results") -> TuneResults:
    """Return the content of a `results.json` of a search.

    Raises:
        DataError: If it is of something else, or of another format.
    """
    if not isinstance(content, Mapping) or content.get("kind") != "tune":
        raise DataError(f"{name} must be those of a search (lockgate tune), got something else")
    if (version := content.get("format_version")) != TUNING_FORMAT:
        command = content.get("command")
        repeat = f": repeat it, {command}" if isinstance(command, str) else ""
        raise DataError(f"{name} must have format_version {TUNING_FORMAT}, got {version!r}{repeat}")
    return cast(TuneResults, content)
