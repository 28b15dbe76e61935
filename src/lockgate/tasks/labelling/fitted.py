"""A fitted classifier and everything needed to use it on sequences or texts."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from pydantic import ValidationError
from torch import Tensor, nn

from lockgate.errors import DataError, quoted
from lockgate.files import new_folder
from lockgate.nn import mc_samples
from lockgate.reading.frames import like
from lockgate.scoring.arrays import FloatArray
from lockgate.scoring.probabilities import log_scores, probabilities
from lockgate.settings import read_anew
from lockgate.tasks.base import Candidate
from lockgate.tasks.graphs import Exportable
from lockgate.tasks.labelling.about import about_classifier
from lockgate.tasks.labelling.config import NAME, ClassifierConfig, LabelConfig
from lockgate.tasks.labelling.encoder import FILE as ENCODER
from lockgate.tasks.labelling.encoder import Encoder, read_encoder
from lockgate.tasks.labelling.examples import Examples, lay_out
from lockgate.tasks.labelling.labelled import Labelled, Ragged
from lockgate.tasks.labelling.linear_path import LinearPath, read_linear_path
from lockgate.tasks.labelling.mixture import FILE as MIXTURE
from lockgate.tasks.labelling.mixture import LabelMixture, read_mixture
from lockgate.tasks.labelling.network import ClassifierNetwork
from lockgate.tasks.labelling.predictions import count_notes, prediction_frame, text_notes
from lockgate.tasks.labelling.preprocessing import LabelPreprocessing
from lockgate.tasks.labelling.sources.read import cut_alike, read_unlabelled
from lockgate.tasks.labelling.tokens import Tokens
from lockgate.tasks.storage import (
    check_fields,
    check_tensors,
    fault_in,
    read_config,
    read_metrics,
    read_text,
    read_weights,
    weight_files,
    write_fitted,
)

if TYPE_CHECKING:
    from lockgate.tasks.labelling.evaluation import LabelEvaluation

LOG = logging.getLogger(__name__)
MOST_LAYERS = 1_000
PREDICTION_BATCH = 256
WHOLE = 16
"""Rows that a batch is filled up to a multiple of, so that no row depends on how many there are."""


@dataclass(frozen=True)
class FittedClassifier:
    """Trained networks, what was learned from the training rows, and the configuration of both.

    `temperature` divides their scores, so that their probabilities are calibrated on the validation
    part (Guo et al. 2017, arXiv:1706.04599).
    """

    models: tuple[ClassifierNetwork, ...]
    preprocessing: LabelPreprocessing
    config: LabelConfig
    temperature: float = 1.0
    metrics: dict[str, Any] = field(default_factory=dict)
    linear_path: LinearPath | None = None
    mixture: LabelMixture | None = None
    """The linear model that the networks are mixed with."""
    encoder: Encoder | None = None
    """That the networks began from: others can begin from it too."""

    @property
    def model(self) -> ClassifierNetwork:
        """The network, or the first of several."""
        return self.models[0]

    @property
    def task(self) -> str:
        """Name of the task."""
        return NAME

    @property
    def parameters(self) -> int:
        """Number of the networks' weights."""
        return sum(weight.numel() for model in self.models for weight in model.parameters())

    def scores(self, examples: Examples) -> FloatArray:
        """Score every example, (N, outputs) in order; of labels at steps every step, end to end.

        Those of several networks are scores of the mean of their probabilities.
        """
        with torch.no_grad():
            each = [self._of_each(examples, model.eval()) for model in self.models]
        if len(each) == 1:
            return each[0]
        if self.preprocessing.kind == "number":
            return np.asarray(np.mean(each, axis=0))
        several = self.preprocessing.kind == "classes"
        mean = np.mean([probabilities(scores, several=several) for scores in each], axis=0)
        return log_scores(mean, several=several)

    def mc_probabilities(self, examples: Examples, n: int = 20, seed: int = 0) -> FloatArray:
        """Average the probabilities of `n` passes of each network with dropout (Gal and
        Ghahramani 2016).

        Each pass is one network, drawn from `seed` and used for every example (arXiv:1506.02142),
        so that no example's probabilities hang on another; but masks that are drawn at every step
        hang on the longest of a batch.

        Returns:
            `(N, classes)` in order; of labels at steps every step, end to end.
        """
        several = self.preprocessing.kind == "classes"

        def mean(x: Tensor, *more: Tensor) -> Tensor:
            of_each = []
            for model in self.models:
                samples = mc_samples(_Padded(model, more), x, n, seed=seed, fixed_masks=True)
                passes = probabilities(samples.cpu().numpy(), self.temperature, several=several)
                of_each.append(passes.mean(axis=0))
            return torch.from_numpy(np.mean(of_each, axis=0))

        return self._of_each(examples, mean)

    def _of_each(self, examples: Examples, run: Callable[..., Tensor]) -> FloatArray:
        """Run padded batches and take the rows, or the steps, of each example in order."""
        device = next(self.model.parameters()).device
        rows: list[Tensor | None] = [None] * len(examples)
        for index in examples.chunks(PREDICTION_BATCH):
            # the last rows of an odd batch take other sums, which end in other last digits
            filled = torch.arange(-(-len(index) // WHOLE) * WHOLE) % len(index)
            batch = examples.batch(index[filled])
            output = run(*(tensor.to(device) for tensor in batch.inputs)).cpu()
            lengths = batch.lengths[: len(index)].tolist()
            for place, row, length in zip(
                index.tolist(), output[: len(index)], lengths, strict=True
            ):
                rows[place] = row[:length] if examples.at_steps else row[None]
        return torch.cat([row for row in rows if row is not None]).numpy().astype(np.float64)

    def predict_data(self, data: Labelled) -> FloatArray:
        """Predict what was read, in its order; as `predict_examples` does."""
        return self.predict_examples(self.lay_out(data, self.preprocessing.encode(data)))

    def lay_out(self, data: Labelled, items: Ragged) -> Examples:
        """Lay out what was read and how it was encoded, as the network takes it."""
        linear = None
        if self.linear_path is not None and isinstance(data.items, tuple):
            linear = self.linear_path.scores(data.items)
        laid = lay_out(items, at_steps=self.preprocessing.kind == "steps", linear=linear)
        if self.mixture is None or not isinstance(data.items, tuple):
            return laid
        return replace(laid, mixed=torch.from_numpy(self.mixture.probabilities(data.items)))

    def predict_examples(self, examples: Examples) -> FloatArray:
        """Predict what is laid out.

        Returns:
            Probabilities of the classes, (N, classes), of each step for labels at steps; or, where
            the label is a number, (N, 1) in its own unit.
        """
        scores = self.scores(examples)
        if self.preprocessing.kind == "number":
            return scores * self.preprocessing.label_deviation + self.preprocessing.label_mean
        several = self.preprocessing.kind == "classes"
        networks = probabilities(scores, self.temperature, several=several)
        if self.mixture is None or examples.mixed is None:
            return networks
        return self.mixture.mixed(networks, examples.mixed.numpy())

    def predict(self, source: Any, **settings: Any) -> Any:
        """Predict texts or sequences that need no labels.

        Args:
            source: A file, folder or frame of the form of the training data; or texts, arrays or
                tensors in a list, an array or a Series.
            settings: How it is read, where that is another way than the training data were:
                `separator=";"`, `text="body"`.

        Returns:
            A row for each, or of labels at steps for each step: `name`, `step`, `label` (the number
            where it is one), and `probability_` with the name of each class; of texts `note`:
            `blank` or `no known word` where the network reads nothing that it knows, else empty. A
            frame of the kind that `source` is, with the index of what is of pandas; else polars.

        Raises:
            DataError: If it cannot be read, or holds other data than the training part did.
        """
        config = read_anew(self.config, settings).data
        data = read_unlabelled(source, config)
        pieces = cut_alike(data, config)
        items = self.preprocessing.encode(pieces)
        notes = text_notes(pieces, items, self.preprocessing)
        for notice in (*self.preprocessing.unforeseen(pieces), *count_notes(notes)):
            LOG.warning("note: %s", notice)
        frame = prediction_frame(
            *(self.predict_examples(self.lay_out(pieces, items)), self.preprocessing, data, pieces),
            *(config.several, notes),
        )
        return like(frame, source, row_by_row=self.preprocessing.kind != "steps")

    def evaluate(
        self, source: Any, *, mc_samples: int | None = None, **settings: Any
    ) -> "LabelEvaluation":
        """Score on labelled data, read as those that the model was trained on were.

        Args:
            source: The data: a file, folder or frame, or a pair (X, y) in memory.
            mc_samples: Passes of Monte-Carlo dropout. Default: `config.mc_samples`.
            settings: As in `predict`.

        Raises:
            DataError: If the data cannot be read, or have other labels.
        """
        # imported here because a model predicts without what scoring loads
        from lockgate.tasks.labelling.evaluation import evaluate

        config = read_anew(self.config, settings)
        samples = config.mc_samples if mc_samples is None else mc_samples
        return evaluate(replace(self, config=config), source, samples)

    @property
    def drops(self) -> bool:
        """Whether the networks drop anything in training."""
        return self.model.drops

    def exportable(self, level: Sequence[float] | None = None) -> Exportable:
        """Give the model as one function of tensors; see `Fitted.exportable`.

        Raises:
            DataError: If `level` is given: labels have probabilities.
        """
        # imported here because a model labels without it
        from lockgate.tasks.labelling.exported import exportable

        if level:
            raise DataError("level must be left out of a classifier, which gives probabilities")
        return exportable(self)

    def save(self, folder: str | Path) -> None:
        """Write the model as a new folder: weights as safetensors, all else as JSON.

        Raises:
            FileExistsError: If `folder` exists and is not empty.
        """
        with new_folder(Path(folder)) as temporary:
            self.write_into(temporary)

    def write_into(self, folder: Path) -> None:
        """Write the files of `save` into a folder that exists."""
        write_fitted(
            *(folder, NAME, self.models, self.config, self.preprocessing, self.metrics),
            about=about_classifier(self.config, self.preprocessing, len(self.models)),
            temperature=self.temperature,
            mixture=None if self.mixture is None else self.mixture.stored(),
        )
        if self.mixture is not None:
            self.mixture.linear.write_into(folder, MIXTURE)
        if self.linear_path is not None:
            self.linear_path.write_into(folder)
        if self.encoder is not None:
            self.encoder.write_into(folder)

    def with_metrics(
        self,
        metrics: dict[str, Any],
        baselines: Sequence[Candidate] = (),  # noqa: ARG002 - none is kept
    ) -> "FittedClassifier":
        """Return the same model with these scores."""
        return replace(self, metrics=metrics)


def load(folder: Path) -> FittedClassifier:
    """Read what `save` wrote. The files are read as data: no code of theirs is run.

    Raises:
        DataError: If the folder does not hold a fitted classifier.
    """
    version, config, fits = read_config(folder, NAME)
    temperature, mixture = config.pop("temperature", None), config.pop("mixture", None)
    if not isinstance(temperature, float) or not 0.0 < temperature < 1e6:
        raise DataError(f"{folder} is no fitted model: temperature is {quoted(temperature)}")
    try:
        run = LabelConfig.model_validate(_today(config) if version == 1 else config)
        text = read_text(folder / "preprocessing.json")
        preprocessing = LabelPreprocessing.model_validate_json(text)
    except ValidationError as error:
        raise fault_in(folder, error) from None
    _check(folder, preprocessing)
    models = tuple(
        _load_model(folder / name, run.model, preprocessing) for name in weight_files(fits)
    )
    linear, mixed, several = None, None, preprocessing.kind == "classes"
    if models[0].linear_path:
        linear = read_linear_path(folder, preprocessing.outputs)
    if mixture is not None:
        mixed = read_mixture(folder, mixture, preprocessing.outputs, several=several)
    encoder = read_encoder(folder / ENCODER) if (folder / ENCODER).exists() else None
    metrics = read_metrics(folder)
    return FittedClassifier(
        *(models, preprocessing, run, temperature, metrics, linear, mixed, encoder)
    )


def _today(config: dict[str, Any]) -> dict[str, Any]:
    """Turn the settings of the first format, where the top layer had a size by name, into these."""
    model = config.get("model")
    if not isinstance(model, dict):
        return config
    last = model.pop("last_hidden_size", None)
    size, layers = model.get("hidden_size"), model.get("num_layers", 1)
    if last is not None and isinstance(layers, int) and layers < MOST_LAYERS:
        model["hidden_size"] = [size] * (layers - 1) + [last]
    return config


class _Padded(nn.Module):
    """A classifier of sequences of which all is known that it takes beside them."""

    def __init__(self, model: ClassifierNetwork, more: tuple[Tensor, ...]) -> None:
        super().__init__()
        self.model = model
        self.more = more

    def forward(self, x: Tensor) -> Tensor:
        scores: Tensor = self.model(x, *self.more)
        return scores


def build_classifier(
    config: ClassifierConfig,
    preprocessing: LabelPreprocessing,
    generator: torch.Generator | None = None,
) -> ClassifierNetwork:
    """Build the network of `config` for data as `preprocessing` describes them."""
    return ClassifierNetwork(
        preprocessing.inputs,
        preprocessing.vocabulary_size,
        preprocessing.outputs,
        config,
        at_steps=preprocessing.kind == "steps",
        generator=generator,
    )


def _load_model(
    path: Path, config: ClassifierConfig, preprocessing: LabelPreprocessing
) -> ClassifierNetwork:
    def check(state: dict[str, Tensor]) -> None:
        must = f"{path} must hold the weights of config.json's model"
        head = state.get("head.weight")
        if head is None or head.shape[:1] != (preprocessing.outputs,):
            got = None if head is None else tuple(head.shape)
            raise DataError(
                f"{must}: head.weight must have {preprocessing.outputs} rows, got {got}"
            )
        shape = (preprocessing.vocabulary_size, config.embedding_size)
        embedding = state.get("embedding.weight")
        if preprocessing.is_text and (embedding is None or tuple(embedding.shape) != shape):
            got = None if embedding is None else tuple(embedding.shape)
            raise DataError(f"{must}: embedding.weight must have shape {shape}, got {got}")
        first, size = state.get("stack.weight_hh_l0"), config.layer_sizes[0]
        if first is None or first.shape[1:] != (size,):
            raise DataError(f"{must}: its hidden_size must be {size}")
        check_tensors(must, state, len(config.layer_sizes))

    return read_weights(path, check, lambda: build_classifier(config, preprocessing))


def _check(folder: Path, preprocessing: LabelPreprocessing) -> None:
    """Refuse a preprocessing that nothing could be applied to."""
    lengths = {len(preprocessing.channels), len(preprocessing.means), len(preprocessing.deviations)}
    wrong = {
        "classes": (preprocessing.kind == "number") == bool(preprocessing.classes)
        or len(set(preprocessing.classes)) < len(preprocessing.classes),
        "channels": len(lengths) > 1
        or bool(preprocessing.channels) == preprocessing.is_text
        or len(set(preprocessing.channels)) < len(preprocessing.channels),
        "masked": not set(preprocessing.masked) <= set(preprocessing.channels)
        or len(set(preprocessing.masked)) < len(preprocessing.masked),
        "means": not np.isfinite(preprocessing.means).all(),
        "deviations": not all(np.isfinite(d) and d > 0 for d in preprocessing.deviations),
        "label_mean": not np.isfinite(preprocessing.label_mean),
        "label_deviation": not (
            np.isfinite(preprocessing.label_deviation) and preprocessing.label_deviation > 0
        ),
        "max_length": preprocessing.max_length is not None and preprocessing.max_length < 1,
    }
    check_fields(folder, wrong)
    if preprocessing.tokenizer is not None:
        try:
            Tokens.from_json(preprocessing.tokenizer)
        except DataError as error:
            raise DataError(f"{folder} is no fitted model: {error}") from None
