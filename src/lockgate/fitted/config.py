"""The configuration of one run: what its parts define, side by side."""

from pydantic import BaseModel, ConfigDict, model_validator

from lockgate.data.config import DataConfig
from lockgate.data.label_config import LabelledConfig
from lockgate.models import ClassifierConfig, ModelConfig
from lockgate.training import LabelTrainingConfig, TrainingConfig


class RunConfig(BaseModel):
    """Data, model and training of a run. Written into every folder that a run leaves."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    data: DataConfig
    model: ModelConfig = ModelConfig()
    training: TrainingConfig = TrainingConfig()


class LabelRunConfig(BaseModel):
    """Data, model and training of a run on labelled sequences or texts."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    data: LabelledConfig = LabelledConfig()
    model: ClassifierConfig = ClassifierConfig()
    training: LabelTrainingConfig = LabelTrainingConfig()

    @model_validator(mode="after")
    def _in_one_direction(self) -> "LabelRunConfig":
        if self.training.truncated_bptt_steps is not None and self.model.bidirectional:
            raise ValueError(
                "truncated_bptt_steps must be left out for a network that reads both directions, "
                f"got {self.training.truncated_bptt_steps}: the reverse direction begins at the "
                "end; pass bidirectional=false (--set bidirectional=false)"
            )
        return self
