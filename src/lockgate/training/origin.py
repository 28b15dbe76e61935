"""Where a fit is computed, as far as the last bits of its weights depend on it."""

import logging
import os
from collections.abc import Iterable
from pathlib import Path

import torch
from pydantic import BaseModel, ConfigDict, ValidationError
from safetensors import SafetensorError, safe_open

from lockgate.errors import listed
from lockgate.ops import kernels
from lockgate.training.group import here

LOG = logging.getLogger(__name__)
ENTRY = "origin"
"""Of the header of a checkpoint."""


class Origin(BaseModel):
    """What is the same where a fit gives the same weights to the bit.

    Example:
        >>> there = Origin(torch="2.13.0", threads=4, instructions="torch AVX2, kernels avx2")
        >>> there.differences(there.model_copy(update={"threads": 1}))
        ['threads: 4 there and 1 here']
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    torch: str
    threads: int
    instructions: str
    """The instruction sets of torch and of our kernels, or the backend that is forced."""
    processes: int = 1
    """That train together, and add up their gradients."""

    @staticmethod
    def here(threads: int | None = None) -> "Origin":
        """Tell it of this machine; `threads` are those that torch has, unless told."""
        forced, status = os.environ.get("LOCKGATE_BACKEND"), kernels.status()
        own = "no kernels" if status is None else f"kernels {status.instruction_set}"
        return Origin(
            torch=torch.__version__,
            threads=torch.get_num_threads() if threads is None else threads,
            instructions=f"torch {torch.backends.cpu.get_cpu_capability()}, "
            + (f"backend {forced}" if forced else own),
            processes=here().size,
        )

    def differences(self, here: "Origin") -> list[str]:
        """Say in which entries another origin differs."""
        there, others = self.model_dump(), here.model_dump()
        return [
            f"{name}: {value} there and {others[name]} here"
            for name, value in there.items()
            if value != others[name]
        ]


def warn_if_elsewhere(checkpoints: Iterable[Path], threads: int | None = None) -> None:
    """Warn, in one sentence, where fits go on that were begun under another origin.

    Args:
        checkpoints: Their files; those that are not there are of fits that begin.
        threads: On which each of them is computed here; None for those that torch has now.
    """
    found = [origin for path in checkpoints if (origin := _read(path)) is not None]
    here = Origin.here(threads)
    told = [difference for origin in found for difference in origin.differences(here)]
    if told:
        LOG.warning(
            "note: what was begun elsewhere goes on here (%s): its weights may differ in their "
            "last bits from those of a run that was not stopped",
            listed(dict.fromkeys(told)),
        )


def _read(path: Path) -> Origin | None:
    """Return the origin in a checkpoint; None where there is none, or no whole one.

    What is damaged, or of another format, is refused when the fit goes on.
    """
    if not path.is_file():
        return None
    try:
        with safe_open(path, framework="pt") as file:
            return Origin.model_validate_json((file.metadata() or {}).get(ENTRY, ""))
    except (OSError, SafetensorError, ValidationError):
        return None
