"""What a task is to all that serves every task: studies, reports, the functions, the commands."""

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple, Protocol, get_args, runtime_checkable

import torch
from torch import Tensor, nn

from lockgate.charts.figures import Figure
from lockgate.nn.reach import Reach
from lockgate.scoring.arrays import FloatArray, IntArray
from lockgate.scoring.baselines import Skipped
from lockgate.tasks.config import RunConfig
from lockgate.tasks.folds import Fold, Folds, Round
from lockgate.tasks.graphs import Exportable
from lockgate.tasks.results import Check, Results, Status
from lockgate.tasks.stack.rungs import Place, Rung
from lockgate.training.data import Data
from lockgate.training.history import History
from lockgate.training.losses import Batch
from lockgate.training.streams import Streams

Part = Literal["train", "validation", "test"]
PARTS: tuple[Part, ...] = get_args(Part)
Span = Part | Literal["stopping", "mixing", "development"]
"""A part, or: the halves of validation, the first of which ends a fit and the second of which sets
weights and temperatures, and all but the test part."""

OnEpoch = Callable[[History], None]


def ignore(_: History) -> None:
    """Do nothing after an epoch."""


class Scorer(Protocol):
    """Scores predictions of one part of the data; it holds the truth."""

    @property
    def horizon(self) -> int:
        """Length of a block that must not be cut, in rows."""
        ...

    @property
    def groups(self) -> IntArray | None:
        """What no block may tear apart, (N,), in the order of the losses; None: no row hangs on
        another.
        """
        ...

    @property
    def counts(self) -> FloatArray:
        """How much is observed of each row, (N,)."""
        ...

    def scores(self, prediction: FloatArray) -> dict[str, float | None]:
        """Give every score by its name."""
        ...

    def per_step(self, prediction: FloatArray) -> Sequence[float]:
        """Give the metric by steps ahead; empty where there are none."""
        ...

    def losses(self, prediction: FloatArray) -> FloatArray:
        """Give the loss of each row, (N,); their mean to the task's `power` is the score."""
        ...


class HeldOut(NamedTuple):
    """What a model predicts of rows that had no part in it."""

    name: str
    """Of the fold, or of the part."""
    scorer: Any
    prediction: FloatArray
    spreads: FloatArray | None = None
    """How far off each may be, as `Committees.spreads` gives it."""


class Candidate(NamedTuple):
    """A baseline, fitted."""

    name: str
    setting: str
    predict: Callable[[Span], FloatArray]
    model: Any = None  # what was fitted, where a fitted network keeps it to be compared with later


class Apart(NamedTuple):
    """The networks of a study that learn in another way than the rest."""

    rungs: tuple[str, ...]
    words: str
    """A sentence that says so, with a remedy."""


class Compared(NamedTuple):
    """The baselines of a study, and those that were left out."""

    baselines: tuple[Candidate, ...]
    skipped: tuple[Skipped, ...]


class Chosen(NamedTuple):
    """What validation chose, and what it predicts of the test part."""

    fitted: Any  # the network, as `Task.train` gives it
    prediction: FloatArray
    name: str  # of the reference baseline
    reference: FloatArray


def check(name: str, status: Status, text: str) -> Check:
    """Put a check together."""
    return {"name": name, "status": status, "text": text}


class Section(NamedTuple):
    """What a terminal shows of scores: lines, and a table below them."""

    lines: tuple[str, ...]
    rows: tuple[dict[str, Any], ...] = ()


class Told(Protocol):
    """What a command has found, to be printed."""

    def to_dict(self) -> dict[str, Any]:
        """Give everything as plain values that JSON can hold."""
        ...

    def sections(self) -> tuple[Section, ...]:
        """Give what a terminal shows, in order."""
        ...


class Evaluation(Told, Protocol):
    """The scores of a fitted model on data that it has not learned from."""

    @property
    def metric(self) -> str:
        """The metric that the model was chosen by."""
        ...


