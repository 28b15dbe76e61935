"""Where the project is, and files that nobody finds a part of."""

import os
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs" / "benchmarks"


def write_whole(path: Path, text: str) -> None:
    """Write a file so that nobody finds a part of it."""
    with tempfile.NamedTemporaryFile(
        "w", dir=path.parent, prefix=f".{path.name}.", encoding="utf-8", delete=False
    ) as file:
        file.write(text)
    os.chmod(file.name, 0o644)
    os.replace(file.name, path)
