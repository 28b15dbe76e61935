"""What a run that has ended leaves to be shown, read from its folder."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from lockgate.tasks.registry import fitted_folder
from lockgate.tracking.curves import scores_of

FILES = ("config.yaml", "README.md", "metrics.json", "results.json", "report.html")
FITTED = ("fitted/README.md", "fitted/metrics.json")


class Ended(NamedTuple):
    """A run that has ended."""

    config: Any
    scores: Mapping[str, float]  # by part/metric/model
    texts: Mapping[str, Sequence[str]]  # sentences; of a training there are none
    files: Sequence[str]  # report, model card and what they are made of, by their paths
    rounds: int  # that were done; 0 of a training
    fitted: Path | None = None  # the folder of the model

    @classmethod
    def read(cls, folder: Path, config: Any) -> "Ended":
        """Read the folder of a training, a study or a search that is written.

        Args:
            folder: The folder.
            config: The settings of the run.
        """
        results = _json(folder / "results.json") if (folder / "results.json").exists() else {}
        metrics = _json(folder / ("fitted" if results else "") / "metrics.json")
        verdict = results.get("verdict", {})
        told = {"recommendation": verdict.get("recommendation"), "verdict": verdict.get("words")}
        return cls(
            config=config,
            scores=scores_of(metrics, results),
            texts={name: lines for name, lines in told.items() if lines},
            files=[name for name in (*FILES, *FITTED) if (folder / name).exists()],
            rounds=verdict.get("rounds", 0),
            fitted=fitted_folder(folder),
        )


def _json(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return content
