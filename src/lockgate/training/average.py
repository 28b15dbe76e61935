"""An exponential average of a network's weights over the steps of its training."""

from collections.abc import Mapping

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
        self._averaged = AveragedModel(model) if decay else None
        # found once: AveragedModel finds and groups them at every step, which for a small network
        # is a twentieth of it
        self._weights: list[Tensor] = list(model.parameters())
        self._averages: list[Tensor] = []
        if self._averaged is not None:
            self._averages = list(self._averaged.parameters())

    @property
    def model(self) -> nn.Module:
        """The network with the weights that count."""
        return self._model if self._averaged is None else self._averaged.module

    def update(self) -> None:
        """Enter the weights after a step."""
        if self._averaged is None:
            return
        self._steps += 1
        decay = min(self._decay, (1 + self._steps) / (10 + self._steps))
        with torch.no_grad():
            # the first weights are the average of one
            share = 1.0 if self._steps == 1 else 1.0 - decay
            torch._foreach_lerp_(self._averages, self._weights, share)
            for own, other in zip(self.model.buffers(), self._model.buffers(), strict=True):
                own.copy_(other)

    def state_dict(self) -> dict[str, Tensor]:
        """Give the average and its number of steps; nothing where there is none."""
        if self._averaged is None:
            return {}
        self._averaged.n_averaged.fill_(self._steps)
        return self._averaged.state_dict()

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Take what `state_dict` gave."""
        if self._averaged is not None:
            self._averaged.load_state_dict(state)
            self._steps = int(self._averaged.n_averaged)
