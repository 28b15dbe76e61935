"""A fitted model and everything needed to use it on a table."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import torch
from pydantic import ValidationError
from safetensors.torch import save
from torch import Tensor

from lockgate.errors import DataError, quoted
from lockgate.files import new_file, new_folder
from lockgate.reading.frames import like, like_series
from lockgate.reading.zones import shown
from lockgate.scoring.arrays import AnyFloatArray, FloatArray
from lockgate.settings import read_anew
from lockgate.tasks.base import Candidate
from lockgate.tasks.forecasting.about import about_forecaster
from lockgate.tasks.forecasting.asked import asked_for
from lockgate.tasks.forecasting.checks import check_preprocessing, check_sizes
from lockgate.tasks.forecasting.config import NAME, ForecastConfig
from lockgate.tasks.forecasting.heads import point_of, spread_of
from lockgate.tasks.forecasting.intervals import Intervals
from lockgate.tasks.forecasting.intervals_file import FILE, as_file, read_intervals
from lockgate.tasks.forecasting.known_future import known_ahead
from lockgate.tasks.forecasting.mixture import Mixture, read_mixture
from lockgate.tasks.forecasting.network import ForecastNetwork, build_for, read_by
from lockgate.tasks.forecasting.origins import origins_of
from lockgate.tasks.forecasting.passes import spread_of_passes
from lockgate.tasks.forecasting.prepare import read
from lockgate.tasks.forecasting.preprocessing import Preprocessing
from lockgate.tasks.forecasting.ridge import Ridge
from lockgate.tasks.forecasting.several import padded_words
from lockgate.tasks.forecasting.table import Table
from lockgate.tasks.forecasting.windows import Windows
from lockgate.tasks.graphs import Exportable
from lockgate.tasks.storage import (
    fault_in,
    read_config,
    read_metrics,
    read_tensors,
    read_text,
    read_weights,
    weight_files,
    write_fitted,
)

if TYPE_CHECKING:
    from lockgate.tasks.forecasting.evaluation import ForecastEvaluation

Take = Callable[[ForecastNetwork, Sequence[Tensor | None]], Tensor]
"""Takes from a network and what it is called with what is wanted of it, (B, horizon), scaled."""
FORECAST_BATCH = 512
RIDGE = "ridge.safetensors"
NO_INTERVALS = (
    "{asked} must be left out of this model: no forecasts of rows held out tell how far off it "
    "may be; run a study, or train again with members above 1 or with mix, on a table of which "
    "half of validation holds a window"
)
NOTHING_AHEAD = (
    "future must be left out of this model, which reads nothing that is known ahead; train with "
    "known_future (--known-future), naming the columns that are"
)
LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class FittedForecaster:
    """Trained networks, what was learned from the training rows, and the configuration of both."""

    models: tuple[ForecastNetwork, ...]
    preprocessing: Preprocessing
    config: ForecastConfig
    metrics: dict[str, Any] = field(default_factory=dict)
    ridge: Ridge | None = None
    """The linear model of the same training rows, which `evaluate` scores beside it."""
    mixture: Mixture | None = None
    """The baseline that the networks are mixed with."""
    intervals: Intervals | None = None
    """What tells how far off a forecast may be."""

    @property
    def model(self) -> ForecastNetwork:
        """The network, or the first of several."""
        return self.models[0]

    @property
    def task(self) -> str:
        """Name of the task."""
        return NAME

    @property
    def parameters(self) -> int:
        """Number of the networks' weights."""
        return sum(weight.numel() for model in self.models for weight in model.parameters())

    def forecast(self, windows: Windows) -> FloatArray:
        """Forecast every window, (N, horizon), in the target's unit."""
        forecasts: FloatArray = self.by_member(windows).mean(axis=0)
        if self.mixture is not None:
            forecasts = self.mixture.mixed(forecasts, windows)
        bound = self.config.data.at_least
        return forecasts if bound is None else np.maximum(forecasts, bound)

    def by_member(self, windows: Windows) -> FloatArray:
        """Forecast every window by each network alone, (M, N, horizon), in the target's unit."""
        return windows.invert(self._of_members(windows, _point))

    def spreads(self, windows: Windows) -> FloatArray | None:
        """Return how far off each forecast may be, (N, horizon), in the target's unit.

        It is the mean over the networks of what their heads forecast: the standard deviation, or of
        quantiles the distance of the quartiles; or of the standard deviation of passes with dropout
        on. None where neither tells one.
        """
        model = self.config.model
        if not model.tells_spread:
            return None
        scaled = self._of_members(windows, spread_of_passes if model.by_passes else _spread)
        scaled, series = scaled.mean(axis=0, dtype=np.float64), windows.series
        spreads: FloatArray = scaled * series.stds[series.of(windows.origins.numpy()), None]
        return spreads

    def _of_members(self, windows: Windows, take: Take) -> AnyFloatArray:
        """Return what `take` gives of each network and windows, (M, N, horizon), scaled."""
        device = next(self.model.parameters()).device
        windows = read_by(self.config.model, windows)
        parts = []
        with torch.no_grad():
            for start in range(0, len(windows), FORECAST_BATCH):
                # gathered once for all
                part = slice(start, start + FORECAST_BATCH)
                told = windows.ahead(part), windows.mask(part), windows.scales_of(part)
                read = (windows.x(part), None, *told)
                given = [None if one is None else one.to(device) for one in read]
                found = [take(model.eval(), given).cpu() for model in self.models]
                parts.append(torch.stack(found))
        scaled: AnyFloatArray = torch.cat(parts, dim=1).numpy()
        return scaled

    def quantiles(
        self, windows: Windows, table: Table, quantiles: Sequence[float], *, as_level: bool = False
    ) -> FloatArray:
        """Forecast quantiles of every window of a table, (Q, N, horizon), in the target's unit.

        Args:
            windows: Windows of `table`.
            table: The rows that they are of.
            quantiles: Each in (0, 1).
            as_level: Whether a message is to speak of a level.

        Raises:
            DataError: If the model has too few errors of held-out rows for it, or none.
        """
        if self.intervals is None:
            asked = "level" if as_level else "quantiles"
            raise DataError(NO_INTERVALS.format(asked=asked))
        self.intervals.check(quantiles, as_level=as_level)
        origins = origins_of(windows, table)
        told = self.intervals.quantiles(
            self.forecast(windows), origins, quantiles, self.spreads(windows)
        )
        bound = self.config.data.at_least
        return told if bound is None else np.maximum(told, bound)

    def predict(
        self,
        source: Any,
        *,
        future: Any = None,
        level: Sequence[float] | None = None,
        quantiles: Sequence[float] | None = None,
        **settings: Any,
    ) -> Any:
        """Forecast the steps that follow the last observed target of each series of `source`.

        What a reader should know of how the table was read is logged as a warning.

        Args:
            source: A table as `config.data` reads it: the path of a file, or a frame. Where columns
                are known ahead it holds rows of the steps forecast too, with the target empty.
            future: Instead, these rows by themselves, a file or a frame as the table is: the time,
                what names the series, and the columns known ahead. The target need not be there.
            level: Shares of truths, in per cent, that intervals are to cover: `[80, 95]`. They are
                split conformal intervals, step by step; see `Intervals`.
            quantiles: Instead, shares of truths that are to lie below: `[0.1, 0.9]` are the ends of
                the interval of level 80.
            settings: How it is read, where that is another way than the training table was:
                `separator=";"`, `time="day"`.

        Returns:
            One row a step: `unique_id`, `ds` in the time zone of the table fitted to, and
            `forecast` in the target's unit; of several networks `spread`, the standard deviation
            of their forecasts; of each level `forecast-lo-80` and `forecast-hi-80`, of each
            quantile `forecast-q-0.1`. Where the rows of the table are the steps, `row` in place of
            `ds`: numbers that go on from its last. A frame of the kind that `source` is, polars
            for a path; of a pandas Series a Series, or with intervals a pandas frame.

        Raises:
            DataError: If a level or a quantile is out of range, or the model was told by too few
                errors for it. If the table lacks columns, has another frequency, tells a time zone
                where the model has none or none where it has one, or ends in a hole that is too
                long to fill, or lacks what is known of a step forecast.
                If `future` is not of the table's form, or nothing is read of it.
        """
        asked = asked_for(level, quantiles)
        table = self.read(source, settings, future)
        for notice in (*table.notices, *padded_words(table, self.preprocessing.lookback)):
            LOG.warning("note: %s", notice)
        horizon, windows = self.preprocessing.horizon, _last_windows(table, self.preprocessing)
        stamps = _later(table, horizon)
        windows = replace(windows, known=known_ahead(table, self.preprocessing, stamps))
        several = len(self.models) > 1
        spread = {"spread": self.by_member(windows).std(axis=0, ddof=1).ravel()} if several else {}
        time = "ds" if table.frequency.of_time else "row"
        steps = pl.DataFrame(
            {
                "unique_id": np.repeat(table.names, horizon).tolist(),
                time: stamps,
                "forecast": self.forecast(windows).ravel(),
                **spread,
                **self._bounds(windows, table, asked),
            }
        )
        return like(steps, source) if asked else like_series(steps, source, time, "forecast")

    def _bounds(
        self, windows: Windows, table: Table, asked: Mapping[str, float]
    ) -> dict[str, FloatArray]:
        """Return the column of each quantile that was asked for."""
        if not asked:
            return {}
        as_level = any("-lo-" in name for name in asked)
        told = self.quantiles(windows, table, list(asked.values()), as_level=as_level)
        return {name: own.ravel() for name, own in zip(asked, told, strict=True)}

    def evaluate(self, source: Any, **settings: Any) -> "ForecastEvaluation":
        """Forecast from every row of `source` after all that was learned from, and score it.

        Args:
            source: A table as `config.data` reads it; where its rows are the steps, the one that
                was learned from, with later rows: they are told by their numbers.
            settings: As in `predict`.

        Raises:
            DataError: If the table has no window after `Preprocessing.seen_until`, or another form.
        """
        # imported here because a model forecasts without what scoring loads
        from lockgate.tasks.forecasting.evaluation import evaluate

        table = self.read(source, settings)
        metric, scale = self.config.training.metric, self.metrics.get("mase_scale")
        bound = self.config.data.at_least
        return evaluate(self, self.preprocessing, table, metric, scale, self.ridge, bound)

    def read(self, source: Any, settings: Mapping[str, Any], future: Any = None) -> Table:
        """Read a table onto the slots of the one that was learned from; arguments as in `predict`.

        Raises:
            DataError: If it cannot be used, or holds several series and the model is of one; or if
                the model reads nothing of `future`.
        """
        config = read_anew(self.config, settings).data
        if future is not None and not config.known_future:
            raise DataError(NOTHING_AHEAD)
        if isinstance(source, Table):
            if future is not None:
                raise TypeError("source must be a file or a frame where future is given, got Table")
            return source
        table = read(source, config, self.preprocessing.laid_on, future)
        if table.several and not self.preprocessing.several:
            raise DataError(
                "the table must hold one series, as the one that the model was fitted to, got "
                f"{len(table.names):,}; choose one by where, or fit the model to several"
            )
        return table

    def save(self, folder: str | Path) -> None:
        """Write the model as a new folder: weights as safetensors, all else as JSON.

        Raises:
            FileExistsError: If `folder` exists and is not empty.
        """
        with new_folder(Path(folder)) as temporary:
            self.write_into(temporary)

    def write_into(self, folder: Path) -> None:
        """Write the files of `save` into a folder that exists."""
        mixture = None if self.mixture is None else self.mixture.stored()
        write_fitted(
            *(folder, NAME, self.models, self.config, self.preprocessing, self.metrics),
            about=about_forecaster(self.config, self.preprocessing, len(self.models)),
            mixture=mixture,
        )
        self.write_intervals(folder)
        if self.ridge is not None:
            with new_file(folder / RIDGE) as file:
                file.write(save(self.ridge.tensors()))

    def exportable(self, level: Sequence[float] | None = None) -> Exportable:
        """Give the model as one function of tensors; see `Fitted.exportable`."""
        # imported here because a model forecasts without it
        from lockgate.tasks.forecasting.exported import exportable

        return exportable(self, level)

    def write_intervals(self, folder: Path) -> None:
        """Write of a folder what tells how far off forecasts may be, which is one file."""
        if self.intervals is not None:
            with new_file(folder / FILE) as file:
                file.write(as_file(self.intervals))

    def with_metrics(
        self, metrics: dict[str, Any], baselines: Sequence[Candidate] = ()
    ) -> "FittedForecaster":
        """Return the same model with these scores and the ridge among the baselines."""
        ridges = [one.model for one in baselines if isinstance(one.model, Ridge)]
        return replace(self, metrics=metrics, ridge=next(iter(ridges), self.ridge))


