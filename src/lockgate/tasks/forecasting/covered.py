"""Tell in words how intervals do, from what `score_intervals` gives."""

from collections.abc import Iterator, Mapping
from math import isfinite
from typing import Any

from lockgate.errors import count_of


def covered_rows(scored: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield a row for each level: what its interval covers, and how wide it is."""
    for one in scored["levels"]:
        yield {
            "interval": f"{one['level']:g} %",
            "covers": _share(one["share"]),
            "95 % of blocks": _between(one["low"], one["high"]),
            "mean width": one["width"],
        }


def interval_words(
    scored: Mapping[str, Any], where: str, *, with_spread: bool = False
) -> list[str]:
    """Say what intervals come from, and what they cover.

    Args:
        scored: What `score_intervals` gives.
        where: The rows that they were scored on: `the test part`.
        with_spread: Whether the networks forecast how wide each is.
    """
    told = (
        f"Intervals come from the errors of {count_of(scored['forecasts'], 'forecast')} of rows "
        f"held out, of which about {scored['independent']:,.0f} do not overlap"
        + (", each in the spread that the networks forecast for it" if with_spread else "")
    )
    if not scored["levels"]:
        return [f"{told}: too few for a level of 80 %."]
    each = [
        f"the {one['level']:g} % interval covers {_share(one['share'])}"
        f"{_between(one['low'], one['high'], ' ')}"
        for one in scored["levels"]
    ]
    return [f"{told}. On {where} {' and '.join(each)}."]


def _share(share: float) -> str:
    return f"{100.0 * share:.1f} %"


def _between(low: float | None, high: float | None, before: str = "") -> str:
    if low is None or high is None or not (isfinite(low) and isfinite(high)):
        return ""
    return f"{before}[{100.0 * low:.0f}, {100.0 * high:.0f}]"
