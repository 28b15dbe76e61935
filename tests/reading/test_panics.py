"""A panic of polars, which no `except` expects, is refused in words; nothing else is hidden."""

import polars as pl
import pytest

from lockgate.errors import DataError
from lockgate.reading.panics import no_panics


def reader(kind: type[BaseException]) -> None:
    raise kind("out of\n" + "bounds" * 100)


def test_a_panic_becomes_an_error_of_the_data() -> None:
    message = "source must be data that can be read, got: out of bounds"

    with pytest.raises(DataError, match=message):
        no_panics(reader)(pl.exceptions.PanicException)


def test_a_fault_in_how_polars_is_used_is_not_hidden() -> None:
    with pytest.raises(pl.exceptions.ComputeError):
        no_panics(reader)(pl.exceptions.ComputeError)
