"""How far back the gradient reaches: a line for every rung that was measured, and a sentence."""

from typing import Any

from lockgate.reports.charts import Line
from lockgate.reports.words import SPACE, listed, number

Results = dict[str, Any]

# the selected rung has the model's colour; the others take these in turn, then again in dashes
COLOURS = ("ink", "other-1", "other-2", "other-3", "other-4")
DASHES = ("solid", "dash", "dot")


def reach_lines(results: Results) -> list[Line]:
    """The rungs whose reach was measured: an older study, or one that diverged, has none."""
    chosen = results["verdict"]["selected"]
    lines: list[Line] = []
    others = 0
    for rung in results["rungs"]:
        if not (reach := rung.get("reach")):
            continue
        if chosen and rung["name"] == chosen["rung"]:
            colour, width, dash = "model", 3.0, "solid"
        else:
            again, place = divmod(others, len(COLOURS))
            colour, width, dash = COLOURS[place], 1.5, DASHES[again % len(DASHES)]
            others += 1
        lines.append(Line(rung["name"], "rung", colour, width, dash, reach["shares"]))
    return lines


def reach_words(results: Results) -> str:
    """Where the gradient vanishes, explodes or holds, and in which rung it falls off fastest."""
    measured = {r["name"]: r["reach"] for r in results["rungs"] if r.get("reach")}
    groups = {
        verdict: [name for name, reach in measured.items() if reach["verdict"] == verdict]
        for verdict in ("vanishes", "explodes", "holds")
    }
    told = [f"{verdict} in {_named(names, measured)}" for verdict, names in groups.items() if names]
    sentence = f"From the last step of the window to the first the gradient {'; it '.join(told)}."
    fastest = min(measured, key=lambda name: float(measured[name]["factor"]))
    factor = measured[fastest]["factor"]
    if len(measured) == 1 or factor >= 1.0:
        return sentence
    left = number(100 * factor, 1 if factor < 0.995 else 2)
    return f"{sentence} It falls off fastest in {fastest}: a step back leaves {left}{SPACE}% of it."


def _named(names: list[str], measured: dict[str, Any]) -> str:
    return "every rung" if 1 < len(names) == len(measured) else listed(names)
