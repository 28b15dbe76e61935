"""The settings of a search, and how they join those of a run of its task."""

from functools import cache
from typing import Annotated, Any

from pydantic import Field, create_model, field_validator

from lockgate.config import Config, Option
from lockgate.studies.config import MOST_ROUNDS, of_study
from lockgate.tasks.config import RunConfig

OF_TUNING = Option(("tune",))


class TuneSettings(Config):
    """What a search has beside the settings of its runs, which are the default it starts from."""

    tune: dict[str, Any] = Field(default_factory=dict)
    """Settings to search over, by name: a range [16, 256, log], or {choices: [lstm, gru]}. Default:
    cell, sizes, rates, learning rate and decay; of tables lookback and level too."""
    trials: Annotated[int, Field(ge=1, le=10_000), OF_TUNING] = 40
    """Settings to try at most, each judged on the folds beside the default."""
    rounds: Annotated[int, Field(ge=1, le=MOST_ROUNDS), OF_TUNING] = 10
    """Rounds at most in which the best few are fitted again beside the default, on other seeds."""
    smallest_effect: Annotated[float, Field(gt=0, lt=100), OF_TUNING] = 2.0
    """Change of the error, in per cent, below which a trick makes no difference that matters."""
    budget: Annotated[str, OF_TUNING] = "20m"
    """Time that the whole search is to take: trials end early enough for the best to be fitted
    again and delivered, after one batch at the least. With none all trials are done."""
    workers: Annotated[int | None, Field(ge=1), OF_TUNING] = None
    """Fits side by side, each on one thread. Default: one for each core, or all that a cluster
    takes."""
    ray: Annotated[str | None, OF_TUNING] = None
    """Fit on a Ray cluster: host:port of its head, or auto for the one of this machine."""
    gpus_per_fit: Annotated[float | None, Field(gt=0, le=1), OF_TUNING] = None
    """Share of a GPU that a fit on a cluster is given. Default: a whole one, with device=cuda."""

    @field_validator("smallest_effect", mode="before")
    @classmethod
    def _per_cent(cls, value: object) -> object:
        return value.removesuffix("%") if isinstance(value, str) else value


class TuneConfig(TuneSettings, RunConfig):
    """A run for each trial and fold; `tune_config` makes the class of a task."""


@cache
def tune_config(run: type[RunConfig]) -> type[TuneConfig]:
    """Return the class of the settings of a search over those of a run.

    Example:
        >>> from lockgate.tasks.forecasting.config import ForecastConfig
        >>> kind = tune_config(ForecastConfig)
        >>> kind.model_fields["members"].default, kind.model_fields["trials"].default
        (5, 40)
    """
    fields: dict[str, Any] = {
        n: (f.annotation, of_study(n, f)) for n, f in run.model_fields.items()
    }
    settings: dict[str, Any] = {n: (f.annotation, f) for n, f in TuneSettings.model_fields.items()}
    return create_model(f"{run.__name__}OfTuning", __base__=TuneConfig, **fields, **settings)
