"""Count how often a test part has been looked at: a test part that is looked at often teaches."""

import json
from pathlib import Path
from typing import Any

from lockgate.errors import DataError
from lockgate.files import write_text

LEDGER = "test_looks.json"


def count_look(folder: Path, fingerprint: str, what: str) -> int:
    """Enter a look at a test part in the folder's ledger and return how many it has had.

    The ledger, `test_looks.json`, lists for each test part what has looked at it. The same `what`
    is entered once, so that a resumed study does not count twice. It is replaced as a whole; two
    looks at the very same moment may be counted as one.

    Args:
        folder: Where the ledger lies; made if it does not exist.
        fingerprint: What tells this test part from others.
        what: What looks at it, for example a study's name.

    Raises:
        DataError: If there is a ledger that cannot be read.
    """
    path = folder / LEDGER
    ledger = _read(path)
    looks = ledger.setdefault(fingerprint, [])
    if what not in looks:
        looks.append(what)
        write_text(path, json.dumps(ledger, indent=1, ensure_ascii=False))
    return len(looks)


def check_ledger(folder: Path) -> None:
    """Refuse a ledger that cannot be read before any work is done that would end in it.

    Raises:
        DataError: If there is one.
    """
    _read(folder / LEDGER)


def _read(path: Path) -> dict[str, list[str]]:
    if not path.exists():
        return {}
    try:
        ledger = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise DataError(_malformed(path, str(error))) from None
    if not _is_ledger(ledger):
        raise DataError(_malformed(path, f"it holds {json.dumps(ledger)[:80]}"))
    return dict(ledger)


def _is_ledger(value: Any) -> bool:
    return isinstance(value, dict) and all(
        isinstance(looks, list) and all(isinstance(what, str) for what in looks)
        for looks in value.values()
    )


def _malformed(path: Path, reason: str) -> str:
    return (
        f"{path} must list the looks at each test part, got a file that cannot be read: {reason}. "
        "Restore it, or delete it if no look at any test part need be remembered."
    )
