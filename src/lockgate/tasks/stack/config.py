"""The recurrent layers of a network: every rate and option of the layer, for every task."""

from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from lockgate.config import Config, Option, parts

CellName = Literal["rnn", "lstm", "gru"]
Rate = Annotated[float, Field(ge=0.0, lt=1.0)]
Size = Annotated[int, Field(ge=1)]


class StackConfig(Config):
    """A stack of recurrent layers and the dropout around it."""

    cell: Annotated[CellName, Option(("train", "tune", "lr-find", "backtest"))] = "lstm"
    """Kind of layer: rnn, lstm or gru."""
    hidden_size: Size | tuple[Size, ...] = 64
    """Features of the state: of every layer, or one for each, from the bottom: 64,32."""
    num_layers: int = Field(default=1, ge=1, le=1_000)
    """Layers on top of each other. Where sizes or directions are given by layer, as many."""
    bidirectional: bool | tuple[bool, ...] = False
    """Read both directions: in every layer, or in some of them, from the bottom: true,false."""
    input_dropout: Rate = 0.25
    """Rate of what enters the first layer."""
    dropout: Rate = 0.25
    """Rate of what passes from layer to layer; of no effect with one layer."""
    recurrent_dropout: Rate = 0.25
    """Rate of the state, before the recurrent product."""
    weight_dropout: Rate = 0.0
    """Rate of the recurrent weights."""
    output_dropout: Rate = 0.25
    """Rate of what the head reads."""
    zoneout: Rate = 0.0
    """Rate at which the state keeps its old value for a step."""
    layer_norm: bool = False
    """Normalise the products of a layer."""
    residual: bool = False
    """Let each layer from the second on add what it reads to its output."""
    mask_per: Literal["gate", "cell"] | None = None
    """One mask for a whole cell or one for each gate. Default: gate for h, cell for inputs."""
    mask_over: Literal["sequence", "step"] = "sequence"
    """One mask held over all time steps, or one drawn anew at each."""
    mask_for: Literal["sample", "batch"] = "sample"
    """Masks of the layers for each sample, or shared by a batch, which saves time on a CPU."""
    init: Literal["keras", "torch", "orthogonal"] = "keras"
    """How initial weights are drawn."""

    @property
    def drops(self) -> bool:
        """Whether anything of the network is dropped in training."""
        between = self.dropout if self.num_layers > 1 else 0.0
        within = self.recurrent_dropout, self.weight_dropout, self.zoneout
        return any((self.input_dropout, self.output_dropout, between, *within))

    @field_validator("hidden_size", "bidirectional", mode="before")
    @classmethod
    def _by_layer(cls, value: object) -> object:
        return parts(value) if isinstance(value, str) and "," in value else value

    @model_validator(mode="after")
    def _as_many_layers(self) -> "StackConfig":
        by_layer = {
            name: len(value)
            for name in ("hidden_size", "bidirectional")
            if isinstance(value := getattr(self, name), tuple)
        }
        if empty := [name for name, number in by_layer.items() if not number]:
            raise ValueError(f"{empty[0]} must have a value for a layer at least, got none")
        count = max(by_layer.values(), default=self.num_layers)
        for name, number in by_layer.items():
            if number != count or self.num_layers not in (1, count):
                layers = max(self.num_layers, count)
                raise ValueError(f"{name} must have one value for each of {layers} layers")
        widths = {
            size * (1 + both)
            for size, both in zip(self.layer_sizes, self.layer_directions, strict=True)
        }
        if self.residual and len(widths) > 1:
            raise ValueError(
                f"residual must be false where layers differ in width, got {sorted(widths)} "
                "features from layer to layer"
            )
        return self

    @property
    def beside(self) -> tuple[str, ...]:
        """What a description of the network adds, in words."""
        return ()

    @property
    def layer_sizes(self) -> tuple[int, ...]:
        """Features of each layer's state, from the bottom."""
        if isinstance(self.hidden_size, tuple):
            return self.hidden_size
        return (self.hidden_size,) * self._layers

    @property
    def layer_directions(self) -> tuple[bool, ...]:
        """Whether each layer reads both directions, from the bottom."""
        if isinstance(self.bidirectional, tuple):
            return self.bidirectional
        return (self.bidirectional,) * self._layers

    @property
    def _layers(self) -> int:
        by_layer = [v for v in (self.hidden_size, self.bidirectional) if isinstance(v, tuple)]
        return len(by_layer[0]) if by_layer else self.num_layers
