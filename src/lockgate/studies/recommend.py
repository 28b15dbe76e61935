"""What to do, by what a study found: the sentences that open its report."""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from lockgate.errors import count_of
from lockgate.studies.config import MOST_ROUNDS
from lockgate.studies.further import how, remedy, resume
from lockgate.studies.growth import growths
from lockgate.studies.phrases import chance, change, compared, error_name, span
from lockgate.studies.tuned import TUNED
from lockgate.tasks.results import Effect, PairResult, Results, selected_rung


class Told(NamedTuple):
    """What the sentences are made of."""

    results: Results
    tricks: Mapping[str, str]

    @property
    def error(self) -> str:
        """What the metric is called."""
        return error_name(self.results["metric"])

    @property
    def rounds(self) -> str:
        """How many rounds there were, in words."""
        return count_of(self.results["verdict"]["rounds"], "round")

    def pairs(self, *outcomes: str) -> list[PairResult]:
        """Return the pairs of these outcomes."""
        return [one for one in self.results["verdict"]["pairs"] if one["outcome"] in outcomes]

    def line(self) -> list[str]:
        """Return the selected rung and what it was made from, the first last."""
        parents = {rung["name"]: rung["parent"] for rung in self.results["rungs"]}
        names = [self.results["verdict"]["selected"]]
        while (parent := parents.get(names[-1])) is not None and parent not in names:
            names.append(parent)
        return names


def recommendation(results: Results, tricks: Mapping[str, str]) -> list[str]:
    """Say what to do in one to four sentences, for one who knows few of the terms.

    First what to use: the baseline where it is better, else the network; then which tricks to
    leave out; then which are open, and what would tell.

    Args:
        results: Those of a study; of the verdict all but its sentences is read.
        tricks: What each rung adds to its parent, by its name; nothing for the plain cells.
    """
    told = Told(results, tricks)
    instead = _baseline_instead(told)
    said = [instead, _use(told, after=bool(instead)), _leave(told), _still_open(told)]
    return [sentence for sentence in said if sentence]


def network_words(results: Results, tricks: Mapping[str, str]) -> str:
    """Name the selected network: `a GRU reading both directions with input dropout 0.25`."""
    told = Told(results, tricks)
    cell = selected_rung(results)["cell"].upper()
    article = "an" if cell[0] in "LR" else "a"
    line = told.line()
    # a run of its own has nothing of what stands before it
    line = line[:1] if line[0] == TUNED else line
    added = [tricks[name] for name in reversed(line) if tricks.get(name)]
    if not added:
        return f"a plain {cell}"
    words, joined = f"{article} {cell}", "with"
    for trick in added:
        if trick.split()[0].endswith("ing"):  # reading both directions
            words += f" {trick}"
            continue
        words, joined = f"{words} {joined} {trick}", "and"
    return words


def against(parent: str, results: Results, tricks: Mapping[str, str]) -> str:
    """Name what a rung is compared with."""
    cells = {rung["name"]: rung["cell"] for rung in results["rungs"]}
    return parent if tricks.get(parent) else f"the plain {cells.get(parent, parent).upper()}"


def alike(effect: Effect, results: Results) -> bool:
    """Whether a change is too small to matter."""
    percent = effect["percent"]
    return percent is not None and abs(percent) < results["verdict"]["smallest_effect"]


def _baseline_instead(told: Told) -> str:
    """Tell to use a baseline where it is better than a network."""
    results = told.results
    baseline, effect = results["verdict"]["baseline"], results["delivered"]["effect"]
    if baseline is None or not _worse(baseline["outcome"], baseline, results):
        return ""
    name = baseline["name"]
    larger = compared(baseline, results["metric"], interval=True)
    if effect is not None and effect["outcome"] == "beats":
        better = compared(effect, results["metric"], interval=True)
        return (
            f"Use what is delivered: on the test part it has {better} than {effect['name']} alone, "
            f"where a single network has {larger} than {name} on the rows judged."
        )
    doubt = "" if baseline["outcome"] == "loses" else ", as far as so little can tell"
    return f"Use {name} alone: a single network has {larger}{doubt} ({told.rounds})."


def _worse(outcome: str, effect: Effect, results: Results) -> bool:
    """Whether a network is worse than a baseline, by the verdict or, without one, by its score."""
    percent = effect["percent"]
    if outcome == "no verdict":
        return percent is not None and percent > 0 and not alike(effect, results)
    return outcome == "loses"


def _use(told: Told, *, after: bool) -> str:
    """Say which network to use; after it was said to use something else, if any."""
    network, pairs = network_words(told.results, told.tricks), told.results["verdict"]["pairs"]
    use = f"If it is to be a network, use {network}" if after else f"Use {network}"
    alone = "" if after else _ties(told.results)
    if not pairs:
        return f"{use}: no trick was tried against it.{alone}"
    if len(told.pairs("no verdict")) == len(pairs):
        reason = pairs[0]["reason"]
        why = f" ({reason})" if reason else ""
        return (
            f"{use}: no trick has a verdict{why}. Scores stand without one; "
            f"{remedy(reason, told.results)}."
        )
    helping = told.pairs("helps")
    own = [one for one in helping if one["rung"] == told.results["verdict"]["selected"]]
    if not own:
        return f"{use}: no trick is shown to help it.{alone}"
    best = f", the best of {len(helping)} that help, which may flatter it" if helping[1:] else ""
    parent = against(own[0]["parent"], told.results, told.tricks)
    return (
        f"{use}: it lowers a single network's {told.error} by {change(own[0])} against {parent} "
        f"({count_of(own[0]['rounds'], 'round')}){best}.{_fades(told, own[0])}{alone}"
    )


