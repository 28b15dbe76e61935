"""A file or a folder is written whole or not at all."""

import errno
import os
import shutil
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from lockgate.errors import DataError
from lockgate.files import (
    DiskFullError,
    clear_half_written,
    is_half_written,
    new_file,
    new_folder,
    read_regular,
    remove_folder,
    take_room,
    told_when_full,
    write_frame,
    write_text,
)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_text_is_written_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "new" / "a.json"

    write_text(path, "Grüße\r\n−1 °C\n")
    assert path.read_bytes() == "Grüße\r\n−1 °C\n".encode()
    write_text(path, "shorter")
    assert path.read_text() == "shorter"
    assert names(path.parent) == ["a.json"]


@pytest.mark.parametrize(
    ("name", "reader"), [("a.csv", pl.read_csv), ("a.parquet", pl.read_parquet)]
)
def test_a_frame_is_written_in_the_form_of_its_name(tmp_path: Path, name: str, reader: Any) -> None:
    frame = pl.DataFrame({"ds": [1, 2], "lockgate": [0.1, None]})

    write_frame(frame, tmp_path / "new" / name)

    assert reader(tmp_path / "new" / name).equals(frame)
    assert names(tmp_path / "new") == [name]
    with pytest.raises(DataError, match=r"out must end in .csv or .parquet, got .*a\.xlsx"):
        write_frame(frame, tmp_path / "a.xlsx")


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_a_file_that_fails_leaves_the_old_one(tmp_path: Path, error: type) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")

    def write_half() -> None:
        with new_file(path) as file:
            file.write(b"half")
            assert path.read_text() == "old"
            raise error

    with pytest.raises(error):
        write_half()
    assert names(tmp_path) == ["a.txt"]
    assert path.read_text() == "old"


def test_a_file_that_cannot_take_its_place_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "taken").mkdir()

    with pytest.raises(OSError, match="taken"):
        write_text(tmp_path / "taken", "text")
    assert names(tmp_path) == ["taken"]


def test_a_folder_appears_when_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "run"

    with new_folder(path) as folder:
        (folder / "a").write_text("1")
        assert not path.exists()

    assert names(path.parent) == ["run"]
    assert (path / "a").read_text() == "1"


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_a_folder_that_fails_leaves_nothing(tmp_path: Path, error: type) -> None:
    def write_half() -> None:
        with new_folder(tmp_path / "run") as folder:
            (folder / "a").write_text("1")
            raise error

    with pytest.raises(error):
        write_half()
    assert names(tmp_path) == []


def test_an_empty_folder_is_taken(tmp_path: Path) -> None:
    path = tmp_path / "run"
    path.mkdir()

    with new_folder(path) as folder:
        (folder / "a").touch()

    assert names(path) == ["a"]


