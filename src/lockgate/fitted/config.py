"""The configuration of one run: what its parts define, side by side."""

from pydantic import BaseModel, ConfigDict

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
