"""What is told about a study."""

from pydantic import BaseModel, Field, field_validator, model_validator

from lockgate.data.errors import listed
from lockgate.fitted import RunConfig
from lockgate.fitted.config import LabelRunConfig
from lockgate.studies.label_rungs import LABEL_DEFAULT_NAMES, LABEL_LADDER
from lockgate.studies.rungs import DEFAULT_NAMES


class StudySettings(BaseModel):
    """What a study of any task has beside its runs."""

    rungs: tuple[str, ...]
    """Networks of the ladder to compare."""
    seeds: int = Field(default=5, ge=1)
    """Repetitions of every rung; a verdict needs at least 3."""
    budget: str | None = None
    """Time for all fits together, a duration; turned into `max_steps`, unless that is given."""
    workers: int | None = Field(default=None, ge=1)
    """Processes that fit side by side, each on one thread. Default: one for each core."""

    @field_validator("rungs", mode="before")
    @classmethod
    def _comma_list(cls, value: object) -> object:
        return tuple(n.strip() for n in value.split(",")) if isinstance(value, str) else value


class StudyConfig(StudySettings, RunConfig):
    """A run for each rung and seed."""

    rungs: tuple[str, ...] = DEFAULT_NAMES
    """Networks of the ladder to compare. Default: all but last-dropout and both-per-step."""


class LabelStudyConfig(StudySettings, LabelRunConfig):
    """A run for each rung and seed, on labelled sequences or texts."""

    rungs: tuple[str, ...] = LABEL_DEFAULT_NAMES
    """Networks of the ladder to compare. Default: all but last-dropout."""
    mc_samples: int = Field(default=20, ge=2)
    """Passes of Monte-Carlo dropout with the selected network over the test part."""

    @model_validator(mode="after")
    def _in_one_direction(self) -> "LabelStudyConfig":
        # in place of the rule for one run: the rungs, not the model, say which directions are read
        both = [
            rung.name for rung in LABEL_LADDER if rung.bidirectional and rung.name in self.rungs
        ]
        if self.training.truncated_bptt_steps is not None and both:
            raise ValueError(
                "truncated_bptt_steps must be left out with rungs that read both directions, got "
                f"{self.training.truncated_bptt_steps} with {listed(both)}: the reverse direction "
                "begins at the end; name others (--rungs rnn,lstm,gru)"
            )
        return self
