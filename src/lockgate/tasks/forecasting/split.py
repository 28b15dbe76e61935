"""Cut a series into a training, a validation and a test part, by time."""

import re
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from lockgate.errors import DataError
from lockgate.tasks.base import PARTS, Span

_OFFSET = re.compile(r"[T ].*([+-]|Z$)")


class Split(NamedTuple):
    """Rows at which the parts end (exclusive); each begins `gap` rows after the one before ends."""

    train: int
    validation: int
    test: int
    gap: int = 0

    def rows(self, part: Span) -> range:
        """Return the rows of `part`."""
        begin = self.train + self.gap
        middle = (begin + self.validation) // 2
        return {
            "train": range(self.train),
            "validation": range(begin, self.validation),
            "test": range(self.validation + self.gap, self.test),
            "stopping": range(begin, middle),
            "mixing": range(middle, self.validation),
            "development": range(self.validation),
        }[part]


def split_rows(ds: npt.NDArray[np.datetime64], split: tuple[str, ...]) -> Split:
    """Cut the rows `ds` by three fractions, or at two dates.

    Args:
        ds: Time stamp of every row on the clock on the wall, ascending but where it is set back,
            shape `(T,)`; or its number.
        split: `("0.7", "0.15", "0.15")`, or the dates at which the validation and the test part
            begin, `("2020-09-01", "2020-11-01")`, on the clock of the stamps; numbers of
            rows are cut by fractions alone.

    Raises:
        DataError: If `split` is neither, or a part would be empty.

    Example:
        >>> ds = np.arange("2020-01-01", "2020-04-10", dtype="datetime64[D]")
        >>> split_rows(ds, ("0.7", "0.15", "0.15"))
        Split(train=70, validation=85, test=100, gap=0)
        >>> split_rows(ds, ("2020-03-01", "2020-04-01"))
        Split(train=60, validation=91, test=100, gap=0)
    """
    ends = _by_fraction(ds, split) if len(split) == 3 else _by_date(ds, split)
    result = Split(*ends, len(ds))
    empty = [part for part in PARTS if not len(result.rows(part))]
    if empty:
        raise DataError(
            f"split must leave rows in every part, got {','.join(split)} "
            f"with no row for {' and '.join(empty)} of {len(ds)} rows from {ds[0]} to {ds[-1]}"
        )
    return result


def _by_fraction(ds: npt.NDArray[np.datetime64], split: tuple[str, ...]) -> tuple[int, int]:
    try:
        fractions = [float(part) for part in split]
    except ValueError:
        raise _neither(ds, split) from None
    if not (min(fractions) > 0 and abs(sum(fractions) - 1) <= 1e-6):
        raise DataError(
            f"split must be three fractions above 0 that sum to 1, got {','.join(split)}"
        )
    train, validation, _ = fractions
    return round(len(ds) * train), round(len(ds) * (train + validation))


def _by_date(ds: npt.NDArray[np.datetime64], split: tuple[str, ...]) -> tuple[int, int]:
    if len(split) != 2 or ds.dtype.kind != "M":
        raise _neither(ds, split)
    if any(_OFFSET.search(part) for part in split):
        raise DataError(
            "split must name dates on the clock of the stamps, without an offset, "
            f"got {','.join(split)}"
        )
    try:
        validation, test = (np.datetime64(part) for part in split)
    except ValueError:
        raise _neither(ds, split) from None
    if not validation < test:
        raise DataError(f"split must name two ascending dates, got {','.join(split)}")
    return int(np.searchsorted(ds, validation)), int(np.searchsorted(ds, test))


def _neither(ds: npt.NDArray[np.datetime64], split: tuple[str, ...]) -> DataError:
    dates = _dates(ds) if ds.dtype.kind == "M" else None
    other = "" if ds.dtype.kind == "M" else " where the rows have no dates"
    if dates:
        other = (
            f" or the two dates at which the validation and the test part begin ({','.join(dates)})"
        )
    return DataError(f"split must be three fractions (0.7,0.15,0.15){other}, got {','.join(split)}")


def _dates(ds: npt.NDArray[np.datetime64]) -> tuple[str, ...] | None:
    """Write the stamps at which the later parts begin by default, no longer than they must be."""
    rows = [min(round(len(ds) * share), len(ds) - 1) for share in (0.7, 0.85)]
    for unit in ("D", "m", "ms", "us"):
        begins = ds[rows].astype(f"datetime64[{unit}]")
        if ds[0] < begins[0] < begins[1] <= ds[-1]:
            return tuple(map(str, begins))
    return None
