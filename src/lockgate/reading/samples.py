"""Real tables that come along, so that nothing need be at hand to begin."""

import polars as pl

from lockgate.errors import DataError, listed

SAMPLE = "sample:"
"""What the name of a table that comes along begins with, in the place of a path."""
SAMPLES = ("co2",)


def sample(name: str) -> pl.DataFrame:
    """Return a small real series that ships with the installed libraries.

    Args:
        name: `"co2"`: the weekly mean of atmospheric CO2 at Mauna Loa in ppm, 1958 to 2001, with
            59 weeks missing (column `co2`; statsmodels).

    Raises:
        DataError: If there is no sample of that name.
    """
    if name not in SAMPLES:
        raise DataError(f"sample must be one of {listed(SAMPLES)}, got {name!r}")
    # imported here because statsmodels takes a second to import
    from statsmodels.datasets import co2

    data = co2.load_pandas().data
    return pl.DataFrame(
        {"date": data.index.to_numpy().astype("datetime64[us]"), "co2": data["co2"].to_numpy()}
    ).fill_nan(None)
