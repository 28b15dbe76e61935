"""What is told about training."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

Metric = Literal["mae", "rmse", "mase"]


class CommonTrainingConfig(BaseModel):
    """How a network is fitted, whatever to."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    learning_rate: float = Field(default=1e-3, gt=0)
    batch_size: int = Field(default=64, ge=1)
    clip_norm: float = Field(default=1.0, gt=0)
    """Norm above which the gradient of a step is scaled down."""
    max_epochs: int = Field(default=100, ge=1)
    patience: int = Field(default=10, ge=1)
    """Epochs without a better validation loss before training stops."""
    max_steps: int | None = Field(default=None, ge=1)
    """Most optimiser steps; a time budget is turned into it."""
    epoch_windows: int = Field(default=20_000, ge=1)
    """Most windows drawn, without replacement, in an epoch."""
    random_state: int = Field(default=0, ge=0)
    device: str = "auto"
    """Where to train: "auto", "cpu", "cuda" or "mps"."""


class TrainingConfig(CommonTrainingConfig):
    """How a forecaster is fitted. The loss follows the metric: L1 for MAE and MASE, L2 for RMSE."""

    metric: Metric = "mae"


class LabelTrainingConfig(CommonTrainingConfig):
    """How a classifier is fitted: by its log loss; to labels that are numbers by MAE or RMSE."""

    metric: Literal["log_loss", "mae", "rmse"] = "log_loss"
    truncated_bptt_steps: int | None = Field(default=None, ge=1)
    """Steps that a gradient goes back at most (truncated backpropagation through time), in networks
    of one direction. Default: all."""


AnyConfig = TrainingConfig | LabelTrainingConfig
