"""Write docs/studies.md from the results of the studies that scripts/studies runs."""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from forecast_picture import forecast_picture
from study_pages import (
    Results,
    baseline_name,
    bullets,
    evidence,
    gap,
    machine,
    overview,
    pairs_table,
    part_gap,
    part_name,
    read_results,
    rung_name,
    table,
    warnings,
)

from lockgate.charts.formats import metric_name
from lockgate.files import write_text
from lockgate.studies.phrases import signed_percent
from lockgate.tasks.results import delivered_parts

SHARED = """
The runs of 2026-11-27 shared their two cores with short tests at the lowest priority: their minutes
are longer than those of an idle machine. Their kept fits were judged once more by the rule
as it is now; no fit was added. The bikes were played on ten folds in a single pass, where today's
default would take five.
"""
STUDIES = {
    "jena-1h": "Temperature at Jena, one hour ahead",
    "jena-24h": "Temperature at Jena, the next 24 hours",
    "etth1-24h": "Oil temperature of a transformer (ETTh1), the next 24 hours",
    "pm25-24h": "PM2.5 in Beijing, the next 24 hours",
    "bike": "Bike rentals, the next 24 hours",
    "taylor": "Demand of electricity by half hours (taylor), the next 24 hours",
}
HEAD = """# Studies of tables

What `lockgate study` finds on real tables, with all at its default, and so within ten minutes; one
pass over the folds is played even where it takes longer. `scripts/studies` runs them and writes
this page; each command is given in the folder of its data. What a verdict is and how often one is
wrong is told in [rule.md](rule.md).

*Decided* are pairs of a network and what it adds to that help, hurt, make no difference that
matters or give no gain that does, of all that were declared. The others are *open*: either more
rounds would tell, or the rows limit them, and only more data would.
"""
GALLERY = """## At a glance

Of each study the verdict in a sentence, what was delivered on the test part, and the forecast there
whose error is the median: what came, the forecast with its bounds, and the baseline that the
verdict compares with. The rest of a study, with its command, stands below.
"""
ELSEWHERE = """Other runs: what `lockgate train` delivers, on more sets, in [when.md](when.md);
labelled sequences and texts, by the rule before rounds, in [classification.md](classification.md);
columns known ahead in [covariates.md](covariates.md); tuned networks in [searches.md](searches.md).
"""
LEGEND = """
*Judged* are rows of the development part that neither trained nor stopped a fit, means over rounds;
the test part, the last 15 % of the rows, is looked at once, by what is delivered and the baselines.
"""
INTERVALS = """## Intervals

What intervals of 80 and 95 % cover of the test part, as the study delivers them, and if their
errors are taken in as they come (`lockgate update --adapt 0.01`), with the change of the interval
score, of which less is better; see [intervals.md](intervals.md).
"""
LEVELS = (80.0, 95.0)


def main(runs: Path, page: Path) -> None:
    """Write the page of those studies in `runs` that are finished, and name the others.

    The picture of each is written into the folder `studies` beside the page.
    """
    known = {title: read_results(runs / name) for name, title in STUDIES.items()}
    finished = {name: known[title] for name, title in STUDIES.items() if known[title]}
    cards = [card(name, STUDIES[name], results) for name, results in finished.items()]
    sections = [
        f'<a id="{name}"></a>\n\n{section(STUDIES[name], results)}'
        for name, results in finished.items()
    ]
    told = {title: runs / name / "kept_up.json" for name, title in STUDIES.items()}
    updates = {t: json.loads(path.read_text("utf-8")) for t, path in told.items() if path.exists()}
    intervals = [INTERVALS, intervals_table(updates), ""] if updates else []
    gallery = [GALLERY, *cards, ELSEWHERE]
    parts = [HEAD, overview(known), SHARED, LEGEND, *gallery, *intervals, *sections]
    page.write_text("\n".join(parts), encoding="utf-8")
    pictures = page.parent / "studies"
    pictures.mkdir(exist_ok=True)
    for name, results in finished.items():
        write_text(pictures / f"{name}.svg", picture(results))


def card(name: str, title: str, results: Results) -> str:
    """Return what a study came to: the verdict, what is delivered, a picture."""
    return f"""**[{title}](#{name})**

![{title}: a forecast of the test part](studies/{name}.svg)

{results["verdict"]["recommendation"][0]}

{delivered(results)}
"""


def delivered(results: Results) -> str:
    """Return the test score of what is delivered, beside the baseline that is best there."""
    metric = results["metric"]
    score = results["delivered"]["mixture"][metric]
    scored = [one for one in results["baselines"] if one["test"].get(metric) is not None]
    if score is None or not scored:
        return "Delivered: nothing that has a score beside one of a baseline."
    best = min(scored, key=lambda one: one["test"][metric])
    return (
        f"Delivered: {metric_name(metric)} {shown(score)} on the test part; the best baseline "
        f"there, {best['name']}, has {shown(best['test'][metric])} ({gap(results, best['test'])})."
    )


def picture(results: Results) -> str:
    """Return the picture of the forecast whose error is the median."""
    median = next(one for one in results["forecasts"] if one["which"] == "median")
    return forecast_picture(median, results["data"]["target"])


def intervals_table(updates: Mapping[str, Any]) -> str:
    """Return the table of what intervals cover of the test part, as they are and kept up to date.

    Args:
        updates: By the titles of the studies what `lockgate update --json` printed.
    """
    rows = []
    for title, told in updates.items():
        levels = {one["level"]: one for one in told["levels"]}
        cells = [cell for level in LEVELS for cell in _covered(levels.get(level))]
        rows.append((title, f"{told['forecasts']:,}", *cells))
    of_level = [f"{level:g} % covers" for level in LEVELS]
    head = [cell for one in of_level for cell in (one, "kept up to date", "interval score")]
    return table(("", "forecasts", *head), rows)


def _covered(level: Any) -> tuple[str, str, str]:
    if level is None:
        return "–", "–", "–"
    before, kept_up = level["before"], level["kept_up"]
    shares = [f"{100.0 * one['share']:.1f} %" for one in (before, kept_up)]
    old, new = level["interval_scores"]
    return shares[0], shares[1], signed_percent(100.0 * (new / old - 1.0))


def section(title: str, results: Results) -> str:
    """Return the part of the page on one study."""
    metric = results["metric"]
    name = metric_name(metric)
    head = ("", f"judged {name}", f"test {name}", "delivered against it", "best epoch")
    rows = [rung_row(rung, results) for rung in results["rungs"]]
    rows += [
        (
            baseline_name(one),
            shown(one["judged"].get(metric)),
            shown(one["test"].get(metric)),
            gap(results, one["test"]),
        )
        for one in results["baselines"]
    ]
    rows += [
        (part_name(part), "", shown(part.scores[metric]), part_gap(part, results))
        for part in delivered_parts(results["delivered"])
    ]
    return f"""## {title}

```
{results["command"]}
```

{bullets(results["verdict"]["recommendation"])}

{pairs_table(results)}

{evidence(results)}

{table((*head, "overfits from"), rows)}

{warnings(results)}

{machine(results)}.
"""


def rung_row(rung: Results, results: Results) -> tuple[str, ...]:
    """Return the table row of a rung, which has no score on the test part."""
    epoch = rung["best_epoch"]
    return (
        rung_name(rung, results),
        shown(rung["judged"].get(results["metric"])),
        "",
        "",
        "–" if epoch is None else f"{epoch:.0f}",
        f"{rung['overfits_from'] or '–'}",
    )


def shown(score: float | None) -> str:
    """Return a score in four digits."""
    return "–" if score is None else f"{score:.4g}"


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
