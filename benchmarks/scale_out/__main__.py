"""Measure what a fit costs beside its computing, two workers against one, and simulate many nodes.

    python -m benchmarks.scale_out                # an hour on two cores that nothing else uses
    python -m benchmarks.scale_out --write        # and write the page
    python -m benchmarks.scale_out --page-only    # the page, from what has run

What has run is kept beside the page in scale_out.jsonl and not run again. Without Ray its clusters
are left out.
"""

import argparse
import json
import tempfile
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from benchmarks.common import command
from benchmarks.common.files import DOCS, write_whole
from benchmarks.scale_out.fits import WAYS
from benchmarks.scale_out.measure import data_of, prepare, sample, storing
from benchmarks.scale_out.page import NAME, page
from lockgate.errors import listed
from lockgate.running.machine import environment

Row = dict[str, Any]


def main() -> None:
    """Measure what is not kept yet, and write the page where asked to."""
    args = arguments()
    kept = args.folder / f"{NAME}.jsonl"
    if not args.page_only:
        measure(args, kept)
    if args.write or args.page_only:
        write_whole(args.folder / f"{NAME}.md", page(read(kept)))


def measure(args: argparse.Namespace, kept: Path) -> None:
    """Run what is not kept yet, and keep each sample as it comes.

    Raises:
        SystemExit: If what is kept is of fits of other length.
    """
    done = read(kept)
    about = next((row for row in done if row["kind"] == "about"), None)
    if about is not None and about["seconds"] != args.seconds:
        raise SystemExit(
            f"{kept} holds fits of {about['seconds']:g} s: delete it, or pass --seconds "
            f"{about['seconds']:g}"
        )
    left = [one for one in wanted(args) if one not in {_key(row) for row in done}]
    with tempfile.TemporaryDirectory(prefix="scale-out-") as name:
        folder = Path(name)
        epochs = prepare(folder, args.seconds)
        if about is None:
            keep(kept, told_about(folder, args.seconds, epochs))
        else:
            epochs = about["epochs"]
        for kind, way, number in left:
            fits, of_fit = (args.fits, epochs) if kind == "long" else (args.short, 1)
            one = sample(folder, way, number, fits, of_fit)
            print(f"{kind} {number}, {way}: {one.per_minute:.2f} fits a minute", flush=True)
            keep(kept, {"kind": kind, "sample": one._asdict()})


def told_about(folder: Path, seconds: float, epochs: int) -> Row:
    """Return what all samples share."""
    size, unpacked = data_of(folder)
    versions = listed((f"{name} {value}" for name, value in environment().items()), 20)
    return {
        "kind": "about",
        "seconds": seconds,
        "epochs": epochs,
        "store": storing(folder),
        "bytes": size,
        "unpack": unpacked,
        "environment": versions,
    }


def wanted(args: argparse.Namespace) -> Iterator[tuple[str, str, int]]:
    """Yield every sample; the ways alternate, in reverse order every other round."""
    ways = [way for way, one in WAYS.items() if not one.nodes or find_spec("ray") is not None]
    for number in range(args.rounds):
        for way in ways if number % 2 == 0 else ways[::-1]:
            yield "short", way, number
            yield "long", way, number


def _key(row: Row) -> tuple[str, str, int] | None:
    of = row.get("sample")
    return None if of is None else (row["kind"], of["way"], of["round"])


def read(kept: Path) -> list[Row]:
    """Read what has run."""
    if not kept.exists():
        return []
    return [json.loads(line) for line in kept.read_text(encoding="utf-8").splitlines()]


def keep(kept: Path, row: Row) -> None:
    """Add a row to what has run."""
    write_whole(kept, "".join(json.dumps(one) + "\n" for one in [*read(kept), row]))


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = command.parser(NAME, __doc__)
    parser.add_argument("--seconds", type=float, default=10.0, help="of a long fit, at least")
    parser.add_argument("--fits", type=int, default=3, help="long fits for each worker")
    parser.add_argument("--short", type=int, default=20, help="fits of one epoch for each worker")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--folder", type=Path, default=DOCS, help="where results and page lie")
    parser.add_argument("--write", action="store_true", help=f"write {NAME}.md")
    parser.add_argument("--page-only", action="store_true", help="write it from what has run")
    return parser.parse_args()


if __name__ == "__main__":
    main()
