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
