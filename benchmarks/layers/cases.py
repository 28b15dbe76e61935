"""What is compared: cells, shapes, and the groups whose candidates are timed in the same rounds."""

from collections.abc import Iterator
from typing import NamedTuple

RATE = 0.25  # of every dropout
TOLERANCE = 1e-4  # of results that have to agree, relative to the largest element
GATES = {"lstm": 4, "gru": 3, "rnn": 1}


class Shape(NamedTuple):
    """Sizes of a call."""

    B: int
    T: int
    I: int  # noqa: E741 - the field's name for it
    H: int

    def gflop(self, cell: str, *, train: bool) -> float:
        """Count the work of the products, the backward as twice the forward."""
        forward = 2e-9 * self.T * self.B * GATES[cell] * self.H * (self.I + self.H)
        return 3 * forward if train else forward


SHAPES = (
    Shape(64, 120, 14, 32),
    Shape(32, 100, 64, 64),
    Shape(128, 120, 14, 128),
    Shape(8, 4000, 14, 128),
    Shape(32, 100, 256, 256),
    Shape(32, 100, 512, 512),
    Shape(64, 35, 650, 650),
)
# masks that a whole batch shares, by the name of the candidate: mask_per, rate
SHARED = {f"{per}-{rate:g}": (per, rate) for rate in (0.5, 0.25) for per in ("cell", "gate")}
SHARED_SHAPES = (Shape(32, 100, 64, 64), Shape(32, 100, 256, 256), Shape(32, 100, 512, 512))
BFLOAT16 = "bfloat16"
BFLOAT16_SHAPES = SHAPES[:3] + SHAPES[4:]
NARROW_TOLERANCE = 2e-2  # between float32 and products of fewer bits, relative likewise
STORED = ("bfloat16", "int8")  # what a stepper's weights may be stored as
# what a cell may have beside masks, by the name of the candidate
VARIANTS: dict[str, dict[str, dict[str, object]]] = {
    "rnn": {"zoneout": {"zoneout": 0.2}, "layer-norm": {"layer_norm": True}},
    "lstm": {
        "zoneout": {"zoneout": 0.2},
        "layer-norm": {"layer_norm": True},
        "projection": {"proj_size": 64},
        "relu": {"nonlinearity": "relu"},
    },
    "gru": {
        "zoneout": {"zoneout": 0.2},
        "layer-norm": {"layer_norm": True},
        "reset-first": {"reset_after": False},
        "relu": {"nonlinearity": "relu"},
    },
}
VARIANT_NAMES = tuple(dict.fromkeys(name for of in VARIANTS.values() for name in of))
VARIANT_SHAPES = (Shape(32, 100, 64, 128), Shape(32, 100, 64, 256))
STREAMS = tuple(Shape(1, 20, 64, H) for H in (64, 128, 256, 512))  # T: steps until states compare

# by mode, whose seconds are told over whose; names are those of candidates.py and peers.py
RATIOS = {
    "train": (
        *(("torch", ours) for ours in ("cell", "gate", "unmasked")),
        *(("keras", ours) for ours in ("cell", "gate")),
        ("loop", "cell-given"),
        ("cell-given", "unmasked"),
        ("gate-given", "unmasked"),
        ("cell-draw", "cell"),
        ("gate-draw", "gate"),
    ),
    "inference": (
        *(("torch", ours) for ours in ("unmasked", "cell-given", "gate-given")),
        ("onnx", "unmasked"),
        ("loop", "cell-given"),
        ("cell-given", "unmasked"),
        ("gate-given", "unmasked"),
    ),
    "step": (("torch", "unmasked"), ("onnx", "unmasked")),
    "shared": tuple(
        (slow, name) for name in SHARED for slow in ("unmasked", "torch", f"{name}-sample")
    ),
    BFLOAT16: (
        *((name, f"{name}-{BFLOAT16}") for name in ("unmasked", "cell")),
        *(("torch", f"{name}-{BFLOAT16}") for name in ("unmasked", "cell")),
        (f"torch-{BFLOAT16}", f"unmasked-{BFLOAT16}"),
    ),
    "variants": tuple(
        (slow, name) for name in VARIANT_NAMES for slow in (f"{name}-loop", "unmasked")
    ),
    "stored": tuple(("unmasked", name) for name in STORED),
}


class Group(NamedTuple):
    """What is timed in the same rounds."""

    cell: str
    mode: str
    shape: Shape

    @property
    def trains(self) -> bool:
        """Tell whether train steps are timed."""
        return self.mode in ("train", "shared", "variants", BFLOAT16)

    @property
    def name(self) -> str:
        """Say which, for `--only`."""
        B, T, n_in, H = self.shape
        return f"{self.cell}-{H}-{self.mode}-{B}x{T}x{n_in}"


def groups(only: str, kind: str = "default") -> Iterator[Group]:
    """Give every group of a kind of run whose name contains a text."""
    yield from (group for group in _groups(kind) if only in group.name)


def _groups(kind: str) -> Iterator[Group]:
    if kind == "shared":
        yield from (Group(cell, kind, s) for cell in ("lstm", "gru") for s in SHARED_SHAPES)
    elif kind == "variants":
        yield from (Group(cell, kind, s) for cell in GATES for s in VARIANT_SHAPES)
    elif kind == BFLOAT16:
        yield from (Group(cell, kind, s) for cell in GATES for s in BFLOAT16_SHAPES)
        yield from (Group(cell, "stored", s) for cell in GATES for s in STREAMS)
    else:
        for cell in GATES:
            yield from (Group(cell, mode, s) for s in SHAPES for mode in ("train", "inference"))
            yield from (Group(cell, "step", s) for s in STREAMS)
