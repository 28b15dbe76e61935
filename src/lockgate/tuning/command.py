"""The command line that repeats a search."""

from typing import Any

from lockgate.studies.command import command_of
from lockgate.studies.plan import Plan
from lockgate.tuning.spelling import spelled


def command(plan: Plan) -> str:
    """Return the `lockgate tune` command of a plan, the space written out.

    What is in memory has no file to name: for it, the call in Python is returned.
    """

    def options(space: dict[str, Any]) -> list[str]:
        return [word for path, one in space.items() for word in ("--space", spelled(path, one))]

    return command_of(plan, "tune", {"tune": ("space", options)})
