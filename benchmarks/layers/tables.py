"""The tables of the page, each with what is said above it."""

from collections.abc import Callable, Mapping
from typing import Any

from benchmarks.common.markdown import table
from benchmarks.layers import floors, prose
from benchmarks.layers.cases import BFLOAT16, STORED, VARIANT_NAMES
from benchmarks.layers.figures import CROWDED, NOTHING, Figures, Group


def train(figures: Figures) -> str:
    """Compare train steps with torch's."""
    rows = []
    for group in figures.of_mode("train"):
        goal = floors.train(group["cell"], group["H"])
        rows.append(
            [
                shape_of(group),
                str(goal),
                *(figures.ratio(group, f"torch/{per}", goal) for per in ("cell", "gate")),
                *figures.other_kinds(group, ("torch/cell", "torch/gate")),
            ]
        )
    header = ["layer B, T, I, H", "floor (aim)", "per cell", "per gate"]
    header += figures.other_headers(("per cell", "per gate"))
    return f"{prose.TRAIN}\n\n{table(header, rows)}\n"


def inference(figures: Figures) -> str:
    """Compare forwards with torch's."""
    rows = []
    for group in figures.of_mode("inference"):
        goal = floors.inference(group["cell"], group["H"])
        rows.append(
            [
                shape_of(group),
                str(goal),
                figures.ratio(group, "torch/unmasked", goal),
                *(figures.ratio(group, f"torch/{per}-given") for per in ("cell", "gate")),
                *figures.other_kinds(group, ("torch/unmasked",)),
            ]
        )
    header = ["layer B, T, I, H", "floor (aim)", "plain", "masks per cell", "per gate"]
    header += figures.other_headers(("plain",))
    return f"{prose.INFERENCE}\n\n{table(header, rows)}\n"


def streams(figures: Figures) -> str:
    """Compare single steps with torch's cells."""
    rows = []
    for group in figures.of_mode("step"):
        ours = group["candidates"]["unmasked"]["milliseconds"]["median"]
        goal = floors.STREAM[group["H"]]
        rows.append(
            [
                f"{group['cell'].upper()} {group['H']}",
                str(goal),
                figures.ratio(group, "torch/unmasked", goal),
                figures.ratio(group, "onnx/unmasked", floors.ONNX),
                f"{1e3 * ours:.3g}",
                *figures.other_kinds(group, ("torch/unmasked",), ("avx2",)),
            ]
        )
    header = ["layer H", "floor (aim)", "torch's cell", "onnxruntime (≥ 1)", "ours, µs"]
    header += figures.other_headers(("torch's cell",), ("avx2",))
    return f"{prose.STREAMS}\n\n{table(header, rows)}\n"


def loop(figures: Figures) -> str:
    """Compare with the loop over time."""
    rows = []
    for group, forward in figures.pairs():
        goal = floors.loop(group["H"])
        both = (figures.ratio(g, "loop/cell-given", goal) for g in (group, forward))
        rows.append([shape_of(group), str(goal), *both])
    header = ["layer B, T, I, H", "floor (aim)", "train step", "inference"]
    return f"{prose.LOOP}\n\n{table(header, rows)}\n"


def others(figures: Figures) -> str:
    """Compare with Keras and onnxruntime."""
    rows = [
        [
            shape_of(group),
            *(figures.ratio(group, f"keras/{per}") for per in ("cell", "gate")),
            figures.ratio(forward, "onnx/unmasked", floors.ONNX),
        ]
        for group, forward in figures.pairs()
    ]
    header = ["layer B, T, I, H", "Keras, train step, per cell", "per gate"]
    header += ["onnxruntime, inference (≥ 1)"]
    listed = ["\n".join(f"- {note}" for note in notes), ""] if (notes := _notes(figures)) else []
    return "\n".join([prose.OTHERS, "", table(header, rows), "", *listed])


def masks(figures: Figures) -> str:
    """Tell what masks cost."""
    rows = []
    for group, forward in figures.pairs():
        row = [shape_of(group)]
        for one in (group, forward):
            row += [
                figures.ratio(one, f"{per}-given/unmasked", goal)
                for per, goal in floors.MASKED.items()
            ]
        for per in ("cell", "gate"):
            found = group["ratios"].get(f"{per}-draw/{per}")
            what = f"drawing masks per {per} of {group['name']}"
            row.append(figures.mark(found, floors.DRAWING, what, percent) if found else NOTHING)
        rows.append(row)
    header = ["layer B, T, I, H", "train per cell (≤ 1.05)", "per gate (≤ 1.15)"]
    header += ["inference per cell (≤ 1.05)", "per gate (≤ 1.15)"]
    header += ["drawing per cell (≤ 3 %)", "per gate (≤ 3 %)"]
    return f"{prose.MASKS}\n\n{table(header, rows)}\n"


def shared(figures: Figures) -> str:
    """Tell what masks save that a batch shares."""
    rows = []
    for group in figures.of_kind("shared"):
        small = group["H"] <= 64
        row = [shape_of(group)]
        for name, goal in floors.SHARED.items():
            row += [
                figures.ratio(group, f"unmasked/{name}", None if small else goal, kind="shared"),
                figures.ratio(
                    *(group, f"{name}-sample/{name}", floors.SHARED_SMALL if small else None),
                    kind="shared",
                ),
                figures.ratio(group, f"torch/{name}", kind="shared"),
            ]
        rows.append(row)
    if not rows:
        return ""
    header = ["layer B, T, I, H"]
    for name, goal in floors.SHARED.items():
        per, rate = name.split("-")
        header += [f"per {per}, {rate}: no masks ({goal})", "masks for each sample", "torch"]
    return f"{prose.SHARED}\n\n{table(header, rows)}\n"


