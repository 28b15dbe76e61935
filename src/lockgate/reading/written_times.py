"""Time stamps that are text: the formats that values show, and stamps read by one."""

import re

import polars as pl

from lockgate.errors import DataError, option, quoted
from lockgate.reading.numbers import to_number
from lockgate.reading.numeric_times import number_readings

_DATE = (
    r"(?P<date>\d{4}(?P<a>[-/.])\d{1,2}(?P=a)\d{1,2}|\d{1,2}(?P<b>[-/.])\d{1,2}(?P=b)\d{4}"
    r"|\d{4}(?P<c>[-/])\d{1,2})"
)
_TIME = (
    r"(?P<gap>[ T]+)(?P<hour>\d{1,2})"
    r"(?:(?P<mark>[:.])\d{1,2}(?P<second>(?P=mark)\d{1,2}(?:\.\d+)?)?)?(?P<half> ?[AaPp][Mm])?"
    r"(?P<zone> ?(?:Z|z|UTC|GMT|[+-]\d{2}(?::?\d{2})?))?"
)
_ZONE = re.compile(r"%[#:]*z|%\+")
_STAMP = re.compile(rf"{_DATE}(?:{_TIME})?")
_PERIOD = re.compile(
    r"\d{4}(?P<gap>[-/ :]?)(?:(?P<q>[Qq])[1-4]|(?P<m>[Mm])\d{2}|(?P<w>[Ww])\d{2}(?P<day>-?[1-7])?)"
    r"|(?P<first>[Qq])[1-4](?P<mark>[-/ ]?)\d{4}"
)
_MONTH_OF_QUARTER = {"1": "01", "2": "04", "3": "07", "4": "10"}
# formats that values do not show, tried for advice alone: two digits may be a day, month or year
_HIDDEN = tuple(
    date + clock
    for date in (
        *("%d-%b-%Y", "%d %b %Y", "%b %d, %Y", "%d/%b/%Y", "%b %Y", "%b-%Y", "%Y-%b", "%Y %b"),
        *("%d-%b-%y", "%b-%y", "%d/%m/%y", "%m/%d/%y", "%d.%m.%y", "%d-%m-%y", "%y-%m-%d"),
    )
    for clock in ("", " %H:%M", " %H:%M:%S")
)
ROW_ORDER = "where the rows are equal steps in their order, pass row_order=True (--row-order)"
HINT = 'such as "2024-01-31 18:00:00"'


def formats_of(value: str) -> tuple[str, ...]:
    """Return the formats that `value` may have: none, one, or day and month in either order."""
    if match := _PERIOD.fullmatch(value):
        return (_period_format(match),)
    match = _STAMP.fullmatch(value)
    if match is None:
        return ()
    if mark := match["a"]:
        dates: tuple[str, ...] = (f"%Y{mark}%m{mark}%d",)
    elif mark := match["b"]:
        orders = ("%d{0}%m{0}%Y",) if mark == "." else ("%d{0}%m{0}%Y", "%m{0}%d{0}%Y")
        dates = tuple(order.format(mark) for order in orders)
    else:
        dates = (f"%Y{match['c']}%m",)
    return tuple(date + _clock_format(match) for date in dates)


def _period_format(match: re.Match[str]) -> str:
    """Return the format of a quarter (`%q`), a week of ISO 8601, or a month such as 2024M05."""
    if match["first"]:
        return f"{match['first']}%q{match['mark']}%Y"
    if match["w"]:
        day = match["day"] and match["day"].rstrip("1234567") + "%u"
        return f"%G{match['gap']}{match['w']}%V{day or ''}"
    return f"%Y{match['gap']}" + (f"{match['q']}%q" if match["q"] else f"{match['m']}%m")


def _clock_format(match: re.Match[str]) -> str:
    if match["gap"] is None:
        return ""
    form = match["gap"] + ("%I" if match["half"] else "%H")
    if mark := match["mark"]:
        form += f"{mark}%M" + (f"{mark}%S%.f" if match["second"] else "")
    if match["half"]:
        form += match["half"][:-2] + "%p"
    return form + ("%#z" if match["zone"] else "")


