"""What would give a verdict where there is none: further rounds, with their command, or rows."""

from lockgate.reading.frequency import Frequency
from lockgate.studies.config import MOST_ROUNDS
from lockgate.tasks.results import Results


def remedy(reason: str | None, results: Results) -> str:
    """Say what may give a verdict where there is none, by the reason that the rule gives."""
    reason = reason or ""
    if "score" in reason:
        return "a smaller learning_rate may keep its fits from diverging"
    if "pass" in reason or "rounds" in reason:
        return f"a whole pass over the folds gives one: {resume(results, 1)}"
    if " folds" in reason and "blocks" not in reason:
        return "more rows, or more folds of them, would give one"
    return "more rows would give one"


def how(results: Results, high: int) -> str:
    """Tell how to do so many further rounds, of which a study can do the fewest."""
    if results["verdict"]["rounds"] + high > MOST_ROUNDS:
        return f"; a study goes to {MOST_ROUNDS}, which may do: {resume(results, high)}"
    return f": {resume(results, high)}"


def resume(results: Results, further: int) -> str:
    """Give the options that go on for at least so many rounds, to the end of a pass."""
    folds, verdict = max(len(results["folds"]), 1), results["verdict"]
    rounds = min(-(-(verdict["rounds"] + further) // folds) * folds, MOST_ROUNDS)
    seconds = (rounds - verdict["rounds"]) * verdict["round_seconds"]
    budget = str(results["config"].get("budget") or "none")
    short = budget.lower() != "none" and seconds > Frequency.parse(budget, "budget").seconds
    return f"`--resume --rounds {rounds}{' --budget none' if short else ''}`"
