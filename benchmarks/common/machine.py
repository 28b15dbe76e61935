"""What figures hold for: the processor, the versions of packages, the commit."""

import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from benchmarks.common.files import ROOT


def cpu() -> str:
    """Name the processor."""
    path = Path("/proc/cpuinfo")
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def system() -> str:
    """Name the operating system and its C library."""
    return " ".join([platform.system(), platform.machine(), *platform.libc_ver()]).strip()


def installed(package: str) -> str | None:
    """Give the version of a package, None where it is not there."""
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def git(*arguments: str) -> str:
    """Give what git says of this checkout, nothing outside of one."""
    command = ["git", *arguments]
    try:
        told = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603
    except OSError:
        return ""
    return told.stdout.strip()


def commit() -> str:
    """Name the commit of this checkout."""
    return git("rev-parse", "--short=12", "HEAD")
