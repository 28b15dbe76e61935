"""The settings of a search and of a sweep, and how they join those of a run of its task."""

from functools import cache
from typing import Annotated, Any

from pydantic import Field, create_model, field_validator, model_validator

from lockgate.config import Config, Option
from lockgate.studies.config import MOST_ROUNDS, of_study
from lockgate.tasks.config import RunConfig
from lockgate.tracking.config import TrackSettings

OF_TUNING = Option(("tune",))
OF_SWEEPS = Option(("lr-find",))
LEAST_SPAN = 100.0
"""Times its lowest rate that the highest of a sweep is at least."""


class TuneSettings(TrackSettings):
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


class RateSettings(Config):
    """What a sweep over learning rates has beside the settings of the run that it is of."""

    low_rate: Annotated[float, Field(gt=0), OF_SWEEPS] = 1e-5
    """Learning rate of the first batch. Default: 1e-5."""
    high_rate: Annotated[float, Field(gt=0), OF_SWEEPS] = 1.0
    """Learning rate of the last batch, if the loss has not diverged before. Default: 1."""
    batches: Annotated[int, Field(ge=1, le=10_000), OF_SWEEPS] = 200
    """Batches at most, whose rates rise by the same factor from one to the next."""

    @model_validator(mode="after")
    def _apart(self) -> "RateSettings":
        if self.high_rate < LEAST_SPAN * self.low_rate:
            raise ValueError(
                f"high_rate must be at least {LEAST_SPAN:g} times low_rate, got {self.high_rate:g} "
                f"and {self.low_rate:g}"
            )
        return self


class RateConfig(RateSettings, RunConfig):
    """The run whose first steps are swept; `rate_config` makes the class of a task."""


@cache
def rate_config(run: type[RunConfig]) -> type[RateConfig]:
    """Return the class of the settings of a sweep, with those of a run.

    Example:
        >>> from lockgate.tasks.forecasting.config import ForecastConfig
        >>> kind = rate_config(ForecastConfig)
        >>> kind.model_fields["batches"].default, "training" in kind.model_fields
        (200, True)
    """
    kinds = (run, RateSettings)
    fields: dict[str, Any] = {
        name: (field.annotation, field)
        for kind in kinds
        for name, field in kind.model_fields.items()
    }
    return create_model(f"{run.__name__}OfRates", __base__=RateConfig, **fields)
