"""What a study must be told about its task; all else of a study is the same for every task."""

from collections.abc import Callable, Hashable, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt
from torch import nn

from lockgate.data.split import Part
from lockgate.evaluation.baselines import Skipped
from lockgate.nn import Reach
from lockgate.studies.rungs import Place, Rung
from lockgate.training import History
from lockgate.training.fit import Data

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

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
    def groups(self) -> Ints | None:
        """What no block may tear apart, (N,), in the order of the losses; None: no row hangs on
        another.
        """
        ...

    @property
    def counts(self) -> Floats:
        """How much is observed of each row, (N,)."""
        ...

    def scores(self, prediction: Floats) -> dict[str, float | None]:
        """Give every score by its name."""
        ...

    def per_step(self, prediction: Floats) -> Sequence[float]:
        """Give the metric by steps ahead; empty where there are none."""
        ...

    def losses(self, prediction: Floats) -> Floats:
        """Give the loss of each row, (N,); their mean to the problem's `power` is the score."""
        ...


class Candidate(NamedTuple):
    """A baseline, fitted."""

    name: str
    setting: str
    predict: Callable[[Part], Floats]


class Compared(NamedTuple):
    """The baselines of a study, and those that were left out."""

    baselines: tuple[Candidate, ...]
    skipped: tuple[Skipped, ...]


class Chosen(NamedTuple):
    """What validation chose, and what it predicts of the test part."""

    fitted: Any  # the network
    prediction: Floats
    name: str  # of the reference baseline
    reference: Floats


class Problem(Hashable, Protocol):
    """A task: what is read, how it is learned, and how a prediction is judged."""

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

    def run_config(self, config: Any, network: Any) -> Any:
        """Give the configuration of one run of a study."""
        ...

    def read(self, source: Any, config: Any) -> Any:
        """Read the data; they have a `source` and a `fingerprint`."""
        ...

    def prepare(self, data: Any, config: Any) -> Any:
        """Part the data and learn from the training rows."""
        ...

    def part(self, prepared: Any, part: Part) -> Data:
        """Give one part as a network is fitted to it."""
        ...

    def build(self, prepared: Any, network: Any) -> nn.Module:
        """Build a network for the data."""
        ...

    def advice(self, prepared: Any) -> tuple[str, ...]:
        """Say what a user should know before starting."""
        ...

    def save(self, prepared: Any, folder: Path) -> None:
        """Keep the prepared data in a folder that exists."""
        ...

    def load(self, folder: Path) -> Any:
        """Map what `save` kept."""
        ...

    def train(
        self,
        prepared: Any,
        config: Any,
        *,
        seed: int = 0,
        name: str = "",
        on_epoch: OnEpoch = ignore,
    ) -> tuple[Any, History]:
        """Fit one network; `on_epoch` is called with the history after every epoch."""
        ...

    def read_fitted(self, folder: Path) -> Any:
        """Read a fitted model."""
        ...

    def reach(self, fitted: Any, prepared: Any) -> Reach | None:
        """Measure how far back the gradient reaches, if it can be."""
        ...

    def predict(self, fitted: Any, prepared: Any, part: Part) -> Floats:
        """Predict a part, in the unit of the truth."""
        ...

    def scorer(self, data: Any, prepared: Any, config: Any, part: Part) -> Scorer:
        """Give what scores the predictions of a part."""
        ...

    def baselines(self, data: Any, prepared: Any, config: Any) -> Compared:
        """Fit the baselines to the training part and have them predict the others."""
        ...

    def power(self, metric: Any) -> float:
        """Give the power of the mean loss that a metric is."""
        ...

    def validation_score(self, loss: float, prepared: Any, config: Any) -> float:
        """Turn a validation loss into the metric, in the unit of the truth."""
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

    def checks(self, described: dict[str, Any]) -> list[dict[str, str]]:
        """Check what is described of the data."""
        ...

    def shown(
        self, data: Any, prepared: Any, config: Any, scorer: Any, chosen: Chosen
    ) -> dict[str, Any]:
        """Give what the results show of the selected network's predictions of the test part."""
        ...
