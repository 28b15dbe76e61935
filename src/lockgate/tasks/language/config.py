"""The settings of a language model: how texts are read and parted, the network, its training."""

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from lockgate.config import FOLDS, READING, Config, Option
from lockgate.tasks.config import RunConfig
from lockgate.tasks.stack.config import Rate, Size, StackConfig
from lockgate.training.config import TrainingConfig


class TextConfig(Config):
    """How running text is read, parted and turned into words."""

    test: Annotated[str | None, Option()] = None
    """File of the test part. Default: a fifth of the data, stratified; of a text its last tenth."""
    validation: Annotated[str | None, Option()] = None
    """File of the validation part. Default: a fifth of the training part, a tenth of many or of a
    text."""
    folds: Annotated[int | None, Field(ge=2), FOLDS] = None
    """Folds of all but the test part, each judged in a round of its own; fewer of few rows.
    Default: 5, of a study of forecasts 10 where its budget affords two passes over them."""
    encoding: Annotated[str | None, READING] = None
    """Encoding of text files, where their bytes do not show it: gb18030."""
    vocab_size: int = Field(default=10_000, ge=10)
    """Most tokens."""
    min_count: int = Field(default=2, ge=1)
    """Fewest times that a word occurs in the training part to be a token."""
    lowercase: bool = True
    """Take capital letters for small ones."""
    chunk_steps: int = Field(default=35, ge=1)
    """Words of each stream that one step of the optimiser reads; a gradient goes back no
    further."""


class LanguageModelConfig(StackConfig):
    """A recurrent stack over the vectors of words, and scores of the word that comes next."""

    hidden_size: Size | tuple[Size, ...] = 128
    embedding_size: int = Field(default=128, ge=1)
    """Features of a token's vector; of no effect on sequences of numbers."""
    embedding_dropout: Rate = 0.1
    """Rate of whole tokens of the vocabulary."""
    tied_weights: bool = True
    """Score words by the vectors that they are read as."""
    hold_masks: bool = True
    """Hold the masks of a stream over an epoch; else they are drawn for each chunk."""

    @model_validator(mode="after")
    def _forward_only(self) -> "LanguageModelConfig":
        if any(self.layer_directions):
            raise ValueError(
                "bidirectional must be false for a language model: what reads from the end has "
                "seen the word that it is to predict"
            )
        return self


class LanguageTrainingConfig(TrainingConfig):
    """How a language model is fitted: by its log loss, of which perplexity is the exponential."""

    metric: Literal["log_loss"] = "log_loss"
    learning_rate: float = Field(default=2e-3, gt=0)
    batch_size: int = Field(default=20, ge=1)
    max_epochs: int = Field(default=40, ge=1)
    patience: int = Field(default=3, ge=1)
    average: float = Field(default=0.0, ge=0, lt=1)
    validations: int = Field(default=1, ge=1)

    @model_validator(mode="after")
    def _whole_epochs(self) -> "LanguageTrainingConfig":
        if self.validations != 1:
            raise ValueError(
                "validations must be 1 for a language model, whose state goes through an epoch, "
                f"got {self.validations}"
            )
        return self


class LanguageConfig(RunConfig):
    """Data, model and training of a run on running text."""

    data: TextConfig = TextConfig()
    model: LanguageModelConfig = LanguageModelConfig()
    training: LanguageTrainingConfig = LanguageTrainingConfig()


NAME = "language"
"""What results and folders call the task."""
RUN = LanguageConfig
MODEL = "a language model of texts"
"""What a fitted model of this task is called in a sentence."""
OWN = {"chunk_steps", "tied_weights", "hold_masks"}
"""Settings that no other task has."""


def owns(source: Any) -> bool:  # noqa: ARG001
    """Tell that nothing can be running text alone: any text file may hold a table or labels."""
    return False


def suits(source: Any, names: set[str]) -> bool:  # noqa: ARG001
    """Tell whether a setting of its own is given; else the task must be named."""
    return bool(OWN & {name.rpartition(".")[2] for name in names})
