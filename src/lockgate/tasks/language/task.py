"""A language model, as a study sees it: running text, read word by word."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from lockgate.nn import Reach
from lockgate.scoring.arrays import FloatArray
from lockgate.tasks.base import PARTS, Candidate, Chosen, Compared, OnEpoch, Span, check, ignore
from lockgate.tasks.language.baselines import Baseline, fit_baselines
from lockgate.tasks.language.config import (
    NAME,
    LanguageConfig,
    LanguageModelConfig,
    LanguageTrainingConfig,
)
from lockgate.tasks.language.fitted import FittedLanguageModel, build_language_model, load
from lockgate.tasks.language.ladder import LADDER
from lockgate.tasks.language.pages import PAGES, LanguagePages, LanguageShown, WordResult
from lockgate.tasks.language.prepare import (
    PreparedText,
    TextData,
    hash_of,
    prepare_text,
    read_text_data,
)
from lockgate.tasks.language.rounds import LanguageRounds
from lockgate.tasks.language.scores import TextScorer
from lockgate.tasks.language.streams import Stream
from lockgate.tasks.language.train import start, train_language_model
from lockgate.tasks.language.tuning import TUNING, LanguageTuning
from lockgate.tasks.results import Check
from lockgate.tasks.stack.rungs import Place, Rung
from lockgate.training.history import History
from lockgate.training.losses import Batch, whole_loss
from lockgate.training.streams import Streams

MANY_UNKNOWN = 0.1
MOST_SHOWN = 12
LEAST_OCCURRENCES = 5


@dataclass(frozen=True)
class LanguageModelling:
    """The next word of a text."""

    @property
    def name(self) -> str:
        """What the results call the task."""
        return NAME

    @property
    def ladder(self) -> tuple[Rung, ...]:
        """The rungs that there are."""
        return LADDER

    def idle(self, prepared: PreparedText) -> tuple[Place, ...]:  # noqa: ARG002
        """Tell that all have something to drop."""
        return ()

    @property
    def run(self) -> type[LanguageConfig]:
        """The settings of a run."""
        return LanguageConfig

    def defaults(self, source: Any) -> Mapping[str, Any]:  # noqa: ARG002
        """Give nothing: no text comes along."""
        return {}

    def missing(self, source: Any, settings: Mapping[str, Any]) -> None:
        """Tell nothing: a text needs no more."""

    def subject(self, config: LanguageConfig) -> str:  # noqa: ARG002
        """Name what is predicted."""
        return "words"

    def check_study(self, config: Any, rungs: tuple[Rung, ...]) -> None:
        """Find nothing to refuse: any rung goes with any setting."""

    def read(self, source: Any, config: LanguageConfig) -> TextData:
        """Read the text and its parts."""
        return read_text_data(source, config.data)

    def prepare(self, data: TextData, config: LanguageConfig) -> PreparedText:
        """Learn the vocabulary from the training part and number all words."""
        return prepare_text(data, config.data)

    def begin(
        self,
        data: Any,  # noqa: ARG002
        prepared: PreparedText,
        config: Any,  # noqa: ARG002
        tell: Callable[[str], None],  # noqa: ARG002
        checkpoint: Path,  # noqa: ARG002
    ) -> PreparedText:
        """Learn nothing before the fits."""
        return prepared

    def part(
        self,
        prepared: PreparedText,
        part: Span,
        config: Any = None,  # noqa: ARG002 - of forecasts it tells more
    ) -> Stream:
        """Give a part."""
        return prepared.stream(part)

    def build(self, prepared: PreparedText, network: LanguageModelConfig) -> nn.Module:
        """Build a language model."""
        return build_language_model(network, prepared.preprocessing)

    def losses(
        self, network: Any, batch: Batch, config: LanguageTrainingConfig, masks: torch.Generator
    ) -> Iterator[Tensor]:
        """Yield the loss of a chunk."""
        return whole_loss(network, batch, config, masks)

    def advice(self, data: Any, prepared: PreparedText) -> tuple[str, ...]:  # noqa: ARG002
        """Give none."""
        return ()

    def save(self, prepared: PreparedText, folder: Path) -> None:
        """Keep the prepared text."""
        prepared.save(folder)

    def load(self, folder: Path) -> PreparedText:
        """Map what `save` kept."""
        return PreparedText.load(folder)

    def start(
        self,
        prepared: PreparedText,
        config: LanguageConfig,
        streams: Streams,
        learn: Span = "train",  # noqa: ARG002 - no committee asks for another part
    ) -> tuple[nn.Module, Stream]:
        """Build the network that a fit begins with, and give what it learns from."""
        return start(prepared, config, streams)

    def train(
        self,
        prepared: PreparedText,
        config: LanguageConfig,
        *,
        seed: int = 0,
        name: str = "",
        on_epoch: OnEpoch = ignore,
        learn: Span = "train",  # noqa: ARG002 - no committee asks for another part
        stop: Span | None = "validation",  # noqa: ARG002
        checkpoint: Path | None = None,
    ) -> tuple[FittedLanguageModel, History]:
        """Fit one language model to the training part."""
        return train_language_model(
            prepared, config, seed=seed, name=name, on_epoch=on_epoch, checkpoint=checkpoint
        )

    @property
    def committees(self) -> None:
        """Nothing: a language model is one network."""

    @property
    def rounds(self) -> LanguageRounds:
        """What parts the text into folds."""
        return LanguageRounds()

    @property
    def tuning(self) -> LanguageTuning:
        """What a search over its settings may change."""
        return TUNING

    def load_fitted(self, folder: Path) -> FittedLanguageModel:
        """Read a fitted language model."""
        return load(folder)

    def reach(self, fitted: FittedLanguageModel, prepared: PreparedText) -> Reach | None:
        """Measure nothing: words have no gradient."""

    def predict(
        self, fitted: FittedLanguageModel, prepared: PreparedText, part: Span
    ) -> FloatArray:
        """Give the log loss of each word of a part; see `TextScorer`."""
        return fitted.log_losses(prepared.tokens[part])

    def scorer(
        self,
        data: TextData,  # noqa: ARG002
        prepared: PreparedText,
        config: LanguageConfig,  # noqa: ARG002
        part: Span,
    ) -> TextScorer:
        """Give what scores the predictions of a part."""
        return TextScorer(len(prepared.tokens[part]), prepared.chunk_steps)

    def baselines(
        self,
        data: TextData,  # noqa: ARG002
        prepared: PreparedText,
        config: LanguageConfig,  # noqa: ARG002
        choose: Span = "validation",  # noqa: ARG002 - they have nothing to choose
    ) -> Compared:
        """Count words and pairs of words."""
        learned = prepared.preprocessing
        fitted = fit_baselines(prepared.tokens["train"], len(learned.words), learned.end)
        found = (Candidate(b.name, b.setting, partial(_losses, b, prepared)) for b in fitted)
        return Compared(tuple(found), ())

    def power(self, metric: Any) -> float:  # noqa: ARG002
        """Give 1: the log loss is a mean."""
        return 1.0

    def validation_score(
        self,
        loss: float,
        prepared: PreparedText,  # noqa: ARG002
        config: LanguageConfig,  # noqa: ARG002
    ) -> float:
        """Give the loss, which is the metric."""
        return loss

    def scales(self, prepared: PreparedText) -> dict[str, Any]:  # noqa: ARG002
        """Give nothing: no score is divided by anything."""
        return {}

    def test_fingerprint(self, data: TextData, prepared: PreparedText) -> str:  # noqa: ARG002
        """Give what tells this test part from others."""
        return f"words {hash_of(data.test)}"

    def planned(self, data: TextData, prepared: PreparedText) -> dict[str, Any]:
        """Tell in words what will be learned from."""
        told = self.describe(data, prepared)
        return {
            "text": data.source,
            "vocabulary": f"{told['vocabulary']:,} words",
            "notices": list(data.notices) or "none",
            "parts": [
                f"{part}: {own['words']:,} words, {own['unknown']:.1%} unknown"
                for part, own in told["split"].items()
            ],
        }

    def describe(self, data: TextData, prepared: PreparedText) -> dict[str, Any]:
        """Describe the parts and the vocabulary."""
        return {
            "source": data.source,
            "fingerprint": data.fingerprint,
            "vocabulary": len(prepared.preprocessing.words),
            "notices": list(data.notices),
            "split": {
                part: {"words": len(prepared.tokens[part]), "unknown": prepared.unknown(part)}
                for part in PARTS
            },
        }

    def learn_apart(self, prepared: Any, config: Any, networks: Any) -> None:
        """Tell nothing: all networks learn alike."""

    def checks(self, described: dict[str, Any]) -> list[Check]:
        """Check for unknown words."""
        unknown = described["split"]["test"]["unknown"]
        return [
            check(
                "Unknown words",
                "warn" if unknown > MANY_UNKNOWN else "pass",
                f"{unknown:.1%} of the test part's words are not in the vocabulary of "
                f"{described['vocabulary']:,}: they are predicted as one word, which is easy.",
            ),
            check(
                "Test parts",
                "warn",
                "One test part: the score of what is delivered rests on it alone. The verdicts "
                "rest on folds of the other words.",
            ),
        ]

    def shown(
        self,
        data: TextData,  # noqa: ARG002
        prepared: PreparedText,
        config: LanguageConfig,  # noqa: ARG002
        scorer: TextScorer,  # noqa: ARG002
        chosen: Chosen,
    ) -> dict[str, Any]:
        """Give the words that what is delivered is worst at."""
        shown: LanguageShown = {
            "reference": chosen.name,
            "least": LEAST_OCCURRENCES,
            "worst": worst_words(prepared, chosen.prediction, chosen.reference),
        }
        return {"language": shown}

    @property
    def pages(self) -> LanguagePages:
        """What the report shows of it."""
        return PAGES


def worst_words(
    prepared: PreparedText, network: FloatArray, reference: FloatArray
) -> list[WordResult]:
    """Return the words of the test part of the largest mean log loss of a network.

    Args:
        prepared: The text.
        network: The log loss of each word of the test part.
        reference: Likewise, of a baseline.
    """
    words, tokens = prepared.preprocessing.words, prepared.tokens["test"]
    counts = np.bincount(tokens, minlength=len(words))
    trained = np.bincount(prepared.tokens["train"], minlength=len(words))
    own, other = (
        np.bincount(tokens, weights=losses, minlength=len(words)) / np.maximum(counts, 1)
        for losses in (network, reference)
    )
    enough = np.flatnonzero(counts >= LEAST_OCCURRENCES)
    return [
        {
            "word": words[i],
            "count": int(counts[i]),
            "trained": int(trained[i]),
            "network": float(own[i]),
            "reference": float(other[i]),
        }
        for i in enough[np.argsort(-own[enough], kind="stable")][:MOST_SHOWN]
    ]


def _losses(baseline: Baseline, prepared: PreparedText, part: Span) -> FloatArray:
    losses: FloatArray = -np.log(baseline.probabilities(prepared.tokens[part]))
    return losses


TASK = LanguageModelling()
