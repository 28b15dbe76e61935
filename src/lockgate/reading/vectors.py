"""Vectors of words from the text files of GloVe, word2vec and fastText, read line by line."""

import contextlib
import gzip
import lzma
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import IO, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from lockgate.errors import DataError, count_of, listed, quoted
from lockgate.files import check_regular, memory_at_hand
from lockgate.reading.archive import visible

Stream: TypeAlias = IO[bytes] | gzip.GzipFile

_LONGEST_LINE = 2**20  # bytes: of a file without lines no more is read
_PACKED_FAULTS = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, OSError, RuntimeError)
_TEXT_FORM = (
    "a text file of a word and its numbers on each line, as GloVe, word2vec (binary=False) and "
    "fastText (.vec) write them"
)
_MARK = b"\xef\xbb\xbf"


class WordVectors(NamedTuple):
    """The vectors that a file has of some words."""

    values: npt.NDArray[np.float32]  # (words, width); NaN where the file has no such word
    source: str
    rows: int
    """Vectors in the file."""
    told: int | None
    """How many its header says there are; None without a header."""

    @property
    def width(self) -> int:
        """Numbers of a vector."""
        return int(self.values.shape[1])

    @property
    def found(self) -> npt.NDArray[np.bool_]:
        """Which words the file has, `(words,)`."""
        return ~np.isnan(self.values[:, 0])


def read_vectors(
    path: Path, words: Sequence[str], *, lowercase: bool = False, width: int | None = None
) -> WordVectors:
    """Read the vectors of some words; no others are kept, whatever the size of the file.

    The first vector of a word counts. A file may be packed with gzip, or be the one file of a zip.

    Args:
        path: A text file: on each line a word and as many numbers, parted by blanks; a first line
            of two integers tells how many vectors of how many numbers follow.
        words: The words that are looked for.
        lowercase: Whether a word that the file does not have as it is takes the first vector that
            is of it but for capital letters.
        width: Numbers that a vector must have. Default: any.

    Raises:
        DataError: If it is no such file, a line has more or fewer numbers than the first, a number
            is not finite, or the vectors do not fit into memory.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = Path(folder) / "small.txt"
        ...     _ = path.write_text("good 1 2\\nbad -1 0.5\\n")
        ...     vectors = read_vectors(path, ["bad", "new"])
        >>> vectors.values.tolist(), vectors.found.tolist(), vectors.rows
        ([[-1.0, 0.5], [nan, nan]], [True, False], 2)
    """
    with _opened(path) as file:
        lines = _lines(file, path.name)
        first = next(lines, None)
        if first is None:
            raise DataError(f"vectors must be {_TEXT_FORM}, got the empty {quoted(path.name)}")
        told, found = _header(first), 0
        if told is None:
            lines, found = chain([first], lines), _width_of(first, path.name)
        elif told[1] < 1:
            raise DataError(_no_vectors(path.name, first))
        own = found if told is None else told[1]
        if width is not None and own != width:
            raise WidthError(path.name, own, width)
        _check_memory(len(words), own, path.name)
        taker = _Taker(words, own, lowercase, path.name)
        for line in lines:
            taker.take(line)
    return WordVectors(taker.values(), path.name, taker.rows, None if told is None else told[0])


class WidthError(DataError):
    """Vectors have another width than was asked for; `got` is theirs."""

    def __init__(self, source: str, got: int, width: int) -> None:
        super().__init__(f"vectors must have {width} numbers, got {got} in {quoted(source)}")
        self.source, self.got = source, got


class _Taker:
    """Takes from lines the vectors of some words."""

    def __init__(self, words: Sequence[str], width: int, lowercase: bool, source: str) -> None:
        self.rows = 0
        self._places: Mapping[bytes, int] = {
            word.encode(errors="surrogatepass"): place for place, word in enumerate(words)
        }
        self._width, self._lowercase, self._source = width, lowercase, source
        self._exact = np.full((len(words), width), np.nan, dtype=np.float32)
        self._other = np.full((len(words) if lowercase else 0, width), np.nan, dtype=np.float32)

    def values(self) -> npt.NDArray[np.float32]:
        """Return what was found: of each word its own vector before that of another spelling."""
        if not self._lowercase:
            return self._exact
        return np.where(np.isnan(self._exact), self._other, self._exact)

    def take(self, line: bytes) -> None:
        self.rows += 1
        # a word may hold blanks: its numbers are the last of the line
        fields = line.rsplit(b" ", self._width)
        if len(fields) <= self._width or (b" " in fields[0] and _all_numbers(fields[0])):
            _refuse_binary(line, self._source)
            numbers = len(line.split(b" ")) - 1
            raise DataError(
                f"vectors must have {count_of(self._width, 'number')} in every row, as the first "
                f"of {quoted(self._source)}, got {numbers:,} in row {self.rows:,}: the file is "
                "damaged or not whole; load it anew"
            )
        into, place = self._exact, self._places.get(fields[0])
        if place is None and self._lowercase:
            into, word = self._other, fields[0].decode(errors="replace").lower()
            place = self._places.get(word.encode())
        if place is not None and np.isnan(into[place, 0]):
            into[place] = self._numbers(fields[1:])

    def _numbers(self, fields: list[bytes]) -> npt.NDArray[np.float32]:
        numbers = _parsed(fields)
        if numbers is None or not np.isfinite(numbers).all():
            raise DataError(
                f"vectors must be of finite numbers, got others in row {self.rows:,} of "
                f"{quoted(self._source)}: the file is damaged; load it anew"
            )
        return numbers


