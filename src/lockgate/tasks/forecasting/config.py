"""The settings of a forecast: how a table is read and cut, the network, its training."""

from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from lockgate.config import FOLDS, READING, Config, Option, conditions, parts
from lockgate.tasks.config import CommitteeConfig
from lockgate.tasks.stack.config import Size, StackConfig
from lockgate.training.config import TrainingConfig

FRACTIONS = ("0.7", "0.15", "0.15")
OF_BACKTESTS = Option(("backtest",))
OF_UPDATES = Option(("update",))

Level = Literal["last", "last_std", "mean", "none", "mean_std", "median_mad"]
Head = Literal["point", "quantiles", "normal", "student_t", "poisson", "negative_binomial"]
COUNTS: tuple[Head, ...] = ("poisson", "negative_binomial")
"""Heads of targets that are counts."""
_HEADS: dict[Head, str] = {
    "quantiles": "quantiles",
    "normal": "a normal distribution",
    "student_t": "a Student t distribution",
    "poisson": "a Poisson distribution",
    "negative_binomial": "a negative binomial distribution",
}


def as_number(value: object) -> object:
    """Take a text of digits for a number of steps."""
    return int(value) if isinstance(value, str) and value.strip().isdecimal() else value


class TableConfig(Config):
    """How a table becomes windows.

    Durations are strings such as `"20ms"`, `"90m"`, `"24h"`, `"7d"`, `"26w"`, `"12mo"`; whole
    numbers count steps of the (resampled) table.
    """

    target: Annotated[str, Option()]
    """Column to forecast; or several, each a series of its own: a,b, or all."""
    horizon: Annotated[int | str, Option()]
    """How far ahead to forecast, every step up to it: steps, or 24h, 7d, 26w, 12mo."""
    lookback: Annotated[int | str | None, Option()] = None
    """How much past a forecast reads: steps or a duration. Default: two of the shortest season."""
    time: Annotated[str | None, READING] = None
    """Time column, or its parts joined by commas: year,month,day,hour. Parts go by it."""
    time_format: Annotated[str | None, READING] = None
    """Format of the time column, where the values do not show it: %d/%m/%Y %H:%M."""
    row_order: Annotated[bool, READING] = False
    """Take the rows for equal steps in their order, where the table holds no times."""
    zone: Annotated[str | None, READING] = None
    """Time zone of the stamps, where they tell none or only offsets: Europe/Berlin."""
    calendar: Annotated[Literal["auto", "always", "observed", "irregular"], Option()] = "auto"
    """Steps there are: auto leaves out regular closures, always none, observed steps by rows;
    irregular too, and reads how much time has passed between them."""
    resample: Annotated[str | None, READING] = None
    """Average over bins of this duration, labelled at their right edge: 1h."""
    missing: Annotated[tuple[float, ...], READING] = ()
    """Numbers that mean missing in this table: -9999."""
    id: Annotated[str | None, READING] = None
    """Column that tells the sequences or series of a long table apart; of forecasts also several:
    store,item. Default of forecasts: unique_id."""
    align: Annotated[Literal["time", "end"], Option()] = "time"
    """Where parts of several series are cut: at the same time, or before the end of each, for
    series that have no time in common."""
    where: Annotated[tuple[str, ...], READING] = ()
    """Rows to read, of some series or of one: item=A, or item=A,store=3."""
    at_least: Annotated[float | None, Field(allow_inf_nan=False), Option()] = None
    """What the target is never below, and so no forecast, baselines' neither: 0 for counts."""
    max_gap: Annotated[int, Field(ge=0), Option()] = 3
    """Most steps over which an input is filled forward; longer holes break windows."""
    holes: Literal["flag", "age"] = "flag"
    """What tells the network of missing values: flag, where they were; age, for how many steps they
    have been, in logarithms."""
    inputs: Annotated[Literal["all", "target"] | tuple[str, ...], Option()] = "all"
    """Columns to read: all, or some by name: a,b. In forecasts target reads the target alone."""
    exclude: Annotated[tuple[str, ...], Option()] = ()
    """Columns left out of the inputs: a,b."""
    known_future: Annotated[tuple[str, ...], Option()] = ()
    """Columns known for the steps forecast, which are read there too: promo,price. To predict, the
    table holds rows of these steps, with the target empty."""
    static: Annotated[tuple[str, ...], Option()] = ()
    """Columns with one value in each of several series: size,region. Default: those found."""
    categorical: Annotated[tuple[str, ...], Option()] = ()
    """Columns of categories to read, texts or numbers: weather,weekday. May name the id."""
    holidays: Annotated[str | None, Option()] = None
    """Country whose public holidays are read, in the past and ahead: CN, or with a part DE-BY."""
    split: Annotated[tuple[str, ...], Option()] = FRACTIONS
    """Three fractions, or the two dates at which the validation and the test part begin."""
    folds: Annotated[int | None, Field(ge=2), FOLDS] = None
    """Folds of all but the test part, each judged in a round of its own; fewer of few rows.
    Default: 5, of a study of forecasts 10 where its budget affords two passes over them."""
    window: Annotated[Literal["expanding", "rolling"], FOLDS] = "expanding"
    """What a fold learns from: expanding, all rows before; rolling, as many as the first fold."""
    gap: Annotated[int | str, FOLDS] = 0
    """Steps or a duration left out of a fold before what stops its fits and before what it is
    judged on."""
    separator: Annotated[str | None, READING] = None
    """Column separator of a text file, where the file does not show it."""
    decimal: Annotated[Literal[".", ","] | None, READING] = None
    """Decimal mark of a text file, where its numbers do not show it: a point or a comma."""
    encoding: Annotated[str | None, READING] = None
    """Encoding of text files, where their bytes do not show it: gb18030."""

    @field_validator("horizon", "lookback", "gap", mode="before")
    @classmethod
    def _steps_as_number(cls, value: object) -> object:
        return as_number(value)

    @field_validator("inputs", mode="before")
    @classmethod
    def _columns(cls, value: object) -> object:
        return value if value in ("all", "target") else parts(value)

    @field_validator("where", mode="before")
    @classmethod
    def _conditions(cls, value: object) -> object:
        return conditions(value)

    @field_validator(
        "missing", "exclude", "known_future", "static", "categorical", "split", mode="before"
    )
    @classmethod
    def _comma_list(cls, value: object) -> object:
        # as a search over columns writes that there are none
        return () if value == "" else parts(value)

    @field_validator("split", mode="before")
    @classmethod
    def _as_written(cls, value: object) -> object:
        return tuple(str(part) for part in value) if isinstance(value, list | tuple) else value