@pytest.mark.parametrize("kind", ["folder", "file"])
def test_what_is_there_is_never_replaced(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "run"
    kept = path / "precious" if kind == "folder" else path
    write_text(kept, "precious")

    def write() -> None:
        with new_folder(path) as folder:
            (folder / "a").touch()

    with pytest.raises(FileExistsError, match="run must be new or empty, and is neither"):
        write()
    assert names(tmp_path) == ["run"]
    assert kept.read_text() == "precious"


def test_a_folder_that_another_process_makes_meanwhile_is_told_of(tmp_path: Path) -> None:
    def write() -> None:
        with new_folder(tmp_path / "run") as folder:
            write_text(folder / "mine.txt", "1")
            write_text(tmp_path / "run" / "other.txt", "2")

    with pytest.raises(FileExistsError, match="was made meanwhile"):
        write()

    assert names(tmp_path) == ["run"]
    assert names(tmp_path / "run") == ["other.txt"]


def test_a_folder_is_removed_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_text(tmp_path / "run" / "deep" / "one.txt", "1")
    seen: list[Path] = []
    remove = shutil.rmtree

    def look(path: Path) -> None:
        seen.extend(tmp_path.iterdir())
        remove(path)

    monkeypatch.setattr(shutil, "rmtree", look)
    remove_folder(tmp_path / "run")

    # a kill within leaves the whole under a name that is known for a half
    assert [is_half_written(path) for path in seen] == [True]
    assert names(tmp_path) == []
    remove_folder(tmp_path / "run")
    remove_folder(tmp_path / "nowhere" / "run")
    assert names(tmp_path) == []


def test_what_killed_processes_left_of_a_path_is_cleared_and_nothing_else(tmp_path: Path) -> None:
    others = [".run.b.0123abcd", ".run.0123abcx", ".run.0123abc", "run", "run.0123abcd", ".other"]
    for name in [".run.0123abcd", ".run.ffffffff", *others]:
        (tmp_path / name).touch()
    (tmp_path / ".run.00000000").mkdir()
    write_text(tmp_path / ".run.00000000" / "one.txt", "1")

    clear_half_written(tmp_path / "run")

    assert names(tmp_path) == sorted(others)


@pytest.mark.skipif(not hasattr(os, "posix_fallocate"), reason="the system takes no room ahead")
def test_a_file_that_is_to_be_mapped_has_its_room(tmp_path: Path) -> None:
    path = tmp_path / "rows"
    with path.open("wb") as file:
        file.truncate(2**20)
    assert path.stat().st_blocks * 512 < 2**20

    take_room(path)

    assert path.stat().st_blocks * 512 >= path.stat().st_size == 2**20


@pytest.mark.parametrize("number", [errno.EOPNOTSUPP, errno.EINVAL, errno.ENOSPC])
def test_no_room_is_an_error_and_a_disk_that_cannot_tell_is_not(
    number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: int) -> None:
        raise OSError(number, os.strerror(number))

    path = tmp_path / "rows"
    path.write_bytes(b"one")
    monkeypatch.setattr(os, "posix_fallocate", fail, raising=False)

    if number == errno.ENOSPC:
        with pytest.raises(DiskFullError, match="disk is full"), told_when_full(path):
            take_room(path)
    else:
        take_room(path)


def test_names_with_dots_and_spaces_are_kept(tmp_path: Path) -> None:
    write_text(tmp_path / "a b.tar.gz", "text")

    assert names(tmp_path) == ["a b.tar.gz"]


def test_only_regular_files_are_read_and_only_so_far(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "device").symlink_to("/dev/zero")
    (tmp_path / "link").symlink_to(tmp_path / "file")
    (tmp_path / "file").write_bytes(b"1234")

    for name in ("pipe", "device"):
        with pytest.raises(DataError, match=f"{name} must be a regular file, got a folder, a pipe"):
            read_regular(tmp_path / name, 4)
    assert read_regular(tmp_path / "link", 4) == b"1234"
    with pytest.raises(DataError, match="file must be at most 3 bytes, got more"):
        read_regular(tmp_path / "file", 3)


FULL = "cannot be written, as its disk is full: make room there$"


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_is_told_by_the_name_of_what_is_written(tmp_path: Path, number: int) -> None:
    def fail(path: Path) -> None:
        with new_folder(path) as folder, new_file(folder / "a" / "b.txt") as file:
            file.write(b"half")
            raise OSError(number, os.strerror(number))

    with pytest.raises(DiskFullError, match=rf"^{tmp_path}/whole {FULL}"):
        fail(tmp_path / "whole")
    assert names(tmp_path) == []


def test_what_is_written_elsewhere_meanwhile_keeps_its_name(tmp_path: Path) -> None:
    def fail() -> None:
        with new_folder(tmp_path / "whole"), told_when_full(tmp_path / "kept"):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with pytest.raises(DiskFullError, match=rf"^{tmp_path}/kept {FULL}"):
        fail()


def test_numbers_of_numpy_are_told_as_what_they_mean(tmp_path: Path) -> None:
    def fail() -> None:
        with new_folder(tmp_path / "whole"):
            raise OSError("8268 requested and 4064 written")

    with pytest.raises(DiskFullError, match=f"^{tmp_path}/whole .*, as its disk is full or broken"):
        fail()


def test_another_error_stays_what_it_is(tmp_path: Path) -> None:
    def fail() -> None:
        with told_when_full(tmp_path):
            raise PermissionError(errno.EACCES, "no")

    with pytest.raises(PermissionError, match="no"):
        fail()
