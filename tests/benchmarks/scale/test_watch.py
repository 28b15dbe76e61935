"""A command is watched with what it starts: its memory, its lines, its end."""

import sys

import pytest

from benchmarks.scale.watch import watch

HOLD = "import time; held = bytearray(b'x') * 60_000_000; time.sleep(0.5)"


@pytest.mark.skipif(sys.platform != "linux", reason="memory is told by /proc")
def test_memory_of_a_process_and_of_its_child_is_seen():
    child = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {HOLD!r}])"

    watched = watch([sys.executable, "-c", f"{child}; print('done', file=sys.stderr)"])

    assert 60_000_000 < watched.peak_anonymous_bytes < 150_000_000
    assert watched.peak_resident_bytes > watched.peak_anonymous_bytes
    assert [line.text for line in watched.lines] == ["done"]
    assert watched.seconds >= watched.lines[0].seconds >= 0.5


def test_a_command_that_fails_is_told_with_its_last_words():
    with pytest.raises(ChildProcessError, match=r"ended with 3: out of luck"):
        watch([sys.executable, "-c", "import sys; print('out of luck', file=sys.stderr); exit(3)"])