def _parsed(fields: Sequence[bytes]) -> npt.NDArray[np.float32] | None:
    try:
        with np.errstate(over="ignore"):
            return np.array([float(one) for one in fields], dtype=np.float32)
    except ValueError:
        return None


def _all_numbers(words: bytes) -> bool:
    """Tell whether all that stands before a row's numbers but its first word are numbers too."""
    return _parsed(words.split(b" ")[1:]) is not None


def _header(line: bytes) -> tuple[int, int] | None:
    """Return how many vectors of how many numbers follow, if the first line says so."""
    fields = line.split(b" ")
    if len(fields) != 2 or not all(one.isdigit() and len(one) < 16 for one in fields):
        return None
    return int(fields[0]), int(fields[1])


def _width_of(line: bytes, source: str) -> int:
    fields = line.split(b" ")
    if len(fields) < 2 or _parsed(fields[1:]) is None:
        _refuse_binary(line, source)
        raise DataError(_no_vectors(source, line))
    return len(fields) - 1


def _refuse_binary(line: bytes, source: str) -> None:
    try:
        line.decode()
    except UnicodeDecodeError:
        raise DataError(_binary(source)) from None


def _binary(source: str) -> str:
    return (
        f"vectors must be {_TEXT_FORM}, got {quoted(source)}, which is binary; gensim's "
        "save_word2vec_format(path) writes word2vec as text, and fastText's text ends with .vec"
    )


def _no_vectors(source: str, line: bytes) -> str:
    start = quoted(line[:200].decode(errors="replace"))
    return f"vectors must be {_TEXT_FORM}, got {quoted(source)}, which begins with {start}"


def _check_memory(words: int, width: int, source: str) -> None:
    # twice: those of other spellings are kept beside
    size, most = 2 * 4 * words * width, memory_at_hand() // 2
    if size > most:
        raise DataError(
            f"vectors must fit into half of the free memory, {most:,} bytes, got {size:,} bytes "
            f"for {count_of(words, 'word')} of {width:,} numbers in {quoted(source)}; take "
            "narrower vectors, or fewer words (--set vocab_size=5000)"
        )


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[Stream]:
    """Open a file, or what is packed in it, as a stream of bytes."""
    with contextlib.ExitStack() as stack:
        try:
            check_regular(path)
            file: Stream = stack.enter_context(path.open("rb"))
            start = file.read(4)
            file.seek(0)
            if start[:2] == b"\x1f\x8b":
                file = stack.enter_context(gzip.open(file))
            elif start == b"PK\x03\x04":
                file = stack.enter_context(
                    _member(stack.enter_context(zipfile.ZipFile(file)), path)
                )
        except DataError as error:
            raise DataError(f"vectors: {error}") from None
        except (*_PACKED_FAULTS, NotImplementedError) as error:
            raise DataError(_unreadable(path.name, error)) from None
        yield file


def _member(archive: zipfile.ZipFile, path: Path) -> IO[bytes]:
    """Open the one file of a zip."""
    names = visible([one.filename for one in archive.infolist() if not one.is_dir()])
    if len(names) != 1:
        some = f"{len(names)} ({listed(names)})" if names else "none"
        raise DataError(
            f"{quoted(path.name)} must hold one file, got {some}; unpack the one that you mean and "
            "pass its path"
        )
    return archive.open(names[0])


def _lines(file: Stream, source: str) -> Iterator[bytes]:
    """Yield the lines that hold anything, with single blanks and without their ends."""
    first = True
    while True:
        try:
            line = file.readline(_LONGEST_LINE)
        except _PACKED_FAULTS as error:
            raise DataError(_unreadable(source, error)) from None
        if not line:
            return
        if len(line) == _LONGEST_LINE or b"\0" in line:
            raise DataError(_binary(source))
        if first:
            line, first = line.removeprefix(_MARK), False
        # the end of a word2vec line is a blank; other blanks than these may be part of a word
        line = line.rstrip(b" \t\r\n").replace(b"\t", b" ")
        if line:
            yield line


def _unreadable(source: str, error: BaseException) -> str:
    reason = getattr(error, "strerror", None) or " ".join(str(error).split())
    return f"vectors must be a whole file that can be read, got {quoted(source)}: {reason}"
