"""How a network is trained, whatever to."""

from typing import Annotated, Literal

from pydantic import Field

from lockgate.config import Config, Option

MetricName = Literal["mae", "rmse", "mase", "log_loss"]
Schedule = Literal["constant", "cosine", "one_cycle"]


class TrainingConfig(Config):
    """How a network is fitted, whatever to."""

    metric: Annotated[MetricName, Option()] = "mae"
    """What is compared: mae, rmse or mase of forecasts and numbers, log_loss of classes and
    words."""

    learning_rate: float = Field(default=3e-3, gt=0)
    """Step size of the optimiser, AdamW; with a schedule the largest."""
    schedule: Schedule = "constant"
    """How the step size goes: constant, and training ends by patience; or it falls to 0 over all of
    max_epochs, by half a cosine or one cycle, and the last weights are kept."""
    average: float = Field(default=0.99, ge=0, lt=1)
    """Decay, by step, of an exponential average of the weights, which is validated and kept: 0.99.
    0: none."""
    weight_decay: float = Field(default=0.0, ge=0)
    """What a step takes from each weight but biases, times the step size (decoupled)."""
    batch_size: int = Field(default=64, ge=1)
    """Windows, sequences or texts of one step."""
    clip_norm: float = Field(default=1.0, gt=0)
    """Norm above which the gradient of a step is scaled down."""
    max_epochs: int = Field(default=100, ge=1)
    """Most passes over the training part; with a schedule their number."""
    patience: int = Field(default=10, ge=1)
    """Epochs without a better validation loss before training stops; of no effect with a
    schedule."""
    patience_steps: int = Field(default=0, ge=0)
    """Least steps without a better validation loss before training stops, where epochs have few; of
    no effect with a schedule."""
    validations: int = Field(default=3, ge=1)
    """How often an epoch is validated, and its weights may be kept."""
    max_steps: int | None = Field(default=None, ge=1)
    """Most optimiser steps; a time budget is turned into it. A schedule is shortened to it."""
    epoch_windows: int = Field(default=20_000, ge=1)
    """Most windows drawn, without replacement, in an epoch."""
    random_state: int = Field(default=0, ge=0)
    """Chooses initial weights, batches and masks."""
    device: Annotated[str, Option()] = "auto"
    """Where to train: auto, cpu, cuda or mps."""
