"""Windows in runs, of which a network forecasts from one origin after another in one reading."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from lockgate.tasks.forecasting.config import (
    ForecastConfig,
    ForecasterConfig,
    ForecastTrainingConfig,
)
from lockgate.tasks.forecasting.runs import Runs
from lockgate.tasks.forecasting.thinning import drawn_evenly
from lockgate.tasks.forecasting.windows import WindowBatch, Windows


@dataclass(frozen=True)
class Forks:
    """Windows as they are learned from with forking sequences (Wen et al., 2017).

    A fork is a forecast from one origin. Up to `count` windows whose origins follow each other are
    one stretch: the network reads `lookback + count - 1` rows once, and forecasts from each of the
    last `count`. So a forecast costs a small part of what reading its window alone would. The first
    fork of a stretch reads just the lookback, the last `count - 1` rows more.

    A batch is told by a tensor, (B, 2): the place of the first window of each stretch and how many
    there are. What the network writes for the rest of a stretch has no targets.
    """

    windows: Windows
    count: int
    """Most forks of a stretch."""
    stretches: int
    """Fewest stretches of a batch that is learned from."""
    chosen: Tensor | None = None
    """The stretches there are, (S, 2); None where they are drawn anew from all windows."""

    def __len__(self) -> int:
        return len(self.windows) if self.chosen is None else int(self.chosen[:, 1].sum())

    def batch(self, index: Tensor) -> WindowBatch:
        """Gather stretches, told as above."""
        windows, first = self.windows, index[:, 0]
        count = int(index[:, 1].max())
        forks = torch.arange(count, device=first.device)
        inside = forks < index[:, 1:]
        places = torch.where(inside, first[:, None] + forks, first[:, None]).flatten()
        targets = windows.targets(windows.origins[places])
        y = torch.where(inside.flatten()[:, None], targets, torch.nan)
        linear = None if windows.linear is None else windows.linear[places]
        x, mask = self._rows(first, count)
        told = linear, windows.ahead(places), mask, windows.scales_of(places)
        return WindowBatch(x, y, *told, forks=count)

    def draw_batches(
        self, batch_size: int, most: int, generator: torch.Generator
    ) -> Sequence[Tensor]:
        """Draw as many batches of stretches as of `batch_size` windows there would be.

        Each holds `stretches`, or as many as have room for `batch_size` windows. All windows are
        parted into stretches, each origin in one of them, and all stretches drawn before they are
        parted anew, elsewhere; or they are drawn by the `shares` of their windows.
        """
        steps = -(-min(len(self), most) // batch_size)
        of_batch = max(self.stretches, -(-batch_size // self.count))
        needed, drawn = steps * of_batch, 0
        found: list[Tensor] = []
        while drawn < needed:
            phase = int(torch.randint(self.count, (), generator=generator))
            parted = self._parted(phase) if self.chosen is None else self.chosen
            found.append(parted[self._order(parted, needed - drawn, generator)])
            drawn += len(found[-1])
        batches: Sequence[Tensor] = torch.split(torch.cat(found)[:needed], of_batch)
        return batches

    def chunks(self, size: int) -> Sequence[Tensor]:
        """Return all windows in batches of about `size`, in their order."""
        parted = self._parted(0) if self.chosen is None else self.chosen
        chunks: Sequence[Tensor] = torch.split(parted, max(1, size // self.count))
        return chunks

    def thinned(self, most: int) -> "Forks":
        """Return about `most` of the windows at most, in stretches evenly spread over the part."""
        parted = self._parted(0) if self.chosen is None else self.chosen
        count = max(1, most // self.count)
        if len(parted) > count:
            spread = np.linspace(0, len(parted) - 1, count).round().astype(np.int64)
            parted = parted[torch.from_numpy(spread)]
        return replace(self, chosen=parted)

    def sampled(self, most: int) -> "Forks":
        """Return at most `most` of the windows, in stretches drawn as `Windows.sampled` does."""
        parted = self._parted(0) if self.chosen is None else self.chosen
        count = max(1, most // self.count)
        if len(self) <= most or len(parted) <= count:
            return self
        return replace(self, chosen=parted[torch.from_numpy(drawn_evenly(len(parted), count))])

    def to(self, device: torch.device) -> "Forks":
        """Return the same with its arrays on `device`."""
        chosen = None if self.chosen is None else self.chosen.to(device)
        return replace(self, windows=self.windows.to(device), chosen=chosen)

    def _order(self, parted: Tensor, needed: int, generator: torch.Generator) -> Tensor:
        shares = self.windows.shares
        if shares is None:
            return torch.randperm(len(parted), generator=generator)
        # those of one series are equal, and a stretch that is drawn draws each of its windows
        of_stretch = shares[parted[:, 0].cpu()]
        return torch.multinomial(of_stretch, needed, replacement=True, generator=generator)

    @cached_property
    def _runs(self) -> Runs:
        """Return the runs of origins, in which each is the row after the one before."""
        origins = self.windows.origins.cpu()
        if isinstance(origins, Runs):
            return origins
        rows = origins.numpy()
        return Runs.of(rows, self.windows.series.of(rows))

    def _parted(self, phase: int) -> Tensor:
        """Return all windows in stretches, (S, 2), of which the first of a run may be shorter."""
        return self._runs.stretches(self.count, phase).to(self.windows.origins.device)

    def _rows(self, first: Tensor, count: int) -> tuple[Tensor, Tensor | None]:
        """Gather what stretches read, (B, lookback + count - 1, C), and which of it are rows.

        Rows after the last window of a stretch may be of another series, or holes: no fork that
        has targets reads them.
        """
        windows = self.windows
        steps = torch.arange(windows.lookback + count - 1, device=first.device)
        rows = windows.origins[first][:, None] - windows.lookback + 1 + steps
        last = len(windows.inputs) - 1
        padding = windows.padding_of(first)
        if padding is None or not bool(padding.any()):
            return windows.inputs[rows.clamp(max=last)], None
        rows = torch.maximum(rows, rows[:, :1] + padding[:, None])
        return windows.inputs[rows.clamp(max=last)], steps >= padding[:, None]


def forks_of(lookback: int, network: ForecasterConfig, training: ForecastTrainingConfig) -> int:
    """Return how many forecasts a network learns from in one reading."""
    # longer stretches would be read by states that no forecast begins with
    return max(1, min(training.forks, lookback // 2)) if network.forks else 1


def forked(windows: Windows, config: ForecastConfig) -> Windows | Forks:
    """Return windows as the network of `config` is fitted to them."""
    count = forks_of(windows.lookback, config.model, config.training)
    return windows if count == 1 else Forks(windows, count, config.training.fork_batch)
