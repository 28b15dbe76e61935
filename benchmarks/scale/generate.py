"""Make a large table of hourly sales: Parquet files of series of unequal starts and lengths."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import polars as pl

from lockgate.files import new_folder

START = np.datetime64("2020-01-01T00", "h")
PART_ROWS = 8_000_000
"""Rows of a file, about."""
GROUP_ROWS = 500_000
"""Rows of a row group."""
_SHORTEST, _LONGEST = 0.5, 1.5  # of a series, as a part of the mean length


def make(folder: Path, rows: int, series: int, *, shuffled: bool = False, seed: int = 0) -> None:
    """Write a folder of files, `part-0000.parquet` and so on, unless there is one.

    The columns are `unique_id`, `ds` (hours), `y`, `promo` (0 or 1, known ahead) and `size` (one
    number for each series). All series end at the same time.

    Args:
        folder: Where they are written.
        rows: Rows in all.
        series: How many series they are of.
        shuffled: Whether the rows of a file are in no order; else they are sorted by series and
            time, and series follow each other from file to file.
        seed: What the numbers are drawn from.
    """
    if folder.exists():
        return
    random = np.random.default_rng(seed)
    lengths = lengths_of(rows, series, random)
    with new_folder(folder) as temporary:
        for number, part in enumerate(_parts(lengths)):
            frame = pl.concat([_rows_of(k, lengths, random) for k in part])
            if shuffled:
                frame = frame.sample(fraction=1.0, shuffle=True, seed=number)
            path = temporary / f"part-{number:04d}.parquet"
            frame.write_parquet(path, row_group_size=GROUP_ROWS)


def lengths_of(rows: int, series: int, random: np.random.Generator) -> list[int]:
    """Draw how many rows each series has, `rows` in all."""
    shares = random.uniform(_SHORTEST, _LONGEST, series)
    ends = np.round(np.cumsum(shares) / shares.sum() * rows).astype(np.int64)
    return np.diff(ends, prepend=0).tolist()


def _parts(lengths: list[int]) -> Iterator[list[int]]:
    """Yield the numbers of the series of each file."""
    part: list[int] = []
    for number in range(len(lengths)):
        part.append(number)
        if sum(lengths[k] for k in part) >= PART_ROWS:
            yield part
            part = []
    if part:
        yield part


def _rows_of(number: int, lengths: list[int], random: np.random.Generator) -> pl.DataFrame:
    """Return the rows of a series: a level, a day, a week, a promotion, and noise."""
    rows, longest = lengths[number], max(lengths)
    hours = np.arange(longest - rows, longest)
    level = float(np.exp(random.normal(3.0, 1.0)))
    day, week = random.uniform(0.2, 0.6), random.uniform(0.1, 0.3)
    promo = np.repeat(random.random(-(-rows // 24)) < 0.1, 24)[:rows]
    waves = day * np.sin(2 * np.pi * hours / 24) + week * np.sin(2 * np.pi * hours / 168)
    noise = random.normal(0.0, 0.2, rows)
    y = level * (1.5 + waves + 0.5 * promo + noise)
    return pl.DataFrame(
        {
            "unique_id": pl.Series([f"shop-{number:05d}"]).new_from_index(0, rows),
            "ds": (START + hours).astype("datetime64[us]"),
            "y": np.round(y, 2),
            "promo": promo.astype(np.int8),
            "size": pl.Series([round(10 * level)], dtype=pl.Int32).new_from_index(0, rows),
        }
    )
