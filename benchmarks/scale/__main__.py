"""What a table of many rows takes to train on: seconds and memory by rows.

    python -m benchmarks.scale --rows 1000000 10000000 --folder /tmp/scale --write

Makes a folder of Parquet files for each number of rows, hourly sales of many shops, and runs
`lockgate train` on it in a process of its own. The columns are the time, the target, one known
ahead and one with a value for each series. What was measured is kept beside each folder, and is not
measured again.
"""

import argparse
import json
import shutil
import sys
from pathlib import Path
from typing import NamedTuple

from benchmarks.common import command
from benchmarks.common.files import DOCS, write_whole
from benchmarks.common.markdown import table
from benchmarks.scale.generate import make
from benchmarks.scale.watch import watch
from lockgate.api import STORES
from lockgate.running.machine import environment

NAME = "scale"
PAGE = DOCS / "scale.md"
OPTIONS = (
    *("--target", "y", "--id", "unique_id", "--horizon", "24h", "--known-future", "promo"),
    *("--members", "1", "--no-mix"),
)
MEGABYTE = 2**20
LENGTH = 10_000
"""Rows of a series, on average."""


class Measured(NamedTuple):
    """What one table took."""

    rows: int
    series: int
    file_bytes: int
    before_seconds: float
    """Of starting, reading and preparing."""
    epoch_seconds: float
    """Of the first epoch, its validations included."""
    seconds: float
    """Of all, scores included."""
    peak_anonymous_bytes: int
    """See `watch.Watched`."""
    peak_resident_bytes: int


def main() -> None:
    """Print a row for each number of rows, and write the page where asked to."""
    args = arguments()
    found = []
    for rows in args.rows:
        found.append(kept(rows, args))
        print(*row(found[-1]), sep=" | ", flush=True)
    if args.write:
        write_whole(PAGE, page(found, args))


def kept(rows: int, args: argparse.Namespace) -> Measured:
    """Tell what a table took, measured now or before it was stopped."""
    order, series = "shuffled" if args.shuffled else "sorted", args.series or rows // LENGTH
    folder = args.folder / f"sales-{rows}-{series}-{order}"
    file = folder.with_suffix(".json")
    if not file.exists():
        write_whole(file, json.dumps(measured(folder, rows, series, args)))
    return Measured(*json.loads(file.read_text(encoding="utf-8")))


def measured(folder: Path, rows: int, series: int, args: argparse.Namespace) -> Measured:
    """Make a table, train on it and tell what that took."""
    make(folder, rows, series, shuffled=args.shuffled)
    out = folder.with_suffix(".run")
    shutil.rmtree(out, ignore_errors=True)
    shutil.rmtree(args.folder / STORES, ignore_errors=True)
    words = [sys.executable, "-m", "lockgate", "train", str(folder), *OPTIONS]
    words += ["--set", f"max_epochs={args.epochs}", "--out", str(out), "--verbose"]
    watched = watch(words)
    history = json.loads((out / "metrics.json").read_text(encoding="utf-8"))["history"]
    size = sum(file.stat().st_size for file in folder.iterdir())
    prepared = next(line.seconds for line in watched.lines if "read and prepared" in line.text)
    epoch = sum(history["seconds"][: history["per_epoch"]])
    peaks = watched.peak_anonymous_bytes, watched.peak_resident_bytes
    return Measured(rows, series, size, prepared, epoch, watched.seconds, *peaks)


def row(one: Measured) -> list[str]:
    """Give a row of the page."""
    seconds = (one.before_seconds, one.epoch_seconds, one.seconds)
    sizes = (one.file_bytes, one.peak_anonymous_bytes, one.peak_resident_bytes)
    of_files, *peaks = (size / MEGABYTE for size in sizes)
    told = (of_files, *seconds, *peaks)
    return [f"{one.rows:,}", f"{one.series:,}", *(f"{number:,.0f}" for number in told)]


def page(found: list[Measured], args: argparse.Namespace) -> str:
    """Write the page."""
    header = ("rows", "series", "files, MB", "before training, s", "first epoch, s", "in all, s")
    header += ("peak memory, MB", "with mapped files, MB")
    versions = ", ".join(f"{name} {value}" for name, value in environment().items())
    orders = ["--shuffled"] if args.shuffled else []
    words = ["--rows", *map(str, args.rows), *orders, "--folder", "FOLDER", "--write"]
    given = " ".join([command.called(NAME), *words])
    return f"""# Large tables

`lockgate train FOLDER {" ".join(OPTIONS)} --set max_epochs={args.epochs}` on a folder of Parquet
files: hourly sales of many shops, whose series begin at different times, with a column that is
known ahead and one with a value for each series.

{table(header, map(row, found))}

*Before training* is starting, reading and preparing, *in all* the scores on validation and test
part too. *Peak memory* is the most that the process held at once of memory that no file backs
(RssAnon and RssShmem of `/proc`, looked at every 20 ms). *With mapped files* counts the pages of
the store that happened to be in memory too (VmHWM), which the system takes back when others need
it. Each table was read for the first time: its store was written in the time before training.

{args.note}

`{given}`: {versions}.
"""


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = command.parser(NAME, __doc__)
    parser.add_argument("--rows", type=int, nargs="+", default=[1_000_000, 10_000_000])
    parser.add_argument("--series", type=int, help="default: one for each 10,000 rows")
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument("--shuffled", action="store_true", help="rows of a file in no order")
    parser.add_argument("--folder", type=Path, required=True, help="where tables and runs go")
    parser.add_argument("--note", default="", help="what else ran on the machine, for the page")
    parser.add_argument("--write", action="store_true", help=f"write {PAGE.name}")
    return parser.parse_args()


if __name__ == "__main__":
    main()
