"""Results of studies made by hand, a realistic one and odd ones, with the keys of results.json."""

import math
import random
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from lockgate.studies.words import delivered_answer, recommendation, verdict_words
from lockgate.tasks.results import selected_rung

Results = dict[str, Any]

LADDER = [
    # name, words, parent, parameters, seconds, effect on the error, overfits from
    ("lstm", "lstm", None, 21_784, 24.1, 0.0, 9),
    ("input-dropout", "lstm + input dropout 0.25", "lstm", 21_784, 27.9, 0.004, 12),
    ("recurrent-dropout", "lstm + recurrent dropout 0.25", "lstm", 21_784, 28.3, -0.04, None),
    (
        "both",
        "lstm + input dropout 0.25 + recurrent dropout 0.25",
        "lstm",
        21_784,
        31.2,
        -0.031,
        26,
    ),
    ("stacked", "two lstm layers", "lstm", 55_320, 51.0, 0.034, 7),
    ("stacked-both", "two lstm layers + both dropouts", "stacked", 55_320, 58.4, -0.02, None),
    ("bidirectional", "bidirectional lstm", "lstm", 43_544, 47.2, 0.006, 8),
]
REACH = {
    "lstm": 0.8,
    "input-dropout": 0.85,
    "recurrent-dropout": 0.95,
    "both": 0.96,
    "stacked": 0.62,
    "stacked-both": 0.88,
    "bidirectional": 1.12,
}
NAIVE = [
    ("last value", 3.31, ""),
    ("drift", 3.362, ""),
    ("seasonal naive (24)", 2.674, ""),
    ("window mean", 3.906, ""),
    ("ridge", 2.286, "strength 10 chosen on validation"),
]


def temperature(hour: int, rng: random.Random) -> float:
    year = math.sin(2 * math.pi * (hour / 8766 - 0.3))
    day = math.sin(2 * math.pi * (hour / 24 - 0.35))
    return 10 + 10 * year + 3.5 * day + rng.gauss(0, 1.2)


def stamps(start: str, count: int, hours: float = 1.0) -> list[str]:
    first = datetime.fromisoformat(start)
    return [
        (first + timedelta(hours=hours * i)).isoformat(timespec="seconds") for i in range(count)
    ]


def history(epochs: int, effect: float, overfits: int | None, rng: random.Random) -> Results:
    training, validation = [], []
    own = rng.gauss(0, 0.006)
    for epoch in range(1, epochs + 1):
        base = 0.13 + own + effect * 0.4 + 0.62 * math.exp(-epoch / 2.2) + rng.gauss(0, 0.0025)
        rise = 0.0 if overfits is None else 0.0016 * max(0, epoch - overfits)
        training.append(base - 0.0011 * epoch + 0.002)
        validation.append(base + 0.012 + rise)
    return {
        "training": training,
        "validation": validation,
        "gradient_norm": [1.0 / epoch for epoch in range(1, epochs + 1)],
        "seconds": [1.1] * epochs,
        "steps": [48 * epoch for epoch in range(1, epochs + 1)],
        "per_epoch": 1,
        "keeps": "validated",
    }


def make_folds(count: int = 5) -> list[Results]:
    """Stretches side by side, each after what it is trained on; the last are harder."""
    first = datetime.fromisoformat("2020-06-01T00:00:00")
    return [
        {
            "name": f"fold {i + 1}",
            "train": 3000 + 640 * i,
            "stopping": 640,
            "judged": 640,
            "begins": (first + timedelta(days=27 * i)).isoformat(),
            "ends": (first + timedelta(days=27 * (i + 1), hours=-1)).isoformat(),
        }
        for i in range(count)
    ]


def scores_of(mae: float | None) -> Results:
    if mae is None:
        return {"mae": None, "rmse": None, "mase": None}
    return {"mae": mae, "rmse": mae * 1.31, "mase": mae * 0.371}


HARDER = (0.94, 0.98, 1.0, 1.05, 1.12)


def make_round(number: int, rung: tuple, rng: random.Random) -> Results:
    name, *_, seconds, effect, overfits = rung
    fold = (number - 1) % 5
    epochs = (overfits or 22) + 8 + rng.randrange(9)
    score = 2.312 * (1 + effect) * HARDER[fold] * (1 + rng.gauss(0, 0.008))
    return {
        "round": number,
        "fold": f"fold {fold + 1}",
        "validation": score * 0.96,
        "judged": scores_of(score),
        "best_epoch": epochs - 8,
        "epochs": epochs,
        "stopped": "early",
        "seconds": seconds + rng.gauss(0, 2),
        "reach": {"norms": [1.0, REACH[name]], "factor": REACH[name], "verdict": "holds"},
        "history": history(epochs, effect, overfits, rng),
    }


