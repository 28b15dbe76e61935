"""Windows over prepared arrays: indices, never copies."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from lockgate.scoring.arrays import AnyFloatArray, FloatArray, IntArray
from lockgate.tasks.forecasting.config import SeriesWeight
from lockgate.tasks.forecasting.runs import Runs
from lockgate.tasks.forecasting.thinning import drawn_evenly

MOST_ORDERED = 2**24
"""Windows that are put in an order of chance to draw some of them."""
_RARE = 16


class Series(NamedTuple):
    """The series that the rows of arrays are of, one behind the other, and their scales.

    Example:
        >>> two = Series(np.array([0, 100]), np.array([5.0, 50.0]), np.array([1.0, 10.0]))
        >>> two.of(np.array([99, 100, 140]))
        array([0, 1, 1])
        >>> two.invert(np.array([[0.0], [0.5]]), np.array([99, 140]))
        array([[ 5.],
               [55.]])
    """

    starts: IntArray  # (S,) first row of each, ascending
    means: FloatArray  # (S,) of the target over the training rows
    stds: FloatArray  # (S,)

    def of(self, rows: IntArray) -> IntArray:
        """Return which series rows are of, from 0."""
        return np.asarray(np.searchsorted(self.starts, rows, side="right") - 1, dtype=np.int64)

    def invert(self, y: AnyFloatArray, rows: IntArray) -> FloatArray:
        """Return scaled values in the target's own unit, in float64.

        Args:
            y: Scaled values, (..., N, horizon).
            rows: A row of the series that each of N is of, (N,).
        """
        which = self.of(rows)
        scaled: FloatArray = np.asarray(y, dtype=np.float64)
        inverted: FloatArray = scaled * self.stds[which, None] + self.means[which, None]
        return inverted


class Known(NamedTuple):
    """What is known of the steps that windows forecast."""

    values: Tensor  # (R, C) float32, scaled
    first: Tensor | Runs  # (N,) the row of each window's first step; its others follow
    categories: tuple[int, ...] = ()
    """As in `Windows`, of the last channels that are known."""
    columns: Tensor | None = None
    """Which columns of `values` are known, (K,); None where all are."""

    @property
    def channels(self) -> int:
        """Numbers that are known of a step."""
        known = self.values.shape[1] if self.columns is None else len(self.columns)
        return known - len(self.categories)

    def select(self, index: Tensor | slice) -> "Known":
        """Return what is known of some of the windows."""
        return self._replace(first=self.first[index])

    def to(self, device: torch.device, values: Tensor | None = None) -> "Known":
        """Return the same on `device`, where `values` may be already."""
        columns = None if self.columns is None else self.columns.to(device)
        values = self.values.to(device) if values is None else values
        return self._replace(values=values, first=self.first.to(device), columns=columns)

    def gather(self, index: Tensor | slice, horizon: int) -> Tensor:
        """Return the values of some of the windows, (B, horizon, K)."""
        steps = torch.arange(horizon, device=self.first.device)
        rows = self.values[self.first[index][:, None] + steps]
        return rows if self.columns is None else rows[..., self.columns]


def flags_of(codes: Tensor, size: int) -> Tensor:
    """Return a feature for each value of a category but 0, (..., size - 1).

    Example:
        >>> flags_of(torch.tensor([2.0, 0.0]), 3)
        tensor([[0., 1.],
                [0., 0.]])
    """
    values = torch.arange(1, size, device=codes.device)
    return (codes[..., None] == values).to(codes.dtype)


def draw(count: int, most: int, generator: torch.Generator) -> Tensor:
    """Draw at most `most` of `count` numbers, each once.

    Of so many that to put all in order would take long, of which a small part is drawn, some may
    come twice by chance.
    """
    if count > MOST_ORDERED and most * _RARE < count:
        return torch.randint(count, (most,), generator=generator)
    return torch.randperm(count, generator=generator)[:most]


def _flags(sizes: Sequence[int]) -> int:
    return sum(size - 1 for size in sizes)


class WindowBatch(NamedTuple):
    """Some windows, gathered; or stretches of `forks` windows each, which share what they read.

    Of stretches B is their number in `x` and `mask`, which hold `forks - 1` more rows than the
    lookback, and that of all their windows, one stretch behind the other, elsewhere.
    """

    x: Tensor  # (B, lookback, C), scaled; channel 0 is the target, filled forward
    y: Tensor  # (B, horizon), scaled; NaN where the target is missing
    linear: Tensor | None = None  # (B, horizon), scaled: see `Windows`
    known: Tensor | None = None  # (B, horizon, K), scaled
    mask: Tensor | None = None  # (B, lookback), False where padded; None where nothing is
    scales: Tensor | None = None  # (B, 2): see `Windows`
    forks: int = 1

    @property
    def inputs(self) -> tuple[Any, ...]:
        """What a network is called with."""
        if self.forks > 1:
            return self.x, self.linear, self.known, self.mask, self.scales, self.forks
        if self.scales is not None:
            return self.x, self.linear, self.known, self.mask, self.scales
        if self.mask is not None:
            return self.x, self.linear, self.known, self.mask
        if self.known is not None:
            return self.x, self.linear, self.known
        return (self.x,) if self.linear is None else (self.x, self.linear)

    @property
    def weight(self) -> None:
        """Every window counts alike."""
        return None

    def rows(self, which: slice) -> "WindowBatch":
        """Return some of the windows, or stretches."""
        mask = None if self.mask is None else self.mask[which]
        each = slice(which.start * self.forks, which.stop * self.forks)
        linear = None if self.linear is None else self.linear[each]
        known = None if self.known is None else self.known[each]
        scales = None if self.scales is None else self.scales[each]
        return WindowBatch(self.x[which], self.y[each], linear, known, mask, scales, self.forks)


@dataclass(frozen=True)
class Windows:
    """The windows of one part of one series or several, as rows of the arrays of all parts.

    A window is named by its origin, the row of its last input step: it reads the `lookback` rows
    up to the origin and is scored on the `horizon` rows after it. `batch` gathers the windows that
    it is asked for; nothing else is ever copied, so memory does not grow with `lookback`.

    Where a series has fewer rows up to the origin, the window is padded before its first row. The
    padding holds that row's values, and `mask` tells where it is.
    """

    inputs: Tensor  # (T, C) float32, scaled, holes filled; every part of every series
    target: Tensor  # (T,) float32, scaled, NaN where missing
    origins: Tensor | Runs  # (N,) int64, ascending
    lookback: int
    horizon: int
    series: Series
    linear: Tensor | None = None
    """A linear forecast of each window, (N, horizon), scaled, that a network is to forecast on top
    of; None where the network makes its own."""
    known: Known | None = None
    """What is known of the steps forecast; None where nothing is."""
    categories: tuple[int, ...] = ()
    """Values of each of the last channels of `inputs`, which hold categories by number; 0 is one
    that was never seen, and counts."""
    scales: Tensor | None = None
    """Mean and standard deviation of the series of each window, (N, 2) float32, for networks that
    forecast in the target's unit; None for all others."""
    shares: Tensor | None = None
    """How often each window is drawn to be learned from, (N,) float64, up to a factor; None where
    all are drawn alike, each once before any is drawn again."""

    def __len__(self) -> int:
        return len(self.origins)

    def batch(self, index: Tensor | slice) -> WindowBatch:
        """Gather the windows `index` of this part."""
        linear = None if self.linear is None else self.linear[index]
        targets = self.targets(self.origins[index])
        told = linear, self.ahead(index), self.mask(index), self.scales_of(index)
        return WindowBatch(self.x(index), targets, *told)

    def x(self, index: Tensor | slice) -> Tensor:
        """Gather the inputs of the windows `index`, whose targets need not exist yet."""
        first = self.origins[index] - self.lookback + 1
        padded = self._padded(index)
        if padded is None:
            return self._inputs_view()[first]
        return self.inputs[first[:, None] + torch.maximum(self._steps, padded[:, None])]

    def mask(self, index: Tensor | slice) -> Tensor | None:
        """Tell which steps of the windows `index` are rows, (B, lookback); None where all are."""
        padded = self._padded(index)
        return None if padded is None else self._steps >= padded[:, None]

    @cached_property
    def padding(self) -> Tensor | None:
        """Steps of each window before the first row of its series, (N,); None where it has none."""
        return self.padding_of(slice(None))

    @cached_property
    def is_padded(self) -> bool:
        """Whether any window has padding: of a run of windows the first has most."""
        origins = self.origins.first if isinstance(self.origins, Runs) else self.origins
        return bool((self._before(origins) > 0).any())

    def padding_of(self, index: Tensor | slice) -> Tensor | None:
        """Return `padding` of the windows `index`; None where no window has any."""
        return self._before(self.origins[index]) if self.is_padded else None

    def _before(self, origins: Tensor) -> Tensor:
        rows = origins.cpu().numpy()
        held = rows - self.series.starts[self.series.of(rows)] + 1
        return torch.from_numpy(np.maximum(self.lookback - held, 0)).to(origins.device)

    def ahead(self, index: Tensor | slice) -> Tensor | None:
        """Gather what is known of the steps that the windows `index` forecast."""
        return None if self.known is None else self.known.gather(index, self.horizon)

    def scales_of(self, index: Tensor | slice) -> Tensor | None:
        """Give the scales of the windows `index`, where they are known."""
        return None if self.scales is None else self.scales[index]

    def with_scales(self) -> "Windows":
        """Return the same windows with the scales of their series."""
        which = self.series.of(self.origins.numpy())
        both = np.stack([self.series.means[which], self.series.stds[which]], axis=1)
        return replace(self, scales=torch.from_numpy(both.astype(np.float32)))

    def weighted(self, by: SeriesWeight) -> "Windows":
        """Return the same windows, drawn as `ForecastTrainingConfig.series_weight` says."""
        if by == "length":
            return self
        which = self.series.of(self.origins.numpy())
        shares = self.series.stds if by == "scale" else 1.0 / np.maximum(np.bincount(which), 1)
        return replace(self, shares=torch.from_numpy(shares[which]))

    @property
    def features(self) -> int:
        """Features of a linear forecast: the window, its last categories, what is known ahead."""
        features = self.lookback * self.channels + _flags(self.categories)
        if self.known is not None:
            of_step = self.known.channels + _flags(self.known.categories)
            features += self.horizon * of_step
        return features

    @property
    def channels(self) -> int:
        """Numbers of a row of `inputs`, without categories."""
        return self.inputs.shape[1] - len(self.categories)

    def targets(self, origins: Tensor) -> Tensor:
        """Return the targets after some origins, (N, horizon), scaled, NaN where missing."""
        steps = torch.arange(1, self.horizon + 1, device=origins.device)
        return self.target[origins[:, None] + steps]

    def truth(self) -> Tensor:
        """Return the targets of every window, (N, horizon), scaled, NaN where missing."""
        return self.targets(self.origins[:])

    def invert(self, y: AnyFloatArray) -> FloatArray:
        """Return scaled values of every window, (..., N, horizon), in the target's own unit."""
        return self.series.invert(y, self.origins.numpy())

    @property
    def last(self) -> Tensor:
        """The latest target at each origin, (N,), scaled, filled forward."""
        return self.inputs[self.origins[:], 0]

    def draw_batches(
        self, batch_size: int, most: int, generator: torch.Generator
    ) -> Sequence[Tensor]:
        """Draw at most `most` windows in batches: without replacement, or by their `shares`."""
        if self.shares is None:
            order = draw(len(self), most, generator)
        else:
            # by their sums, as torch draws from 2^24 shares at most
            sums = self.shares.cumsum(0)
            drawn = torch.rand(min(most, len(self)), dtype=torch.float64, generator=generator)
            order = torch.searchsorted(sums, drawn * sums[-1], right=True)
            order = order.clamp_max(len(self) - 1)
        batches: Sequence[Tensor] = torch.split(order, batch_size)
        return batches

    def chunks(self, size: int) -> Sequence[slice]:
        """Return all windows in batches, in their order."""
        return [slice(start, start + size) for start in range(0, len(self), size)]

    def thinned(self, most: int) -> "Windows":
        """Return at most `most` of the windows, evenly spread over the part."""
        if len(self) <= most:
            return self
        index = torch.from_numpy(np.linspace(0, len(self) - 1, most).round().astype(np.int64))
        return self.select(index)

    def sampled(self, most: int) -> "Windows":
        """Return at most `most` of the windows, as `drawn_evenly` draws them.

        Unlike those of `thinned` they lie at no fixed distance, which could be that of a season.
        They are the same ones each time.
        """
        if len(self) <= most:
            return self
        return self.select(torch.from_numpy(drawn_evenly(len(self), most)))

    def select(self, index: Tensor | slice) -> "Windows":
        """Return some of the windows, by their places."""
        linear = None if self.linear is None else self.linear[index]
        known = None if self.known is None else self.known.select(index)
        return replace(
            self,
            origins=self.origins[index],
            linear=linear,
            known=known,
            scales=self.scales_of(index),
            shares=None if self.shares is None else self.shares[index],
        )

    def to(self, device: torch.device) -> "Windows":
        """Return the same windows with their arrays on `device`."""
        arrays = {
            name: array.to(device)
            for name in ("inputs", "target", "origins", "linear", "scales")
            if (array := getattr(self, name)) is not None
        }
        if self.known is None:
            return replace(self, **arrays)
        # one copy serves both
        shared = arrays["inputs"] if self.known.values is self.inputs else None
        return replace(self, **arrays, known=self.known.to(device, shared))

    @property
    def _steps(self) -> Tensor:
        return torch.arange(self.lookback, device=self.origins.device)

    def _padded(self, index: Tensor | slice) -> Tensor | None:
        """Return the padding of some windows; None where they have none, which costs nothing."""
        padding = self.padding_of(index)
        return padding if padding is not None and bool(padding.any()) else None

    def _inputs_view(self) -> Tensor:
        # row r of the view is rows r .. r + lookback - 1 of the array: strides, no memory
        rows, channels = self.inputs.shape
        shape = (rows - self.lookback + 1, self.lookback, channels)
        step, unit = self.inputs.stride()
        return self.inputs.as_strided(shape, (step, step, unit))