def load(folder: Path) -> FittedForecaster:
    """Read what `save` wrote. The files are read as data: no code of theirs is run.

    Raises:
        DataError: If the folder does not hold a fitted forecaster.
    """
    stored = read_config(folder, NAME)
    mixture = stored.config.pop("mixture", None)
    try:
        run = ForecastConfig.model_validate(stored.config)
        text = read_text(folder / "preprocessing.json")
        preprocessing = Preprocessing.model_validate_json(text)
    except ValidationError as error:
        raise fault_in(folder, error) from None
    check_preprocessing(folder, preprocessing)
    models = tuple(
        _load_model(folder / name, run, preprocessing) for name in weight_files(stored.fits)
    )
    ridge = _load_ridge(folder / RIDGE, preprocessing) if (folder / RIDGE).exists() else None
    mixed = None if mixture is None else read_mixture(folder, mixture, preprocessing, ridge)
    with_spread = run.model.tells_spread
    told = read_intervals(folder, preprocessing.horizon, with_spread=with_spread)
    return FittedForecaster(models, preprocessing, run, read_metrics(folder), ridge, mixed, told)


def _point(model: ForecastNetwork, given: Sequence[Tensor | None]) -> Tensor:
    return point_of(model(*given))


def _spread(model: ForecastNetwork, given: Sequence[Tensor | None]) -> Tensor:
    return spread_of(model(*given))


