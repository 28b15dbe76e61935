"""Write docs/benchmarks/README.md and its plot from the results."""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.common.files import write_whole
from benchmarks.common.markdown import table
from benchmarks.layers import floors, prose
from benchmarks.layers.floors import NO_PAGE_FAULTS, Goal
from benchmarks.layers.plot import plot

FILES = {
    "default": "layers.json",
    "no-page-faults": "layers-no-page-faults.json",
    "avx2": "layers-avx2.json",
}
OTHER_KINDS = {"no-page-faults": f"no page faults (≥ {NO_PAGE_FAULTS})", "avx2": "AVX2"}
MISSED, CROWDED, NOTHING = "✗", "†", "–"

Group = Mapping[str, Any]
Results = Mapping[str, Mapping[str, Any]]  # of each kind of run


def write(folder: Path) -> None:
    """Write the page and the plot of the results in a folder, from each file that is there."""
    results = {
        kind: json.loads((folder / name).read_text(encoding="utf-8"))
        for kind, name in FILES.items()
        if (folder / name).exists()
    }
    if "default" not in results:
        return
    write_whole(folder / "layers.svg", plot(results["default"]["groups"]))
    write_whole(folder / "README.md", Page(results).text())


def shape_of(group: Group) -> str:
    """Name the layer and the sizes of a group."""
    B, T, n_in, H = (group[size] for size in "BTIH")
    return f"{group['cell'].upper()} {B}, {T}, {n_in}, {H}"


def percent(value: float) -> str:
    """Write a share in per cent."""
    return f"{100 * value:.1f} %"


