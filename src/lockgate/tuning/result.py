"""What a search found, as its folder holds it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from lockgate.studies.finished import Finished, read_finished
from lockgate.tuning.results import TuneResults, checked_tuning


@dataclass(frozen=True)
class TuneResult(Finished):
    """The results of a search and where they lie.

    `results` is the content of `results.json`: everything that the report shows.
    """

    results: TuneResults

    @classmethod
    def load(cls, folder: str | Path) -> "TuneResult":
        """Read the results of a finished search.

        Raises:
            DataError: If `folder` holds none, or those of another format.
        """
        content, path = read_finished(folder, "search")
        return cls(checked_tuning(content, path), Path(folder))

    @property
    def settings(self) -> dict[str, Any]:
        """The settings to use, by their paths; none where the default is to be kept.

        `lockgate.train(table, config=result.settings, ...)` takes them.
        """
        return dict(self.results["settings"])

    def trials(self) -> pl.DataFrame:
        """Return a row for every trial: its settings, its state and its change in per cent."""
        rows = [
            {
                "trial": one["number"],
                "state": one["state"],
                "change %": one["percent"],
                **{path.rpartition(".")[2]: value for path, value in one["values"].items()},
                "seconds": one["seconds"],
            }
            for one in self.results["trials"]
        ]
        return pl.DataFrame(rows, infer_schema_length=None, strict=False)

    def table(self) -> pl.DataFrame:
        """Return a row for the default, for every trial that was fitted again, and each baseline.

        Scores on the rows judged are means over rounds; `change %` is against the default, with its
        interval.
        """
        metric, pairs = (
            self.results["metric"],
            {pair["rung"]: pair for pair in self.results["verdict"]["pairs"]},
        )
        rows: list[dict[str, Any]] = []
        for one in self.results["entrants"]:
            pair = pairs.get(one["name"])
            rows.append(
                {
                    "model": one["name"],
                    f"judged {metric}": one["judged"].get(metric),
                    f"test {metric}": None,
                    "in search %": one["searched"],
                    "change %": pair and pair["percent"],
                    "low": pair and pair["low"],
                    "high": pair and pair["high"],
                    "outcome": pair and pair["outcome"],
                }
            )
        rows += [
            {
                "model": one["name"],
                f"judged {metric}": one["judged"].get(metric),
                f"test {metric}": one["test"].get(metric),
            }
            for one in self.results["baselines"]
        ]
        delivered = self.results["delivered"]
        rows.append({"model": "delivered", f"test {metric}": delivered["mixture"].get(metric)})
        return pl.DataFrame(rows, infer_schema_length=None)
