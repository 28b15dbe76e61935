"""A folder that is sent arrives as it was, and nowhere else."""

import os
import tempfile
from pathlib import Path

import numpy as np
import pytest

from lockgate.errors import DataError
from lockgate.running.packed import digest, pack, store, unpack, unpacked


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "sent"
    (folder / "within").mkdir(parents=True)
    (folder / "numbers.npy").write_bytes(bytes(range(256)))
    (folder / "within" / "empty").write_bytes(b"")
    return folder


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Let the data that are sent be kept in a folder of the test."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def test_what_is_packed_is_unpacked_to_the_byte(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()

    unpack(pack(folder), out)

    assert (out / "numbers.npy").read_bytes() == bytes(range(256))
    assert (out / "within" / "empty").read_bytes() == b""
    assert sorted(pack(out)) == ["numbers.npy", "within/empty"]


def test_a_name_is_that_of_names_and_contents(folder: Path) -> None:
    packed = pack(folder)
    name = digest(packed)

    assert digest(pack(folder)) == name
    assert digest({**packed, "numbers.npy": packed["numbers.npy"][:-1]}) != name
    assert digest({"a": packed["numbers.npy"]}) != digest({"b": packed["numbers.npy"]})
    # the end of one file is not the beginning of the next
    one, two = np.frombuffer(b"xy", np.uint8), np.frombuffer(b"z", np.uint8)
    assert digest({"a": one, "b": two}) != digest({"a": two, "b": one})


def test_a_folder_is_unpacked_once(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    packed = pack(folder)
    there = unpacked(packed, digest(packed))
    monkeypatch.setattr("lockgate.running.packed.new_folder", None)

    with pytest.raises(TypeError):  # as it would be written again
        unpacked(packed, "another")
    assert unpacked(packed, digest(packed)) == there


@pytest.mark.parametrize("name", ["../other", "/etc/other", "a/../../other"])
def test_no_file_leaves_its_folder(name: str, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()

    with pytest.raises(DataError, match="packed files must lie in their folder"):
        unpack({name: np.zeros(1, np.uint8)}, out)


def test_a_folder_that_others_could_write_is_not_used(temporary: Path) -> None:
    folder = store()
    assert folder.stat().st_mode & 0o777 == 0o700
    folder.chmod(0o777)
    with pytest.raises(DataError, match="must be a folder of this user alone"):
        store()
    folder.rmdir()
    (temporary / "elsewhere").mkdir(mode=0o700)
    folder.symlink_to(temporary / "elsewhere")
    with pytest.raises(DataError, match="must be a folder of this user alone"):
        store()
    assert os.listdir(temporary / "elsewhere") == []


def test_where_users_have_no_numbers_the_folder_is_in_their_temporary_one(
    temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(os, "getuid")

    folder = store()

    assert folder == temporary / "lockgate"
    folder.chmod(0o777)  # as Windows tells of every folder
    assert store() == folder
    folder.rmdir()
    folder.symlink_to(temporary)
    with pytest.raises(DataError, match="must be a folder of this user alone"):
        store()
