"""The settings of a study, and how they join those of a run of its task."""

from copy import copy
from functools import cache
from pathlib import PurePath
from typing import Annotated, Any

from pydantic import Field, create_model, field_validator
from pydantic.fields import FieldInfo

from lockgate.config import Option, parts
from lockgate.tasks.config import RunConfig
from lockgate.tracking.config import TrackSettings

DEFAULTS = {"members": 5}
"""What a study has other defaults of than `train`: it fits many more networks anyway."""


MOST_ROUNDS = 100
"""Rounds that a study goes to at most."""


class StudySettings(TrackSettings):
    """What a study of any task has beside the settings of its runs."""

    rungs: Annotated[tuple[str, ...], Option(("study",))]
    """Networks to compare, by name: lstm,recurrent-dropout. Default: all but a few for a closer
    look, such as zoneout."""
    tuned: Annotated[str | None, Option(("study",))] = None
    """Folder of a search that has ended (lockgate tune): what it found is compared too, as the rung
    tuned, with what it began with, the rung default."""
    rounds: Annotated[int, Field(ge=1, le=MOST_ROUNDS), Option(("study",))] = 30
    """Rounds at most, in each of which every network is fitted and judged on one fold; fewer where
    the budget ends sooner, or all is decided. --resume with more goes on."""
    smallest_effect: Annotated[float, Field(gt=0, lt=100), Option(("study",))] = 2.0
    """Change of the error, in per cent, below which a trick makes no difference that matters."""
    budget: Annotated[str, Option(("study",))] = "10m"
    """Time that a study is to take: rounds end early enough for the networks to be delivered, after
    one pass over the folds at the least, and no fit is cut short. With none all rounds are done."""
    workers: Annotated[int | None, Field(ge=1), Option(("study",))] = None
    """Fits side by side, each on one thread. Default: one for each core, or all that a cluster
    takes."""
    ray: Annotated[str | None, Option(("study",))] = None
    """Fit on a Ray cluster: host:port of its head, or auto for the one of this machine."""
    gpus_per_fit: Annotated[float | None, Field(gt=0, le=1), Option(("study",))] = None
    """Share of a GPU that a fit on a cluster is given. Default: a whole one, with device=cuda."""

    @field_validator("smallest_effect", mode="before")
    @classmethod
    def _per_cent(cls, value: object) -> object:
        return value.removesuffix("%") if isinstance(value, str) else value

    @field_validator("tuned", mode="before")
    @classmethod
    def _path(cls, value: object) -> object:
        return str(value) if isinstance(value, PurePath) else value

    @field_validator("rungs", mode="before")
    @classmethod
    def _comma_list(cls, value: object) -> object:
        return parts(value)


class StudyConfig(StudySettings, RunConfig):
    """A run for each rung and round; `study_config` makes the class of a task."""


def of_study(name: str, field: FieldInfo) -> FieldInfo:
    """Return the field of a run's setting with the default that it has in a study."""
    if name not in DEFAULTS:
        return field
    other = copy(field)
    other.default = DEFAULTS[name]
    return other


@cache
def study_config(run: type[RunConfig], rungs: tuple[str, ...]) -> type[StudyConfig]:
    """Return the class of the settings of a study.

    Args:
        run: The settings of a run of its task.
        rungs: The networks that are compared by default.
    """
    fields: dict[str, Any] = {
        n: (f.annotation, of_study(n, f)) for n, f in run.model_fields.items()
    }
    settings: dict[str, Any] = {
        name: (field.annotation, field)
        for name, field in StudySettings.model_fields.items()
        if name != "rungs"
    }
    described = StudySettings.model_fields["rungs"]
    compared = Field(default=rungs, description=described.description)
    return create_model(
        f"{run.__name__}OfStudy",
        __base__=StudyConfig,
        **fields,
        rungs=(tuple[str, ...], compared),
        **settings,
    )
