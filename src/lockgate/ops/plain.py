"""What torch's fused layers and our GPU kernels lack: they run plain cells."""

from typing import Any

from lockgate.ops.masks import Masks
from lockgate.ops.recurrence import Weights


def why_not_plain(
    weights: Weights, masks: Masks, options: Any, nonlinearities: tuple[str, ...]
) -> str | None:
    """Say what makes this call more than a plain cell, whatever its tensors are, or None."""
    if masks.zoneout_h is not None or masks.zoneout_c is not None:
        return "it has no zoneout"
    if weights.ln_ih is not None:
        return "it has no layer norm"
    if not getattr(options, "reset_after", True):
        return "it has no reset gate before the recurrent product"
    if options.nonlinearity not in nonlinearities:
        return f"it has no {options.nonlinearity} in this cell"
    return None
