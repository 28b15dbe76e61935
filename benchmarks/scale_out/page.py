"""The page: what was measured, and what is simulated from it."""

import statistics
from collections.abc import Iterable, Sequence
from typing import Any

from benchmarks.common import command, machine
from benchmarks.common.markdown import table
from benchmarks.scale_out.fits import WAYS
from benchmarks.scale_out.measure import Sample
from benchmarks.scale_out.simulate import Parts, Pass, limits, search, simulate, study

NAME = "scale_out"
NODES = (1, 8, 16, 32, 64, 128, 256)
SPREAD = 0.4
FIT_SECONDS = (10.0, 60.0, 600.0)
LINK = 125e6  # bytes a second: 1 Gbit/s
LEAST_TOLD = 0.01
AIM, RAY_AIM = 1.8, 0.9
ONE, TWO = "this process", "two processes"


def medians(samples: Iterable[Sample], field: str) -> dict[str, float]:
    """Return the median of a field over the rounds of each way that was measured."""
    own = list(samples)
    return {
        way: statistics.median(values)
        for way in WAYS
        if (values := [float(getattr(one, field)) for one in own if one.way == way])
    }


def ratios(samples: Sequence[Sample], way: str, to: str) -> list[float]:
    """Return fits per minute of a way over those of another, round by round."""
    rates = {(one.way, one.round): one.per_minute for one in samples}
    rounds = {one.round for one in samples}
    return [
        rates[way, n] / rates[to, n]
        for n in sorted(rounds)
        if (way, n) in rates and (to, n) in rates
    ]


def page(rows: Sequence[dict[str, Any]]) -> str:
    """Write the page from what is kept."""
    samples = {
        kind: [Sample(**row["sample"]) for row in rows if row["kind"] == kind]
        for kind in ("long", "short")
    }
    about = next(row for row in rows if row["kind"] == "about")
    return f"""# How fits scale out

Fits of an LSTM to the CO₂ sample, each on one thread, as a study hands them in: in this process,
in two processes of this machine, and on Ray clusters of this machine. Places are warm before a
sample, and rounds alternate them. Medians over rounds.

## What a fit costs beside its computing

{overheads(samples["short"])}

Fits of one epoch. *Overhead* is the time of a worker in which it does not compute, for each fit;
*between fits* is what it waits from one fit to the next; *result* is the time from the end of a fit
until its folder is here, read by the process that was started; *driver* is the processor time of
that process for each fit. Storing and reading one result takes {1e3 * about["store"]:.1f} ms, and
the data of a fold are {about["bytes"] / 1e6:.2f} MB.

## Two workers against one

{rates(samples["long"], about["seconds"])}

Asked are {AIM:g} times the fits per minute of one worker for two processes, and for Ray
{RAY_AIM:.0%} of those of processes with as many workers. ✗ marks what misses it.

## Eight to 256 nodes: a simulation, not a measurement

{simulated(parts_of(samples["short"], about))}

A node has one worker. Jobs come in passes, each of which waits for the one before: of a study of
nine rungs and 30 rounds 15 fits, six times 35, and twice 5 members; of a search of 40 trials
batches of six, whose better third goes on, and the best three again. The process that was started
hands in and stores one after the other; data go to a node once, one node after the other over
1 Gbit/s. Seconds of fits are spread around their mean (standard deviation of the logarithm
{SPREAD:g}), the same at every number of nodes. *Limited by* names what would save most of the time
if it cost nothing, and the share that it would save: *passes*, if no fit waited for a pass to end.
What is computed between passes (verdicts, baselines, preparing) is left out, and nodes do not fail.
The parts are those measured on Ray above.

`{command.called(NAME)} --write`: {machine.cpu()}, {about["environment"]}.
"""


def overheads(samples: Sequence[Sample]) -> str:
    """Return the table of what a fit costs."""
    fields = ("overhead", "between", "result", "driver")
    columns = [medians(samples, field) for field in fields]
    rows = [[way, *(f"{1e3 * column[way]:.1f} ms" for column in columns)] for way in columns[0]]
    return table(("place", "overhead", "between fits", "result", "driver"), rows)


def rates(samples: Sequence[Sample], seconds: float) -> str:
    """Return the table of fits per minute, beside one worker and beside processes."""
    rows = []
    for way, rate in medians(samples, "per_minute").items():
        to_one = _told(ratios(samples, way, ONE), AIM if way == TWO else 0.0)
        local = ONE if WAYS[way].workers == 1 else TWO
        aim = RAY_AIM if WAYS[way].nodes else 0.0
        rows.append([way, f"{rate:.2f}", to_one, _told(ratios(samples, way, local), aim)])
    head = (f"fits of {seconds:g} s", "a minute", "against one worker", "against processes")
    return table(head, rows)


def _told(values: Sequence[float], aim: float) -> str:
    if not values:
        return "–"
    ratio = statistics.median(values)
    return f"{ratio:.2f}" if ratio >= aim else f"**{ratio:.2f}** ✗"


def parts_of(short: Sequence[Sample], about: dict[str, Any]) -> Parts:
    """Return the parts of a fit on Ray, from its medians where there are nodes."""
    of_ray = [one for one in short if WAYS[one.way].nodes]
    if not of_ray:
        return Parts(store=about["store"])
    ship = about["bytes"] / LINK + about["unpack"]
    return Parts(
        # what is stored is counted by itself
        hand_in=max(statistics.median(one.driver for one in of_ray) - about["store"], 0.0),
        start=statistics.median(one.between for one in of_ray),
        store=about["store"],
        ship=ship,
    )


def simulated(parts: Parts) -> str:
    """Return the table of a study and a search on nodes."""
    rows = []
    for name, make in (("study", study), ("search", search)):
        for seconds in FIT_SECONDS:
            passes = make(seconds, SPREAD)
            rows += [_row(name, seconds, passes, nodes, parts) for nodes in NODES]
    head = ("what", "a fit", "nodes", "fits a minute", "efficiency", "limited by")
    return table(head, rows)


def _row(name: str, seconds: float, passes: Sequence[Pass], nodes: int, parts: Parts) -> list[str]:
    done = simulate(passes, nodes, 1, parts)
    most, saved = next(limits(passes, nodes, 1, parts))
    limit = f"{most}, {saved:.0%}" if saved >= LEAST_TOLD else "–"
    rate, efficiency = f"{done.per_minute:.1f}", f"{done.efficiency(nodes):.0%}"
    return [name, f"{seconds:g} s", str(nodes), rate, efficiency, limit]
