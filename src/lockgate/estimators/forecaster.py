"""A forecaster with scikit-learn's contract."""

import logging
import warnings
from collections.abc import Collection, Sequence
from typing import Any, NamedTuple, Self

from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from lockgate.errors import DataError, listed, option
from lockgate.fitted import backtest, update
from lockgate.running.local import default_workers
from lockgate.settings import resolve
from lockgate.studies.delivery import DIVERGED, deliver, is_single, side_by_side
from lockgate.tasks.base import ignore
from lockgate.tasks.forecasting.config import ForecastConfig
from lockgate.tasks.forecasting.fitted import FittedForecaster
from lockgate.tasks.forecasting.prepare import prepare
from lockgate.tasks.forecasting.table import Table
from lockgate.tasks.forecasting.task import TASK
from lockgate.tasks.forecasting.train import train
from lockgate.training.history import History

LOG = logging.getLogger(__name__)


class _Fit(NamedTuple):
    """What a fit gives, and whether it was cut short."""

    fitted: FittedForecaster
    history: History
    interrupted: bool


class Forecaster(BaseEstimator):  # type: ignore[misc]  # scikit-learn is not typed
    """A recurrent network that forecasts one column of a table, of one series or of several.

    The arguments are the settings of `lockgate train`, by the same names and with the same
    defaults; `set_params` and `clone` work as in scikit-learn.

    Args:
        target: Column to forecast.
        horizon: Steps, or a duration such as `"24h"`. Every step up to it is forecast.
        time, time_format, row_order, zone, calendar, resample: What its times are; see
            `lockgate.tasks.forecasting.config.TableConfig` for these and the next.
        missing, where, at_least, separator, decimal, encoding: How its values are read.
        id, align: What tells several series apart, and where their parts are cut.
        inputs, exclude, known_future, static, categorical, holidays: What is read beside it.
        max_gap, holes, lookback, split: What windows are, and how the table is cut.
        cell, hidden_size, num_layers, bidirectional, residual: The stack.
        input_dropout, dropout, recurrent_dropout, weight_dropout, output_dropout, zoneout: Rates of
            dropping, in [0, 1).
        layer_norm, mask_per, mask_over, mask_for, init: How states, masks and initial weights are
            made; see `lockgate.tasks.stack.config.StackConfig`.
        normalise: Level subtracted from a window: "last", "mean" or "none"; "last_std", "mean_std"
            and "median_mad" divide by its spread too; "auto" chooses on validation.
        segment_length, segment_head: Reading and writing in stretches of steps.
        decoder: How steps are written: "direct", all at once, or "recursive", one after another.
        head: What is forecast of each step: "point", or how far off it may be too: "quantiles",
            "normal", "student_t"; of counts "poisson" or "negative_binomial".
        spread: What tells how far off a step may be: the "head", or passes with dropout on,
            "mc_dropout".
        linear_path: Whether forecasts are made on top of a ridge: "off", "on" or "auto"; see
            `lockgate.tasks.forecasting.config.ForecasterConfig`.
        metric, learning_rate, schedule, average, weight_decay, batch_size, clip_norm: How it is
            trained; see `lockgate.tasks.forecasting.config.ForecastTrainingConfig` for these and
            the next.
        max_epochs, patience, patience_steps, validations, max_steps, epoch_windows: For how long.
        forks, fork_batch, series_weight, device: By which windows, and where.
        random_state: Chooses initial weights, batches and masks.
        members, mix: Fits of the network whose mean is the model, and whether they are mixed with
            the best baseline, by a weight that validation sets. With more than one member, or mix,
            the model is what `lockgate.train` delivers, fitted again to all but the test part, and
            gives intervals. Default: one network as validation stopped it; `lockgate.train` itself
            has three members and mixes.

    Attributes:
        fitted_: The `FittedForecaster` model.
        history_: Losses by epoch, and why training stopped; of several members those of the first,
            fitted to the training part.

    Example:
        >>> import numpy as np, pandas as pd
        >>> days = pd.date_range("2020-01-01", periods=300, freq="D")
        >>> sales = pd.DataFrame({"day": days, "sold": np.sin(np.arange(300) * 2 * np.pi / 7)})
        >>> model = Forecaster("sold", horizon=7, hidden_size=8, max_epochs=2).fit(sales)
        >>> model.predict().shape
        (7, 3)
    """

    def __init__(
        self,
        target: str,
        horizon: int | str,
        *,
        lookback: int | str | None = None,
        time: str | None = None,
        time_format: str | None = None,
        row_order: bool = False,
        zone: str | None = None,
        calendar: str = "auto",
        resample: str | None = None,
        missing: tuple[float, ...] = (),
        id: str | None = None,
        align: str = "time",
        where: tuple[str, ...] = (),
        at_least: float | None = None,
        max_gap: int = 3,
        holes: str = "flag",
        inputs: str | tuple[str, ...] = "all",
        exclude: tuple[str, ...] = (),
        known_future: tuple[str, ...] = (),
        static: tuple[str, ...] = (),
        categorical: tuple[str, ...] = (),
        holidays: str | None = None,
        split: tuple[str, ...] = ("0.7", "0.15", "0.15"),
        separator: str | None = None,
        decimal: str | None = None,
        encoding: str | None = None,
        cell: str = "lstm",
        hidden_size: int | tuple[int, ...] = 64,
        num_layers: int = 1,
        bidirectional: bool | tuple[bool, ...] = False,
        input_dropout: float = 0.25,
        dropout: float = 0.25,
        recurrent_dropout: float = 0.25,
        weight_dropout: float = 0.0,
        output_dropout: float = 0.25,
        zoneout: float = 0.0,
        layer_norm: bool = False,
        residual: bool = False,
        mask_per: str | None = None,
        mask_over: str = "sequence",
        mask_for: str = "sample",
        init: str = "keras",
        normalise: str = "last_std",
        segment_length: int | None = None,
        segment_head: str = "direct",
        decoder: str = "direct",
        head: str = "point",
        spread: str = "head",
        linear_path: str = "off",
        metric: str = "mae",
        learning_rate: float = 0.003,
        schedule: str = "constant",
        average: float = 0.99,
        weight_decay: float = 0.0,
        batch_size: int = 64,
        clip_norm: float = 1.0,
        max_epochs: int = 100,
        patience: int = 4,
        patience_steps: int = 400,
        validations: int = 3,
        max_steps: int | None = None,
        epoch_windows: int = 20_000,
        random_state: int = 0,
        device: str = "auto",
        forks: int = 24,
        fork_batch: int = 16,
        series_weight: str = "length",
        members: int = 1,
        mix: bool = False,
    ) -> None:
        # scikit-learn's contract: an argument is kept as it is, under its own name
        settings = locals()
        for name in self._get_param_names():
            setattr(self, name, settings[name])

    def fit(self, X: Any, y: None = None) -> Self:  # noqa: ARG002  # scikit-learn passes it
        """Fit to a table: a pandas, polars or pyarrow frame, or the path of a file.

        `y` is ignored: the target is a column of the table.

        Raises:
            DataError: If the table or a setting cannot be used.
        """
        config = resolve(ForecastConfig, self.get_params(deep=False))
        table = TASK.read(X, config)
        _warn_of_ignored(table, config.data.exclude)
        fit = _one(table, config) if is_single(TASK, config) else _several(table, config)
        if fit.interrupted:
            warnings.warn("interrupted: the best weights so far are kept", stacklevel=2)
        self.fitted_: FittedForecaster = fit.fitted
        self.history_: History = fit.history
        self._source = X
        return self

    def predict(
        self,
        X: Any = None,
        *,
        future: Any = None,
        level: Sequence[float] | None = None,
        quantiles: Sequence[float] | None = None,
        **settings: Any,
    ) -> Any:
        """Forecast the steps after the last observed target of `X`, or of the table fitted to.

        Args:
            X: A table of the form of the one fitted to. Default: that one.
            future: Rows of the steps forecast with what is known of them, if `known_future` names
                columns and `X` does not hold these rows: the time, what names the series, and the
                columns. The target need not be there.
            level: Shares of truths, in per cent, that intervals are to cover, `[80, 95]`. One
                network alone gives none: pass `members` or `mix`.
            quantiles: Instead, shares of truths that are to lie below, `[0.1, 0.9]`.
            settings: How the tables are read, where that is another way: `separator=";"`.

        Returns:
            As `FittedForecaster.predict`: a frame of the kind that `X` is, of `unique_id`, `ds`
            (with `row_order` `row`) and `forecast`, with `forecast-lo-80` and `forecast-hi-80` of a
            level; of a pandas Series a Series, or with intervals a frame.

        Raises:
            NotFittedError: If nothing was fitted.
            DataError: As `FittedForecaster.predict` does.
        """
        check_is_fitted(self, "fitted_")
        source = self._source if X is None else X
        told = {"future": future, "level": level, "quantiles": quantiles, **settings}
        return self.fitted_.predict(source, **told)

    def predict_interval(
        self,
        X: Any = None,
        level: Sequence[float] = (80, 95),
        *,
        future: Any = None,
        **settings: Any,
    ) -> Any:
        """Forecast with intervals; arguments and errors as in `predict`.

        Example:
            >>> import numpy as np, pandas as pd
            >>> days = pd.date_range("2020-01-01", periods=400, freq="D")
            >>> sold = np.random.default_rng(0).normal(size=400).cumsum()
            >>> sales = pd.DataFrame({"unique_id": "a", "ds": days, "y": sold})
            >>> model = Forecaster("y", horizon=3, hidden_size=4, max_epochs=1, mix=True)
            >>> list(model.fit(sales).predict_interval(level=[80]).columns)
            ['unique_id', 'ds', 'forecast', 'forecast-lo-80', 'forecast-hi-80']
        """
        return self.predict(X, future=future, level=level, **settings)

    def update(
        self, X: Any, *, latest: int | None = None, adapt: float | None = None, **settings: Any
    ) -> Self:
        """Take the errors of forecasts of later rows into the intervals; see `lockgate.update`.

        The networks stay as they are. `predict` without a table forecasts what follows `X` then.

        Args:
            X: A table with rows after those fitted to, and the past that their forecasts read.
            latest: Forecasts whose errors are kept. Default: as many as there are, and at least 40
                times the horizon.
            adapt: How much one truth changes the share outside an interval. Default: 0.
            settings: As in `predict`.

        Raises:
            NotFittedError: If nothing was fitted.
            DataError: As `lockgate.update` does.

        Example:
            >>> import numpy as np, pandas as pd
            >>> days = pd.date_range("2020-01-01", periods=450, freq="D")
            >>> sold = np.random.default_rng(0).normal(size=450).cumsum()
            >>> sales = pd.DataFrame({"unique_id": "a", "ds": days, "y": sold})
            >>> model = Forecaster("y", horizon=3, hidden_size=4, max_epochs=1, mix=True)
            >>> model.fit(sales[:400]).update(sales).fitted_.intervals.later
            108
        """
        check_is_fitted(self, "fitted_")
        told = {"latest": latest, "adapt": adapt, **settings}
        self.fitted_ = update(self.fitted_, X, **told).fitted
        self._source = X
        return self

    def cross_validation(
        self,
        X: Any = None,
        *,
        n_windows: int | None = None,
        step: int | str | None = None,
        refit_every: int | None = None,
        gap: int | str | None = None,
        window: str | None = None,
        baselines: Sequence[str] | str | None = None,
        level: Sequence[float] | None = None,
    ) -> Any:
        """Forecast a table from several cutoffs in its past, by models fitted to the rows before.

        It is `lockgate.backtest` by the settings of this estimator, which stays as it is and need
        not be fitted: the model in `fitted_` has seen rows after the cutoffs, and has no part in
        it.

        Args:
            X: A table as `fit` takes it. Default: the one fitted to.
            n_windows: Cutoffs, the last so that its horizon ends with the table. Default: 8.
            step: From one cutoff to the next, in steps or as a duration. Default: the horizon.
            refit_every: Fit anew before every so many cutoffs. Default: 0, one fit, before the
                first.
            gap: Steps or a duration left out between what is learned from and a cutoff. Default: 0.
            window: `"expanding"` learns from all rows before, `"rolling"` from as many as the first
                fit. Default: `"expanding"`.
            baselines: Further ones, of statsforecast: `"ets"`, `"theta"`, `"mstl"`.
            level: Shares of truths, in per cent, that intervals are to cover, `[80, 95]`. One
                network alone gives none: pass `members` or `mix`.

        Returns:
            The long frame that `utilsforecast.evaluation.evaluate` of Nixtla takes, of
            the kind that `X` is: `unique_id`, `ds`, `cutoff`, `y`, the model as `lockgate` (with
            `lockgate-lo-80` and `lockgate-hi-80` of a level), and a column for each baseline.

        Raises:
            NotFittedError: If neither `X` is given nor anything was fitted.
            DataError: As `lockgate.backtest` does.

        Example:
            >>> import numpy as np, pandas as pd
            >>> days = pd.date_range("2020-01-01", periods=200, freq="D")
            >>> sales = pd.DataFrame({"unique_id": "a", "ds": days, "y": np.arange(200) % 7.0})
            >>> model = Forecaster("y", horizon=7, hidden_size=4, max_epochs=1)
            >>> frame = model.cross_validation(sales, n_windows=2)
            >>> list(frame.columns[:7])
            ['unique_id', 'ds', 'cutoff', 'y', 'lockgate', 'naive', 'seasonal_naive']
            >>> frame["cutoff"].nunique(), len(frame)
            (2, 14)
        """
        if X is None:
            check_is_fitted(self, "fitted_")
            X = self._source
        result = backtest(
            self.get_params(deep=False),
            X,
            n_windows=n_windows,
            step=step,
            refit_every=refit_every,
            gap=gap,
            window=window,
            baselines=baselines,
            level=level,
        )
        for notice in result.notices:
            LOG.warning("note: %s", notice)
        return result.forecasts


