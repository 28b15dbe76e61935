"""What a study found, as its folder holds it."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from lockgate.studies.finished import Finished, read_finished
from lockgate.tasks.results import (
    BaselineEffect,
    PairResult,
    Results,
    checked_results,
    delivered_parts,
    selected_rung,
)


@dataclass(frozen=True)
class StudyResult(Finished):
    """The results of a study and where they lie.

    `results` is the content of `results.json`: everything that the report shows.
    """

    results: Results

    @classmethod
    def load(cls, folder: str | Path) -> "StudyResult":
        """Read the results of a finished study.

        Raises:
            DataError: If `folder` holds none, or those of another format.
        """
        content, path = read_finished(folder, "study")
        return cls(checked_results(content, path), Path(folder))

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


def _change(effect: PairResult | BaselineEffect | None) -> dict[str, Any]:
    """Give the columns of a change with its interval and what it is taken for."""
    return {
        "change %": effect and effect["percent"],
        "low": effect and effect["low"],
        "high": effect and effect["high"],
        "outcome": effect and effect["outcome"],
    }
