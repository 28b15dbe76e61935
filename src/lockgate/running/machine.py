"""The machine and the versions that a result was made with."""

import os
import platform
import sys
from importlib.metadata import version
from pathlib import Path

import torch

from lockgate.errors import DataError


def environment() -> dict[str, str | int]:
    """Return versions and machine, as results and `lockgate doctor` tell them."""
    return {
        "lockgate": version("lockgate"),
        "python": platform.python_version(),
        "torch": version("torch"),
        "numpy": version("numpy"),
        "platform": platform.platform(terse=True),
        "cpu": _cpu(),
        "cores": os.cpu_count() or 1,
    }


def check_device(device: str) -> None:
    """Refuse a device that this machine does not have.

    Raises:
        DataError: With the devices that there are.
    """
    there = {
        "auto": True,
        "cpu": True,
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
    }
    known = [name for name, usable in there.items() if usable]
    if device not in known:
        raise DataError(f"device must be one that is here, {', '.join(known)}, got {device!r}")


def device_kind(device: str) -> str:
    """Return what kind of device the setting `device` means on this machine."""
    if device != "auto":
        return device
    accelerator = torch.accelerator.current_accelerator(check_available=True)
    return "cpu" if accelerator is None else accelerator.type


def _cpu() -> str:
    if sys.platform == "linux":
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
