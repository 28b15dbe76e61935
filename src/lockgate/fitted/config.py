"""The configuration of one run: what its parts define, side by side."""

from pydantic import BaseModel, ConfigDict

from lockgate.data.config import DataConfig
from lockgate.models import ModelConfig
from lockgate.training import TrainingConfig


class RunConfig(BaseModel):
    """Data, model and training of a run. Written into every folder that a run leaves."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    data: DataConfig
    model: ModelConfig = ModelConfig()
    training: TrainingConfig = TrainingConfig()
