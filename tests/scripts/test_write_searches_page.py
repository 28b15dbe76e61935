"""The page of searches tells what a search promised beside what it kept."""

import json
from pathlib import Path
from typing import Any

import write_searches_page as writer


def search(**pair: Any) -> dict[str, Any]:
    judged = {"rung": "trial-4", "percent": -5.0, "low": -9.0, "high": -1.0, "outcome": "helps"}
    entrant = {"name": "trial-4", "words": "a GRU", "judged": {"mae": 0.95}, "searched": -8.2}
    default = {"name": "default", "words": "an LSTM", "judged": {"mae": 1.0}, "searched": None}
    return {
        "metric": "mae",
        "seconds": 301.0,
        "command": "lockgate tune demand.csv",
        "created": "2026-11-28T00:00:00+00:00",
        "environment": {"cpu": "A CPU", "workers": 2, "torch": "2.13.0", "lockgate": "0.1.0"},
        "search": {"asked": 18, "done": 12},
        "entrants": [default, entrant],
        "verdict": {
            "tuned": "trial-4",
            "rounds": 10,
            "pairs": [judged | {"chance": None} | pair],
            "words": ["Use what trial 4 found."],
        },
    }


def write(folder: Path, name: str, results: dict[str, Any]) -> None:
    (folder / name).mkdir()
    (folder / name / "results.json").write_text(json.dumps(results))


def test_a_promise_stands_beside_what_was_kept(tmp_path: Path) -> None:
    write(tmp_path, "taylor", search())
    write(tmp_path, "bike", search(outcome="open", percent=1.0, low=-3.0, high=5.0, chance=0.4))
    text = writer.page(tmp_path).replace("\u00a0", " ")
    assert "| 12 of 18 | 5 min 1 s | −8.2 % | −5.0 % [−9.0, −1.0] | helps |  |" in text
    assert "| open | 40 % |" in text
    assert "The best trials: 1 helps, 1 open." in text
    assert "Not run: Oil temperature" in text
    assert "- Use what trial 4 found." in text
    assert "| trial-4 | a GRU | 0.95 | −8.2 % |" in text


def test_a_search_of_which_no_trial_looked_better_says_so(tmp_path: Path) -> None:
    results = search()
    results["verdict"] |= {"tuned": None, "pairs": []}
    write(tmp_path, "taylor", results)
    assert "| no trial looked better |" in writer.page(tmp_path)
