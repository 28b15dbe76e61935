"""A zip file is data with limits, and a folder is read as a zip file is."""

import io
import struct
import tarfile
import zipfile
from pathlib import Path

import pytest

from lockgate.errors import DataError
from lockgate.reading import tables as reading
from lockgate.reading.archive import is_archive, open_archive

FILES = {"in/a.csv": b"x\n1\n", "in/b.csv": b"x\n2\n", "more/b.csv": b"x\n3\n", "a.jpg": b"\xff"}


def zipped(path: Path, files: dict[str, bytes], **options: int) -> Path:
    with zipfile.ZipFile(path, "w", **options) as file:
        for name, data in files.items():
            file.writestr(name, data)
    return path


def tarred(path: Path, files: dict[str, bytes], kind: bytes = tarfile.REGTYPE) -> Path:
    with tarfile.open(path, "w" if path.suffix == ".tar" else "w:gz") as file:
        for name, data in files.items():
            member = tarfile.TarInfo(f"./{name}")
            member.size, member.type, member.linkname = len(data), kind, "/etc/passwd"
            file.addfile(member, io.BytesIO(data))
    return path


def spread(path: Path, files: dict[str, bytes]) -> Path:
    for name, data in files.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(data)
    return path


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_LZMA])
def test_zip_and_folder_hold_the_same(tmp_path: Path, method: int) -> None:
    junk = {"__MACOSX/in/._a.csv": b"?", "in/.hidden": b"?", ".git/x.csv": b"?"}
    every = {**FILES, **junk}
    sources = [
        zipped(tmp_path / "all.ZIP", every, compression=method),
        tarred(tmp_path / "all.tar", every),
        tarred(tmp_path / "all.TAR.GZ", every),
        tarred(tmp_path / "all.tgz", every),
        spread(tmp_path / "all", every),
    ]

    for source in sources:
        assert is_archive(source)
        with open_archive(source) as archive:
            assert {name: archive.read(name) for name in archive.names} == FILES
            assert archive.tables == ("in/a.csv", "in/b.csv", "more/b.csv")
            assert archive.source == source.name


def test_what_is_neither_folder_nor_zip_is_no_archive(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"x")

    assert not is_archive(tmp_path / "a.csv")
    assert not is_archive(tmp_path / "absent.zip")
    assert not is_archive([1])


def test_file_is_found_in_the_archive_or_beside_it(tmp_path: Path) -> None:
    beside = tmp_path / "labels.csv"
    beside.write_bytes(b"x")

    with open_archive(zipped(tmp_path / "all.zip", FILES)) as archive:
        assert archive.find("in/b.csv", "labels") == "in/b.csv"
        assert archive.find("in\\b.csv", "labels") == "in/b.csv"
        assert archive.find("a.csv", "labels") == "in/a.csv"
        assert archive.find("labels.csv", "labels") == beside
        assert archive.find(str(beside), "labels") == beside
        with pytest.raises(
            DataError, match=r"group must name one file .* 'in/b.csv' or 'more/b.cs"
        ):
            archive.find("b.csv", "group")
        with pytest.raises(
            DataError, match=r"group must name a file in 'all.zip' or beside it, got"
        ):
            archive.find("c.csv", "group")


def test_nothing_is_written_for_a_name_that_leads_out(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    path = zipped(tmp_path / "in" / "all.zip", {"../out.csv": b"x\n1\n", "/etc/out.csv": b"x\n"})

    with open_archive(path) as archive:
        assert archive.read("../out.csv") == b"x\n1\n"

    assert [p.name for p in tmp_path.rglob("*")] == ["in", "all.zip"]


def encrypted(path: Path) -> Path:
    data = bytearray(zipped(path, {"a.csv": b"x"}).read_bytes())
    data[6] |= 1
    data[data.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(data)
    return path


def twice(path: Path) -> Path:
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("a.csv", b"x")
        with pytest.warns(UserWarning, match="Duplicate"):
            file.writestr("a.csv", b"y")
    return path


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            encrypted,
            "source must be a zip file of plain files, got the encrypted 'a.csv' in 'z.zip'",
        ),
        (twice, "source must be a zip file of plain files, got 'a.csv' twice in 'z.zip'"),
        (lambda p: zipped(p, {"b.zip": b""}), "got the packed 'b.zip' in 'z.zip'"),
        (lambda p: zipped(p, {"b.csv.GZ": b""}), "got the packed 'b.csv.GZ' in 'z.zip'"),
    ],
    ids=["encrypted", "twice", "zip", "gz"],
)
def test_zip_file_that_is_not_plain_raises(tmp_path: Path, make, message: str) -> None:
    path = make(tmp_path / "z.zip")

    with pytest.raises(DataError, match=message), open_archive(path):
        pass


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04", b"x" * 100, b"PK\x05\x06" + b"\xff" * 18])
def test_what_is_no_zip_file_raises(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "z.zip").write_bytes(data)

    with (
        pytest.raises(DataError, match=r"source must be a zip file, got 'z.zip'"),
        open_archive(tmp_path / "z.zip"),
    ):
        pass


def test_damaged_file_raises(tmp_path: Path) -> None:
    path = zipped(tmp_path / "z.zip", {"a.csv": b"x" * 100})
    path.write_bytes(path.read_bytes().replace(b"xxx", b"xyx", 1))

    with (
        open_archive(path) as archive,
        pytest.raises(DataError, match=r"whole zip file, got 'z.zip', of which 'a.csv' cannot"),
    ):
        archive.read("a.csv")