@runtime_checkable
class Fitted(Protocol):
    """A trained network with all that it needs to be used, whatever its task.

    `lockgate.load(folder)` reads one, `lockgate.train` gives one, `StudyResult.best` is one.
    """

    @property
    def task(self) -> str:
        """Name of its task."""
        ...

    @property
    def config(self) -> RunConfig:
        """The settings that it was trained with."""
        ...

    @property
    def parameters(self) -> int:
        """Number of its weights."""
        ...

    @property
    def metrics(self) -> dict[str, Any]:
        """Its scores and those of the baselines, from its training."""
        ...

    def predict(self, source: Any, **settings: Any) -> Any:
        """Predict from data of the form of the training data, labels not needed.

        A frame of the kind that was given comes back, a polars one of all else. Settings are those
        of how a source is read, where it is another way than the training data.
        """
        ...

    def evaluate(self, source: Any, **settings: Any) -> Evaluation:
        """Score on data of the form of the training data; settings as in `predict`."""
        ...

    def save(self, folder: str | Path) -> None:
        """Write everything as a new folder: weights as safetensors, all else as JSON."""
        ...

    def write_into(self, folder: Path) -> None:
        """Write the files of `save` into a folder that exists."""
        ...

    def exportable(self, level: Sequence[float] | None = None) -> Exportable:
        """Give the model as one function of tensors, with what is done around it.

        Args:
            level: Shares of truths, in per cent, that intervals in it are to cover. Default: 80 and
                95, as far as the model tells any.

        Raises:
            DataError: If no graph can hold it; the message says what stands in the way.
        """
        ...

    def with_metrics(
        self, metrics: dict[str, Any], baselines: Sequence[Candidate] = ()
    ) -> "Fitted":
        """Return the same model with these scores, and with the baselines that it is to keep."""
        ...


class ScoreColumns(NamedTuple):
    """The scores that the tables of a report show."""

    names: Mapping[str, str]  # by their keys, in order
    validated: tuple[str, ...]  # keys of those shown of the validation part too
    beside: tuple[str, ...] = ()  # keys of those that stand beside the metric of each rung
    apart: str = ""  # ends the keys of second scores, which stand small below the first
    parameters: bool = True  # whether a rung's number of weights has a column of its own


class Pages(Protocol):
    """A task's part of the report of a study.

    Its template `report.html.j2` fills the blocks of the page, which `study.html.j2` of the reports
    lays out. There `r` are the results, `page` what is shown of any study, `own` the task's values.
    """

    @property
    def package(self) -> str:
        """Name of the package whose folder `templates` holds its templates."""
        ...

    def columns(self, results: Results) -> ScoreColumns:
        """Give the scores that the tables show."""
        ...

    def values(self, results: Results, digits: Mapping[str, int]) -> Any:
        """Give what its templates need beside the results; `digits` are decimals of each score."""
        ...

    def figures(self, results: Results, digits: Mapping[str, int]) -> dict[str, Figure]:
        """Draw its charts, by the names under which its templates place them."""
        ...


class Committees(Protocol):
    """How a task makes one model of several fits and a baseline (Breiman, 1996)."""

    def why_not_halved(self, prepared: Any) -> str | None:
        """Tell why the validation part cannot be halved, or None if it can."""
        ...

    def join(
        self, members: Sequence[Any], prepared: Any, calibrate: Span | None, like: Any = None
    ) -> Any:
        """Return the model that is the mean of several.

        Its probabilities are calibrated on a part, or as those of `like` are, whose settings it
        has then: a model, or what has its `config` and `temperature`.
        """
        ...

    def temperature(self, fitted: Any) -> float:
        """Give what scores are divided by before they are probabilities; 1 where none are."""
        ...

    def alone(self, joined: Any, member: int) -> Any:
        """Return one of the members, as a model by itself."""
        ...

    def mixes(self, baseline: Candidate) -> bool:
        """Tell whether a model can keep this baseline."""
        ...

    def refit(self, data: Any, prepared: Any, config: Any, baseline: Candidate) -> Candidate:
        """Fit a baseline anew to all but the test part, its choices as they are."""
        ...

    def mixed(self, joined: Any, baseline: Candidate | None, weight: float) -> Any:
        """Return the model that gives `weight` to the joined networks, the rest to a baseline.

        Without a baseline it is the networks alone.
        """
        ...

    def with_held_out(self, fitted: Any, held_out: Sequence[HeldOut]) -> Any:
        """Return the model that tells how far off it may be by what was predicted of rows held out.

        The predictions are mixed by weights that these rows had no part in. A task whose models do
        not tell it returns the model as it is.
        """
        ...

    def spreads(self, fitted: Any, prepared: Any, part: Span) -> FloatArray | None:
        """Give how far off each prediction of a part may be, by what its networks forecast, in the
        unit of the truth; None if they forecast no such thing.
        """
        ...

    def intervals(
        self, fitted: Any, scorer: Any, prediction: FloatArray, spreads: FloatArray | None
    ) -> Any:
        """Give how its intervals do on rows that nothing has seen, as plain values; None if it has
        none.
        """
        ...


