"""Fabricated results of studies, a realistic one and odd ones, with the keys of results.json."""

import math
import random
import re
from collections.abc import Callable
from copy import deepcopy
from datetime import datetime, timedelta
from importlib.resources import files
from typing import Any

import pytest

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
    norms = [1.0 / epoch for epoch in range(1, epochs + 1)]
    return {
        "training": training,
        "validation": validation,
        "gradient_norm": norms,
        "seconds": [1.1] * epochs,
    }


def make_rung(step: tuple, seeds: int, horizon: int) -> Results:
    name, words, parent, parameters, seconds, effect, overfits = step
    rng = random.Random(name)  # noqa: S311
    score = 2.312 * (1 + effect)
    runs = []
    for seed in range(seeds):
        epochs = (overfits or 22) + 8 + rng.randrange(9)
        test = score * (1 + rng.gauss(0, 0.008))
        runs.append(
            {
                "seed": seed,
                "validation": test * 0.96,
                "test": {"mae": test, "rmse": test * 1.31, "mase": test * 0.371},
                "best_epoch": epochs - 8,
                "epochs": epochs,
                "stopped": "early",
                "seconds": seconds + rng.gauss(0, 2),
                "reach": {"norms": [1.0, REACH[name]], "factor": REACH[name], "verdict": "holds"},
                "history": history(epochs, effect, overfits, rng),
            }
        )
    return {
        "name": name,
        "words": words,
        "parent": parent,
        "cell": "lstm",
        "model": {"cell": "lstm", "hidden_size": 64, "num_layers": 1},
        "parameters": parameters,
        "validation": {"mean": score * 0.96, "low": score * 0.949, "high": score * 0.972},
        "test": {"mean": score, "low": score * 0.989, "high": score * 1.011},
        "test_scores": {"mae": score, "rmse": score * 1.31, "mase": score * 0.371},
        "per_step": [
            score * (1.35 + 2 * effect) * (1 - math.exp(-(h + 1.5 + 20 * effect) / 7))
            for h in range(horizon)
        ],
        "seconds": seconds,
        "best_epoch": sum(run["best_epoch"] for run in runs) / max(1, seeds),
        "overfits_from": overfits,
        "gap": 0.051 if overfits else 0.0193,
        "reach": make_reach(REACH[name]),
        "seeds": runs,
    }


def make_reach(factor: float, lookback: int = 48) -> Results:
    left = factor ** (lookback - 1)
    verdict = "vanishes" if left < 0.01 else "explodes" if left > 100 else "holds"
    shares = [factor**step for step in range(lookback)]
    return {"shares": shares, "factor": factor, "verdict": verdict}


def make_baseline(row: tuple, horizon: int) -> Results:
    name, score, setting = row
    return {
        "name": name,
        "validation": {"mae": score * 0.97, "rmse": score * 1.27, "mase": score * 0.36},
        "test": {"mae": score, "rmse": score * 1.31, "mase": score * 0.371},
        "per_step": [score * 1.35 * (1 - math.exp(-(h + 1.2) / 6)) for h in range(horizon)],
        "reference": name == "ridge",
        "setting": setting,
    }


def make_pair(rung: str, parent: str, numbers: tuple, outcome: str, **more: Any) -> Results:
    percent, low, high = numbers
    pair = {"rung": rung, "parent": parent, "percent": percent, "low": low, "high": high}
    rest = {"outcome": outcome, "smallest_visible": 2.1, "seeds": 5, "excluded": []}
    return pair | rest | more


