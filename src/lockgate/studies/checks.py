"""Checks of a study: what a careful reader would ask before believing it."""

from collections.abc import Iterator, Sequence

from lockgate.charts.formats import enumerated, moment, numbered, plural
from lockgate.studies.growth import growths
from lockgate.studies.phrases import signed_percent
from lockgate.studies.single import better_than
from lockgate.studies.tuned import seen_words
from lockgate.tasks.base import check
from lockgate.tasks.results import (
    Check,
    Results,
    RungResult,
    Status,
    changes_by_fold,
    reference_baseline,
    selected_rung,
)

LIMITS = ("max_epochs", "max_steps")


def checks(results: Results, of_data: Sequence[Check]) -> list[Check]:
    """Return every check, those of the data too: its status, "pass", "warn" or "fail", and why."""
    return [
        _delivered(results),
        _single(results),
        _verdicts(results),
        *_latest_fold(results),
        *_growing(results),
        _overfitting(results),
        _ended(results["rungs"]),
        _diverged(results["rungs"]),
        _test_looks(results["verdict"]["test_looks"]),
        *_searched(results),
        *of_data,
    ]


def _searched(results: Results) -> Iterator[Check]:
    """Tell what a search saw of the rows on which what it found is judged."""
    if (seen := seen_words(results)) is not None:
        yield check("Rows that a search saw", "warn", seen)


def _delivered(results: Results) -> Check:
    """Set what is delivered against every baseline, on the test part."""
    name, metric, delivered = "Naive baselines", results["metric"], results["delivered"]
    effect = delivered["effect"]
    tests = {one["name"]: one["test"] for one in results["baselines"]}
    ahead = better_than(delivered["mixture"], tests, metric)
    if not results["baselines"]:
        return check(name, "warn", "None was computed, so nothing tells what a network is worth.")
    better = f" Better on the test part: {enumerated(ahead)}." if ahead else ""
    if effect is None:
        text = f"The model delivered has no baseline in it to be judged against.{better}"
        return check(name, "warn" if ahead else "pass", text)
    verb = {
        "beats": "beats",
        "ties": "does not clearly beat",
        "loses": "is worse than",
        "no verdict": "cannot be compared, for want of test rows, with",
    }[effect["outcome"]]
    statuses: dict[str, Status] = {"beats": "pass", "loses": "fail"}
    status = statuses.get(effect["outcome"], "warn")
    if status == "pass" and ahead:
        status = "warn"
    text = f"The model delivered {verb} {effect['name']} alone on the test part.{better}"
    return check(name, status, text)


def _single(results: Results) -> Check:
    """Set a single network against the reference baseline, on the rows judged."""
    name, baseline = "A single network", results["verdict"]["baseline"]
    if baseline is None:
        return check(name, "warn", "There is no baseline to judge it against.")
    statuses: dict[str, Status] = {"beats": "pass", "loses": "fail"}
    verb = {
        "beats": "beats",
        "ties": "does not clearly beat",
        "loses": "is worse than",
        "no verdict": "has no verdict against",
    }[baseline["outcome"]]
    text = f"{results['verdict']['selected']} {verb} {baseline['name']} on the rows judged."
    return check(name, statuses.get(baseline["outcome"], "warn"), text)


def _verdicts(results: Results) -> Check:
    name, pairs = "Enough evidence", results["verdict"]["pairs"]
    if not pairs:
        return check(name, "warn", "No pair of rungs was declared, so nothing is compared.")
    by_rows = [p["rung"] for p in pairs if p["outcome"] == "open" and p["limit"] == "rows"]
    by_rounds = [p["rung"] for p in pairs if p["outcome"] == "open" and p["limit"] != "rows"]
    lacking = [p for p in pairs if p["outcome"] == "no verdict"]
    told = []
    if by_rounds:
        told.append(f"Open: {enumerated(by_rounds)}. More rounds may tell (--resume --rounds).")
    if by_rows:
        rows = f"Open for want of rows: {enumerated(by_rows)}."
        told.append(f"{rows} No number of rounds would tell.")
    for reason in dict.fromkeys(p["reason"] for p in lacking):
        rungs = enumerated([p["rung"] for p in lacking if p["reason"] == reason])
        told.append(f"No verdict: {rungs}{f' ({reason})' if reason else ''}.")
    if not told:
        return check(name, "pass", "Every comparison has a verdict.")
    return check(name, "warn", " ".join(told))


