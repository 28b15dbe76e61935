"""Samples are kept as they come, and not taken again."""

import argparse
from pathlib import Path

import pytest

from benchmarks.scale_out import __main__ as scale_out
from benchmarks.scale_out.fits import WAYS
from benchmarks.scale_out.page import page


@pytest.fixture
def args(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> argparse.Namespace:
    """Ask for the least, on this machine without Ray."""
    monkeypatch.setattr(scale_out, "find_spec", lambda _: None)
    return argparse.Namespace(seconds=0.01, fits=1, short=2, rounds=1, folder=tmp_path)


def test_ways_alternate_and_are_turned_round_in_every_other_round(
    args: argparse.Namespace,
) -> None:
    args.rounds = 2
    long = [way for kind, way, _ in scale_out.wanted(args) if kind == "long"]

    assert long == ["this process", "two processes", "two processes", "this process"]


@pytest.mark.slow
def test_what_has_run_is_kept_and_goes_on(
    args: argparse.Namespace, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = tmp_path / "kept.jsonl"
    scale_out.measure(args, kept)
    rows = scale_out.read(kept)
    last = rows[-1]
    kept.write_text("".join(kept.read_text().splitlines(keepends=True)[:-1]))
    capsys.readouterr()

    scale_out.measure(args, kept)

    again = scale_out.read(kept)
    assert [row["kind"] for row in rows] == ["about", "short", "long", "short", "long"]
    assert again[:-1] == rows[:-1]
    assert len(capsys.readouterr().out.splitlines()) == 1
    for row in rows[1:]:
        told = row["sample"]
        assert 0 < told["computed"] <= WAYS[told["way"]].workers * told["wall"]
        assert told["result"] > 0
    assert last["sample"]["way"] == "two processes"
    assert "two processes" in page(again)


def test_fits_of_another_length_are_refused(args: argparse.Namespace, tmp_path: Path) -> None:
    kept = tmp_path / "kept.jsonl"
    scale_out.keep(kept, {"kind": "about", "seconds": 10.0})

    with pytest.raises(SystemExit, match=r"holds fits of 10 s: delete it, or pass --seconds 10$"):
        scale_out.measure(args, kept)
