"""The report of a search: its results as one HTML file that opens offline."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple, cast

import yaml

from lockgate.charts import formats
from lockgate.charts.figures import Figure
from lockgate.charts.trials import Dot, Scale, across, shares, trial_history, trial_slice
from lockgate.files import write_text
from lockgate.reports.effects import Axis, PairRow, effects
from lockgate.reports.frame import check_finite, render
from lockgate.reports.pages import opening
from lockgate.reports.rounds import LookPanel, look_figures, look_panels
from lockgate.tasks.results import DeliveredPart, PairResult, Results, delivered_parts
from lockgate.tuning.results import (
    EntrantResult,
    SettingResult,
    TrialResult,
    TuneResults,
    checked_tuning,
)
from lockgate.tuning.words import called, entrant, value_in_words

TEMPLATE = "tune.html.j2"


class SettingRow(NamedTuple):
    """A setting: what was tried, the default, and what the tuned settings have."""

    name: str
    tried: str
    default: str
    tuned: str | None
    importance: float | None


class TunePage(NamedTuple):
    """What the template needs beside the results."""

    headline: str
    leads: list[str]
    evidence: list[str]
    pairs: list[PairRow]
    baseline: PairRow | None
    effects: Axis
    looks: list[LookPanel]
    metric: str
    digits: int
    settings: list[SettingRow]
    tuned: EntrantResult | None
    outcomes: dict[str, PairResult]  # of what was fitted again, by name
    slices: list[tuple[str, str]]  # chart and name of each setting
    trials: list[TrialResult]  # the best first
    delivered: list[DeliveredPart]
    fold_labels: dict[str, str]


def write_tune_report(results: Mapping[str, Any], folder: Path) -> Path:
    """Write `report.html`, the whole of a search on one page, into `folder`.

    It is made as that of a study is: it holds its own script and data, asks the network for
    nothing, and is complete or absent.

    Args:
        results: What `results.json` holds. A missing number is None.
        folder: Where the file goes; made if it does not exist.

    Raises:
        DataError: If they are of something else, or of another format.
        ValueError: If a number is NaN or infinite.
    """
    checked = checked_tuning(results)
    check_finite(checked)
    path = folder / "report.html"
    config = yaml.safe_dump(checked["config"], sort_keys=False, allow_unicode=True)
    html = render(TEMPLATE, figures(checked), r=checked, page=page(checked), config=config)
    write_text(path, html)
    return path


def page(results: TuneResults) -> TunePage:
    """Everything the page shows, in the order it shows it."""
    judged, verdict = _as_study(results), results["verdict"]
    pairs, baseline, axis = effects(judged)
    headline, leads = opening(verdict["recommendation"])
    metric, delivered = results["metric"], delivered_parts(results["delivered"])
    scores = [one["judged"].get(metric) for one in results["entrants"]]
    scores += [one["test"].get(metric) for one in results["baselines"]]
    scores += [part.scores.get(metric) for part in delivered]
    tuned = None if verdict["tuned"] is None else entrant(results, verdict["tuned"])
    return TunePage(
        headline=headline,
        leads=leads,
        evidence=verdict["words"][len(verdict["recommendation"]) :],
        pairs=[_called(row) for row in pairs],
        baseline=None if baseline is None else _called(baseline),
        effects=axis,
        looks=look_panels(judged),
        metric=formats.metric_name(metric),
        digits=formats.decimals_for(scores),
        settings=[_setting(one, tuned) for one in results["space"]],
        tuned=tuned,
        outcomes={pair["rung"]: pair for pair in verdict["pairs"]},
        slices=[(f"slice-{i}", one["name"]) for i, one in enumerate(results["space"])],
        trials=sorted(results["trials"], key=_rank),
        delivered=delivered,
        fold_labels={one["name"]: f"fold {i}" for i, one in enumerate(results["folds"], start=1)},
    )


def figures(results: TuneResults) -> dict[str, Figure]:
    """Every chart of the page by the name under which the template places it."""
    verdict, zone = results["verdict"], results["verdict"]["smallest_effect"]
    tuned = None if verdict["tuned"] is None else entrant(results, verdict["tuned"])["trial"]
    dots = [
        Dot(one["number"], one["percent"], one["state"] == "complete", one["values"])
        for one in results["trials"]
        if one["percent"] is not None
    ]
    drawn = look_figures(_as_study(results))
    if not dots:
        return drawn
    scales = [_scale(one) for one in results["space"]]
    drawn["trials"] = trial_history(dots, tuned, zone)
    for i, scale in enumerate(scales):
        drawn[f"slice-{i}"] = trial_slice(dots, scale, tuned, zone)
    if len(scales) > 1 and sum(dot.complete for dot in dots) > 1:
        drawn["across"] = across(dots, scales, tuned)
    known = [
        (one["name"], share) for one in results["space"] if (share := one["importance"]) is not None
    ]
    if known:
        drawn["importance"] = shares(*zip(*known, strict=True))
    return drawn


def _as_study(results: TuneResults) -> Results:
    """Return the same results for what reads of a study its verdict alone."""
    return cast(Results, results)


def _called(row: PairRow) -> PairRow:
    return row._replace(name=_name(row.name), against=_name(row.against))


def _name(name: str) -> str:
    return called(name).removeprefix("the ")


def _scale(one: SettingResult) -> Scale:
    return Scale(
        *(one["path"], one["name"], one["low"], one["high"], one["log"], one["choices"]),
        one["default"],
    )


def _setting(one: SettingResult, tuned: EntrantResult | None) -> SettingRow:
    if one["choices"] is not None:
        tried = formats.enumerated([value_in_words(value) for value in one["choices"]])
    else:
        ends = value_in_words(one["low"]), value_in_words(one["high"])
        tried = f"{ends[0]} to {ends[1]}{', by logarithms' if one['log'] else ''}"
    found = None if tuned is None else value_in_words(tuned["values"][one["path"]])
    return SettingRow(one["name"], tried, value_in_words(one["default"]), found, one["importance"])


def _rank(one: TrialResult) -> tuple[int, float, int]:
    order = ("complete", "halved", "diverged", "refused").index(one["state"])
    return order, one["percent"] if one["percent"] is not None else 0.0, one["number"]