def parse(text: pl.Series, form: str) -> pl.Series:
    """Read stamps, null where one has not the format; a zone told in them leads to UTC.

    A quarter, `%q`, is its first month, a week its Monday, a month or year its first day.
    """
    if _ZONE.search(form):
        text = text.str.replace(r" ?(?:Z|z|UTC|GMT)$", "+00:00")
        text = text.str.replace(r" ([+-]\d+:?\d*)$", "$1")
    if "%q" in form:
        at = len(form[: form.index("%q")].replace("%Y", "2024"))
        months = text.str.slice(at, 1).replace_strict(_MONTH_OF_QUARTER, default=None)
        text, form = text.str.head(at) + months + text.str.slice(at + 1), form.replace("%q", "%m")
    has = set(re.findall(r"%[-_0#:.369]*([A-Za-z+])", form))
    if "V" in has and not has & set("uwaA"):
        text, form, has = text + " 1", form + " %u", has | {"u"}
    if has <= set("Yy"):
        text, form = text + "-01", form + "-%m"
    if not has & set("djeFDcsx+UWu"):
        text, form = text + "-01", form + "-%d"
    if has & set("HIkl") and not has & set("MTRr"):
        text, form = text + " 00", form + " %M"
    try:
        stamps = text.str.to_datetime(form, strict=False, time_unit="us")
    except pl.exceptions.PolarsError as error:
        raise DataError(f"time_format must be a strptime format, got {quoted(form)}") from error
    return stamps.dt.replace_time_zone(None)


def far(stamps: pl.Series) -> pl.Series:
    """Tell which stamps lie in no year of four digits that Python counts to."""
    return ~stamps.dt.year().is_between(1000, 9998)


def from_text(
    text: pl.Series, rows: pl.Series, what: str, form: str | None
) -> tuple[pl.Series, bool]:
    """Read stamps; with them, whether each tells its offset from UTC.

    Args:
        text: The stamps, none missing.
        rows: The number of each row in the source.
        what: What the stamps are called in a message.
        form: Their `strptime` format. Default: as the first shows.

    Raises:
        DataError: With the first stamp that cannot be read, and what reads it.
    """
    formats = (form,) if form else formats_of(text[0])
    if not formats:
        hidden = hidden_format(text)
        raise DataError(
            f"{what} must hold time stamps {HINT}, got {quoted(text[0])} in row {rows[0]}; "
            + (
                f"pass {option('time_format', hidden)}"
                if hidden
                else f"{ROW_ORDER} in place of time"
            )
        )
    read = {form: parse(text, form) for form in formats}
    if form and far(read[form]).all():
        read[form] = read[form].clear(len(text))
    whole = [form for form in formats if not read[form].null_count()]
    if not whole:
        form = min(formats, key=lambda form: read[form].null_count())
        raise DataError(_why_unread(text, rows, read[form], what, form))
    form = whole[0] if len(whole) == 1 else _by_order(read, what)
    return read[form], bool(_ZONE.search(form))


def hidden_format(text: pl.Series) -> str | None:
    """Return a format that reads every value; of several, one that leaves them in order."""
    if text.dtype != pl.String or text.null_count() or formats_of(text[0]):
        return None
    fits = [form for form in _HIDDEN if not parse(text.head(50), form).null_count()]
    stamps = {form: parse(text, form) for form in fits}
    ours = {form: times.dt.year().is_between(1800, 2100) for form, times in stamps.items()}
    whole = [form for form in fits if ours[form].all(ignore_nulls=False)]
    ordered = [f for f in whole if stamps[f].is_sorted() or stamps[f].is_sorted(descending=True)]
    return next(iter(ordered or whole), None)


def _by_order(read: dict[str, pl.Series], what: str) -> str:
    """Choose between day and month first by the order of the rows."""
    first, second = read
    if read[first].equals(read[second]):
        return first
    ordered = [f for f, s in read.items() if s.is_sorted() or s.is_sorted(descending=True)]
    if len(ordered) == 1:
        return ordered[0]
    raise DataError(
        f"{what} must tell day and month apart, got stamps that read as {_shown(first)} and as "
        f"{_shown(second)}; pass {option('time_format', _shown(first))}"
    )


def _why_unread(text: pl.Series, rows: pl.Series, stamps: pl.Series, what: str, form: str) -> str:
    """Say which stamp is the first that cannot be read, and why."""
    value, row = text.filter(stamps.is_null())[0], rows.filter(stamps.is_null())[0]
    got = f"got {quoted(value)} in row {row}"
    if form in formats_of(value):
        return f"{what} must hold dates and times that exist, {got}; mend or delete the row"
    if stamps.null_count() == len(stamps):
        return (
            f"{what} must hold stamps of the format {_shown(form)!r}, {got}{_format_advice(text)}"
        )
    return (
        f"{what} must hold stamps of one format, {got}, where others read {_shown(form)}; "
        "mend or delete the row"
    )


def _format_advice(text: pl.Series) -> str:
    """Return what reads stamps that no format was right for."""
    numbers = to_number(text)
    known = [parse(text, form) for form in formats_of(text[0])]
    if not numbers.null_count():
        known = [reading.stamps for reading in number_readings(numbers)]
    if any(not stamps.null_count() for stamps in known):
        return "; leave time_format out"
    hidden = hidden_format(text)
    return f"; pass {option('time_format', hidden)}" if hidden else ""


def _shown(form: str) -> str:
    return form.replace("%.f", "").replace("%#z", "%z")