def _latest_fold(results: Results) -> Iterator[Check]:
    """Tell where the latest stretch of time disagrees with the mean over all."""
    dated = [fold for fold in results["folds"] if fold["begins"] is not None]
    if len(dated) < 2:
        return
    latest, told = dated[-1]["name"], []
    for pair in results["verdict"]["pairs"]:
        there = changes_by_fold(pair, results).get(latest)
        if pair["outcome"] in ("helps", "hurts") and _turned(pair["percent"], there, results):
            told.append(f"{pair['rung']} {pair['outcome']} over all, there {_signed(there)}")
    against = _against_baseline(latest, results)
    baseline = results["verdict"]["baseline"]
    if baseline and baseline["outcome"] in ("beats", "loses"):
        percent = baseline["percent"]
        if _turned(percent, against, results):
            told.append(
                f"a single network {baseline['outcome']} {baseline['name']} over all, there "
                f"{_signed(against)}"
            )
    name, stretch = "The latest stretch", f"The fold from {moment(dated[-1]['begins'])}"
    if not told:
        yield check(name, "pass", f"{stretch} agrees with the mean over all folds.")
        return
    yield check(name, "warn", f"{stretch} disagrees with the mean: {'; '.join(told)}.")


def _growing(results: Results) -> Iterator[Check]:
    """Tell whose effect changes where there are more rows to learn from."""
    found = [one.words(one.rung, results["metric"]) for one in growths(results)]
    if found:
        yield check("More rows to learn from", "warn", " ".join(found))


def _against_baseline(fold: str, results: Results) -> float | None:
    """Return the change from the reference baseline to the selected rung in a fold."""
    baseline = reference_baseline(results)
    own = selected_rung(results)["by_fold"].get(fold)
    other = baseline["by_fold"].get(fold) if baseline else None
    return 100.0 * (own / other - 1.0) if own is not None and other else None


def _turned(over_all: float | None, there: float | None, results: Results) -> bool:
    """Whether a change has the other sign, by more than makes no difference."""
    if over_all is None or there is None or abs(there) < results["verdict"]["smallest_effect"]:
        return False
    return over_all * there < 0.0


def _signed(change: float | None) -> str:
    return "" if change is None else signed_percent(change)


def _overfitting(results: Results) -> Check:
    cell = results["cell"]
    plain = next(
        rung for rung in results["rungs"] if cell is None or rung["name"] == cell["selected"]
    )
    name = "Overfitting of the plain network"
    if sum(one["stopped"] != "diverged" for one in plain["rounds"]) < 2:
        return check(name, "warn", "It takes two rounds to tell.")
    if plain["overfits_from"] is None:
        return check(name, "pass", f"{plain['name']} does not clearly overfit.")
    text = (
        f"{plain['name']} overfits from epoch {plain['overfits_from']:g}; "
        "the weights of the best epoch were kept."
    )
    return check(name, "warn", text)


def _ended(rungs: Sequence[RungResult]) -> Check:
    cut = {rung["name"]: _rounds_of(rung, LIMITS) for rung in rungs}
    named = sorted(f"{name} ({plural(len(of), 'fit')})" for name, of in cut.items() if of)
    name = "Trained to the end"
    if not named:
        return check(name, "pass", "No fit was cut short by a limit of steps or epochs.")
    text = f"Cut by a limit of steps or epochs before the early stop: {', '.join(named)}."
    return check(name, "warn", text)


def _diverged(rungs: Sequence[RungResult]) -> Check:
    lost = {rung["name"]: _rounds_of(rung, ("diverged",)) for rung in rungs}
    named = [f"{name} {numbered('round', of)}" for name, of in lost.items() if of]
    if not named:
        return check("Diverged fits", "pass", "None.")
    return check("Diverged fits", "fail", f"Left out of every comparison: {'; '.join(named)}.")


def _rounds_of(rung: RungResult, ends: Sequence[str]) -> list[int]:
    """Return the rounds of the fits that ended in one of these ways."""
    return [one["round"] for one in rung["rounds"] if one["stopped"] in ends]


def _test_looks(looks: int) -> Check:
    if looks == 1:
        return check("Looks at the test part", "pass", "One: its scores are fresh.")
    text = f"{looks}: what was learned from earlier looks may have leaked into this study."
    return check("Looks at the test part", "warn", text)
