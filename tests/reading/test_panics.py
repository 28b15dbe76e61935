"""What polars cannot cope with is refused in words, panics too, which no `except` expects."""

import polars as pl
import pytest

from lockgate.errors import DataError
from lockgate.reading.panics import no_panics


@pytest.mark.parametrize("kind", [pl.exceptions.PanicException, pl.exceptions.ComputeError])
def test_panics_become_errors_of_the_data(kind: type[BaseException]) -> None:
    @no_panics
    def read() -> None:
        raise kind("out of\n" + "bounds" * 100)

    with pytest.raises(DataError, match="source must be data that can be read, got: out of bounds"):
        read()
