"""The intervals and quantiles that a user asks for, as columns of a forecast."""

from collections.abc import Sequence
from typing import Any

from lockgate.errors import DataError, quoted
from lockgate.scoring.conformal import levels_as_quantiles

MODEL = "forecast"


def asked_for(
    level: Sequence[float] | float | None, quantiles: Sequence[float] | float | None
) -> dict[str, float]:
    """Return the quantile of each column that is asked for, by its name.

    Args:
        level: Shares inside, in per cent.
        quantiles: Shares below.

    Raises:
        DataError: If one is out of range, or both are given.

    Example:
        >>> asked_for([80], None)
        {'forecast-lo-80': 0.1, 'forecast-hi-80': 0.9}
        >>> asked_for(None, [0.5])
        {'forecast-q-0.5': 0.5}
    """
    levels, shares = _numbers(level), _numbers(quantiles)
    if levels and shares:
        raise DataError("level must be left out where quantiles are given; pass one of them")
    for one in levels:
        _check("level", one, "above 0 and below 100, in per cent", 100.0)
    for one in shares:
        _check("quantiles", one, "above 0 and below 1", 1.0)
    columns = {f"{MODEL}-q-{float(one):g}": float(one) for one in shares}
    for one in levels:
        low, high = levels_as_quantiles([float(one)])
        columns |= {f"{MODEL}-lo-{float(one):g}": low, f"{MODEL}-hi-{float(one):g}": high}
    return columns


def _numbers(given: Any) -> Sequence[Any]:
    if given is None:
        return ()
    return given if isinstance(given, Sequence) and not isinstance(given, str) else (given,)


def _check(name: str, value: Any, rule: str, end: float) -> None:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not 0.0 < value < end:
        raise DataError(f"{name} must be numbers {rule}, got {quoted(value)}")
