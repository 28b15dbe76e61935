"""What is told about labelled sequences and texts: columns, labels, parts, words."""

from collections.abc import Iterable
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator


class LabelledConfig(BaseModel):
    """How labelled data is read, parted and turned into numbers."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    text: str | None = None
    """Column of texts. Without it the data are sequences of numbers, but for a folder of texts."""
    label: str | None = None
    """Column of labels."""
    labels: str | None = None
    """File of labels, beside or inside an archive of one file for each sequence."""
    at_steps: bool = False
    """There is a label at every step (tagging)."""
    as_number: bool = False
    """Labels are numbers to be predicted, not classes."""
    several: str | None = None
    """What parts the labels of a row that has several: ",", for example."""
    id: str | None = None
    """Column that tells the sequences of a long table apart."""
    step: str | None = None
    """Column by which the steps of a sequence are sorted."""
    inputs: tuple[str, ...] | Literal["all"] = "all"
    """Columns that a sequence is made of."""
    group: str | None = None
    """Column, or file of an archive: what belongs to one group stays in one part."""
    time: str | None = None
    """Column by which the data are parted: the last rows are the test part."""
    test: str | None = None
    """File of the test part. Default: a fifth of the data, stratified."""
    validation: str | None = None
    """File of the validation part. Default: a fifth of the training part, or a tenth of many."""
    split_seed: int = Field(default=0, ge=0)
    """Seed of the parts that are drawn; the same for all seeds of a study."""
    separator: str | None = None
    encoding: str | None = None
    """Encoding of text files, where it is not told right."""
    header: bool = True
    """The first line of a table names its columns; else they are called 1, 2 and so on."""
    drop_empty: bool = False
    """Leave out texts that hold nothing, instead of refusing them."""
    tokens: Literal["auto", "word", "bpe", "char"] = "auto"
    """What texts are taken apart into; by their script where it is not told."""
    vocab_size: int = Field(default=20_000, ge=10)
    """Most tokens."""
    min_count: int = Field(default=2, ge=1)
    """Fewest times that a word occurs in the training part to be a token."""
    lowercase: bool = True
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

    @field_validator("inputs", mode="before")
    @classmethod
    def _comma_list(cls, value: object) -> object:
        if isinstance(value, str) and value != "all":
            return tuple(part.strip() for part in value.split(","))
        return value

    @model_validator(mode="after")
    def _one_kind_of_label(self) -> "LabelledConfig":
        told = [name for name in ("at_steps", "as_number", "several") if getattr(self, name)]
        if len(told) > 1:
            raise ValueError(f"only one of {' and '.join(told)} may be told")
        return self


def told_of_labels(names: Iterable[str]) -> bool:
    """Tell whether settings of these names are of labelled data, and not of a forecast."""
    fields = set(LabelledConfig.model_fields) - {"inputs", "time", "separator"}
    return any(name.removeprefix("data.") in fields for name in names)