class Rounds(Protocol):
    """How a task parts all but the test part into folds, for rounds that compare networks."""

    ample: int
    """Folds of a pass where nothing says how many and there is time for so many."""

    def folds(self, data: Any, prepared: Any, config: Any, of_pass: int = 0) -> Folds:
        """Give the folds of a pass, whose rows are those of `data`.

        `prepared` is the run's own; of it counts which rows are its test part. Each pass draws anew
        what is drawn, from the seed of the parts.
        """
        ...

    def prepare(self, data: Any, config: Any, fold: Fold) -> Round:
        """Make a run of its own of a fold: whatever rows teach is learned from its training rows.

        Its `prepared` goes where that of the whole goes, `save` and `load` included; so does its
        `data`. Nothing of other rows is in either.

        Raises:
            DataError: If nothing can be learned from the fold, which the message names.
        """
        ...

    def when(self, data: Any, fold: Fold) -> tuple[str, str] | None:
        """Tell the times of the first and the last row judged, where rows have times in order."""
        ...

    def judged(self, fold: Fold, prepared: Any, scorer: Any) -> IntArray:
        """Give the row of the data behind each loss of the fold's scorer, (N,), in its order.

        Of a window it is the row of its last input. Steps of a sequence share the sequence's row.
        """
        ...


class Tuning(Protocol):
    """What a search over the settings of a task may change, beside its network and its training."""

    @property
    def settings(self) -> tuple[str, ...]:
        """Paths of the settings of its data that change what is learned from and not what is
        judged.
        """
        ...

    def space(self, prepared: Any) -> Mapping[str, Any]:
        """Give what is searched by default beside what every network has, by path, as a user would
        write it.
        """
        ...

    def values(self, prepared: Any) -> Mapping[str, Any]:
        """Give what stands for settings that are left to the data, by path."""
        ...

    def shared(self, config: Any) -> Mapping[str, Any]:
        """Give, by path, what all networks of a study must have alike: by it folds are prepared.

        An automatic choice is in it as long as it is left open, since the folds hold what it chose.
        """
        ...

    def preparation(self, config: Any) -> Mapping[str, Any]:
        """Give as plain values what preparing reads of a run: those of equal values share it."""
        ...


