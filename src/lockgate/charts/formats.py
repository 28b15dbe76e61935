"""Numbers, times and outcomes as a reader wants to see them."""

import math
import re
from collections.abc import Iterable, Sequence
from datetime import datetime
from statistics import median
from typing import Any

MISSING = "–"
MINUS = "−"
SPACE = "\u00a0"  # a number and its unit stay on one line


def metric_name(metric: str) -> str:
    """Name a metric in a sentence: `MAE`, `log loss`."""
    return metric.replace("_", " ") if "_" in metric else metric.upper()


def decimals_for(values: Iterable[float | None]) -> int:
    """Decimals that show three digits of the smallest of `values`, the same for a whole table.

    Example:
        >>> decimals_for([0.4123, 2.5, None])
        3
        >>> decimals_for([1234.5])
        0
    """
    sizes = [abs(value) for value in values if value]
    if not sizes:
        return 2
    # one value near 0 among large ones must not fill the table with digits
    smallest = max(min(sizes), median(sizes) / 100)
    return min(12, max(0, 2 - math.floor(math.log10(smallest))))


def number(value: float | None, decimals: int = 0) -> str:
    """`value` with a true minus sign, or a dash where it is missing.

    Example:
        >>> number(-1234.5678, 1), number(None, 1)
        ('−1,234.6', '–')
    """
    if value is None:
        return MISSING
    text = f"{value:,.{decimals}f}"
    return text[1:] if float(text.replace(",", "")) == 0 and value < 0 else text.replace("-", MINUS)


def interval(low: float | None, high: float | None, decimals: int = 0) -> str:
    """`[low, high]`, or nothing where there is no interval."""
    if low is None or high is None:
        return ""
    return f"[{number(low, decimals)}, {number(high, decimals)}]"


def percent(value: float | None, low: float | None = None, high: float | None = None) -> str:
    """A change in per cent, signed, with its interval.

    Example:
        >>> percent(-4.04, -6.1, 2.0)
        '−4.0\\xa0% [−6.1, +2.0]'
    """
    if value is None:
        return MISSING
    change = f"{_signed(value)}{SPACE}%"
    if low is None or high is None:
        return change
    return f"{change} [{_signed(low)}, {_signed(high)}]"


def _signed(value: float) -> str:
    return f"{'+' if round(value, 1) > 0 else ''}{number(value, 1 if abs(value) < 100 else 0)}"


def duration(seconds: float | None) -> str:
    """A time span in the two units that matter.

    Example:
        >>> [duration(s).replace(SPACE, " ") for s in (0.25, 31.2, 512.3, 7500)]
        ['0.2 s', '31 s', '8 min 32 s', '2 h 5 min']
    """
    if seconds is None:
        return MISSING
    if seconds < 10:
        return f"{seconds:.1f}{SPACE}s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole}{SPACE}s"
    if whole < 3600:
        return f"{whole // 60}{SPACE}min {whole % 60}{SPACE}s"
    return f"{whole // 3600}{SPACE}h {whole % 3600 // 60}{SPACE}min"


def moment(stamp: str | None) -> str:
    """An ISO time stamp without the parts that are zero; or the number of a row.

    Example:
        >>> moment("2020-05-12T06:00:00"), moment("2020-05-12T00:00:00"), moment("350")
        ('2020-05-12 06:00', '2020-05-12', 'row 350')
        >>> moment("2020-05-12T06:00:00.020000")
        '2020-05-12 06:00:00.02'
    """
    if stamp is None:
        return MISSING
    if stamp.isdecimal():
        return f"row {stamp}"
    time = datetime.fromisoformat(stamp)
    clock = str(time.replace(tzinfo=None))
    zone = str(time).removeprefix(clock)
    if time.microsecond:
        return clock.rstrip("0") + zone
    return clock.removesuffix(":00").removesuffix(" 00:00") + zone


def times(count: int) -> str:
    """How often, in words: `once`, `3 times`."""
    return "once" if count == 1 else f"{count} times"


def plural(count: int, one: str, many: str = "") -> str:
    """`1 seed`, `5 seeds`; `many` is the plural where it is not one with an s."""
    return f"{count:,} {one}" if count == 1 else f"{count:,} {many or one + 's'}"


def enumerated(items: Sequence[Any]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    words = [str(item) for item in items]
    return " and ".join([", ".join(words[:-1]), words[-1]]) if len(words) > 1 else "".join(words)


def numbered(one: str, numbers: Sequence[int]) -> str:
    """`seed 3`, `seeds 0, 2 and 3`."""
    return f"{one}{'s' * (len(numbers) > 1)} {enumerated(numbers)}"


def tied(sentence: str) -> str:
    """`sentence` with its numbers held together where lines break.

    Example:
        >>> tied("helps: -4.0 % MAE [-6.1, -2.0]")
        'helps: -4.0\\xa0% MAE [-6.1,\\xa0-2.0]'
    """
    held = re.sub(r"(?<=\d) (?=%)", SPACE, sentence)
    return re.sub(rf"(\[[+\-{MINUS}\d.]+,) (?=[+\-{MINUS}\d.]+\])", rf"\1{SPACE}", held)
