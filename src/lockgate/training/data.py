"""What a network is fitted to, whatever the task."""

from collections.abc import Sequence
from typing import Any, Protocol, Self

import torch

from lockgate.training.losses import Batch


class Data(Protocol):
    """Windows, sequences or texts that batches are drawn from."""

    def __len__(self) -> int: ...
    def batch(self, index: Any) -> Batch: ...
    def draw_batches(
        self, batch_size: int, most: int, generator: torch.Generator
    ) -> Sequence[Any]: ...
    def chunks(self, size: int) -> Sequence[Any]: ...
    def thinned(self, most: int) -> Self: ...
    def to(self, device: torch.device) -> Self: ...