class ForecasterConfig(StackConfig):
    """A recurrent stack and a head that forecasts all steps of the horizon at once."""

    normalise: Level | Literal["auto"] = "last_std"
    """Level taken from the target of a window and added back to its forecast: last, mean or none;
    last_std, mean_std and median_mad divide by the window's spread too; auto chooses on
    validation."""
    segment_length: Size | None = None
    """Steps of a window that are read as one: 24 reads a lookback of 720 in 30. Default: each."""
    segment_head: Literal["direct", "positions"] = "direct"
    """How segments become a forecast: direct, all steps from the last state; or positions, each
    segment by a step of its own from there."""
    decoder: Literal["direct", "recursive"] = "direct"
    """How the steps are written: direct, all at once from the last state; or recursive, one after
    another, each read before the next is written."""
    head: Head = "point"
    """What is forecast of each step: point, a number; or how far off it may be too, which widens
    intervals where errors will be large: quantiles, normal, student_t; of counts poisson or
    negative_binomial."""
    spread: Literal["head", "mc_dropout"] = "head"
    """What tells how far off a step may be: the head, if it does; or mc_dropout, how far forecasts
    lie apart with dropout on, of networks that have any."""

    linear_path: Literal["off", "on", "auto"] = "off"
    """Learn on top of a linear model: a ridge of the window, or TF-IDF of a text. auto does where
    a small network is clearly better with the ridge on validation, and for texts of classes."""

    @property
    def forks(self) -> bool:
        """Whether one reading can give a forecast from each of several origins."""
        direct = self.segment_length is None and self.decoder == "direct"
        return direct and not any(self.layer_directions)

    @property
    def by_passes(self) -> bool:
        """Whether passes with dropout on tell how far off a step may be."""
        return self.spread == "mc_dropout" and self.drops

    @property
    def tells_spread(self) -> bool:
        """Whether anything tells how far off a step may be."""
        return self.by_passes or self.head != "point"

    @property
    def beside(self) -> tuple[str, ...]:
        """What a description of the network adds."""
        segments = f"segments of {self.segment_length}" if self.segment_length else ""
        linear = "on top of a ridge" if self.linear_path == "on" else ""
        decoder = "a recursive decoder" if self.decoder == "recursive" else ""
        head = f"a head of {_HEADS[self.head]}" if self.head != "point" else ""
        spread = "a spread by passes with dropout on" if self.spread == "mc_dropout" else ""
        return tuple(words for words in (segments, linear, decoder, head, spread) if words)

    @model_validator(mode="after")
    def _steps_are_read(self) -> "ForecasterConfig":
        if self.decoder == "recursive" and self.segment_length is not None:
            raise ValueError(
                f"decoder must be direct with segments, got segment_length={self.segment_length}"
            )
        if self.decoder == "recursive" and self.zoneout:
            raise ValueError(f"zoneout must be 0 with decoder=recursive, got {self.zoneout:g}")
        return self

    @model_validator(mode="after")
    def _segments_have_a_length(self) -> "ForecasterConfig":
        if self.segment_head != "direct" and self.segment_length is None:
            raise ValueError(
                f"segment_head must be direct without a segment_length, got {self.segment_head}; "
                "pass segment_length too"
            )
        return self


