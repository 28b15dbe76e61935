"""What the pages of studies in docs have in common."""

from collections.abc import Iterable, Sequence
from typing import Any

from lockgate.charts.formats import percent
from lockgate.tasks.results import DeliveredPart

Results = dict[str, Any]


def bullets(lines: Iterable[str]) -> str:
    """Return a list of points."""
    return "\n".join(f"- {line}" for line in lines)


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table; rows may end before its last columns."""
    padded = ([*row, *[""] * (len(head) - len(row))] for row in rows)
    lines = [f"| {' | '.join(row)} |" for row in (head, *padded)]
    return "\n".join([lines[0], "|---" * len(head) + "|", *lines[1:]])


def rung_name(rung: Results, results: Results) -> str:
    """Return the name of a rung, marked if it is the selected one."""
    selected = rung["name"] == results["verdict"]["selected"]
    return f"**{rung['name']}** (selected)" if selected else rung["name"]


def rung_outcome(rung: Results, results: Results) -> str:
    """Return the verdict on a rung; nothing on one that adds to no other."""
    pairs: dict[str, str] = {p["rung"]: p["outcome"] for p in results["verdict"]["pairs"]}
    return pairs.get(rung["name"], "")


def rung_change(rung: Results, results: Results) -> str:
    """Return the change that a rung makes to what it was made from, with its interval."""
    for pair in results["verdict"]["pairs"]:
        if pair["rung"] == rung["name"]:
            return percent(pair["percent"], pair["low"], pair["high"]).replace("\xa0", " ")
    return ""


def part_name(part: DeliveredPart) -> str:
    """Return the name of a part of what is delivered, marked if it is what is delivered."""
    return f"**{part.name}** (delivered)" if part.whole else part.name


def baseline_name(baseline: Results) -> str:
    """Return the name of a baseline, marked if it is the one that the verdict compares with."""
    return f"{baseline['name']}{' (reference)' if baseline['reference'] else ''}"


def warnings(results: Results) -> str:
    """Return the checks that a study did not pass."""
    return bullets(
        f"{check['status']}: {check['name']}. {check['text']}"
        for check in results["checks"]
        if check["status"] != "pass"
    )


def machine(results: Results) -> str:
    """Return processor, versions, time and date of a study."""
    environment = results["environment"]
    return (
        f"{environment['cpu']}, {environment['workers']} processes of one thread, "
        f"torch {environment['torch']}, lockgate {environment['lockgate']}, "
        f"{results['verdict']['rounds']} rounds, {results['seconds'] / 60:.0f} minutes, "
        f"{results['created'][:10]}"
    )
