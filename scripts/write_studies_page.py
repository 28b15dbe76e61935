"""Write docs/studies.md from the results of the studies that scripts/studies runs."""

import json
import sys
from pathlib import Path

from study_pages import (
    Results,
    baseline_name,
    bullets,
    machine,
    rung_name,
    rung_outcome,
    table,
    warnings,
)

STUDIES = {
    "jena-1h": "Temperature at Jena, one hour ahead",
    "jena-24h": "Temperature at Jena, the next 24 hours",
    "etth1-24h": "Oil temperature of a transformer (ETTh1), the next 24 hours",
    "pm25-24h": "PM2.5 in Beijing, the next 24 hours",
}
HEAD = """# Four studies

What `lockgate study` finds on four real tables, with three seeds, three of them with a budget of
time, and all else at its default. `scripts/studies` runs them and writes this page. *Helps* and
*hurts* are verdicts that respect seeds and time; see [design.md](design.md). Each study judges on
one test period, the last 15 % of its rows.

The machine did other work meanwhile, so the minutes are longer than they need be and the limits
that budgets became are lower. The test part at Jena had been looked at before: a trial one hour
ahead, with two seeds of three rungs at the same defaults, scored it; nothing was changed for its
score.
"""


def main(runs: Path, page: Path) -> None:
    """Write the page of the studies in `runs`, all of which must be finished."""
    parts = [HEAD]
    for name, title in STUDIES.items():
        results = (runs / name / "results.json").read_text(encoding="utf-8")
        parts.append(section(title, json.loads(results)))
    page.write_text("\n".join(parts), encoding="utf-8")


def section(title: str, results: Results) -> str:
    """Return the part of the page on one study."""
    metric = results["metric"]
    head = (
        *("", f"validation {metric}", f"test {metric}"),
        *("95 % over seeds", "best epoch", "overfits from", "verdict"),
    )
    rows = [rung_row(rung, results) for rung in results["rungs"]]
    rows += [
        (baseline_name(b), f"{b['validation'][metric]:.4g}", f"{b['test'][metric]:.4g}")
        for b in results["baselines"]
    ]
    return f"""## {title}

```
{results["command"]}
```

{bullets(results["verdict"]["words"])}

{table(head, rows)}

{warnings(results)}

{machine(results)}.
"""


def rung_row(rung: Results, results: Results) -> tuple[str, ...]:
    """Return the table row of a rung."""
    test = rung["test"]
    return (
        rung_name(rung, results),
        f"{rung['validation']['mean']:.4g}",
        f"{test['mean']:.4g}",
        "" if test["low"] is None else f"{test['low']:.4g} to {test['high']:.4g}",
        f"{rung['best_epoch']:.0f}",
        f"{rung['overfits_from'] or '–'}",
        rung_outcome(rung, results),
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
