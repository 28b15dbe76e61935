"""A fitted classifier and everything needed to use it on sequences or texts."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
import torch
from pydantic import ValidationError
from scipy.special import expit, softmax
from torch import Tensor, nn

from lockgate.data.errors import DataError
from lockgate.data.examples import Examples
from lockgate.data.files import new_folder
from lockgate.data.label_preprocessing import LabelPreprocessing
from lockgate.data.label_read import cut_alike, read_unlabelled
from lockgate.data.labelled import Labelled, Ragged
from lockgate.data.tokens import Tokens
from lockgate.fitted.config import LabelRunConfig
from lockgate.fitted.predictions import prediction_frame
from lockgate.fitted.storage import fault_in, read_json, read_text, read_weights, write_files
from lockgate.models import Classifier, ClassifierConfig
from lockgate.nn import mc_samples

FORMAT_VERSION = 1
TASK = "labels"
PREDICTION_BATCH = 256
WHOLE = 16
"""Rows that a batch is filled up to a multiple of, so that no row depends on how many there are."""

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class FittedClassifier:
    """A trained network, what was learned from the training rows, and the configuration of both.

    `temperature` divides the network's scores, so that its probabilities are calibrated on the
    validation part (Guo et al. 2017, arXiv:1706.04599).
    """

    model: Classifier
    preprocessing: LabelPreprocessing
    config: LabelRunConfig
    temperature: float = 1.0
    metrics: dict[str, Any] = field(default_factory=dict)

    def scores(self, examples: Examples) -> Floats:
        """Score every example, (N, outputs) in order; of labels at steps every step, end to end."""
        self.model.eval()
        with torch.no_grad():
            return self._of_each(examples, self.model)

    def mc_probabilities(self, examples: Examples, n: int = 20, seed: int = 0) -> Floats:
        """Average the probabilities of `n` passes with dropout (Gal and Ghahramani 2016).

        Each pass is one network, drawn from `seed` and used for every example (arXiv:1506.02142),
        so that no example's probabilities hang on another; but masks that are drawn at every step
        hang on the longest of a batch.

        Returns:
            `(N, classes)` in order; of labels at steps every step, end to end.
        """
        several = self.preprocessing.kind == "classes"

        def mean(x: Tensor, lengths: Tensor) -> Tensor:
            samples = mc_samples(_Padded(self.model, lengths), x, n, seed=seed, fixed_masks=True)
            found = probabilities(samples.cpu().numpy(), self.temperature, several=several)
            return torch.from_numpy(found.mean(axis=0))

        return self._of_each(examples, mean)

    def _of_each(self, examples: Examples, run: Callable[[Tensor, Tensor], Tensor]) -> Floats:
        """Run padded batches and take the rows, or the steps, of each example in order."""
        device = next(self.model.parameters()).device
        found: list[Tensor | None] = [None] * len(examples)
        for index in examples.chunks(PREDICTION_BATCH):
            # the last rows of an odd batch take other sums, which end in other last digits
            filled = torch.arange(-(-len(index) // WHOLE) * WHOLE) % len(index)
            batch = examples.batch(index[filled])
            output = run(batch.x.to(device), batch.lengths.to(device)).cpu()
            lengths = batch.lengths[: len(index)].tolist()
            for place, row, length in zip(
                index.tolist(), output[: len(index)], lengths, strict=True
            ):
                found[place] = row[:length] if examples.at_steps else row[None]
        return torch.cat([row for row in found if row is not None]).numpy().astype(np.float64)

    def predict(self, data: Labelled) -> Floats:
        """Predict labelled or unlabelled data in its order.

        Returns:
            Probabilities of the classes, (N, classes), of each step for labels at steps; or, where
            the label is a number, (N, 1) in its own unit.
        """
        return self.predict_examples(unlabelled_examples(data, self.preprocessing))

    def predict_examples(self, examples: Examples) -> Floats:
        """Predict what is laid out already, as `predict` does."""
        scores = self.scores(examples)
        if self.preprocessing.kind == "number":
            return scores * self.preprocessing.label_deviation + self.preprocessing.label_mean
        several = self.preprocessing.kind == "classes"
        return probabilities(scores, self.temperature, several=several)

    def predictions(self, source: Any) -> pl.DataFrame:
        """Predict texts or sequences that need no labels.

        Args:
            source: A file, folder or frame of the form of the training data; or a list of texts or
                arrays.

        Returns:
            A row for each, or of labels at steps for each step: `name`, `step`, `label` (the number
            where it is one), and `probability_` with the name of each class.

        Raises:
            DataError: If it cannot be read, or holds other data than the training part did.
        """
        config = self.config.data
        data = read_unlabelled(source, config)
        pieces = cut_alike(data, config)
        found = self.predict(pieces)
        return prediction_frame(found, self.preprocessing, data, pieces, config.several)

    def save(self, folder: Path) -> None:
        """Write the model as a new folder: weights as safetensors, all else as JSON.

        Raises:
            FileExistsError: If `folder` exists and is not empty.
        """
        with new_folder(folder) as temporary:
            self.write_into(temporary)

    def write_into(self, folder: Path) -> None:
        """Write the files of `save` into a folder that exists."""
        config = {
            "format_version": FORMAT_VERSION,
            "task": TASK,
            "temperature": self.temperature,
            **self.config.model_dump(mode="json"),
        }
        write_files(folder, self.model, config, self.preprocessing, self.metrics)

    @staticmethod
    def load(folder: Path) -> "FittedClassifier":
        """Read what `save` wrote. The files are read as data: no code of theirs is run.

        Raises:
            DataError: If the folder does not hold a fitted classifier of this format.
        """
        config = read_json(folder / "config.json")
        version, task = config.pop("format_version", None), config.pop("task", None)
        if version != FORMAT_VERSION or task != TASK:
            raise DataError(
                f"{folder} must hold a classifier of format_version {FORMAT_VERSION}, got "
                f"{task or 'a forecaster'} of {version}"
            )
        temperature = config.pop("temperature", None)
        if not isinstance(temperature, float) or not 0.0 < temperature < 1e6:
            raise DataError(f"{folder} is no fitted model: temperature is {temperature!r}")
        try:
            run = LabelRunConfig.model_validate(config)
            text = read_text(folder / "preprocessing.json")
            learned = LabelPreprocessing.model_validate_json(text)
        except ValidationError as error:
            raise fault_in(folder, error) from None
        _check(folder, learned)
        model = _load_model(folder / "model.safetensors", run.model, learned)
        return FittedClassifier(
            model, learned, run, temperature, read_json(folder / "metrics.json")
        )


class _Padded(nn.Module):
    """A classifier of sequences whose lengths are known."""

    def __init__(self, model: Classifier, lengths: Tensor) -> None:
        super().__init__()
        self.model = model
        self.lengths = lengths

    def forward(self, x: Tensor) -> Tensor:
        scores: Tensor = self.model(x, self.lengths)
        return scores


def build_classifier(
    config: ClassifierConfig,
    learned: LabelPreprocessing,
    generator: torch.Generator | None = None,
) -> Classifier:
    """Build the network of `config` for data as `learned` describes them."""
    return Classifier(
        len(learned.channels),
        learned.vocabulary_size,
        learned.outputs,
        config,
        at_steps=learned.kind == "steps",
        generator=generator,
    )


def probabilities(
    scores: npt.ArrayLike, temperature: float = 1.0, *, several: bool = False
) -> Floats:
    """Turn a network's scores `(..., K)` into probabilities, in float64.

    Args:
        scores: What enters the softmax, or for several labels the sigmoid.
        temperature: What the scores are divided by first, over 0.
        several: Whether a row may have several labels.

    Example:
        >>> probabilities(np.array([[0.0, np.log(3.0)]]))
        array([[0.25, 0.75]])
    """
    if not temperature > 0.0:
        raise ValueError(f"temperature must be over 0, got {temperature}")
    cooled = np.asarray(scores, dtype=np.float64) / temperature
    result: Floats = expit(cooled) if several else softmax(cooled, axis=-1)
    return result


def unlabelled_examples(data: Labelled, learned: LabelPreprocessing) -> Examples:
    """Lay out data whose labels are not known or do not matter."""
    return lay_out(learned.encode(data), at_steps=learned.kind == "steps")


def lay_out(items: Ragged, *, at_steps: bool) -> Examples:
    """Lay out encoded items without labels."""
    targets = len(items.values) if at_steps else len(items)
    return Examples(
        values=torch.from_numpy(items.values),
        starts=torch.from_numpy(items.starts),
        y=torch.zeros(targets, dtype=torch.int64),
        rows=torch.arange(len(items)),
        at_steps=at_steps,
    )


def _load_model(path: Path, config: ClassifierConfig, learned: LabelPreprocessing) -> Classifier:
    def check(state: dict[str, Tensor]) -> None:
        must = f"{path} must hold the weights of config.json's model"
        head = state.get("head.weight")
        if head is None or head.shape[:1] != (learned.outputs,):
            got = None if head is None else tuple(head.shape)
            raise DataError(f"{must}: head.weight must have {learned.outputs} rows, got {got}")
        shape = (learned.vocabulary_size, config.embedding_size)
        embedding = state.get("embedding.weight")
        if learned.is_text and (embedding is None or tuple(embedding.shape) != shape):
            got = None if embedding is None else tuple(embedding.shape)
            raise DataError(f"{must}: embedding.weight must have shape {shape}, got {got}")
        first = state.get("stack.weight_hh_l0")
        size = config.hidden_size
        if config.num_layers == 1 and config.last_hidden_size is not None:
            size = config.last_hidden_size
        if first is None or first.shape[1:] != (size,):
            raise DataError(f"{must}: its hidden_size must be {size}")
        if config.num_layers > len(state):
            raise DataError(f"{must}, {config.num_layers} layers, got {len(state)} tensors")
        if other := {str(tensor.dtype) for tensor in state.values()} - {"torch.float32"}:
            raise DataError(f"{must} in float32, got {', '.join(sorted(other))}")

    return read_weights(path, check, lambda: build_classifier(config, learned))


def _check(folder: Path, learned: LabelPreprocessing) -> None:
    """Refuse a preprocessing that nothing could be applied to."""
    lengths = {len(learned.channels), len(learned.means), len(learned.deviations)}
    wrong = {
        "classes": (learned.kind == "number") == bool(learned.classes)
        or len(set(learned.classes)) < len(learned.classes),
        "channels": len(lengths) > 1
        or bool(learned.channels) == learned.is_text
        or len(set(learned.channels)) < len(learned.channels),
        "means": not np.isfinite(learned.means).all(),
        "deviations": not all(np.isfinite(d) and d > 0 for d in learned.deviations),
        "label_mean": not np.isfinite(learned.label_mean),
        "label_deviation": not (
            np.isfinite(learned.label_deviation) and learned.label_deviation > 0
        ),
        "max_length": learned.max_length is not None and learned.max_length < 1,
    }
    if names := [name for name, fault in wrong.items() if fault]:
        raise DataError(
            f"{folder} is no fitted model: preprocessing.json holds faulty {', '.join(names)}"
        )
    if learned.tokenizer is not None:
        try:
            Tokens.from_json(learned.tokenizer)
        except DataError as error:
            raise DataError(f"{folder} is no fitted model: {error}") from None
