"""Medians as the tables have them, marked where they miss their floors."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from benchmarks.layers.floors import NO_PAGE_FAULTS, Goal

OTHER_KINDS = {"no-page-faults": f"no page faults (≥ {NO_PAGE_FAULTS})", "avx2": "AVX2"}
MISSED, CROWDED, NOTHING = "✗", "†", "–"

Group = Mapping[str, Any]
Results = Mapping[str, Mapping[str, Any]]  # of each kind of run


class Figures:
    """Gives numbers as text, and counts those that have a floor and those that miss it."""

    def __init__(self, results: Results) -> None:
        self._groups = {
            kind: {group["name"]: group for group in run["groups"]} for kind, run in results.items()
        }
        self.judged = self.crowded = self.beyond = 0
        self.missed: list[str] = []

    # ---- groups ----

    def all(self) -> list[Group]:
        """Return the groups of the default run, as the tables have a row for each."""
        return list(self._groups["default"].values())

    def of_mode(self, mode: str) -> list[Group]:
        """Return the groups of a mode."""
        return [group for group in self.all() if group["mode"] == mode]

    def of_kind(self, kind: str) -> list[Group]:
        """Return the groups of a kind of run, none where there was no such run."""
        return list(self._groups.get(kind, {}).values())

    def pairs(self) -> list[tuple[Group, Group]]:
        """Return the train and the inference group of each layer and shape that has both."""
        by_name = self._groups["default"]
        pairs = []
        for group in self.of_mode("train"):
            if forward := by_name.get(group["name"].replace("-train-", "-inference-")):
                pairs.append((group, forward))
        return pairs

    # ---- numbers ----

    def ratio(
        self, group: Group, pair: str, goal: Goal | None = None, *, kind: str = "default"
    ) -> str:
        """Return a median of a group, marked where it misses its goal."""
        found = self._groups.get(kind, {}).get(group["name"])
        if found is None or pair not in found["ratios"]:
            return NOTHING
        what = f"{pair} of {group['name']}" + ("" if kind == "default" else f", {kind}")
        share = found.get("shares", {}).get(pair.partition("/")[2])
        return self.mark(found["ratios"][pair], goal, what, share=share)

    def mark(
        self,
        spread: Mapping[str, Any],
        goal: Goal | None,
        what: str,
        form: Callable[[float], str] = "{:.2f}".format,
        share: Mapping[str, Any] | None = None,
    ) -> str:
        """Return a median, marked where it misses its goal or was taken under contention.

        Of a ratio whose share of the peak is known, the list of what misses tells what the ratio
        would be at the whole peak: no kernel gives more.
        """
        text = form(spread["median"])
        crowded = f" {CROWDED}" if spread["crowded"] else ""
        if goal is not None:
            self.judged += 1
            self.crowded += spread["crowded"]
            if goal.missed(spread["median"]):
                bound = str(goal).partition(" (")[0]
                line = f"{what}: {text}{crowded}, {bound} is asked"
                if share is not None and not goal.most:
                    best = spread["median"] / share["median"]
                    self.beyond += goal.missed(best)
                    line += f"; {best:.2f} at the whole FMA peak"
                self.missed.append(line)
                text = f"**{text}** {MISSED}"
        return text + crowded

    def share(self, group: Group, name: str, goal: Goal | None = None) -> str:
        """Return the share of the peak."""
        found = group.get("shares", {}).get(name)
        what = f"share of the peak, {name} of {group['name']}"
        return self.mark(found, goal, what) if found else NOTHING

    def other_kinds(
        self, group: Group, pairs: Sequence[str], kinds: Sequence[str] = tuple(OTHER_KINDS)
    ) -> list[str]:
        """Return ratios of the runs of another kind, of which the first has a floor."""
        goals = {"no-page-faults": Goal(NO_PAGE_FAULTS, 1.0)}
        return [
            self.ratio(group, pair, goals.get(kind), kind=kind)
            for kind in kinds
            if kind in self._groups
            for pair in pairs
        ]

    def other_headers(
        self, names: Sequence[str], kinds: Sequence[str] = tuple(OTHER_KINDS)
    ) -> list[str]:
        """Return the headers above them."""
        return [
            f"{OTHER_KINDS[kind]}, {name}"
            for kind in kinds
            if kind in self._groups
            for name in names
        ]
