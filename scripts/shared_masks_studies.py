"""Studies of masks that a batch shares: what is fitted, and the page of what came out."""

from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import torch
from study_pages import table
from truth_stages import Kept

from lockgate.api import plan_study
from lockgate.charts.formats import percent
from lockgate.studies.looks import LookPlan
from lockgate.studies.plan import Plan, time_network
from lockgate.studies.rounds import run_of
from lockgate.studies.rule import PairVerdict, judge_table
from lockgate.tasks.stack.rungs import Rung

PASSES = 2
FOLDS = 5
PLACES = ("input_dropout", "recurrent_dropout")
SHARED = (("mask_for", "batch"),)
EACH, EQUAL_STEPS, EQUAL_TIME = "masks-for-each", "shared-equal-steps", "shared-equal-time"
COMMON: Mapping[str, Any] = {
    "hidden_size": 128,
    "mask_per": "cell",
    "input_dropout": 0.5,
    "recurrent_dropout": 0.5,
    "batch_size": 64,
    # no fit ends before its last step; the best weights are kept
    "max_epochs": 1_000,
    "patience": 1_000,
    "rungs": ("lstm", "recurrent-dropout"),
    "folds": FOLDS,
    "budget": "none",
    "rounds": PASSES * FOLDS,
}


class Study(NamedTuple):
    """A set, and how much faster a step of it is with masks that a batch shares.

    `faster` was measured by `scripts/shared_masks --measure` before anything was fitted: it is by
    this number that fits in equal time have more steps, which their rung is named after, so that
    fits of another number are never taken for these.
    """

    title: str
    file: str
    settings: Mapping[str, Any]
    steps: int
    faster: float


ALL = {
    "jena": Study(
        "Jena, temperature, 24 h",
        "jena_weather_2020/weather.csv.gz",
        {
            "time": "date",
            "target": "T (degC)",
            "missing": "-9999",
            "resample": "1h",
            "horizon": "24h",
            "lookback": 48,
        },
        400,
        1.48,
    ),
    "pm25": Study(
        "PM2.5 of Beijing, 24 h",
        "beijing_pm25/pollution.csv.gz",
        {
            "time": "year,month,day,hour",
            "target": "pm2.5",
            "horizon": "24h",
            "lookback": 48,
        },
        400,
        1.40,
    ),
    "sst2": Study(
        "SST-2, sentences",
        "en_sentences/stsa.binary.train.gz",
        {
            "test": "en_sentences/stsa.binary.test.gz",
            "embedding_size": 128,
            "linear_path": "off",
            "rungs": ("lstm", "bidirectional", "recurrent-dropout"),
        },
        600,
        1.47,
    ),
}


def plan(study: Study, data: Path, workers: int) -> Plan:
    """Plan a study, with rungs of its own beside the plain LSTM."""
    settings = {**COMMON, **study.settings, "max_steps": study.steps}
    if "test" in settings:
        settings["test"] = str(data / settings["test"])
    planned = plan_study(data / study.file, workers=workers, **settings)
    each = Rung(EACH, "masks for each row", on=PLACES)
    shared = Rung(EQUAL_STEPS, "masks that a batch shares", on=PLACES, sets=SHARED, parent=EACH)
    run = run_of(planned, shared, "lstm")
    steps = round(study.steps * study.faster)
    longer = run.model_copy(
        update={"training": run.training.model_copy(update={"max_steps": steps})}
    )
    in_time = Rung(f"{EQUAL_TIME}-{steps}", "the same in equal time", parent=EACH, run=longer)
    return planned._replace(rungs=(*planned.cells, each, shared, in_time))


def measured(study: Study, data: Path) -> float:
    """Return how much faster a step is, the median of seven rounds on one thread."""
    planned = plan(study, data, 1)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    _, each, shared, _ = planned.rungs
    configs = [
        planned.config.model_copy(update={"model": run_of(planned, rung, "lstm").model})
        for rung in (each, shared)
    ]
    ratios = []
    for _ in range(7):
        slow, fast = (time_network(planned.task, planned.prepared, one)[0] for one in configs)
        ratios.append(slow / fast)
    torch.set_num_threads(threads)
    return median(ratios)


def verdicts(kept: Kept) -> tuple[PairVerdict, ...]:
    """Judge what was played as a study does."""
    folds = kept.table.folds
    looks = LookPlan.planned(folds, folds * len(kept.table.logs))
    return judge_table(kept.table, kept.pairs, looks)


def page(kept: Mapping[str, Kept]) -> str:
    """Return the page."""
    rows = [row for name, one in kept.items() for row in _rows(ALL[name], one)]
    header = ["data", "compared", "steps", "effect on the error", "verdict"]
    ran = [
        f"- {ALL[name].title}: {one.about['fits']} fits of {one.about['fit_seconds']:.0f} seconds "
        f"in all; {one.about['date']}, {one.about['commit']}, "
        f"{one.about['environment']['cpu']}, torch {one.about['environment']['torch']}."
        for name, one in kept.items()
    ]
    return "\n".join([HEAD, _counted(kept), "", table(header, rows), "", *ran, ""])


def _counted(kept: Mapping[str, Kept]) -> str:
    """Count what came of shared masks."""
    of_shared = Counter(
        verdict.outcome
        for one in kept.values()
        for verdict in verdicts(one)
        if verdict.rung != EACH
    )
    told = ", ".join(f"{count} {outcome}" for outcome, count in of_shared.most_common())
    return f"Of {of_shared.total()} verdicts on shared masks: {told}."


def _rows(study: Study, kept: Kept) -> Iterator[list[str]]:
    for one in verdicts(kept):
        effect, steps = percent(one.percent, one.low, one.high), study.steps
        says = "masks for each row, against no dropout"
        if one.rung == EQUAL_STEPS:
            says = "shared masks, against masks for each row"
        elif one.rung != EACH:
            steps = int(one.rung.removeprefix(f"{EQUAL_TIME}-"))
            says = f"the same in equal time ({steps / study.steps:.2f} times the steps)"
        yield [study.title, says, str(steps), effect, one.outcome]


HEAD = """# Masks that a batch shares, judged

Written by `scripts/shared_masks --write`. With `mask_for="batch"` a training step takes less time
([how much](README.md)), but all rows of a batch lose the same features. Does that cost error? An
LSTM of 128 units, with masks for the cell at 0.5 on input and state, is trained for a fixed number
of steps, of which the best weights by validation are kept; and once more in equal time, for as many
more steps as its steps are faster, which was measured before anything was fitted. Two passes over
five folds, judged by [the rule](../rule.md). Below 0 an effect is an error that falls.
"""
