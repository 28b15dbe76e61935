"""Play many rounds on real data, and keep the table of scores that small studies are drawn from.

A stage plays its rounds as a study does, but that no rung rests and nothing stops it.
"""

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from lockgate.api import plan_study
from lockgate.files import new_file, write_text
from lockgate.running.local import run_jobs
from lockgate.running.machine import environment
from lockgate.studies.command import command
from lockgate.studies.evidence import Table
from lockgate.studies.fits import Fit, Job, read_judged, run_fits, save_prepared
from lockgate.studies.folder import open_folder
from lockgate.studies.gather import Judged, gather
from lockgate.studies.plan import Plan, folds_of
from lockgate.studies.rounds import run_of
from lockgate.studies.rule import Pair
from lockgate.studies.stretches import Stretch
from lockgate.tasks.stack.rungs import parent_name

TABLE, ABOUT = "table.npz", "about.json"
PASSES = 12
OF_A_SMALL_STUDY = 2
TEXTS = 2_000
SUBSETS = 10
TRICKS = ("input-dropout", "recurrent-dropout")


class Stage(NamedTuple):
    """What is played: a file, settings of a study, and what is said of them.

    Args:
        title: What the page calls it.
        file: In the folder of the data.
        settings: Of the study.
        note: What was made smaller than a study would have it, and why.
        subsets: In how many disjoint subsets of its rows it is played, each a study of its own
            rows; 1 for all rows at once.
    """

    title: str
    file: str
    settings: Mapping[str, Any]
    note: str
    subsets: int = 1

    @property
    def passes(self) -> int:
        """Passes over the folds that the whole stage has, of each subset."""
        return PASSES if self.subsets == 1 else OF_A_SMALL_STUDY


STAGES = {
    "bike": Stage(
        "bike rentals, 24 h",
        "bike_sharing/hour.csv.gz",
        {
            "time": "dteday,hr",
            "target": "cnt",
            "horizon": "24h",
            "exclude": ("casual", "registered"),
            "where": ("yr=1",),
            "lookback": 24,
            "hidden_size": 32,
            "batch_size": 128,
            "max_epochs": 20,
            "rungs": ("lstm", *TRICKS, "both", "stacked"),
        },
        "one of its two years, a lookback of a day, 32 units, 20 epochs at most",
    ),
    "etth1": Stage(
        "ETTh1, oil temperature, 24 h",
        "ett/ETTh1.csv.gz",
        {
            "target": "OT",
            "horizon": "24h",
            "resample": "2h",
            "hidden_size": 32,
            "rungs": ("lstm", *TRICKS, "both", "stacked"),
        },
        "means of two hours, 32 units",
    ),
    "trec": Stage(
        "TREC, questions",
        "en_sentences/TREC.train.all.gz",
        {
            "test": "en_sentences/TREC.test.all",
            "embedding_size": 64,
            "hidden_size": 32,
            "patience": 3,
            "rungs": ("gru", "bidirectional", *TRICKS, "all", "stacked"),
        },
        "vectors of 64, 32 units, a patience of 3 epochs",
    ),
    "imdb": Stage(
        "IMDb, film reviews",
        "imdb/imdb_train.csv.gz",
        {
            "max_length": 100,
            "embedding_size": 64,
            "hidden_size": 32,
            "patience": 2,
            "rungs": ("gru", "bidirectional", "input-dropout", "all"),
        },
        f"{TEXTS:,} texts a subset of at most 100 tokens, vectors of 64, 32 units, a patience of 2 "
        "epochs",
        SUBSETS,
    ),
}


class Kept(NamedTuple):
    """What is kept of a stage, or of one of its subsets."""

    table: Table
    about: dict[str, Any]

    @property
    def pairs(self) -> list[Pair]:
        """The pairs that are judged."""
        return [(rung, parent) for rung, parent in self.about["pairs"]]


def subset(path: Path, number: int) -> tuple[list[str], list[str]]:
    """Return the texts and labels of a subset, from 0; no text is in two."""
    table = pl.read_csv(path).unique("text", keep="first", maintain_order=True)
    order = np.random.default_rng(0).permutation(len(table))
    rows = table[order[number * TEXTS : (number + 1) * TEXTS].tolist()]
    return rows["text"].to_list(), rows["label"].to_list()


def plans(stage: Stage, data: Path, workers: int) -> Iterator[tuple[str, Plan]]:
    """Yield the plan of each study of a stage, with the name of its folder in that of the stage."""
    settings = dict(stage.settings)
    if "test" in settings:
        settings["test"] = str(data / settings["test"])
    for number in range(stage.subsets):
        source: Any = data / stage.file
        if stage.subsets > 1:
            source = subset(source, number)
        rounds = {"rounds": stage.passes * settings.get("folds", 5), "budget": "none"}
        planned = plan_study(source, workers=workers, **rounds, **settings)
        yield ("" if stage.subsets == 1 else f"subset-{number}"), planned


