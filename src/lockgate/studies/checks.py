"""Checks of a study: what a careful reader would ask before believing it."""

from collections.abc import Mapping, Sequence
from typing import Any


def checks(results: Mapping[str, Any], of_data: Sequence[dict[str, str]]) -> list[dict[str, str]]:
    """Return every check, those of the data too: its status, "pass", "warn" or "fail", and why."""
    return [
        _baselines(results),
        _verdicts(results),
        _overfitting(results),
        _ended(results["rungs"]),
        _diverged(results["rungs"]),
        _test_looks(results["verdict"]["test_looks"]),
        *of_data,
    ]


def check(name: str, status: str, text: str) -> dict[str, str]:
    """Put a check together."""
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
    return check("Naive baselines", status, text)


def _verdicts(results: Mapping[str, Any]) -> dict[str, str]:
    name = "Enough evidence"
    pairs = results["verdict"]["pairs"]
    if not pairs:
        return check(name, "warn", "No pair of rungs was declared, so nothing is compared.")
    cut = [p["rung"] for p in pairs if p["outcome"] == "undecided (budget)"]
    open_ = [p["rung"] for p in pairs if p["outcome"] in ("undecided", "no verdict")]
    if not cut and not open_:
        return check(name, "pass", "Every comparison has a verdict.")
    more = f"Undecided: {', '.join(open_)}. More seeds or a longer test part would tell."
    longer = f"Cut short: {', '.join(cut)}, or what they build on. A larger limit would tell."
    return check(name, "warn", " ".join([more] * bool(open_) + [longer] * bool(cut)))


def _overfitting(results: Mapping[str, Any]) -> dict[str, str]:
    plain = next(r for r in results["rungs"] if r["name"] == results["cell"]["selected"])
    name = "Overfitting of the plain network"
    if sum(seed["stopped"] != "diverged" for seed in plain["seeds"]) < 2:
        return check(name, "warn", "It takes two seeds to tell.")
    if plain["overfits_from"] is None:
        return check(name, "pass", f"{plain['name']} does not clearly overfit.")
    text = (
        f"{plain['name']} overfits from epoch {plain['overfits_from']}; "
        "the weights of the best epoch were kept."
    )
    return check(name, "warn", text)


def _ended(rungs: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    cut = sorted({r["name"] for r in rungs for s in r["seeds"] if s["stopped"].startswith("max_")})
    name = "Trained to the end"
    if not cut:
        return check(name, "pass", "No fit was cut short by a limit of steps or epochs.")
    text = f"Cut by a limit of steps or epochs before the early stop: {', '.join(cut)}."
    return check(name, "warn", text)


def _diverged(rungs: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    lost = [
        f"{r['name']} seed {s['seed']}"
        for r in rungs
        for s in r["seeds"]
        if s["stopped"] == "diverged"
    ]
    if not lost:
        return check("Diverged fits", "pass", "None.")
    return check("Diverged fits", "fail", f"Left out of every comparison: {', '.join(lost)}.")


def _test_looks(looks: int) -> dict[str, str]:
    if looks == 1:
        return check("Looks at the test part", "pass", "One: its scores are fresh.")
    text = f"{looks}: what was learned from earlier looks may have leaked into this study."
    return check("Looks at the test part", "warn", text)
