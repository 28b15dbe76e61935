"""How far back the gradient reaches: a line for every rung that was measured, and a sentence."""

from collections.abc import Mapping

from lockgate.charts.figures import Line
from lockgate.charts.formats import SPACE, enumerated, number
from lockgate.reports.lines import styles
from lockgate.tasks.results import Results, RungReach


def reach_lines(results: Results) -> list[Line]:
    """The rungs whose reach was measured; one that diverged has none."""
    looks = styles(results)
    return [
        Line(rung["name"], "rung", *looks[rung["name"]], reach["shares"])
        for rung in results["rungs"]
        if (reach := rung["reach"])
    ]


def reach_words(results: Results) -> str:
    """Where the gradient vanishes, explodes or holds, and in which rung it falls off fastest."""
    measured = {r["name"]: reach for r in results["rungs"] if (reach := r["reach"])}
    clauses = [
        f"{verdict} in {_named(names, measured)}"
        for verdict in ("vanishes", "explodes", "holds")
        if (names := [name for name, reach in measured.items() if reach["verdict"] == verdict])
    ]
    does = "; it ".join(clauses)
    sentence = f"From the last step of the window to the first the gradient {does}."
    fastest = min(measured, key=lambda name: measured[name]["factor"])
    factor = measured[fastest]["factor"]
    if len(measured) == 1 or factor >= 1.0:
        return sentence
    left = number(100 * factor, 1 if factor < 0.995 else 2)
    return f"{sentence} It falls off fastest in {fastest}: a step back leaves {left}{SPACE}% of it."


def _named(names: list[str], measured: Mapping[str, RungReach]) -> str:
    return "every rung" if 1 < len(names) == len(measured) else enumerated(names)
