"""What a study found, as its folder holds it."""

import json
from dataclasses import dataclass
from html import escape
from pathlib import Path

import polars as pl

from lockgate.errors import DataError
from lockgate.files import write_text
from lockgate.tasks.base import Fitted
from lockgate.tasks.registry import load
from lockgate.tasks.results import Results, checked_results


@dataclass(frozen=True)
class StudyResult:
    """The results of a study and where they lie.

    `results` is the content of `results.json`: everything that the report shows.
    """

    results: Results
    folder: Path

    @classmethod
    def load(cls, folder: Path) -> "StudyResult":
        """Read the results of a finished study.

        Raises:
            DataError: If `folder` holds none, or those of another format.
        """
        path = folder / "results.json"
        try:
            text = path.read_text(encoding="utf-8")
        except OSError as error:
            raise DataError(
                f"folder must hold a finished study, got {folder}: {error.strerror}"
            ) from None
        try:
            content = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise DataError(f"{path} must be JSON: {error}") from None
        return cls(checked_results(content, path), folder)

    def save(self) -> None:
        """Write `results.json`."""
        text = json.dumps(self.results, indent=1, allow_nan=False, ensure_ascii=False)
        write_text(self.folder / "results.json", text)

    @property
    def verdict(self) -> str:
        """What helps on this data, in sentences, one a line."""
        return "\n".join(self.results["verdict"]["words"])

    @property
    def best(self) -> Fitted:
        """The selected rung's best seed, by validation."""
        return load(self.folder / "fitted")

    @property
    def report_path(self) -> Path:
        """The report, one HTML file."""
        return self.folder / "report.html"

    def table(self) -> pl.DataFrame:
        """Return a row for every rung and baseline, with scores on validation and test."""
        results = self.results
        metric = results["metric"]
        outcomes = {pair["rung"]: pair["outcome"] for pair in results["verdict"]["pairs"]}
        rungs = [
            {
                "model": rung["name"],
                f"validation {metric}": rung["validation"]["mean"],
                f"test {metric}": rung["test"]["mean"],
                "low": rung["test"]["low"],
                "high": rung["test"]["high"],
                "outcome": outcomes.get(rung["name"]),
                "parameters": rung["parameters"],
                "seconds": rung["seconds"],
            }
            for rung in results["rungs"]
        ]
        baselines = [
            {
                "model": baseline["name"],
                f"validation {metric}": baseline["validation"][metric],
                f"test {metric}": baseline["test"][metric],
                "outcome": "reference" if baseline["reference"] else None,
            }
            for baseline in results["baselines"]
        ]
        return pl.DataFrame(rungs + baselines, infer_schema_length=None)

    def _repr_html_(self) -> str:
        words = "".join(f"<p>{escape(line)}</p>" for line in self.verdict.splitlines())
        link = escape(self.report_path.resolve().as_uri(), quote=True)
        return f'{words}{self.table()._repr_html_()}<p><a href="{link}">report.html</a></p>'
