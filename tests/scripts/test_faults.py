"""What a trial looks for is seen where it is."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

from faults import alive, descendants, half_written, kill, left_over, named, numbers, results


def test_results_differ_by_numbers_and_not_by_times(tmp_path: Path) -> None:
    told = {"mae": 1.5, "seconds": 3.0, "rounds": [{"mae": 2.0, "seconds": 1.0}]}
    (tmp_path / "results.json").write_text(json.dumps(told))

    assert results(tmp_path) == {"mae": 1.5, "rounds": [{"mae": 2.0}]}
    assert numbers({**told, "mae": 1.6}) != results(tmp_path)


def test_what_looks_whole_and_is_not_is_told(tmp_path: Path) -> None:
    (tmp_path / "rounds").mkdir()
    (tmp_path / "rounds" / "fit.json").write_text('{"rung": "ls')
    (tmp_path / "whole.json").write_text("{}")
    temporary = tmp_path / ".fitted.0123abcd"
    temporary.mkdir()
    (temporary / "fit.json").write_text('{"half')

    assert half_written(tmp_path) == ["rounds/fit.json"]
    assert left_over(tmp_path) == [".fitted.0123abcd"]


def test_processes_of_processes_are_found_and_killed() -> None:
    script = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'input()', 'the-last'])"
    with subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE) as first:
        until = time.monotonic() + 20
        while not (own := named(descendants(first.pid), "the-last")) and time.monotonic() < until:
            time.sleep(0.05)
        assert len(own) == 1
        assert own[0] in descendants(os.getpid())
        assert alive(own[0])

        kill(own[0])
        first.wait()

        assert not alive(own[0])
        kill(own[0])  # of one that is gone nothing comes
