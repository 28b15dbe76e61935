"""A fitted language model and everything needed to use it on texts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import torch
from pydantic import ValidationError
from torch import Tensor
from torch.nn.functional import cross_entropy

from lockgate.errors import DataError
from lockgate.files import new_folder
from lockgate.reading.frames import like
from lockgate.scoring.arrays import FloatArray, IntArray
from lockgate.settings import read_anew
from lockgate.tasks.base import Candidate
from lockgate.tasks.card import About
from lockgate.tasks.graphs import Exportable
from lockgate.tasks.language.config import NAME, LanguageConfig, LanguageModelConfig
from lockgate.tasks.language.network import LanguageNetwork
from lockgate.tasks.language.prepare import LanguagePreprocessing
from lockgate.tasks.language.scores import perplexity
from lockgate.tasks.language.streams import WORDS_AT_ONCE, Stream
from lockgate.tasks.language.words import END, UNKNOWN, Pieces, encode, read_pieces
from lockgate.tasks.stack.network import width_of
from lockgate.tasks.storage import (
    fault_in,
    read_config,
    read_metrics,
    read_text,
    read_weights,
    write_fitted,
)

if TYPE_CHECKING:
    from lockgate.tasks.language.evaluation import LanguageEvaluation


@dataclass(frozen=True)
class FittedLanguageModel:
    """A trained network, the words that it knows, and the configuration of both."""

    model: LanguageNetwork
    preprocessing: LanguagePreprocessing
    config: LanguageConfig
    metrics: dict[str, Any] = field(default_factory=dict)

    @property
    def task(self) -> str:
        """Name of the task."""
        return NAME

    @property
    def parameters(self) -> int:
        """Number of the network's weights."""
        return sum(parameter.numel() for parameter in self.model.parameters())

    def read(self, source: Any) -> Pieces:
        """Read the lines of a file, or texts in a list, as the training part was read."""
        config = self.config.data
        return read_pieces(source, encoding=config.encoding, lowercase=config.lowercase)

    def encode(self, words: list[str]) -> IntArray:
        """Number words."""
        return encode(words, self.preprocessing.words)

    def log_losses(self, tokens: IntArray) -> FloatArray:
        """Give the log loss of each word of a text, (N,), after all words before it."""
        self.model.eval()
        device = next(self.model.parameters()).device
        text = Stream(torch.from_numpy(np.asarray(tokens, np.int64)), 1, self.preprocessing.end)
        with torch.no_grad():
            found = [
                cross_entropy(self.model(*chunk.inputs), chunk.y, reduction="none")
                for chunk in text.to(device).chunks(WORDS_AT_ONCE)
            ]
        return torch.cat(found).cpu().numpy().astype(np.float64)

    def losses_of(self, pieces: Pieces, tokens: list[IntArray]) -> list[FloatArray]:
        """Give the log losses of each text: in the context of those before, or apart from them."""
        if pieces.apart:
            return [self.log_losses(own) for own in tokens]
        ends = np.cumsum([len(own) for own in tokens])[:-1]
        return np.split(self.log_losses(np.concatenate(tokens)), ends)

    def predict(self, source: Any, **settings: Any) -> Any:
        """Tell how likely texts are.

        Args:
            source: Path of a text file, whose lines are read in the context of those before them;
                or texts in a list, each of which begins anew.
            settings: How it is read, where that is another way than the training part was:
                `encoding="gb18030"`.

        Returns:
            A row for each line or text: its number `text`, its `words`, the end of a line counted
            as one, how many of them are `unknown`, their mean `log_loss` in nats, and the
            `perplexity`. A frame of the kind that `source` is, polars for a path or a list.

        Raises:
            DataError: If it cannot be read, or holds no word.
        """
        pieces = self._reading(settings).read(source)
        tokens = [self.encode(words) for words in pieces.words]
        means = [float(own.mean()) for own in self.losses_of(pieces, tokens)]
        unknown = self.preprocessing.unknown
        frame = pl.DataFrame(
            {
                "text": np.arange(1, len(tokens) + 1),
                "words": [len(own) for own in tokens],
                "unknown": [int((own == unknown).sum()) for own in tokens],
                "log_loss": means,
                "perplexity": [perplexity(mean) for mean in means],
            }
        )
        return like(frame, source)

    def evaluate(self, source: Any, **settings: Any) -> "LanguageEvaluation":
        """Score on texts, read as those that the model was trained on were.

        Args:
            source: As `predict` takes it.
            settings: As in `predict`.

        Raises:
            DataError: If it cannot be read, or holds no word.
        """
        # imported here because a model predicts without what scoring loads
        from lockgate.tasks.language.evaluation import evaluate

        return evaluate(self._reading(settings), source)

    def _reading(self, settings: Mapping[str, Any]) -> "FittedLanguageModel":
        return replace(self, config=read_anew(self.config, settings))

    def exportable(self, level: Sequence[float] | None = None) -> Exportable:  # noqa: ARG002
        """Refuse: what writes text carries a state from word to word."""
        raise DataError(
            "model must be a forecaster or a classifier to be exported, got a language model, "
            "which goes on from word to word; call it from Python"
        )

    def save(self, folder: str | Path) -> None:
        """Write the model as a new folder: weights as safetensors, all else as JSON.

        Raises:
            FileExistsError: If `folder` exists and is not empty.
        """
        with new_folder(Path(folder)) as temporary:
            self.write_into(temporary)

    def write_into(self, folder: Path) -> None:
        """Write the files of `save` into a folder that exists."""
        told = About(
            "A language model of words",
            "text-generation",
            self.config.model.cell,
            {"words known": f"{len(self.preprocessing.words):,}"},
            ["lockgate evaluate FOLDER texts.txt"],
            ["It tells how likely the next word is, and knows no word that it has not learned."],
        )
        write_fitted(
            *(folder, NAME, (self.model,), self.config, self.preprocessing, self.metrics), told
        )

    def with_metrics(
        self,
        metrics: dict[str, Any],
        baselines: Sequence[Candidate] = (),  # noqa: ARG002 - none is kept
    ) -> "FittedLanguageModel":
        """Return the same model with these scores."""
        return replace(self, metrics=metrics)


