"""The linear model of texts whose scores a network's are added to, as a fitted folder keeps it."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import torch
from safetensors.torch import save
from torch import Tensor

from lockgate.errors import DataError
from lockgate.files import new_file
from lockgate.tasks.storage import read_tensors

if TYPE_CHECKING:
    from lockgate.tasks.labelling.baselines.texts import Kind, Terms

FILE = "linear_path.safetensors"
KINDS: tuple["Kind", ...] = ("words", "within words", "runs")
_NUMBERS = ("idf", "coefficients", "intercept")


@dataclass(frozen=True)
class LinearPath:
    """A linear model of the weights that TF-IDF gives the terms of a text."""

    kind: "Kind"
    """What its terms are."""
    terms: tuple[str, ...] = field(repr=False)
    idf: npt.NDArray[np.float32] = field(repr=False)  # (F,)
    coefficients: npt.NDArray[np.float32] = field(repr=False)  # (F, K)
    intercept: npt.NDArray[np.float32] = field(repr=False)  # (K,)

    def scores(self, texts: Sequence[str]) -> Tensor:
        """Score texts, `(len(texts), K)` in float32: what enters a softmax, or sigmoids."""
        x = self._known.of(texts, np.arange(len(texts)))
        scores = np.asarray(x @ self.coefficients) + self.intercept
        return torch.from_numpy(scores.astype(np.float32))

    @cached_property
    def _known(self) -> "Terms":
        # imported here because a model is loaded without scikit-learn
        from lockgate.tasks.labelling.baselines.texts import Terms

        return Terms.known(self.kind, self.terms, self.idf.astype(np.float64))

    def write_into(self, folder: Path, name: str = FILE) -> None:
        """Write it as a file into a folder that exists: numbers, and the terms as bytes of JSON."""
        told = json.dumps({"kind": self.kind, "terms": self.terms}, ensure_ascii=False)
        state = {name: torch.from_numpy(getattr(self, name)) for name in _NUMBERS}
        # half of a surrogate pair, which a text may hold, has bytes too
        state["told"] = torch.frombuffer(
            bytearray(told.encode(errors="surrogatepass")), dtype=torch.uint8
        )
        with new_file(folder / name) as file:
            file.write(save({name: tensor.contiguous() for name, tensor in state.items()}))


def read_linear_path(folder: Path, outputs: int, name: str = FILE) -> LinearPath:
    """Read what `LinearPath.write_into` wrote.

    Args:
        folder: Where it is.
        outputs: K.
        name: Of the file.

    Raises:
        DataError: If the folder holds no such model of so many outputs.
    """
    path = folder / name
    must = f"{path} must hold a linear path"
    state = read_tensors(path)
    if set(state) != {*_NUMBERS, "told"}:
        raise DataError(f"{must}: {', '.join((*_NUMBERS, 'told'))}, and nothing else")
    told = _told(state.pop("told"))
    if told is None:
        raise DataError(f"{must}: told must be JSON of a kind of terms and of different terms")
    kind, terms = told
    shapes = {
        "idf": (len(terms),),
        "coefficients": (len(terms), outputs),
        "intercept": (outputs,),
    }
    for name, shape in shapes.items():
        tensor = state[name]
        if tensor.shape != shape or tensor.dtype != torch.float32:
            got = f"{tuple(tensor.shape)} of {tensor.dtype}"
            raise DataError(f"{must}: {name} must have shape {shape} in float32, got {got}")
    return LinearPath(kind, terms, *(state[name].numpy() for name in _NUMBERS))


def _told(data: Tensor) -> tuple[Any, tuple[str, ...]] | None:
    """Return the kind of the terms and the terms, or None if the bytes tell none."""
    if data.dtype != torch.uint8:
        return None
    try:
        told = json.loads(data.numpy().tobytes().decode(errors="surrogatepass"))
        kind, terms = told["kind"], told["terms"]
        known = kind in KINDS and isinstance(terms, list) and bool(terms)
        known = known and all(isinstance(term, str) for term in terms)
        return (kind, tuple(terms)) if known and len(set(terms)) == len(terms) else None
    except (ValueError, TypeError, KeyError, RecursionError):
        return None
