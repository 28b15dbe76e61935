"""The page of intervals counts what its table shows."""

import json
from pathlib import Path
from typing import Any

import write_intervals_page as writer


def told(*levels: tuple[float, float]) -> Any:
    return {
        "forecasts": 1500,
        "independent": 62.5,
        "crps": 0.25 if len(levels) > 1 else None,
        "levels": [
            {"level": level, "share": share, "low": share - 0.1, "high": share + 0.02, "width": 3.0}
            for level, share in levels
        ],
    }


def test_the_page_counts_what_is_covered(tmp_path: Path) -> None:
    found = {"jena-1h": told((80.0, 0.81), (95.0, 0.94)), "taxi-24h": told((80.0, 0.73))}
    for name, one in found.items():
        (tmp_path / name).mkdir()
        metrics = {"delivered": {"intervals": one}}
        (tmp_path / name / "metrics.json").write_text(json.dumps(metrics))

    writer.main(tmp_path, tmp_path / "intervals.md")

    page = (tmp_path / "intervals.md").read_text(encoding="utf-8")
    for line in (
        "| Jena, temperature, 1 h | 1,500 (62) | 81.0 [71, 83] | 3 | 94.0 [84, 96] | 3 | 0.25 |",
        "| taxi rides, New York, 24 h | 1,500 (62) | 73.0 [63, 75] | 3 | – | – | – |",
        "At 80 % the mean over 2 sets is 77.0 %; 1 of them are within 5 points.",
        "At 95 % the mean over 1 sets is 94.0 %; 1 of them are within 5 points.",
    ):
        assert line in page
