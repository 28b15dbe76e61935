"""A fitted forecaster as one function of raw numbers, for graphs that leave the workshop."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
import torch
from torch import Tensor, nn

from lockgate.errors import DataError
from lockgate.tasks.forecasting.config import COUNTS, ForecastConfig
from lockgate.tasks.forecasting.heads import point_of, spread_of
from lockgate.tasks.forecasting.intervals import Intervals
from lockgate.tasks.forecasting.linear_path import LinearForecast
from lockgate.tasks.forecasting.mixture import Mixture
from lockgate.tasks.forecasting.network import ForecastNetwork
from lockgate.tasks.forecasting.padding import hold_first
from lockgate.tasks.forecasting.preprocessing import Preprocessing
from lockgate.tasks.forecasting.ridge import Ridge

SEASONS_BACK = 8
"""Seasons that a naive forecast looks back for a value that is not missing."""


class Trained(Protocol):
    """What of a fitted forecaster makes a forecast."""

    @property
    def models(self) -> tuple[ForecastNetwork, ...]: ...
    @property
    def preprocessing(self) -> Preprocessing: ...
    @property
    def config(self) -> ForecastConfig: ...
    @property
    def mixture(self) -> Mixture | None: ...
    @property
    def intervals(self) -> Intervals | None: ...


class Chain(nn.Module):
    """Everything between the rows of a series and its forecast.

    Holes are filled, columns scaled, every network is run, their mean is mixed with the baseline
    and bounds are put around it, as `FittedForecaster.predict` does. Stamps have become waves, and
    categories numbers: what the runtime does.

    Args:
        fitted: The model.
        quantiles: Of which a bound is told, each in (0, 1).

    Shape:
        - values: `(batch, rows, columns)`, float64, the last rows of a series on its grid, NaN
          where missing; `rows` of them, see there.
        - stamps: `(batch, lookback, waves)`, where the network reads a calendar.
        - elapsed: `(batch, lookback)`, where steps are irregular.
        - codes: `(batch, lookback, categories)`, where it reads any.
        - ahead: `(batch, horizon, columns known)`, float64, where any are known ahead.
        - stamps_ahead: `(batch, horizon, waves)`, where the calendar is.
        - codes_ahead: `(batch, horizon, categories known)`, where any are.
        - present: `(batch, rows)`, False before the first row of a series.
        - scale: `(batch, 2)`, float64, mean and standard deviation of the series, of several.
        - static: `(batch, static columns)`, float64, the value of each, where there are any.
        - series: `(batch,)`, int64, its place among those with bounds of their own, 0 for all
          others; of several series with bounds.
        - forecast: `(batch, horizon)`, float64, in the target's unit; NaN where a hole is too long.
        - spread: `(batch, horizon)`, the standard deviation of the forecasts of the networks.
        - bounds: `(batch, quantiles, horizon)`.
    """

    means: Tensor
    stds: Tensor
    usual: Tensor
    offsets: Tensor

    def __init__(self, fitted: Trained, quantiles: Sequence[float]) -> None:
        super().__init__()
        learned, model = fitted.preprocessing, fitted.config.model
        self.learned = learned
        self.networks = nn.ModuleList(fitted.models)
        self.counts = model.head in COUNTS
        self.with_bounds = bool(quantiles) and fitted.intervals is not None
        self.with_spread = self.with_bounds and model.tells_spread
        self.at_least = fitted.config.data.at_least
        self.several = learned.several
        self.keep("means", np.array(learned.means))
        self.keep("stds", np.array(learned.stds))
        places = {name: place for place, name in enumerate(learned.columns)}
        self.holes = [places[name] for name in learned.with_holes]
        self.static = [places[name] for name in learned.static if name in places]
        self.known = [places[name] for name in learned.numbers_known]
        if self.several:
            logs = np.log([one.std for one in learned.series])
            self.keep("usual", np.array([logs.mean(), float(logs.std()) or 1.0]))
        self.mixture = fitted.mixture
        self.ridge: LinearForecast | None = None
        if fitted.mixture is not None and isinstance(fitted.mixture.baseline, Ridge):
            told = learned.features, learned.horizon, learned.sizes, learned.sizes_known
            self.ridge = LinearForecast(*told).double()
            self.ridge.take(fitted.mixture.baseline)
        if self.with_bounds:
            assert fitted.intervals is not None
            groups = fitted.intervals.offsets_by_series(quantiles)
            self.keep("offsets", np.stack(list(groups.values())))
            self.least = fitted.intervals.least
        self.eval()

    def keep(self, name: str, value: "np.ndarray[tuple[int, ...], np.dtype[np.float64]]") -> None:
        """Hold numbers in float64."""
        self.register_buffer(name, torch.from_numpy(np.asarray(value, dtype=np.float64)))

    @property
    def rows(self) -> int:
        """Rows that a forecast reads: the window, and those that fill holes in its first ones.

        A seasonal naive forecast in the mixture reads the season before, too.
        """
        learned = self.learned
        rows = learned.lookback + learned.max_gap
        if (season := self.season) is not None:
            rows = max(rows, SEASONS_BACK * season)
        return rows

    @property
    def season(self) -> int | None:
        """The season of the naive forecast in the mixture, if it is one."""
        season = getattr(self.mixture and self.mixture.baseline, "season", None)
        return None if season is None else int(season)

    @property
    def inputs(self) -> tuple[str, ...]:
        """Names of what `forward` takes, in its order."""
        learned = self.learned
        waves = len(learned.calendar) + (learned.holidays is not None)
        given = {
            "values": True,
            "stamps": waves > 0,
            "elapsed": learned.elapsed,
            "codes": bool(learned.categories),
            "ahead": bool(self.known),
            "stamps_ahead": waves > 0 and learned.calendar_ahead,
            "codes_ahead": bool(learned.categories_known),
            "present": True,
            "scale": self.several,
            "static": bool(self.static),
            "series": self.several and self.with_bounds,
        }
        return tuple(name for name, needed in given.items() if needed)

    @property
    def outputs(self) -> tuple[str, ...]:
        """Names of what `forward` gives, in its order."""
        several = ("spread",) if len(self.networks) > 1 else ()
        return ("forecast", *several, *(("bounds",) if self.with_bounds else ()))

    def forward(self, *given: Tensor) -> tuple[Tensor, ...]:
        """Forecast a batch of series."""
        told = dict(zip(self.inputs, given, strict=True))
        values = told["values"]
        mean, std = self._scales(told)
        filled, ages = self._filled(values, told.get("static"))
        x, whole = self._window(filled, ages, told, mean, std)
        mask = told["present"][:, -self.learned.lookback :]
        x = hold_first(x, mask)
        known = self._known(told)
        scales = torch.cat([mean, std], dim=1).float() if self.counts else None
        each = [network(x, None, known, mask, scales) for network in self.networks]
        points = torch.stack([point_of(one) for one in each]).double()
        members = points * std + mean
        forecast = members.mean(dim=0)
        if self.mixture is not None:
            baseline = self._baseline(x, known, values, mask, mean, std)
            forecast = self.mixture.weight * forecast + (1.0 - self.mixture.weight) * baseline
        forecast = self._bounded(torch.where(whole, forecast, torch.nan))
        results = [forecast]
        if len(each) > 1:
            results.append(members.std(dim=0))
        if self.with_bounds:
            spreads = None
            if self.with_spread:
                told_apart = torch.stack([spread_of(one) for one in each]).double()
                spreads = told_apart.mean(dim=0) * std
            results.append(self._bounds(forecast, std, spreads, told.get("series")))
        return tuple(results)

    def _scales(self, told: dict[str, Tensor]) -> tuple[Tensor, Tensor]:
        """Return mean and standard deviation of the target of each series, (B, 1) or (1, 1)."""
        if self.several:
            return told["scale"][:, :1], told["scale"][:, 1:]
        return self.means[:1, None], self.stds[:1, None]

    def _filled(self, values: Tensor, static: Tensor | None) -> tuple[Tensor, Tensor]:
        """Carry values over holes; return them, and how many rows ago each was observed.

        Those are counted up to `max_gap` and one.
        """
        filled, ages = values, values.isnan().double()
        empty = torch.full_like(values[:, :1], torch.nan)
        for _ in range(self.learned.max_gap):
            before = torch.cat([empty, filled[:, :-1]], dim=1)
            filled = torch.where(filled.isnan(), before, filled)
            ages = ages + filled.isnan().double()
        if static is not None:
            columns = list(filled.unbind(dim=2))
            for place, own in zip(self.static, static.unbind(dim=1), strict=True):
                columns[place] = own[:, None].expand_as(columns[place])
            filled = torch.stack(columns, dim=2)
        return filled, ages

    def _window(
        self,
        filled: Tensor,
        ages: Tensor,
        told: dict[str, Tensor],
        mean: Tensor,
        std: Tensor,
    ) -> tuple[Tensor, Tensor]:
        """Return the channels of the window, and whether it has no hole, (B, 1)."""
        learned, lookback = self.learned, self.learned.lookback
        filled, ages = filled[:, -lookback:], ages[:, -lookback:]
        missing = filled.isnan().any(dim=2) & told["present"][:, -lookback:]
        target = (filled[..., :1] - mean[..., None]) / std[..., None]
        others = (filled[..., 1:] - self.means[1:]) / self.stds[1:]
        scaled = torch.cat([target, others], dim=2)
        parts = [torch.where(scaled.isnan(), 0.0, scaled).float()]
        if self.holes:
            old = ages[..., self.holes]
            oldest = float(np.log1p(learned.max_gap + 1))
            told_old = old.log1p() / oldest if learned.since_seen else (old > 0).double()
            parts.append(told_old.float())
        if "stamps" in told:
            parts.append(told["stamps"])
        if self.several:
            relative = (std.log() - self.usual[0]) / self.usual[1]
            parts.append(relative.float()[..., None].expand(-1, lookback, -1))
        if "elapsed" in told:
            parts.append(told["elapsed"][..., None])
        if "codes" in told:
            parts.append(told["codes"])
        return torch.cat(parts, dim=2), ~missing.any(dim=1, keepdim=True)

    def _known(self, told: dict[str, Tensor]) -> Tensor | None:
        parts = []
        if "ahead" in told:
            scaled = (told["ahead"] - self.means[self.known]) / self.stds[self.known]
            parts.append(scaled.float())
        parts += [told[name] for name in ("stamps_ahead", "codes_ahead") if name in told]
        return torch.cat(parts, dim=2) if parts else None

    def _baseline(
        self,
        x: Tensor,
        known: Tensor | None,
        values: Tensor,
        mask: Tensor,
        mean: Tensor,
        std: Tensor,
    ) -> Tensor:
        """Return what the baseline of the mixture forecasts, (B, horizon), in the target's unit."""
        assert self.mixture is not None
        if self.ridge is not None:
            scaled: Tensor = self.ridge(x.double(), None if known is None else known.double())
            return scaled * std + mean
        y, horizon = x[..., 0].double(), self.learned.horizon
        steps = torch.arange(1, horizon + 1, device=x.device)
        rows = mask.double().sum(dim=1, keepdim=True)
        name = self.mixture.baseline.name
        if self.season is not None:
            return self._seasonal(values[..., 0], y[:, -1:] * std + mean)
        if name == "last value":
            scaled = y[:, -1:].expand(-1, horizon)
        elif name == "drift":
            # padding holds the first row's values
            slope = (y[:, -1:] - y[:, :1]) / (rows - 1.0).clamp(min=1.0)
            scaled = y[:, -1:] + slope * steps
        else:
            scaled = ((y * mask).sum(dim=1, keepdim=True) / rows).expand(-1, horizon)
        return scaled * std + mean

    def _seasonal(self, y: Tensor, last: Tensor) -> Tensor:
        """Return the latest observed value of each step's phase, else the last of all."""
        assert self.season is not None
        steps = torch.arange(1, self.learned.horizon + 1, device=y.device)
        back = (steps + self.season - 1) // self.season * self.season - steps
        found = torch.full_like(last, torch.nan).expand(-1, len(steps))
        for seasons in range(SEASONS_BACK - 1, -1, -1):
            ago = back + seasons * self.season
            there = y.flip(1)[:, torch.clamp(ago, max=self.rows - 1)]
            there = torch.where(ago < self.rows, there, torch.nan)
            found = torch.where(there.isnan(), found, there)
        return torch.where(found.isnan(), last, found)

    def _bounds(
        self, forecast: Tensor, std: Tensor, spreads: Tensor | None, series: Tensor | None
    ) -> Tensor:
        scale = std if self.several else torch.ones_like(std)
        if self.least is not None:
            assert spreads is not None
            scale = torch.maximum(spreads, self.least * scale)
        own = self.offsets[:1] if series is None else self.offsets[series]
        return self._bounded(own * scale[:, None] + forecast[:, None])

    def _bounded(self, forecast: Tensor) -> Tensor:
        return forecast if self.at_least is None else forecast.clamp(min=self.at_least)


def check_exportable(fitted: Trained, quantiles: Sequence[float]) -> None:
    """Refuse what no graph can hold.

    Raises:
        DataError: If intervals rest on passes with dropout on, or the model has none.
    """
    if not quantiles:
        return
    if fitted.intervals is None:
        raise DataError(
            "level must be left out of this model (--level none), which has no intervals: no "
            "forecasts of rows held out tell how far off it may be"
        )
    if fitted.config.model.by_passes:
        raise DataError(
            "level must be left out (--level none) of a model whose intervals are as wide as "
            "passes with dropout say (spread mc_dropout), which no graph draws"
        )
    fitted.intervals.check(quantiles, as_level=True)