def _fades(told: Told, pair: PairResult) -> str:
    """Tell where a trick that helps does not where there are most rows to learn from."""
    found = [one for one in growths(told.results) if one.rung == pair["rung"]]
    if not found or found[0].last < -told.results["verdict"]["smallest_effect"]:
        return ""
    trick = told.tricks[pair["rung"]]
    return f" {found[0].words(trick[0].upper() + trick[1:], told.results['metric'])}"


def _ties(results: Results) -> str:
    """Tell where neither the network nor what is delivered is clearly better than a baseline."""
    baseline, effect = results["verdict"]["baseline"], results["delivered"]["effect"]
    if baseline is None or baseline["outcome"] != "ties":
        return ""
    if effect is not None and effect["outcome"] == "beats":
        name = effect["name"]
        return f" Alone it is not clearly better than {name}, but mixed with {name} it is."
    return f" It is not clearly better than {baseline['name']} alone, which is simpler."


def _leave(told: Told) -> str:
    """Say which tricks to leave out, but for those that the selected network is made from."""
    kept = told.line()
    hurts = [one for one in told.pairs("hurts") if one["rung"] not in kept]
    said = []
    if len(hurts) == 1:
        trick, by = told.tricks[hurts[0]["rung"]], change(hurts[0])
        said.append(f"Do not use {trick}: it raises the {told.error} by {by}.")
    elif hurts:
        each = [f"{told.tricks[one['rung']]} (by {change(one)})" for one in hurts]
        said.append(f"Do not use what raises the {told.error}: {'; '.join(each)}.")
    for outcome, verb in (("no difference", "makes"), ("no gain", "gives")):
        idle = [one for one in told.pairs(outcome) if one["rung"] not in kept]
        if idle:
            tricks = "; ".join(told.tricks[one["rung"]] for one in idle)
            one_or_each = "it" if len(idle) == 1 else "each"
            said.append(f"Leave out {tricks}: {one_or_each} {verb} {outcome} that matters.")
    return " ".join(said)


def _still_open(told: Told) -> str:
    """Say which tricks are open, how likely each is to help, and what would tell."""
    still_open = told.pairs("open")
    rows = [one for one in still_open if one["limit"] == "rows"]
    rounds = [one for one in still_open if one["limit"] != "rows"]
    said = list(_open_by_rounds(told, rounds))
    if rows:
        tricks = _with_chances(told, rows)
        said.append(f"Open, and no number of rounds would tell: {tricks}; more rows would.")
    lacking = told.pairs("no verdict")
    if lacking and len(lacking) < len(told.results["verdict"]["pairs"]):
        tricks = "; ".join(told.tricks[one["rung"]] for one in lacking)
        reason = lacking[0]["reason"]
        because = f"{reason}; " if reason else ""
        said.append(f"No verdict on {tricks}: {because}{remedy(reason, told.results)}.")
    return " ".join(said)


def _open_by_rounds(told: Told, pairs: Sequence[PairResult]) -> Iterator[str]:
    if not pairs:
        return
    yield f"Open: {_with_chances(told, pairs)}."
    results = told.results
    known = [(one["needed"], one) for one in pairs if one["needed"]]
    if not known:
        yield f"Another pass over the folds may tell: {resume(results, 1)}."
        return
    (low, high), first = min(known, key=lambda one: one[0][-1])
    seconds = results["verdict"]["round_seconds"]
    which = "it" if len(pairs) == 1 else told.tricks[first["rung"]]
    if results["verdict"]["rounds"] + low > MOST_ROUNDS:
        yield (
            f"More rounds than the {MOST_ROUNDS} that a study goes to would tell if {which} is as "
            f"{_looks(first, results)} as it looks; more rows may tell sooner."
        )
        return
    count = count_of(high, "more round") if low == high else f"{low:,} to {high:,} more rounds"
    yield (
        f"{count} ({span(low * seconds, high * seconds)}) would tell if {which} is as "
        f"{_looks(first, results)} as it looks{how(results, high)}."
    )


def _looks(pair: PairResult, results: Results) -> str:
    """Tell what an open pair looks like."""
    if alike(pair, results):
        return "small"
    return "good" if pair["percent"] is not None and pair["percent"] < 0 else "bad"


def _with_chances(told: Told, pairs: Sequence[PairResult]) -> str:
    each = []
    for one in pairs:
        known = one["chance"]
        likely = "" if known is None else f" ({chance(known)})"
        each.append(f"{told.tricks[one['rung']]}{likely}")
    return "; ".join(each)
