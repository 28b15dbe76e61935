"""Checks of a study: what a careful reader would ask before believing it."""

from collections.abc import Sequence

from lockgate.studies.verdict import LEAST_BLOCKS
from lockgate.studies.words import lacking
from lockgate.tasks.base import check
from lockgate.tasks.results import Check, Results, RungResult, Status

LIMITS = ("max_epochs", "max_steps")


def checks(results: Results, of_data: Sequence[Check]) -> list[Check]:
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


def _baselines(results: Results) -> Check:
    baseline, selected = results["verdict"]["baseline"], results["verdict"]["selected"]
    # a study whose fits all diverge ends before
    assert baseline is not None
    assert selected is not None
    statuses: dict[str, Status] = {"beats": "pass", "loses": "fail"}
    verb = {
        "beats": "beats",
        "ties": "does not clearly beat",
        "loses": "is worse than",
        "no verdict": "cannot be compared with",
    }
    outcome, rung = baseline["outcome"], selected["rung"]
    text = f"The selected network, {rung}, {verb[outcome]} {baseline['name']}"
    text += f": {_lack(results, rung)}." if outcome == "no verdict" else "."
    return check("Naive baselines", statuses.get(outcome, "warn"), text)


def _lack(results: Results, rung: str) -> str:
    seeds = next(r["seeds"] for r in results["rungs"] if r["name"] == rung)
    finite = sum(seed["stopped"] != "diverged" for seed in seeds)
    return lacking(finite, results["verdict"]["blocks"])


def _verdicts(results: Results) -> Check:
    name = "Enough evidence"
    pairs = results["verdict"]["pairs"]
    if not pairs:
        return check(name, "warn", "No pair of rungs was declared, so nothing is compared.")
    cut = [p["rung"] for p in pairs if p["outcome"] == "undecided (budget)"]
    open_ = [p["rung"] for p in pairs if p["outcome"] in ("undecided", "no verdict")]
    if not cut and not open_:
        return check(name, "pass", "Every comparison has a verdict.")
    few_blocks = results["verdict"]["blocks"] < LEAST_BLOCKS
    what = "A longer test part" if few_blocks else "More seeds or a longer test part"
    more = f"Undecided: {', '.join(open_)}. {what} would tell."
    longer = f"Cut short: {', '.join(cut)}, or what they build on. A larger limit would tell."
    return check(name, "warn", " ".join([more] * bool(open_) + [longer] * bool(cut)))


def _overfitting(results: Results) -> Check:
    cell = results["cell"]
    assert cell is not None
    plain = next(r for r in results["rungs"] if r["name"] == cell["selected"])
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


def _ended(rungs: Sequence[RungResult]) -> Check:
    cut = sorted({r["name"] for r in rungs for s in r["seeds"] if s["stopped"] in LIMITS})
    name = "Trained to the end"
    if not cut:
        return check(name, "pass", "No fit was cut short by a limit of steps or epochs.")
    text = f"Cut by a limit of steps or epochs before the early stop: {', '.join(cut)}."
    return check(name, "warn", text)


def _diverged(rungs: Sequence[RungResult]) -> Check:
    lost = [
        f"{r['name']} seed {s['seed']}"
        for r in rungs
        for s in r["seeds"]
        if s["stopped"] == "diverged"
    ]
    if not lost:
        return check("Diverged fits", "pass", "None.")
    return check("Diverged fits", "fail", f"Left out of every comparison: {', '.join(lost)}.")


def _test_looks(looks: int) -> Check:
    if looks == 1:
        return check("Looks at the test part", "pass", "One: its scores are fresh.")
    text = f"{looks}: what was learned from earlier looks may have leaked into this study."
    return check("Looks at the test part", "warn", text)