def _one(table: Table, config: ForecastConfig) -> _Fit:
    """Fit one network, and keep it as validation stopped it.

    Raises:
        DataError: If it diverged.
    """
    fitted, history = train(prepare(table, config.data), config)
    if not history.best_epoch:
        raise DataError(DIVERGED)
    return _Fit(fitted, history, history.stopped == "interrupted")


def _several(table: Table, config: ForecastConfig) -> _Fit:
    """Fit what `lockgate.train` delivers, without a look at the test part.

    Raises:
        DataError: If every fit diverged.
    """
    prepared = TASK.prepare(table, config)
    workers = default_workers(config.training.device)
    fit_all = side_by_side(TASK, prepared, workers, lambda *_: ignore)
    delivery = deliver(TASK, table, prepared, config, fit_all)
    known = () if delivery.baseline is None else (delivery.baseline,)
    # what `evaluate` sets it beside, as a model of `train` keeps it
    kept = (*known, *delivery.compared.baselines)
    fitted = delivery.fitted.with_metrics(TASK.scales(prepared), kept)
    assert isinstance(fitted, FittedForecaster)
    return _Fit(fitted, delivery.histories[0], delivery.interrupted)


def _warn_of_ignored(table: Table, excluded: Collection[str]) -> None:
    """Warn of columns that are not read, unless they were left out on purpose."""
    ignored = [one for one in table.ignored if one.column not in excluded]
    if ignored:
        columns = listed(f"{column!r} {reason}" for column, reason in ignored)
        names = ",".join(one.column for one in ignored)
        warnings.warn(
            f"columns are not read: {columns}; {option('exclude', names)} says that they need not",
            stacklevel=3,
        )