def test_all_that_is_unpacked_is_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = {f"{i}.csv": bytes(600) for i in range(3)}
    path = zipped(tmp_path / "z.zip", files, compression=zipfile.ZIP_DEFLATED)
    monkeypatch.setattr(reading, "memory_at_hand", lambda: 2 * 1500)

    with (
        pytest.raises(
            DataError, match=r"must unpack to at most 1,500 bytes, got 1,800 from 'z.zip'"
        ),
        open_archive(path),
    ):
        pass


def test_sizes_that_lie_are_found_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = zipped(tmp_path / "z.zip", {"a.csv": bytes(5000)}, compression=zipfile.ZIP_DEFLATED)
    data = path.read_bytes().replace(struct.pack("<L", 5000), struct.pack("<L", 10))
    path.write_bytes(data)
    monkeypatch.setattr(reading, "memory_at_hand", lambda: 2 * 1500)

    with open_archive(path) as archive, pytest.raises(DataError, match=r"z.zip"):
        archive.read("a.csv")


def test_what_one_file_leaves_is_all_that_others_have(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = {f"{i}.csv": bytes(600) for i in range(2)}

    with open_archive(zipped(tmp_path / "z.zip", files)) as archive:
        monkeypatch.setattr(reading, "memory_at_hand", lambda: 2 * 1000)
        archive.read("0.csv")

        with pytest.raises(DataError, match="must unpack to at most 1,000 bytes, got more"):
            archive.read("1.csv")


def test_a_member_without_a_name_is_passed_over(tmp_path: Path) -> None:
    path = zipped(tmp_path / "z.zip", {"n.csv": b"x\n1\n", "a.csv": b"x\n2\n"})
    data = path.read_bytes()
    # the directory at the end gives the first member a name of no letter, and five of comment
    place = data.index(b"PK\x01\x02")
    named = data[place : place + 28] + b"\0\0" + data[place + 30 : place + 32] + b"\5\0"
    path.write_bytes(data[:place] + named + data[place + 34 :])

    with open_archive(path) as archive:
        assert archive.names == ("a.csv",)


def test_a_zip_file_of_a_version_to_come_is_refused(tmp_path: Path) -> None:
    path = zipped(tmp_path / "z.zip", {"a.csv": b"x\n1\n"})
    data = path.read_bytes()
    place = data.index(b"PK\x01\x02")
    path.write_bytes(data[: place + 6] + b"\x95" + data[place + 7 :])

    with (
        pytest.raises(DataError, match=r"got 'z.zip': zip file version 14.9"),
        open_archive(path),
    ):
        pass


@pytest.mark.parametrize(
    ("kind", "name", "reason"),
    [
        (tarfile.SYMTYPE, "a.csv", "the link, device or sparse file 'a.csv' in 't.tgz'"),
        (tarfile.LNKTYPE, "a.csv", "the link, device or sparse file 'a.csv'"),
        (tarfile.CHRTYPE, "a.csv", "the link, device or sparse file 'a.csv'"),
        (tarfile.FIFOTYPE, "a.csv", "the link, device or sparse file 'a.csv'"),
        (tarfile.REGTYPE, "in/a.zip", "the packed 'in/a.zip'"),
    ],
    ids=["symlink", "link", "device", "pipe", "packed"],
)
def test_tar_file_that_is_not_plain_raises(
    tmp_path: Path, kind: bytes, name: str, reason: str
) -> None:
    path = tarred(tmp_path / "t.tgz", {name: b""}, kind)

    with pytest.raises(DataError, match=f"a tar file of plain files, got {reason}"):
        open_archive(path).__enter__()


def test_tar_file_that_names_a_file_twice_raises(tmp_path: Path) -> None:
    path = tmp_path / "t.tar"
    with tarfile.open(path, "w") as file:
        for _ in range(2):
            file.addfile(tarfile.TarInfo("a.csv"))

    with pytest.raises(DataError, match=r"got 'a.csv' twice in 't.tar'"):
        open_archive(path).__enter__()


def test_what_is_no_whole_tar_file_raises(tmp_path: Path) -> None:
    whole = tarred(tmp_path / "w.tar", {"a.csv": bytes(5000)}).read_bytes()
    for data in (b"", b"x" * 2000, whole[:3000]):
        (tmp_path / "t.tar").write_bytes(data)
        with pytest.raises(DataError, match=r"source must be a whole tar file, got 't.tar'"):
            open_archive(tmp_path / "t.tar").__enter__()
    packed = tarred(tmp_path / "t.tgz", {"a.csv": bytes(5000)})
    packed.write_bytes(packed.read_bytes()[:-20])
    with pytest.raises(DataError, match=r"source must be a whole gzip file, got 't.tgz'"):
        open_archive(packed).__enter__()


def test_tar_file_that_unpacks_to_too_much_raises(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = [tarred(tmp_path / name, {"a.csv": bytes(50_000)}) for name in ("t.tar", "t.tgz")]
    monkeypatch.setattr(reading, "memory_at_hand", lambda: 2 * 1500)

    for path in paths:
        with pytest.raises(DataError, match=r"must unpack to at most 1,500 bytes, got .* 't.t"):
            open_archive(path).__enter__()
