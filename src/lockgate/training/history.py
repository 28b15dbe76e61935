"""What happened in a fit, epoch by epoch."""

from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict

Stopped = Literal["early", "max_epochs", "max_steps", "interrupted", "diverged"]


class History(BaseModel):
    """The curves of one fit.

    Both losses are in the scaled unit and in evaluation mode, so that they compare; the training
    loss is that of a fixed sample of the training windows.
    """

    model_config = ConfigDict(extra="forbid", ser_json_inf_nan="strings")

    training: list[float] = []
    validation: list[float] = []
    gradient_norm: list[float] = []
    """Mean over the epoch's steps, before clipping."""
    seconds: list[float] = []
    stopped: Stopped | None = None
    """Why training ended."""

    def add(
        self, training: float, validation: float | None, gradient_norm: float, seconds: float
    ) -> None:
        """Enter an epoch that was finished; without a validation part it has no such loss."""
        self.training.append(training)
        if validation is not None:
            self.validation.append(validation)
        self.gradient_norm.append(gradient_norm)
        self.seconds.append(seconds)

    @property
    def epochs(self) -> int:
        """Epochs that were finished."""
        return len(self.validation or self.training)

    @property
    def best_epoch(self) -> int:
        """Epoch of the lowest validation loss, counted from 1; 0 where none is finite.

        Without a validation part it is the last of a finite training loss.
        """
        losses = np.asarray(self.validation or self.training, dtype=np.float64)
        finite = np.isfinite(losses)
        if not self.validation:
            losses = -np.arange(len(losses), dtype=np.float64)
        return 1 + int(np.argmin(np.where(finite, losses, np.inf))) if finite.any() else 0
