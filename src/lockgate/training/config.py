"""How a network is trained, whatever to."""

from typing import Annotated, Literal

from pydantic import Field

from lockgate.config import Config, Option

MetricName = Literal["mae", "rmse", "mase", "log_loss"]


class TrainingConfig(Config):
    """How a network is fitted, whatever to."""

    metric: Annotated[MetricName, Option()] = "mae"
    """What is compared: mae, rmse or mase of forecasts and numbers, log_loss of classes and
    words."""

    learning_rate: float = Field(default=1e-3, gt=0)
    """Step size of the optimiser, Adam."""
    batch_size: int = Field(default=64, ge=1)
    """Windows, sequences or texts of one step."""
    clip_norm: float = Field(default=1.0, gt=0)
    """Norm above which the gradient of a step is scaled down."""
    max_epochs: int = Field(default=100, ge=1)
    """Most passes over the training part."""
    patience: int = Field(default=10, ge=1)
    """Epochs without a better validation loss before training stops."""
    max_steps: int | None = Field(default=None, ge=1)
    """Most optimiser steps; a time budget is turned into it."""
    epoch_windows: int = Field(default=20_000, ge=1)
    """Most windows drawn, without replacement, in an epoch."""
    random_state: int = Field(default=0, ge=0)
    """Chooses initial weights, batches and masks."""
    device: Annotated[str, Option()] = "auto"
    """Where to train: auto, cpu, cuda or mps."""
