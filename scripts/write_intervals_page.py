"""Write docs/benchmarks/intervals.md from the models that scripts/deliveries trains."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean

from study_pages import Results, table
from write_deliveries_page import TABLES

from lockgate.running.machine import environment

HEAD = """# What intervals cover

Split conformal intervals (docs/intervals.md) of the models that `scripts/deliveries` trains at the
defaults of `lockgate train`, on their test parts. *Held out* are the forecasts of the second half
of validation that tell the intervals, and how many of them do not overlap. In brackets the 95 %
interval of what is covered, blocks of a horizon drawn anew; a level is left out where too few
forecasts were held out for it. Widths are in the unit of the target.
"""


def main(runs: Path, page: Path) -> None:
    """Write the page of the models in `runs`."""
    found = {}
    for name, title in TABLES.items():
        path = runs / name / "metrics.json"
        if path.exists():
            metrics = json.loads(path.read_text(encoding="utf-8"))
            found[title] = metrics["delivered"]["intervals"]
    rows = [_row(title, told) for title, told in found.items()]
    here = environment()
    parts = [
        HEAD,
        table(("", "held out", "80 % covers", "width", "95 % covers", "width", "CRPS"), rows),
        "",
        *(_counted([*found.values()], level) for level in (80, 95)),
        f"\n{here['cpu']}, {here['cores']} cores, torch {here['torch']}, lockgate "
        f"{here['lockgate']}. The commands are those of [when.md](../when.md).\n",
    ]
    page.write_text("\n".join(parts), encoding="utf-8")


def _row(title: str, told: Results) -> tuple[str, ...]:
    cells = []
    for level in (80, 95):
        own = [one for one in told["levels"] if one["level"] == level]
        if not own:
            cells += ["–", "–"]
            continue
        share, low, high = (100 * own[0][name] for name in ("share", "low", "high"))
        cells += [f"{share:.1f} [{low:.0f}, {high:.0f}]", f"{own[0]['width']:.4g}"]
    crps = "–" if told["crps"] is None else f"{told['crps']:.4g}"
    return title, f"{told['forecasts']:,} ({told['independent']:.0f})", *cells, crps


def _counted(told: Sequence[Results], level: int) -> str:
    """Count how far coverage is from its level, as the table shows it."""
    shares = [
        100 * one["share"] for each in told for one in each["levels"] if one["level"] == level
    ]
    if not shares:
        return f"At {level} % no set has forecasts enough."
    near = sum(abs(share - level) <= 5 for share in shares)
    return (
        f"At {level} % the mean over {len(shares)} sets is {fmean(shares):.1f} %; {near} of them "
        "are within 5 points."
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
