"""Check dropout rates and the settings of their masks."""

from collections.abc import Iterable, Mapping, Sequence
from numbers import Real
from typing import Any, Literal

MaskPer = Literal["gate", "cell"]
MaskOver = Literal["sequence", "step"]
MaskFor = Literal["sample", "batch"]
Zoneout = float | Sequence[float]

# by place, with their defaults
MASK_PER: dict[str, MaskPer] = {"input": "cell", "recurrent": "gate"}
MASK_OVER: dict[str, MaskOver] = dict.fromkeys(
    ("input", "between", "recurrent", "output"), "sequence"
)
MASK_FOR: dict[str, MaskFor] = dict.fromkeys(MASK_OVER, "sample")


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
    return _by_place("mask_per", mask_per, MASK_PER, ("gate", "cell"))


def check_mask_over(mask_over: MaskOver | Mapping[str, MaskOver] | None) -> dict[str, MaskOver]:
    """Return how long a mask is held at each place: over the "sequence" or for one "step"."""
    return _by_place("mask_over", mask_over, MASK_OVER, ("sequence", "step"))


def check_mask_for(
    mask_for: MaskFor | Mapping[str, MaskFor] | None, places: Iterable[str] = MASK_FOR
) -> dict[str, MaskFor]:
    """Return whom a mask is drawn for at each of the places: each "sample" or the whole "batch"."""
    defaults = {place: MASK_FOR[place] for place in places}
    return _by_place("mask_for", mask_for, defaults, ("sample", "batch"))


def check_zoneout(zoneout: Zoneout, has_c: bool) -> float | tuple[float, ...]:
    """Return the rate of zoneout on h, or the pair of those on h and c."""
    if not isinstance(zoneout, Sequence) or isinstance(zoneout, str):
        return check_rate("zoneout", zoneout)
    if not has_c:
        raise TypeError(f"zoneout must be one number where the state is h alone, got {zoneout!r}")
    if len(zoneout) != 2:
        raise ValueError(f"zoneout must be one rate, or a pair for h and c, got {zoneout!r}")
    return tuple(check_rate(f"zoneout[{i}]", rate) for i, rate in enumerate(zoneout))


def zoneout_rates(zoneout: Zoneout) -> tuple[float, float]:
    """Give the rates on h and on c."""
    if isinstance(zoneout, Sequence):
        of_h, of_c = zoneout
        return of_h, of_c
    return zoneout, 0.0


def _by_place(
    name: str, given: Any, defaults: Mapping[str, Any], choices: tuple[str, str]
) -> dict[str, Any]:
    if given is None:
        return dict(defaults)
    by_place = given if isinstance(given, Mapping) else dict.fromkeys(defaults, given)
    if unknown := sorted(set(by_place) - set(defaults)):
        raise ValueError(f"{name} must have the places {sorted(defaults)}, got {unknown}")
    for place, value in by_place.items():
        if value not in choices:
            where = f"{name}[{place!r}]" if isinstance(given, Mapping) else name
            raise ValueError(f'{where} must be "{choices[0]}" or "{choices[1]}", got {value!r}')
    return {**defaults, **by_place}
