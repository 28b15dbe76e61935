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
            "covers": share_words(one["share"]),
            "95 % of blocks": between_words(one["low"], one["high"]),
            "mean width": one["width"],
        }


def interval_words(
    scored: Mapping[str, Any], where: str, *, with_spread: bool = False, later: int = 0
) -> list[str]:
    """Say what intervals come from, and what they cover.

    Args:
        scored: What `score_intervals` gives.
        where: The rows that they were scored on: `the test part`.
        with_spread: Whether the networks forecast how wide each is.
        later: How many of the forecasts an update has added.
    """
    told = (
        f"Intervals come from the errors of {count_of(scored['forecasts'], 'forecast')} of rows "
        f"held out{_later(later)}, of which about {scored['independent']:,.0f} do not overlap"
        + (", each in the spread that the networks forecast for it" if with_spread else "")
    )
    if not scored["levels"]:
        return [f"{told}: too few for a level of 80 %."]
    each = [
        f"the {one['level']:g} % interval covers {share_words(one['share'])}"
        f"{between_words(one['low'], one['high'], ' ')}"
        for one in scored["levels"]
    ]
    return [f"{told}. On {where} {' and '.join(each)}."]


def _later(forecasts: int) -> str:
    return f", {forecasts:,} of them from updates" if forecasts else ""


def share_words(share: float) -> str:
    """Write a share in per cent."""
    return f"{100.0 * share:.1f} %"


def between_words(low: float | None, high: float | None, before: str = "") -> str:
    """Write the ends of an interval of a share; nothing where there is none."""
    if low is None or high is None or not (isfinite(low) and isfinite(high)):
        return ""
    return f"{before}[{100.0 * low:.0f}, {100.0 * high:.0f}]"
