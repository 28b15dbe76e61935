"""How far back the gradient reaches: a line for every rung that was measured, and a sentence."""

from collections.abc import Mapping

from lockgate.charts.figures import Line
from lockgate.charts.formats import SPACE, enumerated, number
from lockgate.tasks.results import Results, RungReach

# the selected rung has the model's colour; the others take these in turn, then again in dashes
COLOURS = ("ink", "other-1", "other-2", "other-3", "other-4")
DASHES = ("solid", "dash", "dot")


def reach_lines(results: Results) -> list[Line]:
    """The rungs whose reach was measured: an older study, or one that diverged, has none."""
    selected = results["verdict"]["selected"]
    lines: list[Line] = []
    others = 0
    for rung in results["rungs"]:
        if not (reach := rung.get("reach")):
            continue
        if selected and rung["name"] == selected["rung"]:
            colour, width, dash = "model", 3.0, "solid"
        else:
            again, place = divmod(others, len(COLOURS))
            colour, width, dash = COLOURS[place], 1.5, DASHES[again % len(DASHES)]
            others += 1
        lines.append(Line(rung["name"], "rung", colour, width, dash, reach["shares"]))
    return lines


def reach_words(results: Results) -> str:
    """Where the gradient vanishes, explodes or holds, and in which rung it falls off fastest."""
    measured = {r["name"]: reach for r in results["rungs"] if (reach := r.get("reach"))}
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