SeriesWeight = Literal["length", "equal", "scale"]


class ForecastTrainingConfig(TrainingConfig):
    """How a forecaster is fitted. The loss of a point follows the metric: L1 for MAE and MASE, L2
    for RMSE; other heads have losses of their own.
    """

    metric: Literal["mae", "rmse", "mase"] = "mae"
    patience: int = Field(default=4, ge=1)
    patience_steps: int = Field(default=400, ge=0)
    forks: int = Field(default=24, ge=1)
    """Forecasts that are learned in one reading of a window and what follows, from origins one
    step after another (forking sequences), at most half the lookback. 1: one. Networks that read
    both directions, segments, or have a recursive decoder, learn one."""
    fork_batch: int = Field(default=16, ge=1)
    """Windows of one step where each has forks, or more until batch_size forecasts are learned."""
    series_weight: Annotated[SeriesWeight, Option()] = "length"
    """How often windows of each of several series are learned from: length, every window alike;
    equal, every series alike; scale, every window by the standard deviation of its series, as if
    the loss were in the target's unit."""


class ForecastConfig(CommitteeConfig):
    """Data, model and training of a forecast. Written into every folder that a run leaves."""

    data: TableConfig
    model: ForecasterConfig = ForecasterConfig()
    training: ForecastTrainingConfig = ForecastTrainingConfig()

    @model_validator(mode="after")
    def _counts_are_bounded(self) -> "ForecastConfig":
        if self.model.head in COUNTS and self.data.at_least != 0.0:
            raise ValueError(
                f"at_least must be 0 with head={self.model.head}, got {self.data.at_least}; pass "
                "at_least=0 (--at-least 0), or another head"
            )
        return self


class BacktestSettings(Config):
    """The cutoffs at which a table is forecast as if nothing later were known, and by what."""

    n_windows: Annotated[int, Field(ge=1), OF_BACKTESTS] = 8
    """Cutoffs to forecast from, the last so that its horizon ends with the table."""
    step: Annotated[int | str | None, OF_BACKTESTS] = None
    """Steps or a duration from one cutoff to the next: 24h. Default: the horizon."""
    refit_every: Annotated[int, Field(ge=0), OF_BACKTESTS] = 0
    """Fit anew before every so many cutoffs, from the first on. With 0 a fitted model stays as it
    is, and settings are fitted once, before the first cutoff."""
    gap: Annotated[int | str, OF_BACKTESTS] = 0
    """Steps or a duration left out between what is learned from and a cutoff."""
    window: Annotated[Literal["expanding", "rolling"], OF_BACKTESTS] = "expanding"
    """What a fit learns from: expanding, all rows before; rolling, as many as the first fit."""
    baselines: Annotated[tuple[str, ...], OF_BACKTESTS] = ()
    """Further baselines, which statsforecast computes: ets,theta,mstl."""
    level: Annotated[tuple[float, ...], OF_BACKTESTS] = ()
    """Intervals of the model, by the shares of truths, in per cent, that they are to cover:
    80,95."""

    @field_validator("step", "gap", mode="before")
    @classmethod
    def _steps_as_number(cls, value: object) -> object:
        return as_number(value)

    @field_validator("baselines", "level", mode="before")
    @classmethod
    def _comma_list(cls, value: object) -> object:
        return parts(value)


class UpdateSettings(Config):
    """How intervals follow the errors of forecasts whose truths come in after training."""

    latest: Annotated[int | None, Field(ge=1), OF_UPDATES] = None
    """Forecasts whose errors are kept, the newest. Default: as many as the model has, and at
    least 40 times its horizon."""
    adapt: Annotated[float | None, Field(ge=0.0, le=0.5), OF_UPDATES] = None
    """Let intervals widen while too many truths lie outside, and narrow while too few do: how much
    one truth changes the share outside, such as 0.01. Default: as before, at first 0."""


NAME = "forecast"
"""What results and folders call the task."""
RUN = ForecastConfig
MODEL = "a forecaster of a table"
"""What a fitted model of this task is called in a sentence."""


def owns(source: Any) -> bool:
    """Tell whether a source can be nothing but a table to forecast."""
    return isinstance(source, str) and source.startswith("sample:")


def suits(source: Any, names: set[str]) -> bool:  # noqa: ARG001
    """Tell that a forecast is what is meant where nothing shows another task."""
    return True
