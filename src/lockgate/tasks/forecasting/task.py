"""Forecasting, as a study sees it: one table, windows, naive baselines."""

import hashlib
import json
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from lockgate.errors import MOST_LISTED, DataError, listed, quoted
from lockgate.files import write_text
from lockgate.nn import Reach, gradient_reach
from lockgate.reading.samples import SAMPLE
from lockgate.reading.zones import shown
from lockgate.scoring.arrays import FloatArray
from lockgate.scoring.metrics import (
    mase_scale,
    metric_power,
)
from lockgate.tasks.base import (
    PARTS,
    Apart,
    Candidate,
    Chosen,
    Compared,
    OnEpoch,
    Section,
    Span,
    check,
    ignore,
)
from lockgate.tasks.forecasting.advice import advice
from lockgate.tasks.forecasting.baselines import (
    bounded,
    fit_baselines,
    skipped_baselines,
)
from lockgate.tasks.forecasting.choices import Choices
from lockgate.tasks.forecasting.choose import choose
from lockgate.tasks.forecasting.committees import ForecastCommittees
from lockgate.tasks.forecasting.config import (
    NAME,
    ForecastConfig,
    ForecasterConfig,
    ForecastTrainingConfig,
)
from lockgate.tasks.forecasting.described import describe_columns, guess_target
from lockgate.tasks.forecasting.fitted import FittedForecaster, load
from lockgate.tasks.forecasting.forks import Forks, forked, forks_of
from lockgate.tasks.forecasting.known_future import calendar_words, category_words, known_words
from lockgate.tasks.forecasting.ladder import LADDER
from lockgate.tasks.forecasting.network import build_for
from lockgate.tasks.forecasting.origins import origins_of
from lockgate.tasks.forecasting.pages import PAGES, ForecastPages
from lockgate.tasks.forecasting.prepare import Prepared, count_possible, prepare, read
from lockgate.tasks.forecasting.preprocessing import Preprocessing
from lockgate.tasks.forecasting.rounds import ForecastRounds
from lockgate.tasks.forecasting.scorer import WindowScorer
from lockgate.tasks.forecasting.several import (
    drawn_series,
    left_out_words,
    series_words,
    several_described,
    static_words,
    weight_words,
)
from lockgate.tasks.forecasting.shown import series_of, what_is_shown
from lockgate.tasks.forecasting.split import Split
from lockgate.tasks.forecasting.stretch import Stretch
from lockgate.tasks.forecasting.table import Table
from lockgate.tasks.forecasting.train import start, train
from lockgate.tasks.forecasting.tuning import TUNING, ForecastTuning
from lockgate.tasks.forecasting.windows import Windows
from lockgate.tasks.results import Check
from lockgate.tasks.stack.rungs import Place, Rung
from lockgate.training.history import History
from lockgate.training.losses import Batch, whole_loss
from lockgate.training.streams import Streams

REACH_WINDOWS = 64
MOST_POINTS = 2_000
MANY_MISSING = 0.05
FEW_WINDOWS = 0.9


SAMPLE_SETTINGS: Mapping[str, Mapping[str, Any]] = {
    f"{SAMPLE}co2": {"target": "co2", "horizon": "26w"}
}