def make_rung(step: tuple, rounds: int, horizon: int) -> Results:
    name, words, parent, parameters, seconds, effect, overfits = step
    rng = random.Random(name)  # noqa: S311
    score = 2.312 * (1 + effect)
    runs = [make_round(number, step, rng) for number in range(1, rounds + 1)]
    rung = {
        "name": name,
        "words": words,
        "parent": parent,
        "cell": "lstm",
        "model": {"cell": "lstm", "hidden_size": 64, "num_layers": 1},
        "parameters": parameters,
        "per_step": [
            score * (1.35 + 2 * effect) * (1 - math.exp(-(h + 1.5 + 20 * effect) / 7))
            for h in range(horizon)
        ],
        "seconds": seconds,
        "overfits_from": overfits,
        "gap": 0.051 if overfits else 0.0193,
        "reach": make_reach(REACH[name]),
        "rounds": runs,
    }
    return rung | means(runs)


def means(runs: list[Results]) -> Results:
    """What a rung tells of all its rounds."""
    known = [run for run in runs if run["judged"]]
    by_fold: dict[str, list[float]] = {}
    for run in known:
        by_fold.setdefault(run["fold"], []).append(run["judged"]["mae"])
    return {
        "judged": scores_of(mean([run["judged"]["mae"] for run in known])),
        "by_fold": {fold: mean(scores) for fold, scores in by_fold.items()},
        "best_epoch": mean([run["best_epoch"] for run in known]),
    }


def mean(values: list[float]) -> float | None:
    return sum(values) / len(values) if values else None


def make_reach(factor: float, lookback: int = 48) -> Results:
    left = factor ** (lookback - 1)
    verdict = "vanishes" if left < 0.01 else "explodes" if left > 100 else "holds"
    shares = [factor**step for step in range(lookback)]
    return {"shares": shares, "factor": factor, "verdict": verdict}


def make_baseline(row: tuple, horizon: int) -> Results:
    name, score, setting = row
    by_fold = {f"fold {i + 1}": score * harder * 0.99 for i, harder in enumerate(HARDER)}
    return {
        "name": name,
        "setting": setting,
        "judged": scores_of(score),
        "by_fold": by_fold,
        "test": scores_of(score * 1.04),
        "per_step": [score * 1.35 * (1 - math.exp(-(h + 1.2) / 6)) for h in range(horizon)],
        "reference": name == "ridge",
    }


def make_pair(rung: str, parent: str, numbers: tuple, outcome: str, **more: Any) -> Results:
    percent, low, high = numbers
    pair = {"rung": rung, "parent": parent, "percent": percent, "low": low, "high": high}
    half = None if low is None else (high - low) / 2
    return {
        **pair,
        "outcome": outcome,
        "chance": 0.7 if outcome == "open" else None,
        "needed": [5, 10] if outcome == "open" else None,
        "limit": None,
        "rounds": 10,
        "look": 10,
        "excluded": [],
        "reason": "no pass over the folds is whole" if outcome == "no verdict" else None,
        "looks": []
        if half is None
        else [
            {
                "percent": percent * 1.3,
                "low": percent * 1.3 - 2.6 * half,
                "high": percent * 1.3 + 2.6 * half,
                "rounds": 5,
            },
            {"percent": percent, "low": low, "high": high, "rounds": 10},
        ],
        "by_round": {},
        **more,
    }


def changes(pair: Results, rungs: list[Results]) -> Results:
    """The change in each round that both have, in per cent."""
    by_name = {rung["name"]: rung for rung in rungs}
    rung, parent = (
        {run["round"]: run["judged"] for run in by_name[pair[key]]["rounds"]}
        for key in ("rung", "parent")
    )
    return {
        str(number): 100 * (rung[number]["mae"] / parent[number]["mae"] - 1)
        for number in rung
        if rung[number] and parent.get(number)
    }


