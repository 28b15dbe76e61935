"""What a study found, as its folder holds it."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

import polars as pl

from lockgate.errors import DataError
from lockgate.files import write_text
from lockgate.tasks.base import Fitted
from lockgate.tasks.registry import load
from lockgate.tasks.results import (
    BaselineEffect,
    PairResult,
    Results,
    checked_results,
    delivered_parts,
    selected_rung,
)


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
        """What to do on this data, then what it rests on, in sentences, one a line."""
        return "\n".join(self.results["verdict"]["words"])

    @property
    def recommendation(self) -> str:
        """What to do on this data, in one to four sentences, one a line."""
        return "\n".join(self.results["verdict"]["recommendation"])

    @property
    def rounds(self) -> int:
        """How many rounds were done."""
        return self.results["verdict"]["rounds"]

    @property
    def open_pairs(self) -> tuple[PairResult, ...]:
        """The comparisons that are open, with the chance that the rung helps and what would tell.

        `needed` are the further rounds, from and to, that would tell if the effect is as it looks;
        a `limit` of "rows" says that no number of rounds would.
        """
        pairs = self.results["verdict"]["pairs"]
        return tuple(pair for pair in pairs if pair["outcome"] == "open")

    @property
    def best(self) -> Fitted:
        """What is delivered: the mean of several networks, mixed with a baseline if any."""
        return load(self.folder / "fitted")

    @property
    def report_path(self) -> Path:
        """The report, one HTML file."""
        return self.folder / "report.html"

    def table(self) -> pl.DataFrame:
        """Return a row for every rung, every baseline, and what is delivered.

        Scores on the rows judged are means over rounds; the test part is scored with the baselines
        and what is delivered alone. `change %` is that of a rung against its parent, and of what
        is delivered against the baseline in it, with its interval.
        """
        rows = [*self._rungs(), *self._baselines(), *self._delivered()]
        return pl.DataFrame(rows, infer_schema_length=None)

    def _rungs(self) -> Iterator[dict[str, Any]]:
        metric = self.results["metric"]
        pairs = {pair["rung"]: pair for pair in self.results["verdict"]["pairs"]}
        for rung in self.results["rungs"]:
            pair = pairs.get(rung["name"])
            yield {
                "model": rung["name"],
                f"judged {metric}": rung["judged"].get(metric),
                f"test {metric}": None,
                **_change(pair),
                "chance %": None if not pair or pair["chance"] is None else 100.0 * pair["chance"],
                "rounds": len(rung["rounds"]),
                "parameters": rung["parameters"],
                "seconds": rung["seconds"],
            }

    def _baselines(self) -> Iterator[dict[str, Any]]:
        metric = self.results["metric"]
        for one in self.results["baselines"]:
            yield {
                "model": one["name"],
                f"judged {metric}": one["judged"].get(metric),
                f"test {metric}": one["test"].get(metric),
                "outcome": "reference" if one["reference"] else None,
            }

    def _delivered(self) -> Iterator[dict[str, Any]]:
        metric, delivered = self.results["metric"], self.results["delivered"]
        cell = selected_rung(self.results)["cell"].upper()
        for part in delivered_parts(delivered, f"one {cell}"):
            change = _change(delivered["effect"]) if part.whole else {}
            yield {"model": part.name, f"test {metric}": part.scores.get(metric), **change}

    def _repr_html_(self) -> str:
        words = "".join(f"<p>{escape(line)}</p>" for line in self.verdict.splitlines())
        link = escape(self.report_path.resolve().as_uri(), quote=True)
        return f'{words}{self.table()._repr_html_()}<p><a href="{link}">report.html</a></p>'


def _change(effect: PairResult | BaselineEffect | None) -> dict[str, Any]:
    """Give the columns of a change with its interval and what it is taken for."""
    return {
        "change %": effect and effect["percent"],
        "low": effect and effect["low"],
        "high": effect and effect["high"],
        "outcome": effect and effect["outcome"],
    }
