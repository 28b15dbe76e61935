"""A zip file or a folder as a set of named files. Nothing is unpacked to the disk."""

import contextlib
import lzma
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from lockgate.errors import DataError, nearest
from lockgate.reading import tables
from lockgate.reading.tables import read_bytes

_CHUNK = 2**20
_PACKED = (".zip", ".gz", ".7z", ".rar", ".tar", ".tgz", ".bz2", ".xz")
_TABLES = (".csv", ".tsv", ".txt", ".csv.gz", ".tsv.gz", ".txt.gz")

_FAULTS = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, OSError, RuntimeError)


@dataclass(frozen=True)
class Archive:
    """Files by name. A name is a path from the archive's root, parted by `/`."""

    path: Path
    names: tuple[str, ...]
    read: Callable[[str], bytes]

    @property
    def source(self) -> str:
        """What errors call the archive."""
        return self.path.name

    @property
    def tables(self) -> tuple[str, ...]:
        """Names of the files that may be tables."""
        return tuple(name for name in self.names if name.lower().endswith(_TABLES))

    def find(self, name: str, option: str) -> str | Path:
        """Return the file that an option names: in the archive, in full or by its last part; else
        beside the archive, or where the path leads.

        Raises:
            DataError: If there is none, or several of that name.
        """
        plain = name.replace("\\", "/")
        matches = [n for n in self.names if n == plain] or [
            n for n in self.names if PurePosixPath(n).name == plain
        ]
        if len(matches) == 1:
            return matches[0]
        if matches:
            raise DataError(
                f"{option} must name one file of {self.source!r}, got {name!r}, which may be "
                f"{matches[0]!r} or {matches[1]!r}"
            )
        for path in (self.path.parent / name, Path(name)):
            if path.is_file():
                return path
        raise DataError(
            f"{option} must name a file in {self.source!r} or beside it, got {name!r}; "
            f"{nearest(plain, self.tables, 'files')}"
        )


def is_archive(source: object) -> bool:
    """Whether a path leads to a folder or a zip file."""
    if not isinstance(source, str | Path):
        return False
    path = Path(source)
    return path.is_dir() or (path.suffix.lower() == ".zip" and path.is_file())


@contextlib.contextmanager
def open_archive(path: Path) -> Iterator[Archive]:
    """Open a folder or a zip file.

    Raises:
        DataError: If it is no zip file that can be read, is encrypted, has an archive in it, or
            holds more than `read.MAX_BYTES` when unpacked.
    """
    if path.is_dir():
        path = path.resolve()
        names = sorted(p.relative_to(path).as_posix() for p in path.rglob("*") if p.is_file())
        yield Archive(path, _visible(names), lambda name: read_bytes(path / name))
        return
    try:
        file = zipfile.ZipFile(path)
    except (zipfile.BadZipFile, OSError, ValueError) as error:
        raise DataError(f"source must be a zip file, got {path.name!r}: {error}") from error
    with file:
        entries = _entries(file, path.name)
        yield Archive(path, tuple(entries), _reader(file, entries, path.name))


def _visible(names: list[str]) -> tuple[str, ...]:
    """Leave out what systems leave in folders."""
    return tuple(name for name in names if not any(map(_is_hidden, PurePosixPath(name).parts)))


def _is_hidden(part: str) -> bool:
    return part == "__MACOSX" or (part.startswith(".") and part != "..")


def _entries(file: zipfile.ZipFile, source: str) -> dict[str, zipfile.ZipInfo]:
    infos = [info for info in file.infolist() if not info.is_dir()]
    entries = {info.filename: info for info in infos}
    for info in infos:
        if info.flag_bits & 1:
            reason = f"the encrypted {info.filename!r}"
        elif info.filename.lower().endswith(_PACKED):
            reason = f"the packed {info.filename!r}"
        elif entries[info.filename] is not info:
            reason = f"{info.filename!r} twice"
        else:
            continue
        raise DataError(f"source must be a zip file of plain files, got {reason} in {source!r}")
    size = sum(info.file_size for info in infos)
    if size > tables.MAX_BYTES:
        raise DataError(_too_large(source, f"{size:,}"))
    return {name: entries[name] for name in _visible(sorted(entries))}


def _reader(
    file: zipfile.ZipFile, entries: dict[str, zipfile.ZipInfo], source: str
) -> Callable[[str], bytes]:
    """Return a function that unpacks a file; all that it unpacks is counted."""
    size = 0

    def read(name: str) -> bytes:
        nonlocal size
        chunks = []
        try:
            with file.open(entries[name]) as entry:
                while chunk := entry.read(_CHUNK):
                    size += len(chunk)
                    if size > tables.MAX_BYTES:
                        raise DataError(_too_large(source, "more"))
                    chunks.append(chunk)
        except _FAULTS as error:
            raise DataError(
                f"source must be a whole zip file, got {source!r}, of which {name!r} cannot be "
                f"read: {error}"
            ) from error
        return b"".join(chunks)

    return read


def _too_large(source: str, got: str) -> str:
    return (
        f"source must unpack to at most {tables.MAX_BYTES:,} bytes, got {got} from {source!r}; "
        "save it as Parquet"
    )
