"""The settings of labelled sequences and texts: how they are read, the network, its training."""

import codecs
import gzip
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from lockgate.config import FOLDS, READING, Config, Option, parts
from lockgate.errors import quoted
from lockgate.tasks.config import CommitteeConfig
from lockgate.tasks.stack.config import Rate, StackConfig
from lockgate.training.config import TrainingConfig


class LabelledConfig(Config):
    """How labelled data is read, parted and turned into numbers."""

    text: Annotated[str | None, READING] = None
    """Column of texts, or several joined by commas: title,body. Without it the data are sequences
    of numbers, but for a folder of texts."""
    label: Annotated[str | None, READING] = None
    """Column of labels."""
    labels: Annotated[str | None, READING] = None
    """File of labels, beside or inside an archive of one file for each sequence."""
    at_steps: Annotated[bool, Option()] = False
    """There is a label at every step (tagging)."""
    as_number: bool = False
    """Labels are numbers to be predicted, not classes."""
    several: str | None = None
    """What parts the labels of a row that has several: a comma, for example."""
    id: Annotated[str | None, READING] = None
    """Column that tells the sequences or series of a long table apart; of forecasts also several:
    store,item. Default of forecasts: unique_id."""
    step: Annotated[str | None, READING] = None
    """Column by which the steps of a sequence are sorted."""
    inputs: Annotated[tuple[str, ...] | Literal["all"], Option()] = "all"
    """Columns to read: all, or some by name: a,b. In forecasts target reads the target alone."""
    group: Annotated[str | None, READING] = None
    """Column, or file of an archive: what belongs to one group stays in one part."""
    time: Annotated[str | None, READING] = None
    """Time column, or its parts joined by commas: year,month,day,hour. Parts go by it."""
    test: Annotated[str | None, Option()] = None
    """File of the test part. Default: a fifth of the data, stratified; of a text its last tenth."""
    validation: Annotated[str | None, Option()] = None
    """File of the validation part. Default: a fifth of the training part, a tenth of many or of a
    text."""
    split_seed: int = Field(default=0, ge=0)
    """Seed of the parts and folds that are drawn; the same for all rounds of a study."""
    folds: Annotated[int | None, Field(ge=2), FOLDS] = None
    """Folds of all but the test part, each judged in a round of its own; fewer of few rows.
    Default: 5, of a study of forecasts 10 where its budget affords two passes over them."""
    keep_validation: Annotated[bool, FOLDS] = False
    """Stop the fits of every fold by the given validation part, instead of parting it too."""
    separator: Annotated[str | None, READING] = None
    """Column separator of a text file, where the file does not show it."""
    encoding: Annotated[str | None, READING] = None
    """Encoding of text files, where their bytes do not show it: gb18030."""
    header: Annotated[bool, READING] = True
    """The first line of a table names its columns; else they are called 1, 2 and so on."""
    drop_empty: Annotated[bool, READING] = False
    """Leave out texts that hold nothing, instead of refusing them. Predictions keep them."""
    tokens: Literal["auto", "word", "bpe", "char"] = "auto"
    """What texts are taken apart into. Default: chosen by their script."""
    vocab_size: int = Field(default=20_000, ge=10)
    """Most tokens."""
    min_count: int = Field(default=2, ge=1)
    """Fewest times that a word occurs in the training part to be a token."""
    lowercase: bool = True
    """Take capital letters for small ones."""
    clean_html: bool = True
    """Take HTML line breaks for spaces."""
    max_length: int | None = Field(default=None, ge=1)
    """Most steps or tokens. Default: of texts, what 95 % of the training part fit into, at most
    400; of sequences none."""
    keep: Literal["start", "end"] = "start"
    """Which end of what is too long is kept."""
    cut: int | None = Field(default=None, ge=2)
    """Cut sequences with labels at steps into stretches. Default: where there are fewer than 20."""
    class_weight: Literal["balanced"] | None = None
    """Let rare classes count more in training."""
    unlabelled: Annotated[str | None, Option(("train", "lr-find"))] = None
    """File of further texts that pretrain learns from: one on each line of a .txt file, or the
    column text of a table."""

    @field_validator("inputs", mode="before")
    @classmethod
    def _comma_list(cls, value: object) -> object:
        return parts(value) if value != "all" else value

    @model_validator(mode="after")
    def _one_kind_of_label(self) -> "LabelledConfig":
        kinds = [name for name in ("at_steps", "as_number", "several") if getattr(self, name)]
        if len(kinds) > 1:
            raise ValueError(f"only one of {' and '.join(kinds)} may be told")
        return self


