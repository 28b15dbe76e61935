"""Forecast every step of the horizon at once from the last state of a recurrent stack."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from lockgate.nn import LockedDropout
from lockgate.tasks.forecasting.ahead import Ahead
from lockgate.tasks.forecasting.config import COUNTS, ForecasterConfig, Level
from lockgate.tasks.forecasting.embeddings import Embeddings
from lockgate.tasks.forecasting.embeddings import width_of as features_of
from lockgate.tasks.forecasting.heads import NUMBERS, Forecast, forecast_of
from lockgate.tasks.forecasting.levels import level_and_spread
from lockgate.tasks.forecasting.linear_path import LinearForecast
from lockgate.tasks.forecasting.padding import hold_first
from lockgate.tasks.forecasting.preprocessing import Preprocessing
from lockgate.tasks.forecasting.recursive import Recursive, masks_to_hold
from lockgate.tasks.forecasting.segments import Positions, Segments
from lockgate.tasks.forecasting.windows import Windows
from lockgate.tasks.stack.network import build_stack, last_of, width_of

FIRST_DEGREES = 5.0
"""What gives the degrees of freedom that a Student t distribution begins with, about 7."""


class ForecastNetwork(nn.Module):
    r"""A recurrent stack and a linear head over all steps 1 .. horizon (a direct forecast).

    .. math::
        \hat y_{t+1..t+h} = \ell_t + s_t (W [h_n; h_n^{reverse}] + b)

    where the stack has read the window, `\ell_t` is its level and `s_t` its spread, as
    `config.normalise` says. The target enters the stack less its level, in spreads, so that the
    network learns changes.
    The head reads the final state of both directions: the last row of the output would hold a
    backward direction that has seen one step. With `config.segment_length` the stack reads
    segments, and with a `segment_head` of `"positions"` W writes one segment from each state that
    `Positions` gives. What is known of the steps forecast changes them by what `Ahead` gives. With
    a `config.decoder` of `"recursive"` the stack goes on over the steps forecast (`Recursive`), and
    W writes one of them from each state.

    With a `config.head` other than `"point"` a second linear head writes what gives the spread of
    each step, from the same states, and the output is a `Forecast`.

    Args:
        channels: Numbers of a row of the window; the first is the target.
        horizon: Steps forecast.
        config: The stack, its rates and the level.
        generator: Draws the initial weights. Default: torch's own.
        lookback: Steps of the window, where `config.linear_path` is on: `linear`, a ridge of it,
            takes the place of the level in the forecast, and the head starts at 0.
        known: Numbers that are known of the steps forecast.
        sizes: Values of each category of a row, which are its last channels; see
            `Windows.categories`.
        sizes_known: Which of the categories are known of the steps forecast, by place.

    Shape:
        - x: `(batch, lookback, channels + categories)`, scaled.
        - known: `(batch, horizon, known + known categories)`, scaled, where any are known.
        - mask: `(batch, lookback)`, False where a window is padded, before its first row.
        - scales: `(batch, 2)`, mean and standard deviation of each series, for heads of counts.
        - forks: forecasts of each window; see `forward`.
        - output: `(batch, horizon)`, scaled; or a `Forecast` of these.

    Example:
        >>> model = ForecastNetwork(3, 24, ForecasterConfig(cell="gru", hidden_size=8))
        >>> model(torch.zeros(2, 48, 3)).shape
        torch.Size([2, 24])
    """

    def __init__(
        self,
        channels: int,
        horizon: int,
        config: ForecasterConfig,
        generator: torch.Generator | None = None,
        lookback: int = 0,
        known: int = 0,
        sizes: Sequence[int] = (),
        sizes_known: Sequence[int] = (),
    ) -> None:
        super().__init__()
        if config.normalise == "auto":
            raise ValueError("normalise must be chosen before a network is built, got 'auto'")
        self.normalise: Level = config.normalise
        self.output_dropout = LockedDropout(config.output_dropout, batch_first=True)
        self.horizon, length = horizon, config.segment_length
        ahead = [sizes[place] for place in sizes_known]
        self.linear: LinearForecast | None = None
        if config.linear_path == "on":
            flags = sum(size - 1 for size in sizes) + horizon * sum(size - 1 for size in ahead)
            features = lookback * channels + horizon * known + flags
            self.linear = LinearForecast(features, horizon, sizes, ahead)
        self.embeddings = Embeddings(sizes, sizes_known) if sizes else None
        channels += sum(map(features_of, sizes))
        known += sum(map(features_of, ahead))
        token = channels if length is None else config.layer_sizes[0]
        self.segments = None if length is None else Segments(channels, length, token)
        self.stack = build_stack(config, token)
        self.positions: Positions | None = None
        written = horizon
        if config.linear_path == "auto":
            raise ValueError("linear_path must be chosen before a network is built, got 'auto'")
        if length is not None and config.segment_head == "positions":
            self.positions, written = Positions(-(-horizon // length), token), length
        self.recursive: Recursive | None = None
        if config.decoder == "recursive":
            self.recursive, written = Recursive(known, token), 1
        self.head = nn.Linear(width_of(config), written)
        self.kind, numbers = config.head, NUMBERS[config.head]
        self.spread = nn.Linear(width_of(config), written * (numbers - 1)) if numbers > 1 else None
        self.degrees: nn.Parameter | None = None
        if self.kind == "student_t":
            self.degrees = nn.Parameter(torch.empty(()))
        self.ahead: Ahead | None = None
        if known and self.recursive is None:
            segment = horizon if self.positions is None else written
            width = config.layer_sizes[-1]
            self.ahead = Ahead(width_of(config), known, width, segment, numbers)
        self.reset_parameters(generator)

    def reset_parameters(self, generator: torch.Generator | None = None) -> None:
        """Draw every weight anew; the head's are Glorot uniform, its bias 0."""
        for part in (self.embeddings, self.segments, self.stack, self.positions, self.recursive):
            if part is not None:
                part.reset_parameters(generator)
        nn.init.xavier_uniform_(self.head.weight, generator=generator)
        nn.init.zeros_(self.head.bias)
        if self.ahead is not None:
            self.ahead.reset_parameters(generator)
        # last: all else is drawn as that of a network that forecasts a point
        if self.spread is not None:
            nn.init.xavier_uniform_(self.spread.weight, generator=generator)
            nn.init.zeros_(self.spread.bias)
        if self.degrees is not None:
            nn.init.constant_(self.degrees, FIRST_DEGREES)
        if self.linear is not None:
            # training begins with the linear forecast
            nn.init.zeros_(self.head.weight)

    def forward(
        self,
        x: Tensor,
        linear: Tensor | None = None,
        known: Tensor | None = None,
        mask: Tensor | None = None,
        scales: Tensor | None = None,
        forks: int = 1,
        *,
        generator: torch.Generator | None = None,
    ) -> Tensor | Forecast:
        """Forecast a batch of windows; in training `generator` draws the dropout masks.

        `linear` takes the place of the linear path's own forecast, which is that of a ridge that
        has seen the training windows. What stands where `mask` is False changes nothing: the state
        is carried over it, and the linear path reads the first row in its place.

        With `forks` above 1 it forecasts from each of the last `forks` rows of `x`, which is so
        much longer than a window, in one reading, with one mask for all (forking sequences; Wen et
        al., 2017, arXiv:1711.11053). Whatever else is given, and the output, are then of
        `batch * forks` windows. All of them are read in the level and the spread of the first.
        """
        x = x if mask is None else hold_first(x, mask)
        length = x.shape[1] - forks + 1
        changes, level, spread = self.split_level(x, mask, length)
        if forks > 1:
            level, spread = self._of_forks(changes[:, length - 1 :, 0], level, spread)
        if self.linear is not None:
            level = self._own_linear(x, known, length) if linear is None else linear
        numbers = self._numbers(changes, known, mask, generator, forks)
        if self.kind != "point":
            return forecast_of(self.kind, numbers, level, spread, self.degrees, scales)
        forecast: Tensor = level + spread * numbers[..., 0]
        return forecast

    def split_level(
        self, x: Tensor, mask: Tensor | None = None, length: int | None = None
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Return the windows with the target less its level, in spreads; level, spread, (B, 1).

        These are of the first `length` rows. Default: all.
        """
        first = None if mask is None else mask[:, :length]
        level, spread = level_and_spread(x[:, :length, 0], self.normalise, first)
        changes = (x[..., 0] - level) / spread
        return torch.cat([changes[..., None], x[..., 1:]], dim=2), level, spread

    def _own_linear(self, x: Tensor, known: Tensor | None, length: int) -> Tensor:
        """Return what the linear path forecasts of each window of so many rows of `x`."""
        assert self.linear is not None
        windows = x if x.shape[1] == length else x.unfold(1, length, 1).flatten(0, 1).mT
        forecast: Tensor = self.linear(windows, known)
        return forecast

    def _of_forks(self, last: Tensor, level: Tensor, spread: Tensor) -> tuple[Tensor, Tensor]:
        """Return level and spread of each fork, (B * forks, 1), from those that all are read in.

        Args:
            last: The last target of each, less the level, in spreads, (B, forks).
            level: Of the first, (B, 1).
            spread: The same.
        """
        # from its own last value a fork goes on; of a mean, all read the first one's
        changes = last if self.normalise.startswith("last") else torch.zeros_like(last)
        levels = level + spread * changes
        return levels.reshape(-1, 1), spread.expand_as(last).reshape(-1, 1)

    def forecast_changes(
        self,
        x: Tensor,
        known: Tensor | None = None,
        mask: Tensor | None = None,
        *,
        generator: torch.Generator | None = None,
    ) -> Tensor:
        """Forecast what comes on top of the level, in spreads, from windows less their level.

        Padding holds the first row's values, as `hold_first` and `Windows.x` give it.
        """
        return self._numbers(x, known, mask, generator)[..., 0]

    def _features(
        self,
        x: Tensor,
        known: Tensor | None,
        mask: Tensor | None,
        generator: torch.Generator | None,
        forks: int,
    ) -> Tensor:
        """Return what the heads read: of a window, or of each of its segments, steps or forks."""
        if forks > 1:
            output, _ = self.stack(x, mask=mask, generator=generator)
            states: Tensor = output[:, -forks:]
            return states
        if self.recursive is None:
            _, state = self.stack(x, mask=mask, generator=generator)
            if self.positions is None:
                return last_of(self.stack, state)
            segments: Tensor = self.positions(self.stack, state, x.shape[0], generator)
            return segments
        held = masks_to_hold(self.stack, x.shape[0], generator)
        others = generator if held is None else None
        _, state = self.stack(x, mask=mask, masks=held, generator=others)
        # of a linear path nothing is on top of it yet
        first = x[:, -1, 0] if self.linear is None else x.new_zeros(x.shape[0])

        def write(features: Tensor) -> Tensor:
            change: Tensor = self.head(features)
            return change[:, 0]

        told = first, known, self.horizon, write, (held, others)
        features: Tensor = self.recursive(self.stack, state, *told)
        return features

    def _numbers(
        self,
        x: Tensor,
        known: Tensor | None,
        mask: Tensor | None,
        generator: torch.Generator | None,
        forks: int = 1,
    ) -> Tensor:
        """Return what the heads write of each step, (B, horizon, `NUMBERS`)."""
        if self.embeddings is not None:
            # one that is not read is read by no fork of a window
            of_windows = None if known is None else known.reshape(x.shape[0], -1, known.shape[-1])
            x, of_windows = self.embeddings(x, of_windows, generator=generator)
            if of_windows is not None:
                known = of_windows.reshape(x.shape[0] * forks, self.horizon, -1)
        if self.segments is not None:
            mask = None if mask is None else self.segments.mask_of(mask)
            x = self.segments(x)
        features = self._features(x, known, mask, generator, forks)
        features = self.output_dropout(features, generator=generator)
        features = features if forks == 1 else features.flatten(0, 1)
        changes: Tensor = self.head(features)
        # of segments, the last may reach beyond the horizon
        numbers = changes.flatten(1)[:, : self.horizon, None]
        if self.spread is not None:
            by_step = (self.head.out_features, NUMBERS[self.kind] - 1)
            others = self.spread(features).unflatten(-1, by_step).flatten(1, -2)
            numbers = torch.cat([numbers, others[:, : self.horizon]], dim=2)
        if self.ahead is not None:
            by_segment = features[:, None] if self.positions is None else features
            numbers = numbers + self.ahead(by_segment, known)
        return numbers


def build(
    config: ForecasterConfig,
    channels: int,
    horizon: int,
    generator: torch.Generator | None = None,
    lookback: int = 0,
    known: int = 0,
    sizes: Sequence[int] = (),
    sizes_known: Sequence[int] = (),
) -> ForecastNetwork:
    """Build the network of `config` for windows of so many channels and steps."""
    told = (lookback, known, sizes, sizes_known)
    return ForecastNetwork(channels, horizon, config, generator, *told)


def build_for(
    config: ForecasterConfig, learned: Preprocessing, generator: torch.Generator | None = None
) -> ForecastNetwork:
    """Build the network of `config` for the windows of what was learned from a table."""
    known = len(learned.channels_ahead) - len(learned.categories_known)
    told = (learned.lookback, known, learned.sizes, learned.categories_known)
    return build(config, len(learned.channels), learned.horizon, generator, *told)


def read_by(config: ForecasterConfig, windows: Windows) -> Windows:
    """Return windows with all that the network of `config` reads of them."""
    return windows.with_scales() if config.head in COUNTS else windows
