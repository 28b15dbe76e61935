"""A zip or tar file or a folder as a set of named files. Nothing is unpacked to the disk."""

import contextlib
import io
import lzma
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Container, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from lockgate.errors import DataError, nearest, quoted
from lockgate.reading.tables import most_bytes, read_bytes, too_large

_CHUNK = 2**20
_PACKED = (".zip", ".gz", ".7z", ".rar", ".tar", ".tgz", ".bz2", ".xz")
_TABLES = (".csv", ".tsv", ".txt", ".csv.gz", ".tsv.gz", ".txt.gz")

TARS = (".tar", ".tar.gz", ".tgz")
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
                f"{option} must name one file of {quoted(self.source)}, got {quoted(name)}, "
                f"which may be "
                f"{quoted(matches[0])} or {quoted(matches[1])}"
            )
        for path in (self.path.parent / name, Path(name)):
            if path.is_file():
                return path
        raise DataError(
            f"{option} must name a file in {quoted(self.source)} or beside it, got {quoted(name)}; "
            f"{nearest(plain, self.tables, 'files')}"
        )


def is_archive(source: object) -> bool:
    """Whether a path leads to a folder or a zip or tar file."""
    if not isinstance(source, str | Path):
        return False
    path = Path(source)
    return path.is_dir() or (path.name.lower().endswith((".zip", *TARS)) and path.is_file())


@contextlib.contextmanager
def open_archive(path: Path) -> Iterator[Archive]:
    """Open a folder or a zip or tar file.

    Raises:
        DataError: If it is no zip or tar file that can be read, is encrypted, has an archive, a
            link or a device in it, or holds more than `tables.most_bytes` when unpacked.
    """
    if path.is_dir():
        path = path.resolve()
        names = sorted(p.relative_to(path).as_posix() for p in path.rglob("*") if p.is_file())
        yield Archive(path, visible(names), lambda name: read_bytes(path / name))
        return
    if path.name.lower().endswith(TARS):
        yield _tar(path)
        return
    try:
        file = zipfile.ZipFile(path)
    # of a version to come zipfile raises NotImplementedError
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise DataError(f"source must be a zip file, got {quoted(path.name)}: {error}") from error
    with file:
        packed = path.stat().st_size
        entries = _entries(file, path.name, packed)
        yield Archive(path, tuple(entries), _reader(file, entries, path.name, packed))


def _tar(path: Path) -> Archive:
    """Read a tar file; sizes in it cannot lie, as each file's bytes lie behind its name."""
    entries: dict[str, slice] = {}
    size = path.stat().st_size
    if size > (most := most_bytes(size)):
        raise DataError(too_large(path.name, f"{size:,}", most))
    try:
        # its headers are read whole, and may be as long as all that is unpacked
        data = read_bytes(path)
        with tarfile.open(fileobj=io.BytesIO(data), mode="r:", errors="replace") as file:
            for member in file:
                if member.isdir():
                    continue
                name = PurePosixPath(member.name).as_posix()
                if reason := _why_not_plain(member, name, entries):
                    raise DataError(
                        f"source must be a tar file of plain files, got {reason} in "
                        f"{quoted(path.name)}"
                    )
                entries[name] = slice(member.offset_data, member.offset_data + member.size)
    except (tarfile.TarError, EOFError, ValueError, OverflowError) as error:
        if isinstance(error, DataError):
            raise
        raise DataError(
            f"source must be a whole tar file, got {quoted(path.name)}: {error}"
        ) from error
    names = visible(sorted(entries))
    return Archive(path, names, lambda name: data[entries[name]])


def _why_not_plain(member: tarfile.TarInfo, name: str, others: Container[str]) -> str | None:
    if member.type not in (tarfile.REGTYPE, tarfile.AREGTYPE) or member.sparse is not None:
        return f"the link, device or sparse file {quoted(name)}"
    if name.lower().endswith(_PACKED):
        return f"the packed {quoted(name)}"
    return f"{quoted(name)} twice" if name in others else None


def visible(names: list[str]) -> tuple[str, ...]:
    """Leave out what systems leave in folders."""
    return tuple(name for name in names if not any(map(_is_hidden, PurePosixPath(name).parts)))


def _is_hidden(part: str) -> bool:
    return part == "__MACOSX" or (part.startswith(".") and part != "..")


def _entries(file: zipfile.ZipFile, source: str, packed: int) -> dict[str, zipfile.ZipInfo]:
    # is_dir fails on a name that is empty
    infos = [info for info in file.infolist() if info.filename and not info.is_dir()]
    entries = {info.filename: info for info in infos}
    for info in infos:
        if info.flag_bits & 1:
            reason = f"the encrypted {quoted(info.filename)}"
        elif info.filename.lower().endswith(_PACKED):
            reason = f"the packed {quoted(info.filename)}"
        elif entries[info.filename] is not info:
            reason = f"{quoted(info.filename)} twice"
        else:
            continue
        raise DataError(
            f"source must be a zip file of plain files, got {reason} in {quoted(source)}"
        )
    size = sum(info.file_size for info in infos)
    most = most_bytes(packed)
    if size > most:
        raise DataError(too_large(source, f"{size:,}", most))
    return {name: entries[name] for name in visible(sorted(entries))}


def _reader(
    file: zipfile.ZipFile, entries: dict[str, zipfile.ZipInfo], source: str, packed: int
) -> Callable[[str], bytes]:
    """Return a function that unpacks a file; all that it unpacks is counted."""
    size = 0

    def read(name: str) -> bytes:
        nonlocal size
        most = most_bytes(packed)
        chunks = []
        try:
            with file.open(entries[name]) as entry:
                while chunk := entry.read(_CHUNK):
                    size += len(chunk)
                    if size > most:
                        raise DataError(too_large(source, "more", most))
                    chunks.append(chunk)
        except _FAULTS as error:
            raise DataError(
                f"source must be a whole zip file, got {quoted(source)}, of which "
                f"{quoted(name)} cannot be "
                f"read: {error}"
            ) from error
        return b"".join(chunks)

    return read
