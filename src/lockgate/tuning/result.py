"""What a search found, as its folder holds it."""

import json
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

import polars as pl

from lockgate.errors import DataError
from lockgate.files import write_text
from lockgate.tasks.base import Fitted
from lockgate.tasks.registry import load
from lockgate.tuning.results import TuneResults, checked_tuning


@dataclass(frozen=True)
class TuneResult:
    """The results of a search and where they lie.

    `results` is the content of `results.json`: everything that the report shows.
    """

    results: TuneResults
    folder: Path

    @classmethod
    def load(cls, folder: str | Path) -> "TuneResult":
        """Read the results of a finished search.

        Raises:
            DataError: If `folder` holds none, or those of another format.
        """
        path = Path(folder) / "results.json"
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
        except OSError as error:
            raise DataError(
                f"folder must hold a finished search, got {folder}: {error.strerror}"
            ) from None
        except (ValueError, RecursionError) as error:
            raise DataError(f"{path} must be JSON: {error}") from None
        return cls(checked_tuning(content, path), Path(folder))

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
        """What to do on this data, in a few sentences, one a line."""
        return "\n".join(self.results["verdict"]["recommendation"])

    @property
    def settings(self) -> dict[str, Any]:
        """The settings to use, by their paths; none where the default is to be kept.

        `lockgate.train(table, config=result.settings, ...)` takes them.
        """
        return dict(self.results["settings"])

    @property
    def best(self) -> Fitted:
        """What is delivered: of the settings to use the mean of several networks, mixed with a
        baseline if any.
        """
        return load(self.folder / "fitted")

    @property
    def report_path(self) -> Path:
        """The report, one HTML file."""
        return self.folder / "report.html"

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

    def _repr_html_(self) -> str:
        words = "".join(f"<p>{escape(line)}</p>" for line in self.verdict.splitlines())
        link = escape(self.report_path.resolve().as_uri(), quote=True)
        return f'{words}{self.table()._repr_html_()}<p><a href="{link}">report.html</a></p>'
