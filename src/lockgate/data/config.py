"""What is told about the data: columns, time, gaps, split, horizon."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

FRACTIONS = ("0.7", "0.15", "0.15")


class DataConfig(BaseModel):
    """How a table becomes windows. Every field is an option of the command line of that name.

    Durations are strings such as `"90m"`, `"24h"`, `"7d"`, `"26w"`, `"12mo"`; whole numbers count
    steps of the (resampled) table.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    target: str
    """Column to forecast."""
    horizon: int | str
    """How far ahead to forecast: steps or a duration. Every step up to it is forecast."""
    lookback: int | str | None = None
    """How much past a forecast reads. Default: see `preprocessing.default_lookback`."""
    time: str | None = None
    """Time column, or its parts joined by commas. Default: the one column that holds times."""
    time_format: str | None = None
    """`strptime` format of the time column, where it cannot be told from the values."""
    resample: str | None = None
    """Average over bins of this duration, labelled at their right edge."""
    missing: tuple[float, ...] = ()
    """Numbers that mean "missing" in this table."""
    max_gap: int = Field(default=3, ge=0)
    """Most steps over which an input is filled forward; longer holes break windows."""
    inputs: Literal["all", "target"] | tuple[str, ...] = "all"
    """Columns whose past the network reads; the target is always one of them."""
    exclude: tuple[str, ...] = ()
    """Columns left out of `inputs`."""
    split: tuple[str, ...] = FRACTIONS
    """Three fractions, or the two dates at which the validation and the test part begin."""
    separator: str | None = None
    """Column separator of a CSV file. Default: told from the file."""
    decimal: Literal[".", ","] = "."
    """Decimal mark of a CSV file."""

    @field_validator("horizon", "lookback", mode="before")
    @classmethod
    def _steps_as_number(cls, value: object) -> object:
        return int(value) if isinstance(value, str) and value.strip().isdecimal() else value

    @field_validator("inputs", mode="before")
    @classmethod
    def _columns(cls, value: object) -> object:
        return value if value in ("all", "target") else _parts(value)

    @field_validator("missing", "exclude", "split", mode="before")
    @classmethod
    def _comma_list(cls, value: object) -> object:
        return _parts(value)

    @field_validator("split", mode="before")
    @classmethod
    def _as_written(cls, value: object) -> object:
        return tuple(str(part) for part in value) if isinstance(value, list | tuple) else value


def _parts(value: object) -> object:
    """Take a text apart at its commas; a lone number is a list of one."""
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(","))
    return (value,) if isinstance(value, int | float) else value