def _last_windows(table: Table, preprocessing: Preprocessing) -> Windows:
    """Return the window that ends with the last row of each series, padded where it is short."""
    arrays, lookback = preprocessing.apply(table), preprocessing.lookback
    ends = arrays.starts + arrays.layout.lengths - 1
    for start, end in zip(arrays.starts, ends, strict=True):
        first = max(int(start), int(end) + 1 - lookback)
        usable = arrays.usable[first : end + 1]
        if not usable.all():
            row = first + int(np.argmin(usable))
            raise DataError(
                f"the last {len(usable)} rows{_of(table, row)} must have no hole longer than "
                f"max_gap {preprocessing.max_gap}, got one at {shown(table.frame['ds'], row)}"
            )
    return Windows(
        inputs=torch.from_numpy(arrays.inputs),
        target=torch.from_numpy(arrays.target),
        origins=torch.from_numpy(ends),
        lookback=lookback,
        horizon=preprocessing.horizon,
        series=arrays.series,
        categories=preprocessing.sizes,
    )


def _of(table: Table, row: int) -> str:
    """Name the series of a row, of several."""
    return f" of {quoted(table.frame['unique_id'][row])}" if table.several else ""


def _later(table: Table, horizon: int) -> pl.Series:
    """Return the stamps of so many steps after each series."""
    ds, layout = table.frame["ds"], table.layout
    parts = zip(layout.starts, layout.lengths, strict=True)
    # many series end with the same stamp
    known: dict[Any, pl.Series] = {}
    later = []
    for start, length in parts:
        own = ds.slice(int(start), int(length))
        if own[-1] not in known:
            known[own[-1]] = table.slots.after(own, horizon)
        later.append(known[own[-1]])
    return pl.concat(later)


def _load_model(
    path: Path, config: ForecastConfig, preprocessing: Preprocessing
) -> ForecastNetwork:
    return read_weights(
        path,
        lambda state: check_sizes(path, state, config.model, preprocessing),
        lambda: build_for(config.model, preprocessing),
    )


def _load_ridge(path: Path, preprocessing: Preprocessing) -> Ridge:
    tensors, horizon = read_tensors(path), preprocessing.horizon
    shapes = {
        "coefficients": (preprocessing.features, horizon),
        "intercept": (horizon,),
        "strength": (),
    }
    found = {name: tuple(tensor.shape) for name, tensor in tensors.items()}
    if found != shapes or not all(t.dtype == torch.float64 for t in tensors.values()):
        raise DataError(f"{path} must hold a ridge of the model's windows in float64; delete it")
    return Ridge.of(tensors)