class Task(Hashable, Protocol):
    """A task: what is read, how it is learned, how a prediction is judged, how it is shown."""

    @property
    def name(self) -> str:
        """What the results call the task."""
        ...

    @property
    def ladder(self) -> tuple[Rung, ...]:
        """The rungs that there are."""
        ...

    def idle(self, prepared: Any) -> tuple[Place, ...]:
        """Name the rates that have nothing to drop in these data."""
        ...

    @property
    def run(self) -> type[RunConfig]:
        """The settings of a run."""
        ...

    def defaults(self, source: Any) -> Mapping[str, Any]:
        """Give the settings that a source brings along."""
        ...

    def missing(self, source: Any, settings: Mapping[str, Any]) -> Section | None:
        """Tell what a user must still say, with what there is to choose from; None if nothing."""
        ...

    def subject(self, config: Any) -> str:
        """Name what is predicted, for the folder of a run."""
        ...

    def check_study(self, config: Any, rungs: tuple[Rung, ...]) -> None:
        """Refuse settings that do not go with what the rungs decide.

        Raises:
            DataError: With the remedy.
        """
        ...

    def read(self, source: Any, config: Any) -> Any:
        """Read the data; they have a `source` and a `fingerprint`."""
        ...

    def prepare(self, data: Any, config: Any) -> Any:
        """Part the data and learn from the training rows."""
        ...

    def begin(
        self,
        data: Any,
        prepared: Any,
        config: Any,
        tell: Callable[[str], None],
        checkpoint: Path,
    ) -> Any:
        """Return `prepared` with what all fits of a run begin from, where that is learned first.

        It is `prepared` itself where nothing is.

        Args:
            data: What was read.
            prepared: What `prepare` made of it.
            config: A run.
            tell: Called with what is done, in words.
            checkpoint: The file from which that learning goes on if it was killed.
        """
        ...

    def part(self, prepared: Any, part: Span, config: Any = None) -> Data:
        """Give one part as the network of a run is fitted to it; of no run, one by one."""
        ...

    def build(self, prepared: Any, network: Any) -> nn.Module:
        """Build a network for the data."""
        ...

    def losses(
        self, network: Any, batch: Batch, config: Any, masks: torch.Generator
    ) -> Iterator[Tensor]:
        """Yield the losses of a batch, as `training.fit` takes them."""
        ...

    def advice(self, data: Any, prepared: Any) -> tuple[str, ...]:
        """Say what a user should know before starting."""
        ...

    def save(self, prepared: Any, folder: Path) -> None:
        """Keep the prepared data in a folder that exists."""
        ...

    def load(self, folder: Path) -> Any:
        """Map what `save` kept."""
        ...

    def start(
        self, prepared: Any, config: Any, streams: Streams, learn: Span = "train"
    ) -> tuple[nn.Module, Data]:
        """Return the network that a fit with these streams begins with, and what it learns from."""
        ...

    def train(
        self,
        prepared: Any,
        config: Any,
        *,
        seed: int = 0,
        name: str = "",
        on_epoch: OnEpoch = ignore,
        learn: Span = "train",
        stop: Span | None = "validation",
        checkpoint: Path | None = None,
    ) -> tuple[Fitted, History]:
        """Fit one network to `learn`; `stop` decides when it ends, None lets it go to its limit.

        `on_epoch` is called with the history after every validation. A fit that was killed goes on
        from the file `checkpoint`; see `training.checkpoint`.
        """
        ...

    @property
    def committees(self) -> "Committees | None":
        """What makes one model of several fits; None where the task has no such thing."""
        ...

    @property
    def rounds(self) -> "Rounds":
        """What parts the data into folds."""
        ...

    @property
    def tuning(self) -> "Tuning":
        """What a search over its settings may change."""
        ...

    def load_fitted(self, folder: Path) -> Fitted:
        """Read what a fitted model of this task saved.

        Raises:
            DataError: If the folder holds none.
        """
        ...

    def reach(self, fitted: Any, prepared: Any) -> Reach | None:
        """Measure how far back the gradient reaches, if it can be."""
        ...

    def predict(self, fitted: Any, prepared: Any, part: Span) -> FloatArray:
        """Predict a part, in the unit of the truth."""
        ...

    def scorer(self, data: Any, prepared: Any, config: Any, part: Span) -> Scorer:
        """Give what scores the predictions of a part."""
        ...

    def baselines(
        self, data: Any, prepared: Any, config: Any, choose: Span = "validation"
    ) -> Compared:
        """Fit the baselines to the training part, with what `choose` is best at, and have them
        predict the others.
        """
        ...

    def power(self, metric: Any) -> float:
        """Give the power of the mean loss that a metric is."""
        ...

    def validation_score(self, loss: float, prepared: Any, config: Any) -> float | None:
        """Turn a validation loss into the metric, in the unit of the truth; None if it tells
        nothing of it.
        """
        ...

    def scales(self, prepared: Any) -> dict[str, Any]:
        """Give what is kept beside the scores of a fitted model."""
        ...

    def test_fingerprint(self, data: Any, prepared: Any) -> str:
        """Give what tells this test part from others."""
        ...

    def planned(self, data: Any, prepared: Any) -> dict[str, Any]:
        """Tell in words what will be learned from, by name: texts, or lists of them."""
        ...

    def describe(self, data: Any, prepared: Any) -> dict[str, Any]:
        """Describe the data for the results."""
        ...

    def checks(self, described: dict[str, Any]) -> list[Check]:
        """Check what is described of the data."""
        ...

    def learn_apart(self, prepared: Any, config: Any, networks: Mapping[str, Any]) -> Apart | None:
        """Tell which of the networks of a study learn in another way than the rest, so that a
        verdict is on that too; None where all learn alike.

        Args:
            prepared: What it learns from.
            config: The study.
            networks: The settings of each network, by the name of its rung.
        """
        ...

    def shown(
        self, data: Any, prepared: Any, config: Any, scorer: Any, chosen: Chosen
    ) -> dict[str, Any]:
        """Give what the results show of the predictions that what is delivered makes of test."""
        ...

    @property
    def pages(self) -> Pages:
        """What the report shows of it."""
        ...
