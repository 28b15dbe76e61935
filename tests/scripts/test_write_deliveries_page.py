"""The page of what is delivered counts what its tables show."""

import json
from pathlib import Path
from typing import Any

import write_deliveries_page as writer


def metrics(name: str, single: float, mixture: float, best: float, outcome: str) -> Any:
    def scores(value: float) -> dict[str, float]:
        return {name: value, "accuracy": 1.0 - value}

    return {
        "metric": name,
        "baselines": [
            {"name": "last value", "test": scores(0.9)},
            {"name": "ridge", "test": scores(best)},
        ],
        "delivered": {
            "baseline": "ridge",
            "single": scores(single),
            "networks": scores(single),
            "mixture": scores(mixture),
            "refitted": scores(best),
            "effect": {"percent": -3.0, "low": -5.0, "high": -1.0, "outcome": outcome},
        },
    }


def test_the_page_counts_who_is_better(tmp_path: Path) -> None:
    told = {
        "jena-1h": metrics("mae", 0.5, 0.4, 0.45, "beats"),
        "taxi-24h": metrics("mae", 0.5, 0.404, 0.4, "ties"),
        "trec": metrics("log_loss", 0.3, 0.2, 0.4, "loses"),
    }
    for name, one in told.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "metrics.json").write_text(json.dumps(one))
        (tmp_path / f"{name}.command").write_text(f"12\nlockgate train {name}.csv")

    writer.main(tmp_path, tmp_path / "when.md")

    page = (tmp_path / "when.md").read_text(encoding="utf-8")
    for line in (
        "better than every baseline on 1 of 2 sets, and within 1 % of the best or better on 2",
        "a single network is better than every baseline on 0",
        "| Jena, temperature, 1 h | 0.5 | 0.5 | 0.4 | ridge 0.45 | ridge 0.45 | **-3.0 [-5.0, ",
        "| taxi rides, New York, 24 h † | 0.5 | 0.5 | 0.404 | ridge 0.4 | ridge 0.4 | -3.0 [-5.0, ",
        "| TREC, questions | 0.700 | 0.700 | 0.800 | ridge 0.600 |",
        "lockgate train trec.csv",
    ):
        assert line in page
