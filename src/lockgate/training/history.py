"""What happened in a fit, from one validation to the next."""

from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict

Stopped = Literal["early", "end", "max_epochs", "max_steps", "interrupted", "diverged"]


class History(BaseModel):
    """The curves of one fit, with a value for each time that it was validated.

    Both losses are in the scaled unit and in evaluation mode, so that they compare; the training
    loss is that of a fixed sample of the training windows. Both are those of the averaged weights
    where there is an average.
    """

    model_config = ConfigDict(extra="forbid", ser_json_inf_nan="strings")

    training: list[float] = []
    validation: list[float] = []
    gradient_norm: list[float] = []
    """Mean over the steps since the value before, before clipping."""
    seconds: list[float] = []
    steps: list[int] = []
    """Steps of the optimiser up to each value."""
    per_epoch: int = 1
    """Values in an epoch."""
    keeps: Literal["best", "last"] = "best"
    """Which weights are kept: those of the lowest validation loss, or the last finite ones."""
    stopped: Stopped | None = None
    """Why training ended."""

    def add(
        self,
        training: float,
        validation: float | None,
        gradient_norm: float,
        seconds: float,
        steps: int,
    ) -> None:
        """Enter a value of each curve; without a validation part it has no such loss."""
        self.training.append(training)
        if validation is not None:
            self.validation.append(validation)
        self.gradient_norm.append(gradient_norm)
        self.seconds.append(seconds)
        self.steps.append(steps)

    @property
    def looks(self) -> int:
        """Values of each curve."""
        return len(self._judged)

    @property
    def epochs(self) -> float:
        """Epochs that were finished."""
        return epoch_of(self.looks, self.per_epoch)

    @property
    def kept_look(self) -> int:
        """Which value, counted from 1, is that of the weights kept; 0 where none is finite.

        It is the lowest validation loss; without a validation part, and with a schedule, the last.
        """
        losses = np.asarray(self._judged, dtype=np.float64)
        finite = np.isfinite(losses)
        if not self.validation or self.keeps == "last":
            losses = -np.arange(len(losses), dtype=np.float64)
        return 1 + int(np.argmin(np.where(finite, losses, np.inf))) if finite.any() else 0

    @property
    def best_epoch(self) -> float:
        """Epoch whose weights were kept, counted from 1; 0 where no loss is finite."""
        return epoch_of(self.kept_look, self.per_epoch)

    @property
    def kept_loss(self) -> float:
        """Loss of the weights kept: on validation, or without that part on training."""
        return self._judged[self.kept_look - 1]

    @property
    def kept_steps(self) -> int:
        """Steps of the optimiser that led to the weights kept."""
        return self.steps[self.kept_look - 1]

    @property
    def _judged(self) -> list[float]:
        return self.validation or self.training


def epoch_of(look: int, per_epoch: int) -> float:
    """Return the epoch that ended, to two places, with a value of the curves, both from 1."""
    return look // per_epoch if look % per_epoch == 0 else round(look / per_epoch, 2)