@dataclass(frozen=True)
class Forecasting:
    """Forecasts of the series of a table: one, or several by one network."""

    @property
    def name(self) -> str:
        """What the results call the task."""
        return NAME

    @property
    def ladder(self) -> tuple[Rung, ...]:
        """The rungs that there are."""
        return LADDER

    def idle(self, prepared: Prepared) -> tuple[Place, ...]:  # noqa: ARG002
        """Tell that all have something to drop."""
        return ()

    @property
    def run(self) -> type[ForecastConfig]:
        """The settings of a run."""
        return ForecastConfig

    def defaults(self, source: Any) -> Mapping[str, Any]:
        """Give the target and the horizon of a table that comes along."""
        return SAMPLE_SETTINGS.get(source, {}) if isinstance(source, str) else {}

    def missing(self, source: Any, settings: Mapping[str, Any]) -> Section | None:
        """List the columns, with a guess, where no target is named."""
        if "data.target" in settings or self.defaults(source):
            return None
        names = ("separator", "decimal", "encoding", "time", "time_format")
        reading = {n: settings[f"data.{n}"] for n in names if f"data.{n}" in settings}
        columns = tuple(column._asdict() for column in describe_columns(source, **reading))
        guess = guess_target(source, **reading)
        sentence = f"target must be given: pass --target, perhaps --target {quoted(guess)}"
        return Section((sentence,), columns)

    def subject(self, config: ForecastConfig) -> str:
        """Name the target."""
        return config.data.target

    def check_study(self, config: Any, rungs: tuple[Rung, ...]) -> None:
        """Find nothing to refuse: any rung goes with any setting."""

    def read(self, source: Any, config: ForecastConfig) -> Table:
        """Read the table.

        Raises:
            DataError: If it cannot be used, or windows are weighted by series and there is one.
        """
        table, weight = read(source, config.data), config.training.series_weight
        if not table.several:
            if weight != "length":
                raise DataError(
                    f'series_weight must be "length" for a table of one series, got "{weight}"'
                )
            return table
        told = left_out_words(table, table.slots.steps(config.data.horizon, "horizon"))
        return replace(table, notices=(*table.notices, *told, *weight_words(weight)))

    def prepare(self, data: Table, config: ForecastConfig) -> Prepared:
        """Cut it by time, learn from the training rows and choose what is left open."""
        return choose(prepare(data, config.data), config)

    def begin(
        self,
        data: Any,  # noqa: ARG002
        prepared: Prepared,
        config: Any,  # noqa: ARG002
        tell: Callable[[str], None],  # noqa: ARG002
        checkpoint: Path,  # noqa: ARG002
    ) -> Prepared:
        """Learn nothing before the fits."""
        return prepared

    def part(
        self, prepared: Prepared, part: Span, config: ForecastConfig | None = None
    ) -> Windows | Forks:
        """Give the windows of a part, with what any network reads of them."""
        windows = prepared.windows(part).with_scales()
        return windows if config is None else forked(windows, config)

    def build(self, prepared: Prepared, network: ForecasterConfig) -> nn.Module:
        """Build a forecaster."""
        return build_for(prepared.choices.settle(network), prepared.preprocessing)

    def losses(
        self,
        network: Any,
        batch: Batch,
        config: ForecastTrainingConfig,
        masks: torch.Generator,
    ) -> Iterator[Tensor]:
        """Yield the loss of a batch."""
        return whole_loss(network, batch, config, masks)

    def advice(self, data: Table, prepared: Prepared) -> tuple[str, ...]:
        """Say what speaks against a good forecast."""
        return advice(data, prepared)

    def save(self, prepared: Prepared, folder: Path) -> None:
        """Keep the prepared table."""
        prepared.save(folder)
        write_text(folder / "split.json", json.dumps(prepared.split))
        write_text(folder / "preprocessing.json", prepared.preprocessing.model_dump_json())
        write_text(folder / "choices.json", prepared.choices.model_dump_json())

    def load(self, folder: Path) -> Prepared:
        """Map what `save` kept."""
        split, learned, chosen = (
            (folder / f"{name}.json").read_text(encoding="utf-8")
            for name in ("split", "preprocessing", "choices")
        )
        preprocessing = Preprocessing.model_validate_json(learned)
        prepared = Prepared.load(folder, Split(*json.loads(split)), preprocessing)
        return replace(prepared, choices=Choices.model_validate_json(chosen))

    def start(
        self, prepared: Prepared, config: ForecastConfig, streams: Streams, learn: Span = "train"
    ) -> tuple[nn.Module, Windows | Forks]:
        """Build the network that a fit begins with, and give what it learns from."""
        return start(prepared, config, streams, learn)

    def train(
        self,
        prepared: Prepared,
        config: ForecastConfig,
        *,
        seed: int = 0,
        name: str = "",
        on_epoch: OnEpoch = ignore,
        learn: Span = "train",
        stop: Span | None = "validation",
        checkpoint: Path | None = None,
    ) -> tuple[FittedForecaster, History]:
        """Fit one forecaster."""
        return train(
            *(prepared, config),
            seed=seed,
            name=name,
            on_epoch=on_epoch,
            learn=learn,
            stop=stop,
            checkpoint=checkpoint,
        )

    @property
    def committees(self) -> ForecastCommittees:
        """What makes one forecaster of several."""
        return ForecastCommittees()

    @property
    def rounds(self) -> ForecastRounds:
        """What parts the table into folds."""
        return ForecastRounds()

    @property
    def tuning(self) -> ForecastTuning:
        """What a search over its settings may change."""
        return TUNING

    def load_fitted(self, folder: Path) -> FittedForecaster:
        """Read a fitted forecaster."""
        return load(folder)

    def reach(self, fitted: FittedForecaster, prepared: Prepared) -> Reach | None:
        """Measure how far back the gradient of the forecast reaches, in evaluation mode.

        The sample are validation windows, evenly spread. The level is left out: it is added to the
        forecast as it is, and would show the last step alone. A window of one step has no reach.
        """
        if prepared.preprocessing.lookback < 2:
            return None
        model = fitted.model.eval()
        few = prepared.windows("validation").thinned(REACH_WINDOWS)
        x, known = few.x(slice(None)), few.ahead(slice(None))
        mask = few.mask(slice(None))
        changes = partial(model.forecast_changes, known=known, mask=mask)
        return gradient_reach(changes, model.split_level(x, mask)[0], batch_first=True)

    def predict(self, fitted: FittedForecaster, prepared: Prepared, part: Span) -> FloatArray:
        """Forecast every window of a part."""
        return fitted.forecast(prepared.windows(part))

    def scorer(
        self,
        data: Table,
        prepared: Prepared,
        config: ForecastConfig,
        part: Span,
    ) -> WindowScorer:
        """Give what scores the forecasts of a part."""
        windows = prepared.windows(part)
        truth = windows.invert(windows.truth().numpy())
        scale: Any = training_mase_scale(prepared)
        if prepared.preprocessing.several:
            scale = prepared.arrays.naive_of(windows.origins.numpy())
        each = len(prepared.every(part)) / max(len(windows), 1)
        return WindowScorer(truth, config.training.metric, scale, origins_of(windows, data), each)

    def baselines(
        self,
        data: Table,  # noqa: ARG002
        prepared: Prepared,
        config: ForecastConfig,
        choose: Span = "validation",
    ) -> Compared:
        """Fit the naive forecasts and the ridge regression."""
        preprocessing, train = prepared.preprocessing, prepared.windows("train")
        chosen_alike = prepared.linear is not None and choose == "stopping"
        fitted_already = prepared.linear.ridge if chosen_alike and prepared.linear else None
        fitted = fit_baselines(
            train,
            prepared.windows(choose),
            preprocessing.seasons,
            config.training.metric,
            fitted_already,
        )

        def predict(forecast: Any, part: Span) -> FloatArray:
            forecasts: FloatArray = forecast(prepared.windows(part))
            return forecasts

        kept = bounded(fitted, config.data.at_least)
        candidates = (
            Candidate(b.name, b.setting, partial(predict, b.forecast), own)
            for own, b in zip(fitted, kept, strict=True)
        )
        return Compared(tuple(candidates), skipped_baselines(train))

    def power(self, metric: Any) -> float:
        """Give 1/2 for RMSE, which is the root of a mean."""
        return metric_power(metric)

    def validation_score(
        self, loss: float, prepared: Prepared, config: ForecastConfig
    ) -> float | None:
        """Turn the scaled loss into the metric, in the target's unit.

        Of several series it is that of one with the median standard deviation. None of a head whose
        loss is its own: it tells nothing of the metric.
        """
        if config.model.head != "point":
            return None
        std, metric = prepared.preprocessing.std, config.training.metric
        if metric == "rmse":
            return math.sqrt(loss) * std
        mae = loss * std
        return mae if metric == "mae" else mae / (training_mase_scale(prepared) or math.nan)

    def scales(self, prepared: Prepared) -> dict[str, Any]:
        """Give what scores were divided by."""
        return {"mase_scale": training_mase_scale(prepared)}

    def test_fingerprint(self, data: Table, prepared: Prepared) -> str:
        """Give what tells this test part from others."""
        test = Stretch(data, prepared.split.validation, prepared.split.test)
        digest = hashlib.sha256(data.target.encode())
        for column in ("ds", "y"):
            for rows in test.frames:
                digest.update(rows[column].to_numpy().tobytes())
        return digest.hexdigest()

    def planned(self, data: Table, prepared: Prepared) -> dict[str, Any]:
        """Tell in words what will be learned from."""
        preprocessing, split = prepared.preprocessing, prepared.split
        ds, dropped = data.layout.axis, (*preprocessing.dropped, *data.ignored)
        return {
            "table": f"{data.source}: {data.rows_read} rows read, "
            f"{len(ds)} steps of {data.frequency} from {shown(ds)} to {shown(ds, -1)}",
            **series_words(data),
            "target": data.target,
            "inputs": listed(preprocessing.columns, MOST_LISTED),
            "channels": f"{len(preprocessing.channels)}: the inputs, "
            f"{len(preprocessing.with_holes)} that tell where a value was missing, "
            f"calendar: {', '.join(calendar_words(preprocessing)) or 'none'}",
            **known_words(preprocessing),
            **static_words(preprocessing),
            **category_words(preprocessing),
            "dropped": [f"{d.column}: {d.reason}" for d in dropped] or "none",
            "notices": [*data.notices, *prepared.notices] or "none",
            "seasons": ", ".join(str(s) for s in preprocessing.seasons) or "none found",
            "windows": f"{preprocessing.lookback} steps read, {preprocessing.horizon} forecast",
            "parts": [
                f"{part}: {shown(ds, split.rows(part).start)} to "
                f"{shown(ds, split.rows(part).stop - 1)}, "
                f"{len(prepared.every(part))} windows"
                for part in PARTS
            ],
            **prepared.choices.words,
        }

    def describe(self, data: Table, prepared: Prepared) -> dict[str, Any]:
        """Describe the table, its channels and its parts."""
        preprocessing, y, ds = prepared.preprocessing, data.frame["y"], data.layout.axis
        drawn = drawn_series(data)
        thinned = drawn.gather_every(-(-len(drawn) // MOST_POINTS))
        return {
            "source": data.source,
            "fingerprint": data.fingerprint,
            "rows_read": data.rows_read,
            "rows": len(y),
            "start": shown(ds),
            "end": shown(ds, -1),
            "several": several_described(data, drawn),
            "frequency": str(data.frequency),
            "zone": data.slots.zone,
            "calendar": data.slots.words,
            "target": data.target,
            "inputs": preprocessing.columns,
            "channels": preprocessing.channels,
            "known_future": preprocessing.channels_known,
            "static": preprocessing.static,
            "categories": {one.column: len(one.values) for one in preprocessing.categories},
            "dropped": [d._asdict() for d in preprocessing.dropped],
            "ignored": [d._asdict() for d in data.ignored],
            "notices": [*data.notices, *prepared.notices],
            "missing_target": y.null_count(),
            "seasons": preprocessing.seasons,
            "lookback": preprocessing.lookback,
            "horizon": preprocessing.horizon,
            "choices": prepared.choices.model_dump(mode="json"),
            "split": {
                part: _part(data, prepared.split.rows(part))
                | {
                    "windows": len(prepared.every(part)),
                    "possible": count_possible(prepared, part),
                }
                for part in PARTS
            },
            "series": series_of(thinned),
        }

    def learn_apart(
        self,
        prepared: Prepared,
        config: ForecastConfig,
        networks: Mapping[str, ForecasterConfig],
    ) -> Apart | None:
        """Tell which learn from single windows, while the others fork."""
        training, lookback = config.training, prepared.preprocessing.lookback
        alone = [n for n, network in networks.items() if forks_of(lookback, network, training) == 1]
        if len(alone) in (0, len(networks)):
            return None
        learn, its = ("learns", "its") if len(alone) == 1 else ("learn", "their")
        words = (
            f"{listed(alone)} {learn} from single windows and the others from forking "
            "sequences, which take less time and on some tables give larger errors: what "
            f"{its} verdict finds may be that. With forks=1 (--set forks=1) all learn alike."
        )
        return Apart(tuple(alone), words)

    def checks(self, described: dict[str, Any]) -> list[Check]:
        """Check for holes."""
        one_period = (
            "One test period: the score of what is delivered rests on it alone. The verdicts rest "
            "on folds of the rows before it."
        )
        return [
            _holes(described),
            _windows(described),
            check("Test periods", "warn", one_period),
        ]

    def shown(
        self,
        data: Table,
        prepared: Prepared,
        config: ForecastConfig,  # noqa: ARG002 - of labels it tells more
        scorer: WindowScorer,
        chosen: Chosen,
    ) -> dict[str, Any]:
        """Give the best, the median and the worst window by mean absolute error, with the truth.

        Only windows whose targets are all observed count. Of several series a window of the best,
        the median and the worst series beside a naive forecast, and in how many it is better.
        """
        return what_is_shown(data, prepared, scorer, chosen)

    @property
    def pages(self) -> ForecastPages:
        """What the report shows of it."""
        return PAGES


def _part(table: Table, rows: range) -> dict[str, Any]:
    ds = table.layout.axis
    start, end = shown(ds, rows.start), shown(ds, rows.stop - 1)
    return {"start": start, "end": end, "rows": len(rows)}


def _holes(data: dict[str, Any]) -> Check:
    share = data["missing_target"] / data["rows"]
    text = f"{data['missing_target']:,} of {data['rows']:,} rows lack the target ({share:.1%})."
    return check("Missing targets", "warn" if share > MANY_MISSING else "pass", text)


def _windows(data: dict[str, Any]) -> Check:
    parts = data["split"]
    used = sum(part["windows"] for part in parts.values())
    most = sum(part["possible"] for part in parts.values())
    share = used / most
    text = f"{used:,} of {most:,} possible windows are whole ({share:.0%}); the others have holes."
    return check("Whole windows", "warn" if share < FEW_WINDOWS else "pass", text)


def training_mase_scale(prepared: Prepared) -> float | None:
    """Return the scale of MASE: the seasonal naive error over the training rows.

    Of several series it is the mean of theirs, of those that have one.
    """
    preprocessing, arrays = prepared.preprocessing, prepared.arrays
    if preprocessing.several:
        known = arrays.naive[np.isfinite(arrays.naive)]
        return float(known.mean()) if len(known) else None
    train_y = arrays.target[: prepared.split.train]
    season = next(iter(preprocessing.seasons), 1)
    in_unit = arrays.series.invert(train_y[:, None], np.arange(len(train_y)))
    return mase_scale(in_unit[:, 0], season)


TASK = Forecasting()
