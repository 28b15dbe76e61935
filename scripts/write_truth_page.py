"""Write docs/truth.md from the tables that scripts/truth keeps."""

import math
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from small_studies import (
    LEAST,
    Case,
    Share,
    Truth,
    apart,
    by_pass,
    cases_between,
    cases_within,
    decided,
    drawn,
    found,
    truth_of,
    wrong_studies,
    wrong_verdicts,
)
from study_pages import bullets, table
from truth_stages import STAGES, Kept, Stage, read_stage

from lockgate.charts.formats import percent, plural
from lockgate.studies.rule import Pair

STUDIES = 200
PASSES = (2, 3)  # of a small study
EFFECTS = (4.0, 2.0)
HEAD = f"""# How often small studies are wrong on real data

[rule.md](rule.md) tells how often verdicts are wrong in simulated studies. Here studies of real
data are drawn from many rounds, and their verdicts are held against rounds that they do not hold.
`scripts/truth` plays the rounds, and `scripts/truth --write` writes this page from what has run.

*Of the same rows.* 12 passes are played, over ten folds of a forecast and five of labels, each with
its own seeds (of labels with folds drawn anew); no rung rests and nothing stops. Small studies are
2 or 3 of the passes, at most {STUDIES} different draws, judged by the rule of a study with its
planned looks and a smallest effect of 2 %. What is true of a pair is told by the passes that a
study does not hold: the mean of their log ratios, with the 95 % interval of t over passes. So it is
the truth on these rows: this tells of the noise of fits, not of that of rows.

*Of other rows.* Ten disjoint subsets of texts are ten small studies of 2 passes, each held against
the mean over the other nine subsets: this tells of the noise of rows too.

*Helps* is right where the truth's interval lies below 0. It is wrong where that interval reaches 0
or lies above, and leaves out every effect that the study's own interval allows. *Hurts* is the same
turned around. *No difference* is right where the truth's interval lies inside ±2 %, wrong where it
lies outside; *no gain* is right where it lies above -2 %, wrong where it lies below. What is
neither is *unclear*: the other rounds are too few to tell.

Intervals of shares are Wilson's at 95 %. Draws share passes, so that they count for as many as
there are studies without a pass in common: six of 2 passes among 12, four of 3. The pairs of a
study count as if they were independent.
"""


class Size(NamedTuple):
    """The small studies of one size, drawn from a stage."""

    title: str
    rounds: int
    cases: list[Case]
    studies: int
    share: float  # that are as good as apart from each other


class Measured(NamedTuple):
    """What a stage tells."""

    name: str
    stage: Stage
    kept: list[Kept]
    sizes: list[Size]
    truths: dict[Pair, Truth | None]

    @property
    def pairs(self) -> list[Pair]:
        """The pairs that are judged."""
        return self.kept[0].pairs


def main(runs: Path, page: Path) -> None:
    """Write the page of those stages in `runs` that have run, and name the others."""
    measured = {name: measure(name, read_stage(runs / name)) for name in STAGES}
    known = [one for one in measured.values() if one is not None]
    sizes = [size for one in known for size in one.sizes]
    parts = [HEAD, missing(measured)]
    if sizes:
        parts += [
            "## Wrong verdicts\n",
            wrong_table(sizes),
            "\n## What is found\n",
            "Verdicts that are decided and right, of those on pairs with a true effect of so much "
            "or more, smaller or larger:\n",
            found_table(sizes),
        ]
    parts += ["\n## What is true, and what is said\n", *map(section, known)]
    page.write_text("\n".join(part for part in parts if part), encoding="utf-8")


def measure(name: str, kept: list[Kept]) -> Measured | None:
    """Draw the small studies of a stage from what is kept of it; None where that is nothing."""
    stage = STAGES[name]
    if stage.subsets > 1:
        # of a subset that was left within its study there is no small study
        kept = [one for one in kept if one.about["passes"] == stage.passes]
    if not kept:
        return None
    pairs = kept[0].pairs
    if stage.subsets > 1:
        values = {pair: _effects(kept, pair) for pair in pairs}
        sizes = _between(stage, kept)
    else:
        values = {pair: by_pass(kept[0].table, pair) for pair in pairs}
        sizes = list(_within(stage, kept[0]))
    return Measured(name, stage, kept, sizes, {p: truth_of(own) for p, own in values.items()})


def _within(stage: Stage, kept: Kept) -> Iterator[Size]:
    passes, folds = kept.table.logs.shape[:2]
    for of in PASSES:
        if passes >= of + LEAST:
            studies = len(drawn(passes, of, STUDIES))
            cases = cases_within(kept.table, kept.pairs, of, STUDIES)
            share = apart(passes, of, studies)
            yield Size(stage.title, of * folds, cases, studies, share)


def _between(stage: Stage, kept: Sequence[Kept]) -> list[Size]:
    if len(kept) <= LEAST:
        return []
    tables = [one.table for one in kept]
    rounds = tables[0].logs.shape[0] * tables[0].folds
    return [Size(stage.title, rounds, cases_between(tables, kept[0].pairs), len(kept), 1.0)]


def _effects(kept: Sequence[Kept], pair: Pair) -> np.ndarray:
    return np.array([np.mean(by_pass(one.table, pair)) for one in kept])


