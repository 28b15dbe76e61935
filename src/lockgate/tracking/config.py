"""The setting that says for which other tools a run is written, and the runs that have it."""

from functools import cache
from typing import Annotated, Any, Literal, cast

from pydantic import create_model, field_validator

from lockgate.config import Config, Option, parts
from lockgate.tasks.config import RunConfig

WriterName = Literal["tensorboard", "mlflow"]


class TrackSettings(Config):
    """What a command has that fits networks and may be shown by other tools."""

    track: Annotated[tuple[WriterName, ...] | None, Option(("study", "train", "tune"))] = None
    """Write curves, settings and scores as files for other tools to show, too: tensorboard, mlflow
    or both. Default: for none."""

    @field_validator("track", mode="before")
    @classmethod
    def _names(cls, value: object) -> object:
        return parts(value)


class TrackedConfig(TrackSettings, RunConfig):
    """A run that may be tracked; `tracked` makes the class of a task."""


@cache
def tracked(run: type[RunConfig]) -> type[TrackedConfig]:
    """Return the class of the settings of a run that may be tracked.

    Example:
        >>> from lockgate.tasks.forecasting.config import ForecastConfig
        >>> kind = tracked(ForecastConfig)
        >>> kind.model_fields["track"].default, issubclass(kind, ForecastConfig)
        (None, True)
    """
    # bases, so that the rules of both hold; the data of the task come before those of any
    bases: Any = (run, TrackedConfig)
    made: Any = create_model(f"{run.__name__}Tracked", __base__=bases)
    return cast(type[TrackedConfig], made)
