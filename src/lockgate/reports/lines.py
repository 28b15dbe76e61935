"""How the rungs of a chart are told apart: the selected one stands out, the others take turns."""

from typing import NamedTuple

from lockgate.tasks.results import Results

# the selected rung has the model's colour; the others take these in turn, then again in dashes
COLOURS = ("ink", "other-1", "other-2", "other-3", "other-4")
DASHES = ("solid", "dash", "dot")


class Style(NamedTuple):
    """The look of a line."""

    colour: str
    width: float
    dash: str


def styles(results: Results) -> dict[str, Style]:
    """Give each rung, by its name, a look of its own, the same in every chart."""
    looks, others = {}, 0
    for rung in results["rungs"]:
        if rung["name"] == results["verdict"]["selected"]:
            looks[rung["name"]] = Style("model", 3.0, "solid")
            continue
        again, place = divmod(others, len(COLOURS))
        looks[rung["name"]] = Style(COLOURS[place], 1.5, DASHES[again % len(DASHES)])
        others += 1
    return looks