class Page:
    """The page in the making: its tables, and which floors they miss."""

    def __init__(self, results: Results) -> None:
        self._results = results
        self._groups = {
            kind: {group["name"]: group for group in run["groups"]} for kind, run in results.items()
        }
        self.judged = self.crowded = 0
        self.missed: list[str] = []

    def text(self) -> str:
        """Return the page."""
        tables = [
            part()
            for part in (
                *(self.train, self.inference, self.streams, self.loop, self.others),
                *(self.masks, self.peak, self.milliseconds),
            )
        ]
        start = [prose.HEAD, self.verdict(), self.runs()]
        return "\n".join([*start, *tables, method(self._results)])

    # ---- numbers ----

    def ratio(
        self, group: Group, pair: str, goal: Goal | None = None, *, kind: str = "default"
    ) -> str:
        """Return a median of a group, marked where it misses its goal."""
        found = self._groups.get(kind, {}).get(group["name"])
        if found is None or pair not in found["ratios"]:
            return NOTHING
        what = f"{pair} of {group['name']}" + ("" if kind == "default" else f", {kind}")
        return self.mark(found["ratios"][pair], goal, what)

    def mark(
        self,
        spread: Mapping[str, Any],
        goal: Goal | None,
        what: str,
        form: Callable[[float], str] = "{:.2f}".format,
    ) -> str:
        """Return a median, marked where it misses its goal or was taken under contention."""
        text = form(spread["median"])
        crowded = f" {CROWDED}" if spread["crowded"] else ""
        if goal is not None:
            self.judged += 1
            self.crowded += spread["crowded"]
            if goal.missed(spread["median"]):
                bound = str(goal).partition(" (")[0]
                self.missed.append(f"{what}: {text}{crowded}, {bound} is asked")
                text = f"**{text}** {MISSED}"
        return text + crowded

    def of_mode(self, mode: str, keep: Callable[[Group], bool] = lambda _: True) -> list[Group]:
        """Return the groups of a mode."""
        return [
            group
            for group in self._groups["default"].values()
            if group["mode"] == mode and keep(group)
        ]

    def has(self, kind: str) -> bool:
        """Tell whether there is a run of a kind."""
        return kind in self._results

    # ---- parts ----

    def verdict(self) -> str:
        """Say which floors the tables miss."""
        doubt = ""
        if self.crowded:
            doubt = f" {self.crowded} of them were taken under contention, marked {CROWDED}."
        if not self.missed:
            return f"All {self.judged} figures that have a floor are at it or better.{doubt}\n"
        listed = "\n".join(f"- {line}" for line in self.missed)
        count = f"**{len(self.missed)} of {self.judged} figures that have a floor miss it**"
        return f"{count}, marked {MISSED} in the tables.{doubt}\n\n{listed}\n"

    def runs(self) -> str:
        """Say where the numbers come from."""
        rows = []
        for kind, run in self._results.items():
            groups = run["groups"]
            clean = sum(group["clean_rounds"] for group in groups)
            rounds = sum(group["rounds"] for group in groups)
            dropped = sum(c["dropped"] for group in groups for c in group["candidates"].values())
            load = run["load_average"]
            commit = run["environment"]["commit"] or "no commit"
            rows.append(
                [
                    f"`{run['command']}`",
                    f"{kind}, {run['minutes']:.0f} min",
                    run["date"],
                    commit + (" and changes" if run["environment"]["uncommitted"] else ""),
                    f"{load['before'][0]:.1f}, {load['after'][0]:.1f}",
                    f"{clean} of {rounds}",
                    str(dropped),
                ]
            )
        header = ["command", "kind", "date", "commit", "load before, after"]
        header += ["clean rounds", "samples dropped"]
        return f"{machine(self._results['default'])}\n\n{table(header, rows)}\n\n{prose.RUNS}\n"

    def train(self) -> str:
        """Compare train steps with torch's."""
        rows = []
        for group in self.of_mode("train"):
            goal = floors.train(group["cell"], group["H"])
            rows.append(
                [
                    shape_of(group),
                    str(goal),
                    *(self.ratio(group, f"torch/{per}", goal) for per in ("cell", "gate")),
                    *self._other_kinds(group, ("torch/cell", "torch/gate")),
                ]
            )
        header = ["layer B, T, I, H", "floor (aim)", "per cell", "per gate"]
        header += self._other_headers(("per cell", "per gate"))
        return f"{prose.TRAIN}\n\n{table(header, rows)}\n"

    def inference(self) -> str:
        """Compare forwards with torch's."""
        rows = []
        for group in self.of_mode("inference"):
            goal = floors.inference(group["cell"], group["H"])
            rows.append(
                [
                    shape_of(group),
                    str(goal),
                    self.ratio(group, "torch/unmasked", goal),
                    *(self.ratio(group, f"torch/{per}-given") for per in ("cell", "gate")),
                    *self._other_kinds(group, ("torch/unmasked",)),
                ]
            )
        header = ["layer B, T, I, H", "floor (aim)", "plain", "masks per cell", "per gate"]
        header += self._other_headers(("plain",))
        return f"{prose.INFERENCE}\n\n{table(header, rows)}\n"

    def streams(self) -> str:
        """Compare single steps with torch's cells."""
        rows = []
        for group in self.of_mode("step"):
            ours = group["candidates"]["unmasked"]["milliseconds"]["median"]
            goal = floors.STREAM[group["H"]]
            rows.append(
                [
                    f"{group['cell'].upper()} {group['H']}",
                    str(goal),
                    self.ratio(group, "torch/unmasked", goal),
                    self.ratio(group, "onnx/unmasked", floors.ONNX),
                    f"{1e3 * ours:.3g}",
                    *self._other_kinds(group, ("torch/unmasked",), ("avx2",)),
                ]
            )
        header = ["layer H", "floor (aim)", "torch's cell", "onnxruntime (≥ 1)", "ours, µs"]
        header += self._other_headers(("torch's cell",), ("avx2",))
        return f"{prose.STREAMS}\n\n{table(header, rows)}\n"

    def loop(self) -> str:
        """Compare with the loop over time."""
        rows = []
        for group, forward in self._pairs():
            goal = floors.loop(group["H"])
            both = (self.ratio(g, "loop/cell-given", goal) for g in (group, forward))
            rows.append([shape_of(group), str(goal), *both])
        header = ["layer B, T, I, H", "floor (aim)", "train step", "inference"]
        return f"{prose.LOOP}\n\n{table(header, rows)}\n"

    def others(self) -> str:
        """Compare with Keras and onnxruntime."""
        rows = [
            [
                shape_of(group),
                *(self.ratio(group, f"keras/{per}") for per in ("cell", "gate")),
                self.ratio(forward, "onnx/unmasked", floors.ONNX),
            ]
            for group, forward in self._pairs()
        ]
        header = ["layer B, T, I, H", "Keras, train step, per cell", "per gate"]
        header += ["onnxruntime, inference (≥ 1)"]
        groups = self._groups["default"].values()
        notes = [f"{name} failed at {g['name']}." for g in groups for name in g["failed"]]
        notes += [
            f"{name} takes {seconds:.0f} s for a call of {g['name']}, too long for the rounds."
            for g in groups
            for name, seconds in g["slow"].items()
        ]
        listed = ["\n".join(f"- {note}" for note in notes), ""] if notes else []
        return "\n".join([prose.OTHERS, "", table(header, rows), "", *listed])

    def masks(self) -> str:
        """Tell what masks cost."""
        rows = []
        for group, forward in self._pairs():
            row = [shape_of(group)]
            for one in (group, forward):
                row += [
                    self.ratio(one, f"{per}-given/unmasked", goal)
                    for per, goal in floors.MASKED.items()
                ]
            for per in ("cell", "gate"):
                found = group["ratios"].get(f"{per}-draw/{per}")
                what = f"drawing masks per {per} of {group['name']}"
                row.append(self.mark(found, floors.DRAWING, what, percent) if found else NOTHING)
            rows.append(row)
        header = ["layer B, T, I, H", "train per cell (≤ 1.05)", "per gate (≤ 1.15)"]
        header += ["inference per cell (≤ 1.05)", "per gate (≤ 1.15)"]
        header += ["drawing per cell (≤ 3 %)", "per gate (≤ 3 %)"]
        return f"{prose.MASKS}\n\n{table(header, rows)}\n"

    def peak(self) -> str:
        """Tell the share of the peak."""
        rows = []
        for group, forward in self._pairs():
            high = group["H"] >= 256
            row = [shape_of(group)]
            for one, ours in ((group, ("cell", "gate")), (forward, ("unmasked",))):
                goal = floors.PEAK[one["mode"]] if high else None
                row += [self._share(one, name, goal) for name in ours]
                row.append(self._share(one, "torch", None))
            peaks = (
                spread["median"] for g in (group, forward) for spread in g["peak_gflops"].values()
            )
            rows.append([*row, f"{max(peaks):.0f}"])
        header = ["layer B, T, I, H", "train per cell (≥ 0.65)", "per gate (≥ 0.65)"]
        header += ["torch's", "inference (≥ 0.75)", "torch's", "peak, Gflop/s"]
        return f"{prose.PEAK}\n\n{table(header, rows)}\n"

    def milliseconds(self) -> str:
        """List the medians themselves."""
        parts = [prose.MILLISECONDS]
        for mode in ("train", "inference", "step"):
            groups = self.of_mode(mode)
            names = list(dict.fromkeys(name for group in groups for name in group["candidates"]))
            rows = [
                [
                    shape_of(group),
                    *(_milliseconds(group["candidates"].get(name)) for name in names),
                    f"{group['clean_rounds']} of {group['rounds']}",
                    _faults(group),
                ]
                for group in groups
            ]
            header = [f"{mode}, B, T, I, H", *names, "clean rounds", "page faults, torch / ours"]
            if rows:
                parts += [table(header, rows), ""]
        return "\n".join(parts)

    def _pairs(self) -> list[tuple[Group, Group]]:
        """Return the train and the inference group of each layer and shape that has both."""
        by_name = self._groups["default"]
        pairs = []
        for group in self.of_mode("train"):
            if forward := by_name.get(group["name"].replace("-train-", "-inference-")):
                pairs.append((group, forward))
        return pairs

    def _other_kinds(
        self, group: Group, pairs: Sequence[str], kinds: Sequence[str] = tuple(OTHER_KINDS)
    ) -> list[str]:
        """Return ratios of the runs of another kind, of which the first has a floor."""
        goals = {"no-page-faults": Goal(NO_PAGE_FAULTS, 1.0)}
        return [
            self.ratio(group, pair, goals.get(kind), kind=kind)
            for kind in kinds
            if self.has(kind)
            for pair in pairs
        ]

    def _other_headers(
        self, pairs: Sequence[str], kinds: Sequence[str] = tuple(OTHER_KINDS)
    ) -> list[str]:
        return [
            f"{OTHER_KINDS[kind]}, {pair}" for kind in kinds if self.has(kind) for pair in pairs
        ]

    def _share(self, group: Group, name: str, goal: Goal | None) -> str:
        found = group.get("shares", {}).get(name)
        what = f"share of the peak, {name} of {group['name']}"
        return self.mark(found, goal, what) if found else NOTHING