def play(
    planned: Plan,
    out: Path,
    passes: int,
    *,
    resume: bool = False,
    commit: str = "",
    tell: Callable[[str], None] = lambda _: None,
) -> None:
    """Play passes in a folder, and keep the table after each.

    Args:
        planned: The study; its settings of rounds and budget are not read.
        out: A new folder, or with `resume` that of an earlier call.
        passes: How many to play.
        resume: Go on; no finished fit is repeated.
        commit: Of the source that plays, which is kept.
        tell: Told of every pass.

    Raises:
        DataError: If `out` holds something else, or this and `resume` is not set.
    """
    open_folder(out, planned, resume=resume)
    stay = folds_of(planned, 0) == folds_of(planned, 1)
    rounds: list[Judged] = []
    fits: list[Fit] = []
    stretches: list[Stretch] = []
    for number in range(passes):
        began = time.perf_counter()
        if not stretches or not stay:
            stretches = prepared_folds(planned, out, number)
        played = play_pass(planned, out, stretches, number)
        fits += played[0]
        rounds += played[1]
        power = planned.task.power(planned.config.training.metric)
        evidence = gather(rounds, folds=len(stretches), power=power, stay=stay)
        keep(out, evidence.table(), _about(planned, fits, number + 1, commit))
        seconds = time.perf_counter() - began
        tell(f"pass {number + 1} of {passes}: {len(played[0])} fits, {seconds:.0f} s")


def prepared_folds(planned: Plan, out: Path, number: int) -> list[Stretch]:
    """Prepare the folds of a pass side by side, as a study does, but for its baselines."""
    folds = folds_of(planned, number).folds
    jobs = [(planned, out, fold) for fold in folds]
    ready = {one.fold.name: one for one in run_jobs(_prepared, jobs, planned.workers)}
    return [ready[fold.name] for fold in folds]


def _prepared(planned: Plan, out: Path, fold: Any) -> Stretch:
    task, config = planned.task, planned.config
    one = task.rounds.prepare(planned.data, config, fold)
    if not (out / "prepared" / fold.name).exists():
        save_prepared(out / "prepared" / fold.name, one.prepared, task)
    scorer = task.scorer(one.data, one.prepared, config, "test")
    return Stretch(fold, scorer, task.rounds.judged(fold, one.prepared, scorer), (), ())


def play_pass(
    planned: Plan, out: Path, stretches: Sequence[Stretch], number: int
) -> tuple[list[Fit], list[Judged]]:
    """Fit every rung to each fold of a pass, from 0, each round with its own seed."""
    task, cell = planned.task, planned.cells[0].cell
    assert cell is not None
    jobs = {
        number * len(stretches) + fold + 1: [
            Job(
                rung.name,
                number * len(stretches) + fold + 1,
                run_of(planned, rung, cell),
                task,
                stretch.fold.name,
            )
            for rung in planned.rungs
        ]
        for fold, stretch in enumerate(stretches)
    }
    fits = list(run_fits(out, [job for own in jobs.values() for job in own], planned.place))
    rounds = []
    for fold, (one, own) in enumerate(jobs.items()):
        known = {job.rung: read_judged(out, job) for job in own}
        predictions = {rung: each for rung, each in known.items() if each is not None}
        rounds.append(Judged(one, fold, stretches[fold], predictions))
    return fits, rounds


def declared(planned: Plan) -> list[Pair]:
    """Return the pairs of a plan of one cell: each rung with what it adds to."""
    [cell] = planned.cells
    assert cell.cell is not None
    names = {rung.name for rung in planned.rungs}
    pairs = [(rung.name, parent_name(rung, cell.cell)) for rung in planned.rungs if not rung.cell]
    return [(rung, parent) for rung, parent in pairs if parent in names]


def keep(out: Path, table: Table, about: Mapping[str, Any]) -> None:
    """Keep the table of a stage, and what is told about it."""
    with new_file(out / TABLE) as file:
        np.savez(file, **{name: np.asarray(value) for name, value in vars(table).items()})
    write_text(out / ABOUT, json.dumps(about, indent=2))


def read(folder: Path) -> Kept | None:
    """Read what `keep` kept in a folder; None where there is nothing."""
    if not (folder / ABOUT).exists():
        return None
    with np.load(folder / TABLE, allow_pickle=False) as values:
        arrays = {name: values[name] for name in ("logs", "moves", "numbers", "stretches")}
        names = tuple(values["rungs"].tolist())
        table = Table(names, **arrays, fixed=bool(values["fixed"]))
    return Kept(table, json.loads((folder / ABOUT).read_text(encoding="utf-8")))


def read_stage(folder: Path) -> list[Kept]:
    """Read what is kept of a stage: one of all rows, or one for each subset."""
    folders = [folder, *sorted(folder.glob("subset-*"))]
    return [kept for one in folders if (kept := read(one)) is not None]


def _about(planned: Plan, fits: Sequence[Fit], passes: int, commit: str) -> dict[str, Any]:
    return {
        "command": command(planned),
        "pairs": declared(planned),
        "passes": passes,
        "fits": len(fits),
        "diverged": sum(fit.diverged for fit in fits),
        "fit_seconds": sum(fit.seconds for fit in fits),
        "environment": {**environment(), "workers": planned.workers},
        "date": datetime.now(UTC).date().isoformat(),
        "commit": commit,
    }
