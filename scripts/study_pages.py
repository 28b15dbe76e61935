"""What the pages of studies in docs have in common."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from lockgate.charts.formats import metric_name, percent, plural
from lockgate.studies.phrases import chance, signed_percent
from lockgate.tasks.results import DeliveredPart, checked_results

Results = dict[str, Any]
OUTCOMES = ("helps", "hurts", "no difference", "no gain", "open", "no verdict")
DECIDED = OUTCOMES[:4]
ALL = "**all**"


def read_results(folder: Path) -> Results | None:
    """Return the results of a study; None if it is not finished.

    Raises:
        DataError: If they are of another format.
    """
    path = folder / "results.json"
    if not path.exists():
        return None
    return dict(checked_results(json.loads(path.read_text(encoding="utf-8")), path))


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


def overview(studies: Mapping[str, Results | None]) -> str:
    """Return the table over all studies: what is decided of what was declared, what limits the
    rest. Those that are not finished are named below.

    Args:
        studies: By their titles; None of one that is not finished.
    """
    known = {title: results for title, results in studies.items() if results is not None}
    rows = [(title, *counted([results])) for title, results in known.items()]
    if len(known) > 1:
        rows.append((ALL, *counted(list(known.values()))))
    head = ("", "decided", "helps", "hurts", "no difference", "no gain")
    head = (*head, "open: more rounds", "open: more rows", "no verdict", "rounds")
    missing = [title for title in studies if title not in known]
    not_run = f"\n\nNot run: {'; '.join(missing)}." if missing else ""
    return table(head, rows) + not_run


def counted(studies: Sequence[Results]) -> tuple[str, ...]:
    """Count the verdicts of studies, and their rounds."""
    pairs = [pair for results in studies for pair in results["verdict"]["pairs"]]
    outcomes = Counter(pair["outcome"] for pair in pairs)
    limits = Counter(pair["limit"] for pair in pairs if pair["outcome"] == "open")
    return (
        f"{sum(outcomes[one] for one in DECIDED)} of {len(pairs)}",
        *(f"{outcomes[one]}" for one in DECIDED),
        f"{limits[None]}",
        f"{limits['rows']}",
        f"{outcomes['no verdict']}",
        f"{sum(results['verdict']['rounds'] for results in studies)}",
    )


def pairs_table(results: Results) -> str:
    """Return the table of declared pairs, the clear ones first."""
    metric = metric_name(results["metric"])
    head = ("pair", "verdict", f"change of {metric}", "rounds", "what would decide it")
    pairs = sorted(results["verdict"]["pairs"], key=lambda one: OUTCOMES.index(one["outcome"]))
    rows = [
        (
            f"{pair['rung']} against {pair['parent']}",
            verdict(pair),
            change(pair),
            f"{pair['rounds']}",
            deciding(pair),
        )
        for pair in pairs
    ]
    return table(head, rows) if rows else "No pair was declared."


def verdict(pair: Results) -> str:
    """Return the verdict on a pair, with the chance of an open one, or why there is none."""
    outcome = str(pair["outcome"])
    if outcome == "open" and pair["chance"] is not None:
        return f"open, {chance(pair['chance'])}"
    if outcome == "no verdict" and pair["reason"]:
        return f"no verdict: {pair['reason']}"
    return outcome


def change(effect: Results) -> str:
    """Return a change with its interval."""
    return percent(effect["percent"], effect["low"], effect["high"]).replace("\xa0", " ")


def deciding(pair: Results) -> str:
    """Tell what an open pair lacks: rows, or rounds and how many more of them."""
    if pair["outcome"] != "open":
        return ""
    if pair["limit"] == "rows":
        return "more rows"
    if not pair["needed"]:
        return "more rounds"
    low, high = pair["needed"]
    return f"{low} more rounds" if low == high else f"{low} to {high} more rounds"


def evidence(results: Results) -> str:
    """Return what the rounds and the test part tell of the network, the model and baselines.

    These are the sentences between the recommendation and those on pairs, which stand in a table.
    """
    told = results["verdict"]
    pairs = [pair for pair in told["pairs"] if pair["outcome"] != "no verdict"]
    reasons = {pair["reason"] for pair in told["pairs"] if pair["outcome"] == "no verdict"}
    last = len(told["words"]) - len(pairs) - len(reasons)
    return bullets(told["words"][len(told["recommendation"]) : last])


def gap(results: Results, scores: Results) -> str:
    """Return by how much what is delivered changes another's score on the test part."""
    metric = results["metric"]
    score, own = scores.get(metric), results["delivered"]["mixture"][metric]
    return "" if not score or own is None else signed_percent(100.0 * (own / score - 1.0))


def part_gap(part: DeliveredPart, results: Results) -> str:
    """Return by how much what is delivered changes the score of the baseline in it.

    It alone has an interval, over rows: it was fitted to the same rows. Nothing of other parts.
    """
    effect = results["delivered"]["effect"]
    in_it = effect is not None and part.name == f"{effect['name']} in it"
    return change(effect) if in_it else ""


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
        f"{environment['cpu']}, {plural(environment['workers'], 'process', 'processes')} of one "
        f"thread, "
        f"torch {environment['torch']}, lockgate {environment['lockgate']}, "
        f"{plural(results['verdict']['rounds'], 'round')}, {results['seconds'] / 60:.0f} minutes, "
        f"{results['created'][:10]}"
    )
