"""Pieces of sentences: changes with their intervals, what a metric is called, spans of time."""

from lockgate.charts.formats import MINUS, metric_name
from lockgate.tasks.results import Effect

ERRORS = ("mae", "rmse", "mase")
"""Metrics that are errors, in a plain sentence; any other goes by its own name."""
UNITS = (("days", 86_400.0), ("h", 3_600.0), ("min", 60.0), ("s", 1.0))
FEW = 1.5  # a span is told in the largest unit of which it has as many


def signed_percent(value: float) -> str:
    """Return a signed percentage: `−4.0 %`."""
    return f"{signed(value)} %"


def signed(value: float) -> str:
    """Return a number with its sign and one decimal, or none from 100: `−4.0`, `+0.3`, `+1,250`."""
    return f"{value:+,.{_decimals(value)}f}".replace("-", MINUS)


def _decimals(value: float) -> int:
    return 1 if abs(value) < 100 else 0


def error_name(metric: str) -> str:
    """Name a metric for one who knows few: `error`, or `log loss`."""
    return "error" if metric in ERRORS else metric_name(metric)


def change(effect: Effect) -> str:
    """Return the size of a change without its sign: `6.0 % [3.0, 9.0]`.

    The interval of a change for the better is turned around with it, and has a sign where it
    reaches beyond 0.

    Example:
        >>> change({"percent": -6.0, "low": -9.0, "high": -3.0})
        '6.0 % [3.0, 9.0]'
        >>> change({"percent": 3.0, "low": None, "high": None})
        '3.0 %'
    """
    percent, low, high = effect["percent"], effect["low"], effect["high"]
    if percent is None:
        return "more than can be told"
    turn = -1.0 if percent < 0 else 1.0
    size = _size(percent)
    if low is None or high is None:
        return size
    ends = sorted((turn * low, turn * high))
    first, last = (f"{end:,.{_decimals(end)}f}".replace("-", MINUS) for end in ends)
    return f"{size} [{first}, {last}]"


def _size(percent: float) -> str:
    return f"{abs(percent):,.{_decimals(percent)}f} %"


def compared(effect: Effect, metric: str, *, interval: bool = False) -> str:
    """Compare the metric, of which less is better: `4.0 % smaller errors`."""
    percent = effect["percent"]
    more, less = ("larger", "smaller") if metric in ERRORS else ("more", "less")
    what = "errors" if metric in ERRORS else metric_name(metric)
    if percent is None:  # the errors are beyond all numbers
        return f"far {more} {what}"
    size = change(effect) if interval else _size(percent)
    return f"{size} {less if percent < 0 else more} {what}"


def chance(value: float) -> str:
    """Tell how likely a rung is to help, never as certain.

    Example:
        >>> chance(0.7), chance(0.999)
        ('70 % likely to help', '99 % likely to help')
    """
    return f"{min(max(round(100 * value), 1), 99)} % likely to help"


def span(low: float, high: float) -> str:
    """Tell from how many to how many seconds something takes.

    Example:
        >>> span(40, 80), span(240, 480), span(600, 610), span(3600, 90000)
        ('40 to 80 s', '4 to 8 min', '10 min', '1 to 25 h')
    """
    unit, size = next((one for one in UNITS if high >= FEW * one[1]), UNITS[-1])
    first, last = (max(round(seconds / size), 1) for seconds in (low, high))
    return f"{last} {unit}" if first == last else f"{first} to {last} {unit}"