def missing(measured: dict[str, Measured | None]) -> str:
    """Say which stages have not run, or not in full."""
    lines = []
    for name, one in measured.items():
        title, whole = STAGES[name].title, STAGES[name]
        if one is None:
            lines.append(f"{title}: not run.")
        elif whole.subsets > 1 and len(one.kept) < whole.subsets:
            lines.append(f"{title}: {len(one.kept)} of {whole.subsets} subsets have run.")
        elif whole.subsets == 1 and (passes := one.kept[0].about["passes"]) < whole.passes:
            few = "" if one.sizes else ", too few to draw studies from"
            lines.append(f"{title}: {passes} of {whole.passes} passes have run{few}.")
    return bullets(lines) + "\n" if lines else ""


def wrong_table(sizes: Sequence[Size]) -> str:
    """Return the table of what was decided, and of that what is wrong."""
    rows = [_wrong_row(size) for size in sizes]
    for rounds in dict.fromkeys(size.rounds for size in sizes):
        own = [size for size in sizes if size.rounds == rounds]
        if len(own) > 1:
            rows.append(_wrong_row(*own))
    head = (
        "data",
        "rounds",
        "studies",
        "verdicts",
        "decided",
        "helps",
        "hurts",
        "no difference",
        "no gain",
    )
    head = (*head, "right", "unclear", "wrong", "wrong, % of decided", "% of studies with one")
    return table(head, rows)


def _wrong_row(*sizes: Size) -> tuple[str, ...]:
    cases = [case for size in sizes for case in size.cases]
    outcomes = Counter(case.verdict.outcome for case in cases)
    standings = Counter(case.standing for case in cases)
    verdicts = _sum([wrong_verdicts(size.cases, size.share) for size in sizes])
    studies = _sum([wrong_studies(size.cases, size.share) for size in sizes])
    return (
        sizes[0].title if len(sizes) == 1 else "all of these",
        f"{sizes[0].rounds}",
        f"{sum(size.studies for size in sizes)}",
        f"{len(cases)}",
        f"{len(decided(cases))}",
        *(f"{outcomes[outcome]}" for outcome in ("helps", "hurts", "no difference", "no gain")),
        *(f"{standings[one]}" for one in ("right", "unclear", "wrong")),
        shown(verdicts),
        shown(studies),
    )


def found_table(sizes: Sequence[Size]) -> str:
    """Return the table of how much is found of what there is to find."""
    rows = []
    for size in sizes:
        shares = [found(size.cases, least, size.share) for least in EFFECTS]
        told = [part for one in shares for part in (f"{one.hits} of {one.of}", shown(one))]
        rows.append((size.title, f"{size.rounds}", *told))
    head = [part for least in EFFECTS for part in (f"{least:g} % or more", "%")]
    return table(("data", "rounds", *head), rows)


def section(measured: Measured) -> str:
    """Return what is true of each pair, what small studies say of it, and how the stage ran."""
    stage, about = measured.stage, [one.about for one in measured.kept]
    outcomes = ("helps", "hurts", "no difference", "no gain", "open")
    head = ["pair", "true effect"]
    head += [f"{size.rounds} rounds: {one}" for size in measured.sizes for one in outcomes]
    rows = []
    for rung, parent in measured.pairs:
        row = [f"{rung} against {parent}", effect(measured.truths[rung, parent])]
        for size in measured.sizes:
            told = Counter(case.verdict.outcome for case in size.cases if case.verdict.rung == rung)
            row += [f"{told[outcome]}" for outcome in outcomes]
        rows.append(row)
    fits, seconds = (sum(one[key] for one in about) for key in ("fits", "fit_seconds"))
    diverged = sum(one["diverged"] for one in about)
    here, passes = about[-1]["environment"], plural(about[0]["passes"], "pass", "passes")
    processes = plural(here["workers"], "process", "processes")
    of = f" each of {len(about)} subsets" if stage.subsets > 1 else ""
    return f"""### {stage.title[0].upper()}{stage.title[1:]}

{table(head, rows)}

```
{re.sub(r"(?<= )/[^ ]*/", "", about[0]["command"])}
```

Smaller than by default: {stage.note}. {passes}{of}, {fits} fits of \
{seconds / max(fits, 1):.1f} s on average, {diverged} diverged. {here["cpu"]}, {processes} \
of one thread, torch {here["torch"]}, lockgate {here["lockgate"]}, commit \
{about[0]["commit"]}, {about[-1]["date"]}.
"""


def effect(truth: Truth | None) -> str:
    """Return what is true of a pair in per cent, with its interval."""
    if truth is None:
        return "–"
    return percent(*(100.0 * math.expm1(value) for value in truth)).replace("\xa0", " ")


def shown(share: Share) -> str:
    """Return a share in per cent with its interval; nothing of nothing."""
    if not share.of:
        return "–"
    low, high = share.interval()
    return f"{100 * share.hits / share.of:.1f} [{100 * low:.1f}, {100 * high:.1f}]"


def _sum(shares: Sequence[Share]) -> Share:
    return Share(*(sum(values) for values in zip(*shares, strict=True)))
