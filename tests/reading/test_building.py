"""What killed processes were building is cleared, and nothing that is being built."""

import subprocess
import sys
from pathlib import Path

import pytest

from lockgate.reading.building import LOCK, building

pytest.importorskip("fcntl", reason="the system has no such locks")

KILLED = """
import os, signal, sys
from pathlib import Path
from lockgate.reading.building import building

with building(Path(sys.argv[1])) as folder:
    (folder / "rows").write_text("many")
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_what_a_killed_process_was_building_is_cleared_by_the_next(tmp_path: Path) -> None:
    other = tmp_path / ".run.0123abcd"  # of something else, that has no lock
    other.mkdir()
    killed = subprocess.run([sys.executable, "-c", KILLED, tmp_path / "one"], check=False)
    assert killed.returncode < 0
    [left] = set(tmp_path.iterdir()) - {other}
    assert (left / "rows").exists()

    with building(tmp_path / "two") as folder:
        assert set(tmp_path.iterdir()) == {other, folder}
        (folder / "rows").write_text("many")

    assert {path.name for path in (tmp_path / "two").iterdir()} == {"rows", LOCK}


def test_what_is_being_built_is_left_alone(tmp_path: Path) -> None:
    with building(tmp_path / "one") as one:
        with building(tmp_path / "two") as two:
            assert one.exists()
        assert not two.exists()

    assert sorted(path.name for path in tmp_path.iterdir()) == ["one", "two"]


def test_what_fails_leaves_nothing(tmp_path: Path) -> None:
    def fail() -> None:
        with building(tmp_path / "one"):
            raise KeyError("x")

    with pytest.raises(KeyError):
        fail()

    assert list(tmp_path.iterdir()) == []
