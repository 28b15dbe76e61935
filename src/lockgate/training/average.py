"""An exponential average of a network's weights over the steps of its training."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel


class Average:
    """The weights that are validated and kept: the average, or without a decay the last ones.

    After step n the average moves to the weights by ``1 - min(decay, (1 + n) / (10 + n))``, so that
    what was drawn at first is soon forgotten (Polyak and Juditsky, 1992; of few steps it is an
    average over a good part of them).

    Args:
        model: In training.
        decay: Of the average, by step; 0 keeps none.
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        self._model, self._decay, self._steps = model, decay, 0
        self._averaged = AveragedModel(model, multi_avg_fn=self._move) if decay else None

    @property
    def model(self) -> nn.Module:
        """The network with the weights that count."""
        return self._model if self._averaged is None else self._averaged.module

    def update(self) -> None:
        """Enter the weights after a step."""
        if self._averaged is not None:
            self._steps += 1
            self._averaged.update_parameters(self._model)

    def state_dict(self) -> dict[str, Tensor]:
        """Give the average and its number of steps; nothing where there is none."""
        return {} if self._averaged is None else self._averaged.state_dict()

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Take what `state_dict` gave."""
        if self._averaged is not None:
            self._averaged.load_state_dict(state)
            self._steps = int(self._averaged.n_averaged)

    def _move(self, averages: Sequence[Tensor], weights: Sequence[Tensor], _: Tensor | int) -> None:
        decay = min(self._decay, (1 + self._steps) / (10 + self._steps))
        torch._foreach_lerp_(list(averages), list(weights), 1.0 - decay)
