"""Tell the encoding of a text file and decode it, or name the row that cannot be decoded."""

import codecs
import re
from collections import Counter
from typing import NamedTuple

from lockgate.data.errors import DataError, option

# the longer mark first: that of UTF-16 begins that of UTF-32
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig", "UTF-8 with a byte order mark"),
    (codecs.BOM_UTF32_LE, "utf-32", "UTF-32"),
    (codecs.BOM_UTF32_BE, "utf-32", "UTF-32"),
    (codecs.BOM_UTF16_LE, "utf-16", "UTF-16"),
    (codecs.BOM_UTF16_BE, "utf-16", "UTF-16"),
)
_SAMPLE = 2**22  # bytes that tell UTF-8 with faults and GB18030
_TYPOGRAPHIC = re.compile(rb"[\x80-\x9f]")  # control characters in Latin-1
_UNREADABLE = "\ufffd"


class Decoded(NamedTuple):
    """A text and what told its encoding."""

    text: str
    notice: str


def decode(
    data: bytes,
    name: str,
    encoding: str | None = None,
    *,
    header: bool = False,
    quoted: bool = True,
) -> Decoded:
    """Decode `data`, in this order: by its mark, as UTF-8, GB18030, Windows-1252, Latin-1.

    What is UTF-8 or GB18030 but for a few bytes is refused, not taken for Latin-1. GB18030 is told
    by characters that are nearly all of the common Chinese set, GB2312; Windows-1252 is
    Latin-1 with dashes and quotes in the place of control characters. Detectors that learned
    the frequencies of letters were tried: they take English with one accent for Big5.

    Args:
        data: The whole file.
        name: What errors call the file.
        encoding: Any that Python knows, in place of telling it.
        header: Whether the first row is no row of data.
        quoted: Whether line ends within double quotes end no row.

    Raises:
        DataError: If a byte cannot be decoded, or the data are no text.
    """
    codec, label = (encoding, "") if encoding else told_encoding(data, name)
    try:
        text = data.decode(codec)
    except LookupError:
        raise DataError(
            f"encoding must be one that Python knows, such as utf-8, gb18030 or latin-1, got "
            f"{encoding!r}"
        ) from None
    except UnicodeDecodeError as error:
        before = data[: error.start].decode(codec, "ignore")
        other = "latin-1"
        if encoding and b"\0" not in data and told_encoding(data, name)[0] != encoding:
            other = told_encoding(data, name)[0]
        raise DataError(
            f"{name} must be text in {label or encoding}, got the byte "
            f"0x{data[error.start]:02x} in {_row(before, header, quoted)}; mend it, or name "
            f"another encoding, {option('encoding', other)}"
        ) from None
    except UnicodeError as error:
        raise DataError(f"{name} must be text in {encoding}, got {error}") from None
    return Decoded(text.removeprefix("\ufeff"), _notice(name, label))


def told_encoding(data: bytes, name: str) -> tuple[str, str]:
    """Return the codec of `data` and what it is called; decoding may still fail.

    Raises:
        DataError: If the data are no text.
    """
    for mark, codec, label in _MARKS:
        if data.startswith(mark):
            return codec, label
    if b"\0" in data:
        raise DataError(
            f"{name} must be text, got binary data; if it is text without a byte order mark, name "
            f"its encoding, {option('encoding', 'utf-16-le')}"
        )
    if _is_utf8(data) or _is_nearly_utf8(data[:_SAMPLE]):
        return "utf-8", "UTF-8"
    if _is_nearly_gb18030(data[:_SAMPLE]):
        return "gb18030", "GB18030"
    if _TYPOGRAPHIC.search(data) and _decodes(data, "cp1252"):
        return "cp1252", "Windows-1252 (Latin-1 with dashes and quotes)"
    return "latin-1", "Latin-1"


def _notice(name: str, label: str) -> str:
    if not label:
        return ""
    if label.startswith("UTF"):
        return f"{name} is read as {label}"
    return (
        f"{name} is not valid UTF-8: read as {label}; if letters look wrong, name its encoding "
        "(--encoding)"
    )


def _is_utf8(data: bytes) -> bool:
    return data.isascii() or _decodes(data, "utf-8")


def _decodes(data: bytes, codec: str) -> bool:
    try:
        data.decode(codec)
    except UnicodeDecodeError:
        return False
    return True


def _is_nearly_utf8(data: bytes) -> bool:
    """Whether nearly all characters beyond ASCII are valid: other encodings hit few by chance."""
    counts = Counter(data.decode("utf-8", "replace"))
    wrong = counts[_UNREADABLE]
    return sum(_beyond_ascii(counts).values()) - wrong > 4 * wrong


def _is_nearly_gb18030(data: bytes) -> bool:
    """Whether nearly all beyond ASCII is in GB2312, where both bytes of a character are high.

    In Latin-1 a letter is mostly followed by one of ASCII, which is another character or none.
    """
    counts = _beyond_ascii(Counter(data.decode("gb18030", "replace")))
    common = sum(count for letter, count in counts.items() if _is_common_chinese(letter))
    return common >= 0.9 * sum(counts.values())


def _is_common_chinese(letter: str) -> bool:
    try:
        letter.encode("gb2312")
    except UnicodeEncodeError:
        return False
    return True


def _beyond_ascii(counts: Counter[str]) -> Counter[str]:
    return Counter({letter: n for letter, n in counts.items() if not letter.isascii()})


def _row(before: str, header: bool, quoted: bool) -> str:
    """Name the row that follows `before`; rows within quotes are one."""
    ends = before.replace("\r\n", "\n").replace("\r", "\n")
    row = 0
    for place, part in enumerate(ends.split('"') if quoted else [ends]):
        row += part.count("\n") if place % 2 == 0 else 0
    return "the header" if header and row == 0 else f"row {row + (not header)}"