def variants(figures: Figures) -> str:
    """Compare what a cell may have beside masks with the loop."""
    rows = [
        [
            shape_of(group),
            str(goal),
            *(
                figures.ratio(group, f"{slow}/{name}", asked, kind="variants")
                for name in VARIANT_NAMES
                for slow, asked in ((f"{name}-loop", goal), ("unmasked", None))
            ),
        ]
        for group in figures.of_kind("variants")
        for goal in [floors.loop(group["H"])]
    ]
    if not rows:
        return ""
    header = ["layer B, T, I, H", "floor (aim)"]
    for name in VARIANT_NAMES:
        header += [f"{name.replace('-', ' ')}: loop", "plain"]
    return f"{prose.VARIANTS}\n\n{table(header, rows)}\n"


def bfloat16(figures: Figures) -> str:
    """Tell what products of bfloat16 save."""
    rows = [
        [
            shape_of(group),
            *(
                figures.ratio(group, f"{name}/{name}-{BFLOAT16}", goal, kind=BFLOAT16)
                for name in ("unmasked", "cell")
            ),
            *(
                figures.ratio(group, f"{name}/unmasked-{BFLOAT16}", kind=BFLOAT16)
                for name in ("torch", f"torch-{BFLOAT16}")
            ),
        ]
        for group in figures.of_kind(BFLOAT16)
        if group["mode"] == BFLOAT16
        for goal in [floors.BFLOAT16[group["H"] >= 256]]
    ]
    if not rows:
        return ""
    low, high = floors.BFLOAT16
    header = ["layer B, T, I, H", f"plain (H < 256: {low}; else {high})", "masks per cell"]
    header += ["plain: torch in float32", "torch in bfloat16"]
    return f"{prose.BFLOAT16}\n\n{table(header, rows)}\n"


def stored(figures: Figures) -> str:
    """Tell what a stepper's weights of fewer bits save and lose."""
    rows = [
        [
            f"{group['cell'].upper()} {group['H']}",
            f"{1e3 * group['candidates']['unmasked']['milliseconds']['median']:.3g}",
            *(
                text
                for name in STORED
                for text in (
                    figures.ratio(group, f"unmasked/{name}", kind=BFLOAT16),
                    f"{100 * group['errors'][name]:.2g} %",
                )
            ),
        ]
        for group in figures.of_kind(BFLOAT16)
        if group["mode"] == "stored"
    ]
    if not rows:
        return ""
    header = ["layer H", "float32, µs"]
    header += [f"{name}{what}" for name in STORED for what in ("", ": loss")]
    return f"{prose.STORED}\n\n{table(header, rows)}\n"


def peak(figures: Figures) -> str:
    """Tell the share of the peak."""
    rows = []
    for group, forward in figures.pairs():
        high = group["H"] >= 256
        row = [shape_of(group)]
        for one, ours in ((group, ("cell", "gate")), (forward, ("unmasked",))):
            goal = floors.PEAK[one["mode"]] if high else None
            row += [figures.share(one, name, goal) for name in ours]
            row.append(figures.share(one, "torch"))
        peaks = (spread["median"] for g in (group, forward) for spread in g["peak_gflops"].values())
        rows.append([*row, f"{max(peaks):.0f}"])
    header = ["layer B, T, I, H", "train per cell (≥ 0.65)", "per gate (≥ 0.65)"]
    header += ["torch's", "inference (≥ 0.75)", "torch's", "peak, Gflop/s"]
    return f"{prose.PEAK}\n\n{table(header, rows)}\n"


def milliseconds(figures: Figures) -> str:
    """List the medians themselves."""
    parts = [prose.MILLISECONDS]
    for mode in ("train", "inference", "step"):
        groups = figures.of_mode(mode)
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


TABLES: tuple[Callable[[Figures], str], ...] = (
    *(train, inference, streams, loop, others),
    *(masks, shared, variants, bfloat16, stored, peak, milliseconds),
)


def _notes(figures: Figures) -> list[str]:
    """Say which peers have no numbers, and why."""
    groups = figures.all()
    failed = [f"{name} failed at {g['name']}." for g in groups for name in g["failed"]]
    return failed + [
        f"{name} takes {seconds:.0f} s for a call of {g['name']}, too long for the rounds."
        for g in groups
        for name, seconds in g["slow"].items()
    ]


def shape_of(group: Group) -> str:
    """Name the layer and the sizes of a group."""
    B, T, n_in, H = (group[size] for size in "BTIH")
    return f"{group['cell'].upper()} {B}, {T}, {n_in}, {H}"


def percent(value: float) -> str:
    """Write a share in per cent."""
    return f"{100 * value:.1f} %"


def _milliseconds(candidate: Mapping[str, Any] | None) -> str:
    if candidate is None:
        return NOTHING
    spread = candidate["milliseconds"]
    return f"{spread['median']:.3g}" + (f" {CROWDED}" if spread["crowded"] else "")


def _faults(group: Group) -> str:
    ours = "cell" if group["mode"] == "train" else "unmasked"
    candidates = (group["candidates"].get(name) for name in ("torch", ours))
    return " / ".join(f"{c['page_faults']:.0f}" if c else NOTHING for c in candidates)
