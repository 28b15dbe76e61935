"""Compare ways to train: how well, how evenly over seeds, how long.

    python -m benchmarks.recipe --data ../shared/data            # three seeds of all recipes
    python -m benchmarks.recipe --data ../shared/data --seeds 8 --recipes "averaged,one cycle"
    python -m benchmarks.recipe --write                          # the page, from what has run

A fit stops by the first half of the validation part and is judged by the second, a horizon apart:
the lowest of several looks is low by chance too. The test part is not looked at. What has run is
kept beside the page in recipe.jsonl and not run again.
"""

import functools
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import torch

from benchmarks.common import command
from benchmarks.common.files import DOCS, ROOT, write_whole
from benchmarks.recipe.page import page
from benchmarks.recipe.recipes import PLAIN, RECIPES, suits
from benchmarks.recipe.sets import SETS, Loaded, as_learned, load, network
from lockgate.training.fit import evaluate, fit
from lockgate.training.streams import Streams

KEPT = DOCS / "recipe.jsonl"


class Case(NamedTuple):
    """One fit."""

    set: str
    dropout: bool
    recipe: str
    seed: int


def run(case: Case, loaded: Loaded) -> dict[str, Any]:
    """Fit once and judge it."""
    one, recipe = SETS[case.set], {**PLAIN, **RECIPES[case.recipe]}
    known = type(loaded.config.training).model_fields
    told = {name: value for name, value in recipe.items() if name in known}
    training = loaded.config.training.model_copy(update=told)
    longer = {
        "max_epochs": training.max_epochs * one.stretch,
        "patience": training.patience * one.stretch,
    }
    training = training.model_copy(update=longer)
    streams = Streams.of(0, case.seed)
    net = network(one, loaded.config, dropout=case.dropout, normalise=recipe["normalise"])
    config = loaded.config.model_copy(update={"model": net, "training": training})
    built = loaded.task.build(loaded.prepared, net)
    built.reset_parameters(streams.weights)
    began = time.process_time()
    history = fit(
        built,
        as_learned(loaded.train, config),
        as_learned(loaded.stops, config),
        training,
        streams,
        losses=loaded.task.losses,
    )
    seconds = time.process_time() - began
    judged = evaluate(built, loaded.judges, training.metric)
    return {
        **case._asdict(),
        "judged": judged,
        "stopped_at": history.kept_loss,
        "best_epoch": history.best_epoch,
        "epochs": history.epochs,
        "seconds": seconds,
    }


def known() -> list[dict[str, Any]]:
    """Read what has run."""
    if not KEPT.exists():
        return []
    return [json.loads(line) for line in KEPT.read_text(encoding="utf-8").splitlines()]


def waiting(
    sets: list[str], recipes: list[str], dropouts: list[bool], seeds: int
) -> Iterator[Case]:
    """Give the cases that have not run, all recipes of a seed before the next seed."""
    done = {Case(*(row[key] for key in Case._fields)) for row in known()}
    for dropout in dropouts:
        for seed in range(seeds):
            for name in sets:
                for recipe in recipes:
                    case = Case(name, dropout, recipe, seed)
                    if case not in done and suits(SETS[name].task, recipe):
                        yield case


def main() -> None:
    """Run what is asked for, or write the page."""
    parser = command.parser("recipe", __doc__)
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--sets", default=",".join(SETS), help="parted by commas")
    parser.add_argument("--recipes", default=";".join(RECIPES), help="parted by semicolons")
    parser.add_argument("--dropout", choices=("on", "off", "both"), default="both")
    parser.add_argument("--write", action="store_true", help="write the page of what has run")
    asked = parser.parse_args()
    if asked.write:
        write_whole(DOCS / "recipe.md", page(known()))
        return
    torch.set_num_threads(1)
    dropouts = {"on": [True], "off": [False], "both": [True, False]}[asked.dropout]
    loading = functools.lru_cache(maxsize=None)(lambda name: load(asked.data, SETS[name]))
    sets, recipes = asked.sets.split(","), asked.recipes.split(";")
    for name, given, known_names in (("sets", sets, SETS), ("recipes", recipes, RECIPES)):
        if unknown := [one for one in given if one not in known_names]:
            parser.error(f"--{name} must name those of {', '.join(known_names)}, got {unknown}")
    cases = waiting(sets, recipes, dropouts, asked.seeds)
    for case in cases:
        row = run(case, loading(case.set))
        with KEPT.open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")
        print(
            *case, *(f"{row[key]:.4g}" for key in ("judged", "best_epoch", "seconds")), flush=True
        )


if __name__ == "__main__":
    main()
