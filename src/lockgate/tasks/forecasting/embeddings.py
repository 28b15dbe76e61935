"""Vectors of categories, learned with the network (Guo and Berkhahn 2016, arXiv:1604.06737)."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from lockgate.nn import LockedDropout

UNSEEN = 0.05
"""Share of windows in which a category is read as one that was never seen, in training."""
MOST_FEATURES = 50
INITIAL = 0.05
"""Standard deviation of the initial weights: training begins with what the numbers say."""


def width_of(size: int) -> int:
    """Return the features of a category of so many numbers, 0 among them.

    Half of its values, at most `MOST_FEATURES`.

    Example:
        >>> [width_of(values + 1) for values in (2, 3, 7, 1000)]
        [1, 2, 4, 50]
    """
    return min(MOST_FEATURES, size // 2)


class Embeddings(nn.Module):
    """Puts a vector in the place of each category, in windows and in what is known ahead.

    A category has the same vectors in both. In training each is read, with the probability
    `UNSEEN`, in a whole window as 0, which stands for what was never seen: so that 0 means
    something where a forecast meets it.

    Args:
        sizes: Numbers of each category, 0 among them.
        known: Which of the categories are known ahead.

    Shape:
        - x: `(batch, lookback, channels + Q)`: the categories of a row are its last Q channels.
        - known: `(batch, horizon, known + K)`, alike.
        - output: both, with vectors in the place of the categories.

    Example:
        >>> embeddings = Embeddings([3, 8], [1]).eval()
        >>> x, known = embeddings(torch.zeros(2, 7, 5), torch.zeros(2, 4, 1))
        >>> x.shape, known.shape
        (torch.Size([2, 7, 8]), torch.Size([2, 4, 4]))
    """

    def __init__(self, sizes: Sequence[int], known: Sequence[int] = ()) -> None:
        super().__init__()
        self.known = tuple(known)
        self.unseen = LockedDropout(UNSEEN)
        self.tables = nn.ModuleList(nn.Embedding(size, width_of(size)) for size in sizes)

    def reset_parameters(self, generator: torch.Generator | None = None) -> None:
        """Draw the vectors anew, normal."""
        for vectors in self.parameters():
            nn.init.normal_(vectors, std=INITIAL, generator=generator)

    def forward(
        self, x: Tensor, known: Tensor | None, *, generator: torch.Generator | None = None
    ) -> tuple[Tensor, Tensor | None]:
        """Return windows and what is known ahead with vectors in the place of categories."""
        ones = x.new_ones(x.shape[0], len(self.tables))
        seen = self.unseen(ones, generator=generator).sign()[:, None]
        every = tuple(range(len(self.tables)))
        windows = self._embedded(x, every, seen)
        if known is None or not self.known:
            return windows, known
        return windows, self._embedded(known, self.known, seen)

    def _embedded(self, x: Tensor, which: Sequence[int], seen: Tensor) -> Tensor:
        numbers, codes = x[..., : -len(which)], x[..., -len(which) :]
        codes = codes * seen[..., list(which)]
        vectors = (self.tables[one](codes[..., k].long()) for k, one in enumerate(which))
        return torch.cat([numbers, *vectors], dim=2)
