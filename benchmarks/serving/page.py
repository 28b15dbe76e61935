"""The page of the results."""

import statistics
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from benchmarks.common.markdown import table
from benchmarks.serving.load import Latencies

LEAST_RATE, MOST_SECONDS = 1_000.0, 0.050
"""What our server is to reach: requests a second, and p99 at half of them."""
MARK = {True: "✓", False: "✗"}


class Sample(NamedTuple):
    """A round of one server."""

    rate: float
    latencies: Latencies


class Soak(NamedTuple):
    """Many requests for long: bytes that our server held at the beginning, middle and end."""

    minutes: float
    rate: float  # requests a second
    resident: Sequence[int]
    latencies: Latencies


def row(name: str, samples: Sequence[Sample]) -> list[str]:
    """Return medians over rounds, and of the rate the least and the most."""
    rates = [one.rate for one in samples]
    p50, p99 = (
        statistics.median(1e3 * getattr(one.latencies, field) for one in samples)
        for field in Latencies._fields
    )
    rate = f"{statistics.median(rates):,.0f} ({min(rates):,.0f} to {max(rates):,.0f})"
    return [name, rate, f"{p50:.1f}", f"{p99:.1f}"]


def verdict(samples: Sequence[Sample]) -> str:
    """Tell whether the aims are reached."""
    rate = statistics.median(one.rate for one in samples)
    p99 = statistics.median(one.latencies.p99 for one in samples)
    return (
        f"- {MARK[rate >= LEAST_RATE]} at least {LEAST_RATE:,.0f} requests a second: {rate:,.0f}\n"
        f"- {MARK[p99 < MOST_SECONDS]} p99 under {1e3 * MOST_SECONDS:.0f} ms at half of them: "
        f"{1e3 * p99:.1f} ms"
    )


def told_soak(soak: Soak | None) -> str:
    """Tell what memory did meanwhile, nothing where it was not looked at."""
    if soak is None:
        return ""
    told = ", ".join(f"{size / 2**20:,.0f}" for size in soak.resident)
    p50, p99 = (1e3 * seconds for seconds in soak.latencies)
    return (
        f"\n{soak.minutes:g} minutes of {soak.rate:g} requests a second: {told} MiB held at the "
        f"beginning, middle and end; p50 {p50:.1f} ms, p99 {p99:.1f} ms.\n"
    )


def page(
    samples: Mapping[str, Sequence[Sample]],
    soak: Soak | None,
    about: Mapping[str, str],
) -> str:
    """Write the page; the first of the servers is ours."""
    header = ("server", "requests a second (least to most)", "p50, ms", "p99, ms")
    rows = [row(name, own) for name, own in samples.items()]
    first = next(iter(samples.values()))
    return f"""# Serving

{about["what"]}

{table(header, rows)}

{verdict(first)}
{told_soak(soak)}
Requests a second in a closed loop: {about["connections"]} connections that stay open, each of which
asks again once it is answered. p50 and p99 in an open loop of {LEAST_RATE / 2:,.0f} requests a
second, whose times are fixed beforehand: a latency counts from the time that was planned, so that
what a server makes others wait is in it: of one that answers fewer a second, requests wait ever
longer. Client and servers share the cores; the server that is not asked waits. Medians of
{len(first)} rounds in which the two took turns. {about["load"]}

`{about["command"]}`: {about["machine"]}.
"""