def make_forecast(which: str, error: float, day: str, horizon: int) -> Results:
    rng = random.Random(which)  # noqa: S311
    first = int((datetime.fromisoformat(day) - datetime(2020, 1, 1)).total_seconds() // 3600)
    values = [temperature(first + i, rng) for i in range(48 + horizon)]
    ds = stamps(day, 48 + horizon)
    truth = values[48:]
    return {
        "which": which,
        "series": None,
        "error": error,
        "origin": ds[47],
        "history": {"ds": ds[:48], "y": values[:48]},
        "future": {
            "ds": ds[48:],
            "y": truth,
            "forecast": [v + error * drift(i, 1.6) for i, v in enumerate(truth)],
            "baseline": [v - error * drift(i, 0.9) for i, v in enumerate(truth)],
            "baseline_name": "ridge",
        },
    }


def drift(step: int, speed: float) -> float:
    return 1.5 * math.sin(speed * (step + 1) / 6)


def make_data(horizon: int) -> Results:
    rng = random.Random(0)  # noqa: S311
    step = 8783 / 2000
    y = [temperature(int(i * step), rng) for i in range(2000)]
    y[700:720] = [None] * 20
    inputs = ["T (degC)", "p (mbar)", "rh (%)", "wv (m/s)", "wd (deg)"]
    return {
        "source": "weather.csv.gz",
        "fingerprint": "sha256:" + "9f86d081884c7d65" * 4,
        "rows_read": 52_696,
        "rows": 8_783,
        "start": "2020-01-01T00:00:00",
        "end": "2020-12-31T22:00:00",
        "frequency": "1h",
        "target": "T (degC)",
        "inputs": inputs,
        "channels": [
            *inputs,
            "was missing: rh (%)",
            "hour sin",
            "hour cos",
            "week sin",
            "week cos",
        ],
        "dropped": [
            {"column": "raining (s)", "reason": "constant in the training part"},
            {"column": "Tlog (degC)", "reason": "the same as T (degC) in the training part"},
        ],
        "ignored": [{"column": "cbwd", "reason": "holds text"}],
        "notices": [
            "1 duplicated time stamp averaged, the first 2020-05-12 06:00:00",
            "3 gaps filled forward, the longest 4 steps",
        ],
        "missing_target": 3,
        "seasons": [24, 168],
        "lookback": 48,
        "horizon": horizon,
        "split": {
            "train": part("2020-01-01T00:00:00", "2020-09-12T03:00:00", 6_148, 6_077),
            "validation": part("2020-09-12T04:00:00", "2020-11-06T00:00:00", 1_317, 1_294),
            "test": part("2020-11-06T01:00:00", "2020-12-31T22:00:00", 1_318, 1_295),
        },
        "several": None,
        "series": {"ds": stamps("2020-01-01T00:00:00", 2000, step), "y": y},
    }


def part(start: str, end: str, rows: int, windows: int) -> Results:
    return {"start": start, "end": end, "rows": rows, "windows": windows, "possible": windows + 5}


TRICKS = {
    "input-dropout": "input dropout 0.25",
    "recurrent-dropout": "recurrent dropout 0.25",
    "both": "input dropout 0.25 with recurrent dropout 0.25",
    "stacked": "a stack of 2 layers",
    "stacked-both": "dropout on the stack (input 0.25, between layers 0.25, recurrent 0.25)",
    "bidirectional": "reading both directions",
}


def make_verdict(rungs: list[Results]) -> Results:
    pairs = [
        make_pair("input-dropout", "lstm", (0.4, -2.2, 3.1), "open", chance=0.41),
        make_pair("recurrent-dropout", "lstm", (-4.0, -6.1, -2.0), "helps"),
        make_pair("both", "lstm", (-3.1, -5.2, -1.1), "helps"),
        make_pair("stacked", "lstm", (3.4, 1.6, 5.3), "hurts"),
        make_pair("stacked-both", "stacked", (-2.2, -5.8, 1.5), "open", needed=None, limit="rows"),
        make_pair("bidirectional", "lstm", (0.2, -0.5, 0.9), "no difference"),
    ]
    for pair in pairs:
        pair["by_round"] = changes(pair, rungs)
    return {
        "recommendation": [],
        "words": [],
        "pairs": pairs,
        "selected": "recurrent-dropout",
        "baseline": {
            "name": "ridge",
            "percent": -2.6,
            "low": -4.9,
            "high": -0.4,
            "outcome": "beats",
            "better": [],
        },
        "may_be_best": ["recurrent-dropout", "both"],
        "smallest_effect": 2.0,
        "rounds": 10,
        "most_rounds": 20,
        "round_seconds": 61.0,
        "ended": "budget",
        "blocks": 30,
        "test_looks": 1,
    }


def make_delivered() -> Results:
    return {
        "members": 5,
        "weight": 0.62,
        "baseline": "ridge",
        "why_not_mixed": None,
        "single": scores_of(2.331),
        "networks": scores_of(2.274),
        "mixture": scores_of(2.198),
        "refitted": scores_of(2.377),
        "effect": {
            "name": "ridge",
            "percent": -7.5,
            "low": -10.1,
            "high": -4.8,
            "outcome": "beats",
            "better": [],
        },
        "words": [],
    }


def told(results: Results) -> Results:
    """Give the results their sentences, as a study does."""
    delivered, verdict = results["delivered"], results["verdict"]
    cell = selected_rung(results)["cell"].upper()
    delivered["words"] = delivered_answer(delivered, cell, results["metric"])
    verdict["recommendation"] = recommendation(results, TRICKS)
    verdict["words"] = verdict_words(results, TRICKS)
    return results


CHECKS = [
    ("No leak", "pass", "Changing what comes later changed nothing that was learned."),
    ("Beats the naive baselines", "pass", "Every rung beats last value and seasonal naive."),
    ("Beats the reference baseline", "fail", "No rung beats ridge on the test part."),
    ("Stopped early", "pass", "All 35 fits stopped by themselves before the most epochs allowed."),
    ("Test part like training", "warn", "The test part is colder than 92 % of the training part."),
]


def make(rounds: int = 10, horizon: int = 24) -> Results:
    """A study of seven rungs and ten rounds."""
    rungs = [make_rung(step, rounds, horizon) for step in LADDER]
    results = {
        "format_version": 2,
        "task": "forecast",
        "lockgate_version": "0.1.0",
        "created": "2026-03-01T12:30:05+00:00",
        "command": "lockgate study weather.csv.gz --target 'T (degC)' --out runs/weather",
        "seconds": 512.3,
        "config": {
            "data": {"target": "T (degC)", "lookback": 48, "horizon": horizon, "decimal": "."},
            "model": {"cell": "auto", "hidden_size": 64, "num_layers": 1, "init": "keras"},
            "training": {
                "max_epochs": 60,
                "patience": 8,
                "learning_rate": 0.001,
                "batch_size": 128,
            },
            "rungs": [rung["name"] for rung in rungs],
            "rounds": rounds,
            "budget": None,
            "metric": "mae",
        },
        "environment": {
            "lockgate": "0.1.0",
            "python": "3.11.7",
            "torch": "2.13.0+cpu",
            "numpy": "2.4.1",
            "platform": "Linux-6.1-x86_64",
            "cpu": "AMD EPYC 7763 64-Core Processor",
            "cores": 2,
            "workers": 2,
            "device": "cpu",
        },
        "data": make_data(horizon),
        "metric": "mae",
        "folds": make_folds(),
        "baselines": [make_baseline(row, horizon) for row in NAIVE],
        "cell": {"selected": "lstm", "judged": {"rnn": 2.419, "lstm": 2.2195, "gru": 2.243}},
        "rungs": rungs,
        "verdict": make_verdict(rungs),
        "delivered": make_delivered(),
        "checks": [{"name": n, "status": s, "text": t} for n, s, t in CHECKS],
        "by_series": None,
        "forecasts": [
            make_forecast("best", 0.612, "2020-11-20T00:00:00", horizon),
            make_forecast("median", 2.197, "2020-12-03T05:00:00", horizon),
            make_forecast("worst", 6.871, "2020-12-24T18:00:00", horizon),
        ],
    }
    return told(results)


def diverge(rung: Results, number: int) -> None:
    """Let the fit of a round diverge."""
    run = rung["rounds"][number - 1]
    run |= {"stopped": "diverged", "validation": None, "best_epoch": None, "epochs": 3}
    run |= {"judged": None, "reach": None}
    run["history"] |= {
        "training": [0.9, 4e5, None],
        "validation": [0.9, 7e8, None],
        "gradient_norm": [1.0, 1e9, None],
        "seconds": [1.0, 1.0, 1.0],
        "steps": [48, 96, 144],
    }
    rung |= means(rung["rounds"])


NOT_WHOLE = "no pass over the folds is whole"


def two_rounds() -> Results:
    results = make(rounds=2)
    for pair in results["verdict"]["pairs"]:
        pair |= {"percent": None, "low": None, "high": None, "outcome": "no verdict"}
        pair |= {"chance": None, "needed": None, "limit": None, "rounds": 2, "look": None}
        pair |= {"reason": NOT_WHOLE, "looks": []}
    results["verdict"] |= {"rounds": 2, "selected": "lstm", "may_be_best": []}
    results["verdict"]["baseline"] |= {"low": None, "high": None, "outcome": "no verdict"}
    return told(results)


def one_round_one_rung() -> Results:
    results = make(rounds=1)
    results["rungs"] = results["rungs"][:1]
    run = results["rungs"][0]["rounds"][0]
    for key in ("training", "validation", "gradient_norm", "seconds", "steps"):
        run["history"][key] = run["history"][key][:1]
    results["rungs"][0]["overfits_from"] = None
    results["verdict"] |= {"pairs": [], "selected": "lstm", "rounds": 1, "may_be_best": []}
    results["verdict"]["baseline"] = None
    results["baselines"] = []
    results["folds"] = results["folds"][:1]
    results["delivered"] |= {"baseline": None, "effect": None, "refitted": None, "weight": 1.0}
    results["delivered"]["why_not_mixed"] = "none was computed"
    results["cell"] = None
    return told(results)


def drawn_anew() -> Results:
    """Folds without dates, of the same size, as those of labels are."""
    results = make()
    for fold in results["folds"]:
        fold |= {"begins": None, "ends": None, "train": 4000}
    return told(results)


def one_step_ahead() -> Results:
    results = make(horizon=1)
    results["forecasts"] = []
    results["checks"] = []
    results["data"] |= {"notices": [], "dropped": [], "ignored": [], "seasons": []}
    return results


def some_diverged() -> Results:
    results = make()
    diverge(results["rungs"][2], 4)
    results["rungs"][5] |= {"reach": None, "gap": None, "per_step": [], "overfits_from": None}
    for number in range(1, 11):
        diverge(results["rungs"][5], number)
    for pair in results["verdict"]["pairs"]:
        pair["by_round"] = changes(pair, results["rungs"])
    results["verdict"]["pairs"][1]["excluded"] = [4]
    results["verdict"]["pairs"][4] |= {
        "percent": None,
        "low": None,
        "high": None,
        "outcome": "no verdict",
        "chance": None,
        "limit": None,
        "look": None,
        "looks": [],
        "rounds": 0,
        "excluded": list(range(1, 11)),
        "reason": "the rung or its parent has no score",
    }
    results["verdict"]["pairs"][0] |= {"low": -60.0, "high": 190.0}
    results["verdict"]["test_looks"] = 4
    return told(results)


ATTACK = "</script><script>alert(1)</script>"


def hostile() -> Results:
    results = make()
    bold = '<b onclick="x()">T & %{y} </b>'
    long = "column" * 60
    results["data"] |= {"target": bold, "source": ATTACK, "channels": [ATTACK, bold, long]}
    results["data"]["dropped"] = [
        {"column": ATTACK, "reason": bold},
        {"column": long, "reason": long},
    ]
    results["data"]["notices"] = [ATTACK, "‮reversed", long]
    results["command"] = f"lockgate study --target '{ATTACK}'"
    results["config"]["data"]["target"] = ATTACK
    results["baselines"][4]["name"] = ATTACK
    results["verdict"]["baseline"]["name"] = ATTACK
    results["delivered"]["baseline"] = results["delivered"]["effect"]["name"] = ATTACK
    results["checks"][0]["text"] = f"<img src=x onerror=alert(1)> {long}"
    for one in results["forecasts"]:
        one["future"]["baseline_name"] = ATTACK
    results["rungs"][2]["name"] = results["verdict"]["selected"] = "<i>both</i>"
    results["verdict"]["pairs"][1]["rung"] = "<i>both</i>"
    results["folds"][1]["name"] = ATTACK
    delivered = results["delivered"]
    delivered["words"] = delivered_answer(delivered, "LSTM", results["metric"])
    tricks = {**TRICKS, "<i>both</i>": ATTACK}
    results["verdict"]["recommendation"] = recommendation(results, tricks)
    results["verdict"]["words"] = verdict_words(results, tricks)
    return results


ODD: dict[str, Callable[[], Results]] = {
    "whole": make,
    "two rounds": two_rounds,
    "one round, one rung": one_round_one_rung,
    "drawn anew": drawn_anew,
    "one step ahead": one_step_ahead,
    "some diverged": some_diverged,
    "hostile": hostile,
}
