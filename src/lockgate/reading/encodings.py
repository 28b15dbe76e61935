"""Tell the encoding of a text file and decode it, or name the row that cannot be decoded."""

import codecs
import re
from collections import Counter
from typing import NamedTuple

from lockgate.errors import DataError, option
from lockgate.errors import quoted as as_quoted

# the longer mark first: that of UTF-16 begins that of UTF-32
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig", "UTF-8 with a byte order mark"),
    (codecs.BOM_UTF32_LE, "utf-32", "UTF-32"),
    (codecs.BOM_UTF32_BE, "utf-32", "UTF-32"),
    (codecs.BOM_UTF16_LE, "utf-16", "UTF-16"),
    (codecs.BOM_UTF16_BE, "utf-16", "UTF-16"),
)
_SAMPLE = 2**22  # bytes that tell UTF-8 with faults and GB18030
_TYPOGRAPHIC = bytes(range(0x80, 0xA0))  # control characters in Latin-1
_BEYOND_ASCII = re.compile(r"[^\x00-\x7f]")
_UNREADABLE = "\ufffd"
_FREQUENT = b"\xd7"
"""First byte of the last of the frequent characters, which GB2312 orders by sound."""


class Decoded(NamedTuple):
    """A text and how its bytes were read."""

    text: str
    codec: str
    notice: str
    """What a reader should know of the encoding; empty where it was named."""

    @property
    def warnings(self) -> tuple[str, ...]:
        """The notice where the file is not in UTF-8, which nobody needs to be told of."""
        plain = not self.notice or self.codec in ("utf-8", "utf-8-sig")
        return () if plain else (self.notice,)


def decode(
    data: bytes,
    name: str,
    encoding: str | None = None,
    *,
    header: bool = False,
    quoted: bool = True,
) -> Decoded:
    """Decode `data`, in this order: by its mark, as UTF-8, GB18030, Windows-1252, Latin-1.

    What is UTF-8 or GB18030 but for a few bytes is refused, not taken for Latin-1. GB18030 shows
    by characters that are nearly all of the common Chinese set, GB2312, and mostly of its frequent
    half, which two accented letters in a row do not hit; Windows-1252 is Latin-1 with dashes and
    quotes in the place of control characters. Detectors that learned the frequencies of letters
    were tried: they take English with one accent for Big5.

    Args:
        data: The whole file.
        name: What errors call the file.
        encoding: Any that Python knows, in place of a guess.
        header: Whether the first row is no row of data.
        quoted: Whether line ends within double quotes end no row.

    Raises:
        DataError: If a byte cannot be decoded, or the data are no text.
    """
    if encoding is None and (plain := _plain_utf8(data)) is not None:
        return Decoded(plain, "utf-8", _notice(name, "UTF-8"))
    codec, label = (encoding, "") if encoding else guess_encoding(data, name)
    must = f"{name} must be text in {label or encoding}"
    try:
        text = data.decode(codec)
    except LookupError:
        raise DataError(
            f"encoding must be one that Python knows, such as utf-8, gb18030 or latin-1, got "
            f"{as_quoted(encoding)}"
        ) from None
    except UnicodeDecodeError as error:
        place = _row(data[: error.start].decode(codec, "ignore"), header, quoted)
        got = f"the byte 0x{data[error.start]:02x} in {place}"
        raise DataError(f"{must}, got {got}; {_mend(data, codec)}") from None
    except UnicodeError as error:
        raise DataError(f"{must}, got {error}") from None
    if b"\0" in data and "\0" in text:
        place = _row(text[: text.index("\0")], header, quoted)
        raise DataError(f"{must}, got a zero character in {place}; {_mend(data, codec)}")
    return Decoded(text.removeprefix("\ufeff"), codec, _notice(name, label))


def guess_encoding(data: bytes, name: str) -> tuple[str, str]:
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
    if len(data.translate(None, _TYPOGRAPHIC)) < len(data) and _decodes(data, "cp1252"):
        return "cp1252", "Windows-1252 (Latin-1 with dashes and quotes)"
    return "latin-1", "Latin-1"


def likely_encoding(data: bytes) -> str:
    """Return the codec that `data` look like, to be named where another is wrong."""
    if b"\0" in data and not data.startswith(tuple(mark for mark, _, _ in _MARKS)):
        # what is mostly ASCII has its zeros at odd places in UTF-16-LE
        return "utf-16-le" if data[1::2].count(0) >= data[::2].count(0) else "utf-16-be"
    return guess_encoding(data, "")[0]


def _mend(data: bytes, wrong: str) -> str:
    likely = likely_encoding(data)
    other = likely if likely != wrong else "latin-1"
    return f"mend it, or name another encoding, {option('encoding', other)}"


def _notice(name: str, label: str) -> str:
    if not label:
        return ""
    if label.startswith("UTF"):
        return f"{name} is read as {label}"
    return (
        f"{name} is not valid UTF-8: read as {label}; if letters look wrong, name its encoding "
        "(--encoding)"
    )


def _plain_utf8(data: bytes) -> str | None:
    """Decode what most files are, in one pass; None of all else."""
    if b"\0" in data or data.startswith(codecs.BOM_UTF8):
        return None
    try:
        return data.decode()
    except UnicodeDecodeError:
        return None


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
    counts = _beyond_ascii(data, "utf-8")
    wrong = counts[_UNREADABLE]
    return sum(counts.values()) - wrong > 4 * wrong


def _is_nearly_gb18030(data: bytes) -> bool:
    """Whether nearly all beyond ASCII is in GB2312, where both bytes of a character are high.

    In Latin-1 a letter is mostly followed by one of ASCII, which is another character or none.
    """
    counts = _beyond_ascii(data, "gb18030")
    bytes_of = {letter: letter.encode("gb2312", "ignore") for letter in counts}
    common = sum(n for letter, n in counts.items() if bytes_of[letter])
    frequent = sum(n for letter, n in counts.items() if b"" < bytes_of[letter][:1] <= _FREQUENT)
    return common >= 0.9 * sum(counts.values()) and 2 * frequent > common


def _beyond_ascii(data: bytes, codec: str) -> Counter[str]:
    return Counter(_BEYOND_ASCII.findall(data.decode(codec, "replace")))


def _row(before: str, header: bool, quoted: bool) -> str:
    """Name the row that follows `before`; rows within quotes are one."""
    ends = before.replace("\r\n", "\n").replace("\r", "\n")
    row = 0
    for place, part in enumerate(ends.split('"') if quoted else [ends]):
        row += part.count("\n") if place % 2 == 0 else 0
    return "the header" if header and row == 0 else f"row {row + (not header)}"
