"""A fitted classifier as one function of numbers or tokens, for graphs that leave the workshop."""

from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor, nn

from lockgate.tasks.labelling.config import LabelConfig
from lockgate.tasks.labelling.linear_path import LinearPath
from lockgate.tasks.labelling.mixture import LabelMixture
from lockgate.tasks.labelling.network import ClassifierNetwork
from lockgate.tasks.labelling.preprocessing import LabelPreprocessing

_TINY = float(np.finfo(np.float64).tiny)


class Trained(Protocol):
    """What of a fitted classifier makes a label."""

    @property
    def models(self) -> tuple[ClassifierNetwork, ...]: ...
    @property
    def preprocessing(self) -> LabelPreprocessing: ...
    @property
    def config(self) -> LabelConfig: ...
    @property
    def temperature(self) -> float: ...
    @property
    def linear_path(self) -> LinearPath | None: ...
    @property
    def mixture(self) -> LabelMixture | None: ...


class Chain(nn.Module):
    """Everything between a batch of sequences and the probabilities of their labels.

    Values are scaled, every network is run, their probabilities are averaged, cooled and mixed with
    those of the linear model, as `FittedClassifier.predict_examples` does. Texts have become tokens
    and counts of terms, and missing values are filled: what the runtime does.

    Shape:
        - tokens: `(batch, steps)`, int64, 0 where padded; of texts.
        - values: `(batch, steps, channels)`, float64, filled; of sequences.
        - missing: `(batch, steps, masked)`, float32, 1 where a value was filled, of channels that
          had such in training, where any had.
        - lengths: `(batch,)`, int64, steps of each.
        - path_terms, path_counts: `(batch, path_terms)`, int64 and float32, the terms of each text,
          counted from 1, and how often each occurs; 0 where padded. With a linear path.
        - mixed_terms, mixed_counts: The same of the linear model in the mixture.
        - probabilities: `(batch, classes)`, float64; `(batch, steps, classes)` of labels at steps;
          `number` in their place is `(batch, 1)` where the label is one.
    """

    means: Tensor
    deviations: Tensor

    def __init__(self, fitted: Trained) -> None:
        super().__init__()
        learned = fitted.preprocessing
        self.learned = learned
        self.networks = nn.ModuleList(fitted.models)
        self.temperature = fitted.temperature
        self.several = learned.kind == "classes"
        self.mixture = None if fitted.mixture is None else fitted.mixture.weight
        self.path = None if fitted.linear_path is None else _Linear(fitted.linear_path)
        self.mixed = None if fitted.mixture is None else _Linear(fitted.mixture.linear)
        for name in ("means", "deviations"):
            numbers = torch.tensor(getattr(learned, name), dtype=torch.float64)
            self.register_buffer(name, numbers)
        self.eval()

    @property
    def inputs(self) -> tuple[str, ...]:
        """Names of what `forward` takes, in its order."""
        names = ["tokens"] if self.learned.is_text else ["values"]
        names += ["missing"] if self.learned.masked else []
        names += ["lengths"]
        names += ["path_terms", "path_counts"] if self.path is not None else []
        return (*names, *(["mixed_terms", "mixed_counts"] if self.mixed is not None else []))

    @property
    def outputs(self) -> tuple[str, ...]:
        """Names of what `forward` gives."""
        return ("number",) if self.learned.kind == "number" else ("probabilities",)

    def forward(self, *given: Tensor) -> tuple[Tensor, ...]:
        """Classify a batch."""
        told = dict(zip(self.inputs, given, strict=True))
        linear = None
        if self.path is not None:
            linear = self.path(told["path_terms"], told["path_counts"]).float()
        x, lengths = self._read(told), told["lengths"]
        scores = torch.stack([one(x, lengths, linear) for one in self.networks])
        answer = self.answer(scores)
        if self.mixed is not None:
            assert self.mixture is not None
            own = self.mixed(told["mixed_terms"], told["mixed_counts"]).float().double()
            answer = self.mixture * answer + (1.0 - self.mixture) * self._probabilities(own)
        return (answer,)

    def answer(self, scores: Tensor) -> Tensor:
        """Return what the networks say together, from the scores of each, (networks, B, ..., K)."""
        scores = scores.double()
        if self.learned.kind == "number":
            number: Tensor = scores.mean(dim=0) * self.learned.label_deviation
            return number + self.learned.label_mean
        each = scores[0] if len(self.networks) == 1 else self._scores_of_mean(scores)
        return self._probabilities(each / self.temperature)

    def scaled(self, values: Tensor, missing: Tensor | None) -> Tensor:
        """Scale values, and put beside them where they were missing, (B, ..., channels)."""
        x = ((values - self.means) / self.deviations).float()
        return x if missing is None else torch.cat([x, missing], dim=-1)

    def _read(self, told: dict[str, Tensor]) -> Tensor:
        if self.learned.is_text:
            return told["tokens"]
        scaled = self.scaled(told["values"], told.get("missing"))
        # zero where padded, as a batch is
        steps = torch.arange(scaled.shape[1], device=scaled.device)
        return scaled * (steps < told["lengths"][:, None])[..., None]

    def _probabilities(self, scores: Tensor) -> Tensor:
        return scores.sigmoid() if self.several else scores.softmax(dim=-1)

    def _scores_of_mean(self, scores: Tensor) -> Tensor:
        """Return scores of the mean of the networks' probabilities."""
        mean = self._probabilities(scores).mean(dim=0)
        found = mean.clamp(min=_TINY).log()
        return found - (1.0 - mean).clamp(min=_TINY).log() if self.several else found


class _Linear(nn.Module):
    """A linear model of terms as a function of which occur and how often."""

    idf: Tensor
    coefficients: Tensor
    intercept: Tensor

    def __init__(self, path: LinearPath) -> None:
        super().__init__()
        # term 0 is padding and weighs nothing
        before = np.zeros((1, path.coefficients.shape[1]))
        self.terms = len(path.terms)
        self._keep("idf", np.concatenate([[0.0], path.idf]))
        self._keep("coefficients", np.concatenate([before, path.coefficients]))
        self._keep("intercept", path.intercept)

    def _keep(self, name: str, value: "np.ndarray[Any, Any]") -> None:
        self.register_buffer(name, torch.from_numpy(np.asarray(value, dtype=np.float32)))

    def forward(self, terms: Tensor, counts: Tensor) -> Tensor:
        """Score texts, (B, K), in float64."""
        counted = counts.double().clamp(min=1.0).log() + 1.0
        weights = counted * self.idf[terms].double()
        norm = weights.square().sum(dim=1, keepdim=True).sqrt()
        weights = weights / torch.where(norm > 0.0, norm, 1.0)
        scores = (weights[..., None] * self.coefficients[terms].double()).sum(dim=1)
        return scores + self.intercept.double()
