"""The page of what was measured: score, spread over seeds and seconds of each recipe."""

import math
import statistics
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from benchmarks.common.command import called
from benchmarks.common.machine import commit, cpu, installed, system
from benchmarks.common.markdown import table
from benchmarks.recipe.recipes import CHOSEN, CHOSEN_OF_TABLES, RECIPES, REFERENCE
from benchmarks.recipe.sets import SETS

Rows = Sequence[Mapping[str, Any]]

HEAD = """# Ways to train

Written by `{command} --write` from what `{command}` has run: {fits} fits on {cpu}, one thread
each; {system}; torch {torch}; commit {commit}.

A fit stops by the first half of the validation part and is judged by the second; the test part is
not looked at. *Score* is the loss on that half, of a recipe over that of *{reference}* for the same
set and seed, as a geometric mean over sets: below 0 is better. *Spread* is the standard deviation
of the log score over seeds, the median over the sets with three seeds or more, *of tables* that
over the forecasts alone. *Time* is processor time over that of *{reference}*. Forecasts are of a
GRU of 64 with input dropout 0.25, labels of a bidirectional LSTM with all its dropouts. Not every
recipe has run on every set and seed: *fits* counts them.

"""
TAIL = """
The defaults are those of *{chosen}*; of labels with a patience of 10 epochs, of tables those of
*{of_tables}*, and of a language model those of *{reference}*. *Forks* learn from forking sequences,
24 origins in one reading; *level and spread* is `normalise=last_std`, where all others have `last`.
Both are of tables alone, and so is their score; their times, of 2026-11-27 and -28, compare with
each other and not well with those of other days. A cycle of a fixed length is much better on some
sets and much worse on others: their best epochs lie between 1 and 200. On Taylor's two months,
where the second half of validation differs from the first, who looks more often stops too early.
The times of seed 0 on the first four sets were taken by the clock on a busy machine. A spread of
eight seeds is itself uncertain by a quarter.
"""


class Compared(NamedTuple):
    """One recipe beside the reference."""

    fits: int
    score: float  # log ratio, mean over sets
    spread: float | None
    of_tables: float | None  # the spread over the forecasts alone
    time: float  # log ratio, mean over fits
    by_set: dict[str, float]


def page(rows: Rows) -> str:
    """Return the page in Markdown."""
    parts = [
        HEAD.format(
            command=called("recipe"),
            fits=len(rows),
            cpu=cpu(),
            system=system(),
            torch=installed("torch"),
            commit=commit(),
            reference=REFERENCE,
        )
    ]
    for dropout in (True, False):
        found = compared([row for row in rows if row["dropout"] == dropout])
        if len(found) > 1:
            parts += [f"## With{'' if dropout else 'out'} dropout\n", _table(found), ""]
    chosen = {"chosen": CHOSEN, "of_tables": CHOSEN_OF_TABLES, "reference": REFERENCE}
    return "\n".join([*parts, TAIL.format(**chosen)])


def compared(rows: Rows) -> dict[str, Compared]:
    """Compare each recipe with the reference, over the sets and seeds that both have."""
    fits: dict[str, dict[tuple[str, int], Mapping[str, Any]]] = defaultdict(dict)
    for row in rows:
        fits[row["recipe"]][row["set"], row["seed"]] = row
    return {name: _beside(fits[name], fits[REFERENCE]) for name in RECIPES if name in fits}


def _beside(
    own: Mapping[tuple[str, int], Mapping[str, Any]],
    reference: Mapping[tuple[str, int], Mapping[str, Any]],
) -> Compared:
    both = sorted(own.keys() & reference.keys())
    ratios: dict[str, list[float]] = defaultdict(list)
    logs: dict[str, list[float]] = defaultdict(list)
    for key in both:
        ratios[key[0]].append(math.log(own[key]["judged"] / reference[key]["judged"]))
        logs[key[0]].append(math.log(own[key]["judged"]))
    by_set = {name: statistics.fmean(ratios[name]) for name in SETS if name in ratios}
    spreads = {name: statistics.stdev(own) for name, own in logs.items() if len(own) >= 3}
    of_tables = [own for name, own in spreads.items() if SETS[name].task == "forecast"]
    times = [math.log(own[key]["seconds"] / reference[key]["seconds"]) for key in both]
    return Compared(
        fits=len(both),
        score=statistics.fmean(by_set.values()),
        spread=statistics.median(spreads.values()) if spreads else None,
        of_tables=statistics.median(of_tables) if of_tables else None,
        time=statistics.fmean(times),
        by_set=by_set,
    )


def _table(found: Mapping[str, Compared]) -> str:
    header = ["recipe", "fits", "score", "spread", "of tables", "time", *SETS]
    rows = [
        [
            f"**{name}**" if name in (CHOSEN, CHOSEN_OF_TABLES) else name,
            str(one.fits),
            _percent(one.score),
            *("" if own is None else f"{own:.3f}" for own in (one.spread, one.of_tables)),
            f"{math.exp(one.time):.2f}",
            *(_percent(one.by_set[name]) if name in one.by_set else "" for name in SETS),
        ]
        for name, one in found.items()
    ]
    return table(header, rows)


def _percent(log_ratio: float) -> str:
    return f"{100 * math.expm1(log_ratio):+.1f} %"
