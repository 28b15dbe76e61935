"""Checks of a study: what a careful reader would ask before believing it."""

from collections.abc import Mapping, Sequence
from typing import Any

MANY_MISSING = 0.05
FEW_WINDOWS = 0.9


def checks(results: Mapping[str, Any]) -> list[dict[str, str]]:
    """Return every check with its status, "pass", "warn" or "fail", and a sentence."""
    return [
        _baselines(results),
        _verdicts(results),
        _overfitting(results),
        _ended(results["rungs"]),
        _diverged(results["rungs"]),
        _holes(results["data"]),
        _windows(results["data"]),
        _test_looks(results["verdict"]["test_looks"]),
        _check("Test periods", "warn", "One test period: the verdicts hold for it alone."),
    ]


def _check(name: str, status: str, text: str) -> dict[str, str]:
    return {"name": name, "status": status, "text": text}


def _baselines(results: Mapping[str, Any]) -> dict[str, str]:
    baseline = results["verdict"]["baseline"]
    status = {"beats": "pass", "loses": "fail"}.get(baseline["outcome"], "warn")
    verb = {
        "beats": "beats",
        "ties": "does not clearly beat",
        "loses": "is worse than",
        "no verdict": "has too few seeds or test blocks to be compared with",
    }
    selected = results["verdict"]["selected"]["rung"]
    text = f"The selected network, {selected}, {verb[baseline['outcome']]} {baseline['name']}."
    return _check("Naive baselines", status, text)


def _verdicts(results: Mapping[str, Any]) -> dict[str, str]:
    name = "Enough evidence"
    pairs = results["verdict"]["pairs"]
    if not pairs:
        return _check(name, "warn", "No pair of rungs was declared, so nothing is compared.")
    cut = [p["rung"] for p in pairs if p["outcome"] == "undecided (budget)"]
    open_ = [p["rung"] for p in pairs if p["outcome"] in ("undecided", "no verdict")]
    if not cut and not open_:
        return _check(name, "pass", "Every comparison has a verdict.")
    more = f"Undecided: {', '.join(open_)}. More seeds or a longer test part would tell."
    longer = f"Cut short: {', '.join(cut)}, or what they build on. A larger limit would tell."
    return _check(name, "warn", " ".join([more] * bool(open_) + [longer] * bool(cut)))


def _overfitting(results: Mapping[str, Any]) -> dict[str, str]:
    plain = next(r for r in results["rungs"] if r["name"] == results["cell"]["selected"])
    name = "Overfitting of the plain network"
    if sum(seed["stopped"] != "diverged" for seed in plain["seeds"]) < 2:
        return _check(name, "warn", "It takes two seeds to tell.")
    if plain["overfits_from"] is None:
        return _check(name, "pass", f"{plain['name']} does not clearly overfit.")
    text = (
        f"{plain['name']} overfits from epoch {plain['overfits_from']}; "
        "the weights of the best epoch were kept."
    )
    return _check(name, "warn", text)


def _ended(rungs: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    cut = sorted({r["name"] for r in rungs for s in r["seeds"] if s["stopped"].startswith("max_")})
    name = "Trained to the end"
    if not cut:
        return _check(name, "pass", "No fit was cut short by a limit of steps or epochs.")
    text = f"Cut by a limit of steps or epochs before the early stop: {', '.join(cut)}."
    return _check(name, "warn", text)


def _diverged(rungs: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    lost = [
        f"{r['name']} seed {s['seed']}"
        for r in rungs
        for s in r["seeds"]
        if s["stopped"] == "diverged"
    ]
    if not lost:
        return _check("Diverged fits", "pass", "None.")
    return _check("Diverged fits", "fail", f"Left out of every comparison: {', '.join(lost)}.")


def _holes(data: Mapping[str, Any]) -> dict[str, str]:
    share = data["missing_target"] / data["rows"]
    text = f"{data['missing_target']:,} of {data['rows']:,} rows lack the target ({share:.1%})."
    return _check("Missing targets", "warn" if share > MANY_MISSING else "pass", text)


def _windows(data: Mapping[str, Any]) -> dict[str, str]:
    parts = data["split"]
    used = sum(part["windows"] for part in parts.values())
    lost = {"train": data["lookback"] + data["horizon"] - 1}
    most = sum(part["rows"] - lost.get(name, data["horizon"] - 1) for name, part in parts.items())
    share = used / most
    text = f"{used:,} of {most:,} possible windows are whole ({share:.0%}); the others have holes."
    return _check("Whole windows", "warn" if share < FEW_WINDOWS else "pass", text)


def _test_looks(looks: int) -> dict[str, str]:
    if looks == 1:
        return _check("Looks at the test part", "pass", "One: its scores are fresh.")
    text = f"{looks}: what was learned from earlier looks may have leaked into this study."
    return _check("Looks at the test part", "warn", text)
