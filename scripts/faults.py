"""What may die while a study runs, and what must be true afterwards."""

import contextlib
import json
import os
import re
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

# what differs between two runs of one study: times, and what follows from them
OF_A_RUN = {"created", "seconds", "command", "source", "workers", "test_looks", "checks"}
OF_A_RUN |= {"round_seconds", "recommendation", "words", "ray", "out"}
HALF_WRITTEN = re.compile(r"\..+\.[0-9a-f]{8}")


def numbers(value: Any) -> Any:
    """Leave out of results what may differ between two runs of one study."""
    if isinstance(value, dict):
        return {key: numbers(inner) for key, inner in value.items() if key not in OF_A_RUN}
    return [numbers(inner) for inner in value] if isinstance(value, list) else value


def results(out: Path) -> Any:
    """Return what a finished study or search tells, but for its times."""
    return numbers(json.loads((out / "results.json").read_text(encoding="utf-8")))


def half_written(out: Path) -> list[str]:
    """Return files that are there by their names and cannot be read whole."""
    broken = []
    for path in sorted(out.rglob("*.json")):
        if any(HALF_WRITTEN.fullmatch(part) for part in path.relative_to(out).parts):
            continue  # under a temporary name: nobody takes it for whole
        try:
            json.loads(path.read_text(encoding="utf-8"))
        except ValueError:
            broken.append(str(path.relative_to(out)))
    return broken


def left_over(out: Path) -> list[str]:
    """Return what is left under temporary names."""
    return sorted(
        str(path.relative_to(out)) for path in out.rglob(".*") if HALF_WRITTEN.fullmatch(path.name)
    )


def descendants(pid: int) -> list[int]:
    """Return the processes that a process has started, and those that these have."""
    children: dict[int, list[int]] = {}
    for process, parent in _parents():
        children.setdefault(parent, []).append(process)
    found, waiting = [], [pid]
    while waiting:
        own = children.get(waiting.pop(), [])
        found += own
        waiting += own
    return found


def alive(pid: int) -> bool:
    """Tell whether a process runs: one that has ended and is not yet waited for does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def kill(pid: int) -> None:
    """Kill a process at once, if it is there."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def named(pids: list[int], name: str) -> list[int]:
    """Return the processes whose command line has `name` in it."""
    return [pid for pid in pids if name in _command_line(pid)]


def _command_line(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    except OSError:
        return ""


def _parents() -> Iterator[tuple[int, int]]:
    for path in Path("/proc").iterdir():
        if path.name.isdecimal():
            try:
                told = (path / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            yield int(path.name), int(told[1])
