"""Which backend computes each part of a layer, and why."""

from typing import NamedTuple

from lockgate.ops.dispatch import Choice


class ReportLine(NamedTuple):
    """What runs one layer and direction."""

    layer: int
    reverse: bool
    choice: Choice

    def __str__(self) -> str:
        direction = "reverse" if self.reverse else "forward"
        return f"layer {self.layer} {direction}: {self.choice}"


class BackendReport(NamedTuple):
    """What runs a call of a layer; `print` it, or read `lines`."""

    lines: tuple[ReportLine, ...]

    def __str__(self) -> str:
        return "\n".join(map(str, self.lines))