class ClassifierConfig(StackConfig):
    """A recurrent stack over sequences or texts, and its head."""

    bidirectional: bool | tuple[bool, ...] = True
    weight_dropout: Rate = 0.25
    embedding_size: int = Field(default=64, ge=1)
    """Features of a token's vector; of no effect on sequences of numbers."""
    embedding_dropout: Rate = 0.1
    """Rate of whole tokens of the vocabulary."""
    vectors: Annotated[str | None, Option()] = None
    """File of word vectors that the embedding begins from: text of GloVe, word2vec or fastText."""
    freeze_vectors: Annotated[int, Field(ge=0)] | Literal["always"] = 3
    """Epochs for which these vectors stay as they are, or always; 0 trains them from the start."""
    pretrain: Annotated[bool, Option(("train", "lr-find"))] = False
    """First train embedding and stack of texts as a language model of the training part, once for
    all fits."""
    pretrain_epochs: int = Field(default=5, ge=1)
    """Passes of pretrain over the training part."""
    encoder: Annotated[str | None, Option()] = None
    """Fitted folder, or its encoder.safetensors, whose pre-trained embedding, stack and tokens the
    network begins from."""
    stride: int = Field(default=1, ge=1)
    """Steps that a convolution before the stack joins to one; of no effect on tokens."""
    pooling: Literal["last+max", "last", "max", "mean", "attention"] = "last+max"
    """What of the stack's output the head reads."""
    linear_path: Literal["off", "on", "auto"] = "auto"
    """Learn on top of a linear model: a ridge of the window, or TF-IDF of a text. auto does where
    a small network is clearly better with the ridge on validation, and for texts of classes."""

    @model_validator(mode="after")
    def _can_be_pretrained(self) -> "ClassifierConfig":
        if self.pretrain and any(self.layer_directions) and len(self.layer_sizes) > 1:
            raise ValueError(
                "pretrain must be false for several layers that read both directions, got true: "
                "above the first they know what they are to predict; pass bidirectional=false "
                "(--set bidirectional=false)"
            )
        return self

    @model_validator(mode="after")
    def _begins_from_one(self) -> "ClassifierConfig":
        others = {"pretrain": self.pretrain, "vectors": self.vectors}
        if self.encoder is not None and (given := [name for name in others if others[name]]):
            raise ValueError(
                f"encoder must be left out with {given[0]}, got {quoted(self.encoder)}: a "
                "network begins from one of them"
            )
        return self

    @field_validator("linear_path", mode="before")
    @classmethod
    def _as_word(cls, value: object) -> object:
        # YAML reads a bare on as true
        return {True: "on", False: "off"}[value] if isinstance(value, bool) else value

    @property
    def beside(self) -> tuple[str, ...]:
        """What a description of the network adds."""
        return ("a linear path",) if self.linear_path == "on" else ()


class LabelTrainingConfig(TrainingConfig):
    """How a classifier is fitted: by its log loss; to labels that are numbers by MAE or RMSE."""

    metric: Literal["log_loss", "mae", "rmse"] = "log_loss"
    label_smoothing: Rate = 0.0
    """Share of each label that is spread over all classes in training; of no effect on numbers."""
    truncated_bptt_steps: int | None = Field(default=None, ge=1)
    """Steps that a gradient goes back at most (truncated backpropagation through time), in networks
    of one direction. Default: all."""


class LabelConfig(CommitteeConfig):
    """Data, model and training of a run on labelled sequences or texts."""

    data: LabelledConfig = LabelledConfig()
    model: ClassifierConfig = ClassifierConfig()
    training: LabelTrainingConfig = LabelTrainingConfig()
    mc_samples: int = Field(default=20, ge=2)
    """Passes of Monte-Carlo dropout that tell how certain the network is."""

    @model_validator(mode="after")
    def _in_one_direction(self) -> "LabelConfig":
        if self.training.truncated_bptt_steps is not None and any(self.model.layer_directions):
            raise ValueError(
                "truncated_bptt_steps must be left out for a network that reads both directions, "
                f"got {self.training.truncated_bptt_steps}: the reverse direction begins at the "
                "end; pass bidirectional=false (--set bidirectional=false)"
            )
        return self

    @model_validator(mode="after")
    def _learns_from_unlabelled(self) -> "LabelConfig":
        if self.data.unlabelled is not None and not self.model.pretrain:
            raise ValueError(
                "unlabelled must be left out without pretrain, got "
                f"{quoted(self.data.unlabelled)}: nothing else learns from it; pass "
                "pretrain=true (--pretrain)"
            )
        return self


LABELLED_LINES = (".all", ".dev", ".train", ".test", ".jsonl", ".ndjson")
"""Endings of files that hold texts and nothing else."""
MARKED = b"__label__"
"""What a label of fastText begins with."""
NAME = "labels"
"""What results and folders call the task."""
RUN = LabelConfig
MODEL = "a classifier of sequences or texts"
"""What a fitted model of this task is called in a sentence."""


def suits(source: Any, names: set[str]) -> bool:
    """Tell whether what is given is of labelled sequences or texts, and not of a forecast."""
    if {"target", "horizon"} & names:
        return False
    return owns(source) or names_labels(names)


def names_labels(names: Iterable[str]) -> bool:
    """Tell whether settings of these names are of labelled data, and not of a forecast."""
    shared = {"inputs", "time", "id", "separator", "encoding", "folds"}
    fields = set(LabelledConfig.model_fields) - shared
    return any(name.removeprefix("data.") in fields for name in names)


def owns(source: Any) -> bool:
    """Tell whether a source can be nothing but labelled data."""
    if isinstance(source, tuple):
        return True
    if not isinstance(source, str | Path):
        return False
    path = Path(source)
    name = path.name.lower().removesuffix(".gz")
    if path.is_dir():
        return not any(_is_table(child) for child in path.iterdir())
    if name.endswith((".ts", ".zip", ".tar", ".tgz", *LABELLED_LINES)):
        return True
    return name.endswith(".txt") and _first_bytes(path).startswith(MARKED)


def _is_table(path: Path) -> bool:
    """Tell whether a file of a folder makes that a table, of a forecast."""
    return path.suffix.lower() in (".parquet", ".pq")


def _first_bytes(path: Path) -> bytes:
    """Return what a file begins with; nothing of one that cannot be read, as reading will tell."""
    try:
        with gzip.open(path) if path.name.lower().endswith(".gz") else path.open("rb") as file:
            return file.read(64).removeprefix(codecs.BOM_UTF8).lstrip()
    except (OSError, EOFError, zlib.error):
        return b""
