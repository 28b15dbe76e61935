"""What a study and a search over settings leave alike: results in a folder, words and a report."""

import json
from abc import ABC, abstractmethod
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

import polars as pl

from lockgate.errors import DataError
from lockgate.files import write_text
from lockgate.tasks.base import Fitted
from lockgate.tasks.registry import load

RESULTS = "results.json"


@dataclass(frozen=True)
class Finished(ABC):
    """Results and where they lie; `results` is the content of `results.json`."""

    results: Any
    folder: Path

    def save(self) -> None:
        """Write `results.json`."""
        text = json.dumps(self.results, indent=1, allow_nan=False, ensure_ascii=False)
        write_text(self.folder / RESULTS, text)

    @property
    def verdict(self) -> str:
        """What to do on this data, then what it rests on, in sentences, one a line."""
        return "\n".join(self.results["verdict"]["words"])

    @property
    def recommendation(self) -> str:
        """What to do on this data, in one to four sentences, one a line."""
        return "\n".join(self.results["verdict"]["recommendation"])

    @property
    def best(self) -> Fitted:
        """What is delivered: the mean of several networks, mixed with a baseline if any."""
        return load(self.folder / "fitted")

    @property
    def report_path(self) -> Path:
        """The report, one HTML file."""
        return self.folder / "report.html"

    @abstractmethod
    def table(self) -> pl.DataFrame:
        """Return a row for everything that was compared."""

    def _repr_html_(self) -> str:
        words = "".join(f"<p>{escape(line)}</p>" for line in self.verdict.splitlines())
        link = escape(self.report_path.resolve().as_uri(), quote=True)
        return f'{words}{self.table()._repr_html_()}<p><a href="{link}">report.html</a></p>'


def read_finished(folder: str | Path, what: str) -> tuple[Any, Path]:
    """Read `results.json` of a finished study or search; return its content, and its path.

    Raises:
        DataError: If `folder` holds none, or what is no JSON.
    """
    path = Path(folder) / RESULTS
    try:
        return json.loads(path.read_text(encoding="utf-8")), path
    except OSError as error:
        raise DataError(
            f"folder must hold a finished {what}, got {folder}: {error.strerror}"
        ) from None
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path} must be JSON: {error}") from None
