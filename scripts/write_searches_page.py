"""Write docs/searches.md from the results of the searches that scripts/searches runs."""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from study_pages import OUTCOMES, bullets, machine, table

from lockgate.charts.formats import duration, metric_name, percent
from lockgate.files import write_text

Results = dict[str, Any]
SEARCHES = {
    "taylor": "Electricity demand, the next 48 half hours",
    "bike": "Bike rentals, the next 24 hours",
    "etth1-24h": "Oil temperature of a transformer (ETTh1), the next 24 hours",
    "jena-24h": "Temperature at Jena, the next 24 hours",
    "jena-1h": "Temperature at Jena, one hour ahead",
    "pm25-24h": "PM2.5 in Beijing, the next 24 hours",
}
HEAD = """# Tuned against default

`lockgate tune` on six tables, each with its default space, at most 18 trials and a budget of five
minutes, which is what somebody does who tries it. The best three that look better than the default
are fitted again beside it on seeds that no trial had, and judged by the rule of a study
([rule.md](rule.md)); [tune.md](tune.md) tells how. A change below 0 is an improvement; *in search*
is what the trial promised, *again* what it kept.
"""


def page(folder: Path) -> str:
    """Return the page of the searches in `folder`; those that are not finished are named."""
    found = {
        title: json.loads(path.read_text(encoding="utf-8"))
        for name, title in SEARCHES.items()
        if (path := folder / name / "results.json").exists()
    }
    missing = [title for title in SEARCHES.values() if title not in found]
    not_run = f"Not run: {'; '.join(missing)}.\n" if missing else ""
    parts = [HEAD, overview(found), not_run]
    parts += [section(title, results) for title, results in found.items()]
    return "\n".join(part for part in parts if part)


def overview(found: Mapping[str, Results]) -> str:
    """Return a table of what came of every search, and how many outcomes there are of each kind."""
    rows = []
    for title, results in found.items():
        search, pair = results["search"], best_pair(results)
        told = ("", "", "no trial looked better", "")
        if pair is not None:
            entrant = named(results, pair["rung"])
            chance = "" if pair["chance"] is None else f"{100 * pair['chance']:.0f} %"
            again = percent(pair["percent"], pair["low"], pair["high"])
            told = (percent(entrant["searched"]), again, pair["outcome"], chance)
        trials = f"{search['done']} of {search['asked']}"
        rows.append((title, trials, duration(results["seconds"]), *told))
    outcomes = [row[5] for row in rows]
    counts = [f"{outcomes.count(one)} {one}" for one in OUTCOMES if one in outcomes]
    head = ("", "trials", "took", "in search", "again", "outcome", "chance to help")
    return table(head, rows) + (f"\n\nThe best trials: {', '.join(counts)}.\n" if counts else "\n")


def best_pair(results: Results) -> Results | None:
    """Return the comparison of what looked best, fitted again, with the default."""
    verdict = results["verdict"]
    return next((pair for pair in verdict["pairs"] if pair["rung"] == verdict["tuned"]), None)


def named(results: Results, name: str) -> Results:
    """Return what was fitted again under a name."""
    return next(one for one in results["entrants"] if one["name"] == name)


def section(title: str, results: Results) -> str:
    """Return what one search found, in its own words."""
    metric = results["metric"]
    rows = []
    for one in results["entrants"]:
        searched = "" if one["searched"] is None else percent(one["searched"])
        rows.append((one["name"], one["words"], f"{one['judged'][metric]:.4g}", searched))
    head = ("", "settings", f"judged {metric_name(metric)}", "in search")
    told = bullets(results["verdict"]["words"])
    command = f"```\n{results['command']}\n```"
    return "\n".join(
        [f"## {title}\n", f"{command}\n", f"{told}\n", table(head, rows), "", machine(results), ""]
    )


if __name__ == "__main__":
    write_text(Path(sys.argv[2]), page(Path(sys.argv[1])))
