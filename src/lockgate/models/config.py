"""What is told about the network."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Rate = Annotated[float, Field(ge=0, lt=1)]
Cell = Literal["rnn", "lstm", "gru"]


class ModelConfig(BaseModel):
    """A recurrent stack and its head. The names are those of the layers in `lockgate.nn`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    cell: Cell = "lstm"
    hidden_size: int = Field(default=64, ge=1)
    num_layers: int = Field(default=1, ge=1)
    bidirectional: bool = False
    input_dropout: Rate = 0.25
    dropout: Rate = 0.25
    """Between layers; of no effect with one layer."""
    recurrent_dropout: Rate = 0.25
    output_dropout: Rate = 0.25
    """On the last state, before the head."""
    mask_per: Literal["gate", "cell"] | None = None
    """One mask for a whole cell or one for each gate. Default: gate for h, cell for inputs."""
    mask_over: Literal["sequence", "step"] = "sequence"
    """One mask held over all time steps, or one drawn anew at each."""
    init: Literal["keras", "torch"] = "keras"
    normalise: Literal["last", "mean", "none"] = "last"
    """Level taken from the target of a window and added back to its forecast."""


class ClassifierConfig(BaseModel):
    """A recurrent stack over sequences or texts, and its head."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    cell: Cell = "lstm"
    hidden_size: int = Field(default=64, ge=1)
    num_layers: int = Field(default=1, ge=1)
    last_hidden_size: int | None = Field(default=None, ge=1)
    """Size of the top layer; as the others where it is not given."""
    bidirectional: bool = True
    embedding_size: int = Field(default=64, ge=1)
    """Features of a token's vector; of no effect on sequences of numbers."""
    stride: int = Field(default=1, ge=1)
    """Steps that a convolution before the stack joins to one; of no effect on tokens."""
    pooling: Literal["last+max", "last", "max", "mean", "attention"] = "last+max"
    """What of the stack's output the head reads."""
    input_dropout: Rate = 0.25
    dropout: Rate = 0.25
    """Between layers; of no effect with one layer."""
    recurrent_dropout: Rate = 0.25
    weight_dropout: Rate = 0.25
    embedding_dropout: Rate = 0.1
    output_dropout: Rate = 0.25
    """Before the head."""
    zoneout: Rate = 0.0
    layer_norm: bool = False
    mask_per: Literal["gate", "cell"] | None = None
    """One mask for a whole cell or one for each gate. Default: gate for h, cell for inputs."""
    mask_over: Literal["sequence", "step"] = "sequence"
    """One mask held over all time steps, or one drawn anew at each."""
    init: Literal["keras", "torch", "orthogonal"] = "keras"