def _milliseconds(candidate: Mapping[str, Any] | None) -> str:
    if candidate is None:
        return NOTHING
    spread = candidate["milliseconds"]
    return f"{spread['median']:.3g}" + (f" {CROWDED}" if spread["crowded"] else "")


def _faults(group: Group) -> str:
    ours = "cell" if group["mode"] == "train" else "unmasked"
    candidates = (group["candidates"].get(name) for name in ("torch", ours))
    return " / ".join(f"{c['page_faults']:.0f}" if c else NOTHING for c in candidates)


def machine(run: Mapping[str, Any]) -> str:
    """Say what a run ran on."""
    environment = run["environment"]
    versions = ", ".join(f"{name} {v}" for name, v in environment["versions"].items())
    seen = "" if environment["contention_seen"] else " Contention could not be seen there."
    return (
        f"{environment['cpu']}, {environment['threads']} threads on {environment['cores']} cores, "
        f"kernels for {environment['instruction_set']}, torch's for "
        f"{environment['torch_capability']}; {environment['platform']}, "
        f"Python {environment['python']}, {versions}.{seen}"
    )


def method(results: Results) -> str:
    """Say how it was measured."""
    peaks = results["default"]["environment"]["peaks"]
    peak = "a large `torch.mm`"
    if "fma" in peaks:
        peak = f"the better of {peak} and a loop of FMA in registers, compiled on the spot"
    return prose.METHOD.format(peak=peak, missed=MISSED, crowded=CROWDED)
