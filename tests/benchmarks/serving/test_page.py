"""The page tells medians over rounds, and marks what is missed."""

import pytest

from benchmarks.serving.load import Latencies
from benchmarks.serving.page import Sample, Soak, page, row, told_soak, verdict

FAST = [
    Sample(rate, Latencies(0.002, p99)) for rate, p99 in ((900, 0.9), (1200, 0.01), (1500, 0.02))
]
ABOUT = dict.fromkeys(("what", "connections", "load", "command", "machine"), "…")


def test_a_row_tells_medians() -> None:
    assert row("ours", FAST) == ["ours", "1,200 (900 to 1,500)", "2.0", "20.0"]


@pytest.mark.parametrize(("least", "mark"), [(0, "✓"), (2, "✗")])
def test_aims_that_are_missed_are_marked(least: int, mark: str) -> None:
    slow = [
        Sample(one.rate - 500 * least, Latencies(0.1, one.latencies.p99 + least)) for one in FAST
    ]

    assert [line[2] for line in verdict(slow).splitlines()] == [mark, mark]


def test_page_compares_the_servers() -> None:
    told = page({"ours": FAST, "plain": FAST[:1]}, None, ABOUT)

    assert "| ours | 1,200 (900 to 1,500) | 2.0 | 20.0 |" in told
    assert "| plain | 900 (900 to 900) | 2.0 | 900.0 |" in told
    assert "3 rounds in which the two took turns" in told


def test_a_soak_tells_what_memory_did() -> None:
    soak = Soak(10.0, 500.0, [100 * 2**20, 101 * 2**20, 102 * 2**20], Latencies(0.002, 0.02))

    assert "10 minutes of 500 requests a second: 100, 101, 102 MiB held" in told_soak(soak)
    assert told_soak(None) == ""
