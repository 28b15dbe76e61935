"""What is exported of a forecaster: the chain, and what the runtime does around it."""

from collections.abc import Sequence
from typing import Any

import torch

from lockgate.tasks.forecasting.asked import asked_for
from lockgate.tasks.forecasting.chain import Chain, Trained, check_exportable
from lockgate.tasks.forecasting.config import NAME
from lockgate.tasks.forecasting.scales import LEAST_SPREAD, relative_spread
from lockgate.tasks.graphs import Exportable, Graph, Inputs

HOLES = 0.05
"""Share of values that inputs which are drawn lack."""

NO_STEP = "it forecasts from a window, which it reads anew for each forecast; call predict"


def exportable(fitted: Trained, level: Sequence[float] | None) -> Exportable:
    """Give the chain of a forecaster, with bounds of some levels.

    Args:
        fitted: The forecaster.
        level: Shares of truths, in per cent, that intervals are to cover. None takes 80 and 95
            where the model can tell them; empty leaves intervals out.

    Raises:
        DataError: As `check_exportable` does.
    """
    if level is None:
        model = fitted.config.model
        told = fitted.intervals if not model.by_passes else None
        level = [one for one in (80.0, 95.0) if told is not None and told.can_tell_level(one)]
    quantiles = tuple(asked_for(level, None).values())
    check_exportable(fitted, quantiles)
    chain = Chain(fitted, quantiles)
    axes = {name: {0: "batch"} for name in chain.inputs}
    graph = Graph(chain, axes, chain.outputs, lambda *size: _drawn(chain, *size), (chain.rows,))
    return Exportable(graph, NO_STEP, _schema(fitted, chain, level))


def _schema(fitted: Trained, chain: Chain, level: Sequence[float]) -> dict[str, Any]:
    learned, data = fitted.preprocessing, fitted.config.data
    slots = learned.laid_on
    scales = [(one.mean, one.std) for one in learned.series]
    names = asked_for(level, None)
    own = {} if fitted.intervals is None or not level else fitted.intervals.offsets_by_series([0.5])
    return {
        "task": NAME,
        "target": learned.target,
        "named": learned.named,
        "columns": list(learned.columns),
        "static": [name for name in learned.static if name in learned.columns],
        "static_texts": [one.column for one in learned.categories if one.column in learned.static],
        "categories": {one.column: list(one.values) for one in learned.categories},
        "known_future": list(learned.numbers_known),
        "categories_known": [learned.categories[k].column for k in learned.categories_known],
        "missing": list(data.missing),
        "rows": chain.rows,
        "lookback": learned.lookback,
        "horizon": learned.horizon,
        "max_gap": learned.max_gap,
        "step": _step(learned.frequency, slots),
        "zone": slots.zone,
        "by_wall_clock": slots.by_wall_clock,
        "opening": [list(times) for times in slots.opening],
        "closed_days": slots.holidays,
        "every_row": slots.only_observed,
        "resample": data.resample,
        "calendar": list(learned.calendar),
        "calendar_ahead": learned.calendar_ahead,
        "holidays": learned.holidays,
        "several": learned.several,
        "series": {one.name: [one.mean, one.std] for one in learned.series},
        "own_bounds": [name for name in own if name],
        "usual": [learned.std, relative_spread(scales), LEAST_SPREAD],
        "bounds": list(names),
    }


def _step(frequency: str, slots: Any) -> dict[str, Any]:
    """Give the step as a number of microseconds, months or rows."""
    step = slots.frequency
    return {"count": step.count, "unit": step.unit, "words": frequency}


def _drawn(chain: Chain, batch: int, _: int, generator: torch.Generator) -> Inputs:
    """Draw rows as a table may hold them, with a hole here and there, and short series."""
    learned, lookback, horizon = chain.learned, chain.learned.lookback, chain.learned.horizon

    def normal(*shape: int) -> torch.Tensor:
        return torch.randn(shape, generator=generator)

    def codes(sizes: Sequence[int], steps: int) -> torch.Tensor:
        drawn = [torch.randint(size, (batch, steps), generator=generator) for size in sizes]
        return torch.stack(drawn, dim=2).float()

    mean, std = chain.means, chain.stds
    values = mean + std * normal(batch, chain.rows, len(mean)).double()
    holes = torch.rand(values.shape, generator=generator) < HOLES
    lengths = torch.randint(1, chain.rows + 1, (batch, 1), generator=generator)
    present = torch.arange(chain.rows) >= chain.rows - lengths
    values = values.masked_fill(~present[..., None], torch.nan)
    waves = 2 * len(learned.calendar) + (learned.holidays is not None)
    draws = {
        "values": lambda: values.masked_fill(holes, torch.nan),
        "stamps": lambda: normal(batch, lookback, waves).tanh(),
        "elapsed": lambda: normal(batch, lookback),
        "codes": lambda: codes(learned.sizes, lookback),
        "ahead": lambda: (
            mean[chain.known] + std[chain.known] * normal(batch, horizon, len(chain.known)).double()
        ),
        "stamps_ahead": lambda: normal(batch, horizon, waves).tanh(),
        "codes_ahead": lambda: codes(learned.sizes_known, horizon),
        "present": lambda: present,
        "scale": lambda: (mean[0] + std[0] * normal(batch, 2).double().abs() / 2).clamp(min=0.1),
        "static": lambda: mean[chain.static] + normal(batch, len(chain.static)).double(),
        "series": lambda: torch.randint(len(chain.offsets), (batch,), generator=generator),
    }
    return {name: draws[name]() for name in chain.inputs}
