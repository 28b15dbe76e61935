"""Several fits of a forecaster, and a baseline, as one."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from lockgate.scoring.arrays import FloatArray
from lockgate.tasks.base import Candidate, HeldOut, Span
from lockgate.tasks.forecasting.baselines import Baseline, bounded
from lockgate.tasks.forecasting.config import ForecastConfig
from lockgate.tasks.forecasting.fitted import FittedForecaster
from lockgate.tasks.forecasting.interval_scores import score_intervals
from lockgate.tasks.forecasting.intervals import Intervals
from lockgate.tasks.forecasting.mixture import Mixture
from lockgate.tasks.forecasting.prepare import Prepared
from lockgate.tasks.forecasting.ridge import Ridge
from lockgate.tasks.forecasting.scorer import WindowScorer
from lockgate.tasks.forecasting.table import Table

NOTHING_DROPPED = (
    "The network has no dropout, so that no passes with it tell where intervals are to be wide."
)


@dataclass(frozen=True)
class ForecastCommittees:
    """Makes one forecaster of several: the mean of their forecasts, mixed with a baseline's."""

    def why_not_halved(self, prepared: Prepared) -> str | None:
        """Tell whether a half of validation is too short for a window."""
        if len(prepared.windows("stopping")) and len(prepared.windows("mixing")):
            return None
        steps = len(prepared.split.rows("validation"))
        horizon = prepared.preprocessing.horizon
        return f"half of the validation part, {steps} steps, holds no window of {horizon}"

    def join(
        self,
        members: Sequence[FittedForecaster],
        prepared: Prepared,  # noqa: ARG002
        calibrate: Span | None,  # noqa: ARG002 - a forecast has no probability
        like: Any = None,
    ) -> FittedForecaster:
        """Return the forecaster that gives the mean of the members' forecasts."""
        joined = replace(members[0], models=tuple(one.model for one in members))
        return joined if like is None else replace(joined, config=like.config)

    def temperature(self, fitted: FittedForecaster) -> float:  # noqa: ARG002
        """Give 1: a forecast has no probability."""
        return 1.0

    def alone(self, joined: FittedForecaster, member: int) -> FittedForecaster:
        """Return one of the members by itself."""
        return replace(joined, models=(joined.models[member],), mixture=None)

    def mixes(self, baseline: Candidate) -> bool:  # noqa: ARG002
        """Tell that any baseline of forecasts can be kept."""
        return True

    def refit(
        self,
        data: Table,  # noqa: ARG002
        prepared: Prepared,
        config: ForecastConfig,
        baseline: Candidate,
    ) -> Candidate:
        """Fit a ridge of the same strength to all windows before the test part."""
        if not isinstance(baseline.model, Ridge):
            return baseline
        ridge = baseline.model.refit(prepared.windows("development"))
        (kept,) = bounded([ridge], config.data.at_least)
        forecast = partial(_forecast, kept, prepared)
        return Candidate(ridge.name, ridge.setting, forecast, ridge)

    def mixed(
        self, joined: FittedForecaster, baseline: Candidate | None, weight: float
    ) -> FittedForecaster:
        """Return the forecaster that gives `weight` to its networks and the rest to a baseline."""
        if baseline is None:
            return replace(joined, mixture=None)
        model = baseline.model
        ridge = model if isinstance(model, Ridge) else joined.ridge
        return replace(joined, ridge=ridge, mixture=Mixture(weight, model))

    def with_held_out(
        self, fitted: FittedForecaster, held_out: Sequence[HeldOut]
    ) -> FittedForecaster:
        """Return the forecaster whose intervals are told by errors of forecasts held out."""
        return replace(fitted, intervals=Intervals.of(held_out))

    def spreads(
        self, fitted: FittedForecaster, prepared: Prepared, part: Span
    ) -> FloatArray | None:
        """Give what its networks forecast of how far off they may be, if they do."""
        return fitted.spreads(prepared.windows(part))

    def intervals(
        self,
        fitted: FittedForecaster,
        scorer: WindowScorer,
        prediction: FloatArray,
        spreads: FloatArray | None,
    ) -> Any:
        """Give coverage, width and losses of its intervals."""
        if fitted.intervals is None:
            return None
        bound = fitted.config.data.at_least
        told = scorer, prediction, "the test part", bound, spreads
        scored, model = score_intervals(fitted.intervals, *told), fitted.config.model
        if scored is not None and model.spread == "mc_dropout" and not model.by_passes:
            scored["words"].append(NOTHING_DROPPED)
        return scored


def _forecast(kept: Baseline, prepared: Prepared, part: Span) -> FloatArray:
    return kept.forecast(prepared.windows(part))
