"""A linear model of texts that the networks of a classifier are mixed with."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from lockgate.errors import DataError, shortened
from lockgate.scoring.arrays import FloatArray
from lockgate.scoring.probabilities import probabilities
from lockgate.tasks.base import Span
from lockgate.tasks.labelling.linear_path import LinearPath, read_linear_path

FILE = "mixture.safetensors"
NAME = "TF-IDF + logistic regression"


class LabelMixture(NamedTuple):
    """A linear model beside the networks, and the share of the probabilities that is theirs."""

    weight: float
    linear: LinearPath
    several: bool
    of_parts: Callable[[Span], FloatArray] | None = None
    """Gives the probabilities of the parts that it was learned from; a folder keeps none."""

    def probabilities(self, texts: Sequence[str]) -> FloatArray:
        """Classify texts by the linear model alone, (N, K)."""
        return probabilities(self.linear.scores(texts).numpy(), several=self.several)

    def mixed(self, networks: FloatArray, linear: FloatArray) -> FloatArray:
        """Mix the probabilities of the networks and of the linear model, both (N, K)."""
        return self.weight * networks + (1.0 - self.weight) * linear

    def stored(self) -> dict[str, Any]:
        """Give what `config.json` keeps of it."""
        return {"weight": self.weight, "baseline": NAME}


def read_mixture(folder: Path, stored: Any, outputs: int, *, several: bool) -> LabelMixture:
    """Put together what `LabelMixture.stored` gave and the linear model beside it.

    Raises:
        DataError: If either is faulty.
    """
    match stored:
        case {"weight": float(weight), "baseline": str(name), **rest} if (
            0.0 <= weight <= 1.0 and name == NAME and not rest
        ):
            return LabelMixture(weight, read_linear_path(folder, outputs, FILE), several)
    raise DataError(
        f"{folder} is no fitted model: mixture must be a weight from 0 to 1 and {NAME}, got "
        f"{shortened(repr(stored))}"
    )
