"""What polars cannot cope with becomes an error of the data, in one place."""

import functools
from collections.abc import Callable
from typing import ParamSpec, TypeVar

import polars as pl

from lockgate.errors import DataError, shortened

P = ParamSpec("P")
R = TypeVar("R")


def no_panics(reader: Callable[P, R]) -> Callable[P, R]:
    """Make a `DataError` of a panic of polars in `reader`.

    A panic is no `Exception`, so that nothing else catches it. What polars raises otherwise is
    caught where it is known what it means.
    """

    @functools.wraps(reader)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return reader(*args, **kwargs)
        except pl.exceptions.PanicException as error:
            reason = shortened(" ".join(str(error).split()))
            raise DataError(f"source must be data that can be read, got: {reason}") from error

    return run