def make_forecast(which: str, error: float, day: str, horizon: int) -> Results:
    rng = random.Random(which)  # noqa: S311
    first = int((datetime.fromisoformat(day) - datetime(2020, 1, 1)).total_seconds() // 3600)
    values = [temperature(first + i, rng) for i in range(48 + horizon)]
    ds = stamps(day, 48 + horizon)
    truth = values[48:]
    return {
        "which": which,
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
        "series": {"ds": stamps("2020-01-01T00:00:00", 2000, step), "y": y},
    }


def part(start: str, end: str, rows: int, windows: int) -> Results:
    return {"start": start, "end": end, "rows": rows, "windows": windows}


def make_verdict() -> Results:
    return {
        "words": [
            "Recurrent dropout 0.25 helps: −4.0 % MAE [−6.1, −2.0] against lstm.",
            "Two layers hurt: +3.4 % MAE [+1.6, +5.3] against lstm.",
            "Nothing beats ridge: both is 2.0 % behind it [−0.4, +4.4].",
        ],
        "pairs": [
            make_pair("input-dropout", "lstm", (0.4, -2.2, 3.1), "undecided"),
            make_pair("recurrent-dropout", "lstm", (-4.0, -6.1, -2.0), "helps"),
            make_pair("both", "lstm", (-3.1, -5.2, -1.1), "helps"),
            make_pair("stacked", "lstm", (3.4, 1.6, 5.3), "hurts"),
            make_pair("stacked-both", "stacked", (-5.2, -8.8, -1.5), "undecided (budget)"),
            make_pair("bidirectional", "lstm", (0.2, -0.5, 0.9), "no real difference"),
        ],
        "selected": {"rung": "both", "seed": 2},
        "baseline": {
            "name": "ridge",
            "percent": 2.0,
            "low": -0.4,
            "high": 4.4,
            "outcome": "ties",
            "better": ["ridge"],
        },
        "blocks": 15,
        "test_looks": 1,
    }


CHECKS = [
    ("No leak", "pass", "Changing what comes later changed nothing that was learned."),
    ("Beats the naive baselines", "pass", "Every rung beats last value and seasonal naive."),
    ("Beats the reference baseline", "fail", "No rung beats ridge on the test part."),
    ("Stopped early", "pass", "All 35 fits stopped by themselves before the most epochs allowed."),
    ("Test part like training", "warn", "The test part is colder than 92 % of the training part."),
]


def make(seeds: int = 5, horizon: int = 24) -> Results:
    rungs = [make_rung(step, seeds, horizon) for step in LADDER]
    return {
        "format_version": 1,
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
            "seeds": seeds,
            "budget": None,
            "metric": "mae",
        },
        "environment": {
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
        "baselines": [make_baseline(row, horizon) for row in NAIVE],
        "cell": {"selected": "lstm", "validation": {"rnn": 2.419, "lstm": 2.2195, "gru": 2.243}},
        "rungs": rungs,
        "verdict": make_verdict(),
        "checks": [{"name": n, "status": s, "text": t} for n, s, t in CHECKS],
        "forecasts": [
            make_forecast("best", 0.612, "2020-11-20T00:00:00", horizon),
            make_forecast("median", 2.197, "2020-12-03T05:00:00", horizon),
            make_forecast("worst", 6.871, "2020-12-24T18:00:00", horizon),
        ],
    }


def diverge(rung: Results, seed: int) -> None:
    run = rung["seeds"][seed]
    run |= {"stopped": "diverged", "validation": None, "best_epoch": None, "epochs": 3}
    run["test"] = {"mae": None, "rmse": None, "mase": None}
    run["reach"] = None
    run["history"] = {
        "training": [0.9, 4e5, None],
        "validation": [0.9, 7e8, None],
        "gradient_norm": [1.0, 1e9, None],
        "seconds": [1.0, 1.0, 1.0],
    }


def two_seeds() -> Results:
    results = make(seeds=2)
    for rung in results["rungs"]:
        score = rung["test"]["mean"]
        rung["test"] |= {"low": score * 0.7, "high": score * 1.3}
    for pair in results["verdict"]["pairs"]:
        pair |= {"low": None, "high": None, "outcome": "no verdict", "smallest_visible": None}
    results["verdict"]["baseline"] |= {"low": None, "high": None}
    results["verdict"]["words"] = ["No verdict: 2 seeds cannot tell an effect from noise."]
    return results


def one_seed_one_rung() -> Results:
    results = make(seeds=1)
    results["rungs"] = results["rungs"][:1]
    rung = results["rungs"][0]
    rung["test"] |= {"low": None, "high": None}
    rung["validation"] |= {"low": None, "high": None}
    rung["seeds"][0]["history"] = {
        key: values[:1] for key, values in rung["seeds"][0]["history"].items()
    }
    rung["overfits_from"] = None
    results["verdict"] |= {"pairs": [], "selected": {"rung": "lstm", "seed": 0}, "words": []}
    results["verdict"]["baseline"] |= {"low": None, "high": None}
    results["cell"] = None
    return results


def nothing_worked() -> Results:
    results = make()
    for rung in results["rungs"]:
        empty = {"mean": None, "low": None, "high": None}
        rung |= {"validation": empty, "test": empty, "gap": None, "best_epoch": None}
        rung |= {"per_step": [], "overfits_from": None, "reach": None}
        rung["test_scores"] = {"mae": None, "rmse": None, "mase": None}
        for seed in range(5):
            diverge(rung, seed)
    for pair in results["verdict"]["pairs"]:
        pair |= {"percent": None, "low": None, "high": None, "outcome": "no verdict"}
        pair |= {"excluded": [0, 1, 2, 3, 4], "smallest_visible": None}
    results["verdict"] |= {"selected": None, "baseline": None, "words": ["Every fit diverged."]}
    results["forecasts"] = []
    return results


def older() -> Results:
    results = make()
    for rung in results["rungs"]:
        for one in (rung, *rung["seeds"]):
            del one["reach"]
    return results


def one_step_ahead() -> Results:
    results = make(horizon=1)
    results["forecasts"] = []
    results["checks"] = []
    results["data"] |= {"notices": [], "dropped": [], "ignored": [], "seasons": []}
    return results


def some_diverged() -> Results:
    results = make()
    diverge(results["rungs"][2], 3)
    results["rungs"][5]["reach"] = None
    for seed in range(5):
        diverge(results["rungs"][5], seed)
    results["verdict"]["pairs"][1] |= {"excluded": [3]}
    results["verdict"]["pairs"][4] |= {"low": -60.0, "high": 190.0, "outcome": "undecided"}
    results["verdict"]["test_looks"] = 4
    return results


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
    results["verdict"]["words"].append(f"Nothing beats {ATTACK}.")
    results["checks"][0]["text"] = f"<img src=x onerror=alert(1)> {long}"
    for one in results["forecasts"]:
        one["future"]["baseline_name"] = ATTACK
    results["rungs"][3]["name"] = results["verdict"]["selected"]["rung"] = "<i>both</i>"
    return results


ODD: dict[str, Callable[[], Results]] = {
    "whole": make,
    "two seeds": two_seeds,
    "one seed, one rung": one_seed_one_rung,
    "nothing worked": nothing_worked,
    "one step ahead": one_step_ahead,
    "some diverged": some_diverged,
    "older": older,
    "hostile": hostile,
}

_MADE: dict[str, Results] = {}


@pytest.fixture
def results() -> Results:
    """A realistic study of seven rungs and five seeds."""
    return deepcopy(_MADE.setdefault("whole", make()))


@pytest.fixture(params=list(ODD), ids=lambda name: name.replace(" ", "-"))
def odd(request: pytest.FixtureRequest) -> Results:
    """Each kind of study, the odd ones too."""
    return deepcopy(_MADE.setdefault(request.param, ODD[request.param]()))


@pytest.fixture
def attacked() -> Results:
    """A study whose names are markup."""
    return hostile()


@pytest.fixture
def attack() -> str:
    """A column name that tries to become a script."""
    return ATTACK


@pytest.fixture(scope="session")
def style() -> str:
    """The style sheet of the page."""
    return (files("lockgate.reports") / "templates" / "style.css").read_text(encoding="utf-8")


@pytest.fixture(scope="session")
def palette(style: str) -> set[str]:
    """The names of the page's colours."""
    return set(re.findall(r"--([\w-]+):", style))
