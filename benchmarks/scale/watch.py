"""Run a command and watch the memory of its process and of those that it starts."""

import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

INTERVAL_SECONDS = 0.02
_KINDS = ("RssAnon", "RssShmem", "VmHWM")


class Line(NamedTuple):
    """A line that the command wrote to its standard error."""

    seconds: float
    """Since it was started."""
    text: str


class Watched(NamedTuple):
    """What a command took."""

    seconds: float
    peak_anonymous_bytes: int
    """Most that its processes held at once of memory that no file backs, shared memory included."""
    peak_resident_bytes: int
    """Most that they held in all; pages of files that are mapped count, which the system takes back
    when others need the memory."""
    peak_at_seconds: float
    """When the first of both was reached."""
    lines: tuple[Line, ...]


def watch(command: Sequence[str]) -> Watched:
    """Run a command to its end.

    Raises:
        ChildProcessError: If it fails; the message is the end of what it wrote.
    """
    began = time.perf_counter()
    process = subprocess.Popen(  # noqa: S603
        list(command), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    lines: list[Line] = []
    reader = threading.Thread(target=_read, args=(process, began, lines), daemon=True)
    reader.start()
    anonymous = resident = 0
    at = 0.0
    while process.poll() is None:
        held = [memory_of(one) for one in family(process.pid)]
        now = sum(each["RssAnon"] + each["RssShmem"] for each in held)
        if now > anonymous:
            anonymous, at = now, time.perf_counter() - began
        resident = max(resident, sum(each["VmHWM"] for each in held))
        time.sleep(INTERVAL_SECONDS)
    seconds = time.perf_counter() - began
    reader.join()
    if process.returncode:
        told = "\n".join(line.text for line in lines[-20:])
        raise ChildProcessError(f"{' '.join(command)} ended with {process.returncode}: {told}")
    return Watched(seconds, anonymous, resident, at, tuple(lines))


def memory_of(process: int) -> dict[str, int]:
    """Return bytes by kind, as Linux tells them of a process; noughts of one that is gone."""
    found = dict.fromkeys(_KINDS, 0)
    try:
        status = Path(f"/proc/{process}/status").read_text(encoding="ascii", errors="replace")
    except OSError:
        return found
    for line in status.splitlines():
        kind, _, value = line.partition(":")
        if kind in found:
            found[kind] = int(value.split()[0]) * 1024
    return found


def family(process: int) -> list[int]:
    """Return a process and all that it started, and these in turn."""
    found = [process]
    for one in found:
        for children in Path(f"/proc/{one}/task").glob("*/children"):
            try:
                found += map(int, children.read_text(encoding="ascii").split())
            except OSError:  # it has ended meanwhile
                continue
    return found


def _read(process: "subprocess.Popen[str]", began: float, lines: list[Line]) -> None:
    assert process.stderr is not None
    with process.stderr as told:
        for text in told:
            lines.append(Line(time.perf_counter() - began, text.rstrip()))
            sys.stderr.write(text)