def build_language_model(
    config: LanguageModelConfig,
    learned: LanguagePreprocessing,
    generator: torch.Generator | None = None,
) -> LanguageNetwork:
    """Build the network of `config` for the words that were learned."""
    return LanguageNetwork(len(learned.words), config, generator)


def load(folder: Path) -> FittedLanguageModel:
    """Read what `save` wrote. The files are read as data: no code of theirs is run.

    Raises:
        DataError: If the folder does not hold a fitted language model.
    """
    config = read_config(folder, NAME).config
    try:
        run = LanguageConfig.model_validate(config)
        text = read_text(folder / "preprocessing.json")
        learned = LanguagePreprocessing.model_validate_json(text)
    except ValidationError as error:
        raise fault_in(folder, error) from None
    if not {UNKNOWN, END} <= {*learned.words} or len({*learned.words}) < len(learned.words):
        raise DataError(f"{folder} is no fitted model: preprocessing.json holds faulty words")
    model = _load_model(folder / "model.safetensors", run.model, learned)
    return FittedLanguageModel(model, learned, run, read_metrics(folder))


def _load_model(
    path: Path, config: LanguageModelConfig, learned: LanguagePreprocessing
) -> LanguageNetwork:
    def check(state: dict[str, Tensor]) -> None:
        must = f"{path} must hold the weights of config.json's model"
        words, size, first = len(learned.words), config.embedding_size, config.layer_sizes[0]
        wanted = {"embedding.weight": (words, size)}
        if not config.tied_weights:
            wanted["head.weight"] = (words, width_of(config))
        for name, shape in wanted.items():
            found = tuple(state[name].shape) if name in state else None
            if found != shape:
                raise DataError(f"{must}: {name} must have shape {shape}, got {found}")
        recurrent = state.get("stack.weight_hh_l0")
        if recurrent is None or recurrent.shape[1:] != (first,):
            raise DataError(f"{must}: its hidden_size must be {first}")
        if (layers := len(config.layer_sizes)) > len(state):
            raise DataError(f"{must}, {layers} layers, got {len(state)} tensors")
        if other := {str(tensor.dtype) for tensor in state.values()} - {"torch.float32"}:
            raise DataError(f"{must} in float32, got {', '.join(sorted(other))}")

    def build() -> LanguageNetwork:
        return build_language_model(config, learned)

    return read_weights(path, check, build)
