"""Write docs/studies.md from the results of the studies that scripts/studies runs."""

import json
import sys
from pathlib import Path

from study_pages import (
    Results,
    baseline_name,
    bullets,
    machine,
    part_name,
    rung_change,
    rung_name,
    rung_outcome,
    table,
    warnings,
)

from lockgate.tasks.results import delivered_parts

STUDIES = {
    "jena-1h": "Temperature at Jena, one hour ahead",
    "jena-24h": "Temperature at Jena, the next 24 hours",
    "etth1-24h": "Oil temperature of a transformer (ETTh1), the next 24 hours",
    "pm25-24h": "PM2.5 in Beijing, the next 24 hours",
}
HEAD = """# Four studies

What `lockgate study` finds on four real tables, each with a budget of time, and all else at its
default. `scripts/studies` runs them and writes this page. *Judged* are rows of the
development part that neither trained nor stopped a fit, means over rounds; the test part, the last
15 % of the rows, is looked at once, by what is delivered and the baselines. *Helps* and *hurts* are
verdicts that respect chance; see [design.md](design.md).

The machine did other work meanwhile, so that a budget of time affords fewer rounds than it might.
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
        "",
        f"judged {metric}",
        f"test {metric}",
        "change",
        "verdict",
        "best epoch",
        "overfits from",
    )
    rows = [rung_row(rung, results) for rung in results["rungs"]]
    rows += [
        (baseline_name(one), shown(one["judged"][metric]), shown(one["test"][metric]))
        for one in results["baselines"]
    ]
    rows += [
        (part_name(part), "", shown(part.scores[metric]))
        for part in delivered_parts(results["delivered"])
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
    """Return the table row of a rung, which has no score on the test part."""
    epoch = rung["best_epoch"]
    return (
        rung_name(rung, results),
        shown(rung["judged"][results["metric"]]),
        "",
        rung_change(rung, results),
        rung_outcome(rung, results),
        "–" if epoch is None else f"{epoch:.0f}",
        f"{rung['overfits_from'] or '–'}",
    )


def shown(score: float | None) -> str:
    """Return a score in four digits."""
    return "–" if score is None else f"{score:.4g}"


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
