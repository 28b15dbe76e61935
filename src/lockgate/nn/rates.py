"""Check dropout rates and the settings of their masks."""

from collections.abc import Mapping, Sequence
from numbers import Real
from typing import Literal

MaskPer = Literal["gate", "cell"]

PLACES: dict[str, MaskPer] = {"input": "cell", "recurrent": "gate"}  # with their defaults


def check_rate(name: str, rate: float) -> float:
    """Return a dropout rate as a float if it is a number in [0, 1), or raise."""
    if isinstance(rate, bool) or not isinstance(rate, Real):
        raise TypeError(f"{name} must be a number in [0, 1), got {rate!r}")
    if not 0.0 <= rate < 1.0:
        raise ValueError(f"{name} must be in [0, 1), got {rate}")
    return float(rate)


def check_gap_rates(dropout: float | Sequence[float], num_layers: int) -> tuple[float, ...]:
    """Return one rate for each gap between layers, from one rate for all or one for each."""
    gaps = num_layers - 1
    if not isinstance(dropout, Sequence) or isinstance(dropout, str):
        rate = check_rate("dropout", dropout)
        if rate > 0.0 and gaps == 0:
            raise ValueError(
                f"dropout must be 0 with num_layers=1, got {rate}. It acts between layers, and one "
                "layer has no gap: use output_dropout or input_dropout, or add a layer."
            )
        return (rate,) * gaps
    if len(dropout) != gaps:
        raise ValueError(
            f"dropout must have {gaps} rates with num_layers={num_layers}, got {len(dropout)}. "
            "Give one rate, or one for each gap between layers."
        )
    return tuple(check_rate(f"dropout[{gap}]", rate) for gap, rate in enumerate(dropout))


def check_mask_per(mask_per: MaskPer | Mapping[str, MaskPer] | None) -> dict[str, MaskPer]:
    """Return what a mask is drawn for at each place: "gate" (one for each) or "cell" (shared)."""
    if mask_per is None:
        return dict(PLACES)
    by_place = mask_per if isinstance(mask_per, Mapping) else dict.fromkeys(PLACES, mask_per)
    if unknown := sorted(set(by_place) - set(PLACES)):
        raise ValueError(f"mask_per must have the places {sorted(PLACES)}, got {unknown}")
    for place, per in by_place.items():
        if per not in ("gate", "cell"):
            name = f"mask_per[{place!r}]" if isinstance(mask_per, Mapping) else "mask_per"
            raise ValueError(f'{name} must be "gate" or "cell", got {per!r}')
    return {**PLACES, **by_place}
