"""The stack of recurrent layers that every task's network stands on, built in one place."""

from typing import Any

from torch import Tensor

from lockgate.nn import GRU, LSTM, RNN
from lockgate.nn.recurrent import Recurrent
from lockgate.tasks.stack.config import StackConfig

LAYERS: dict[str, type[Recurrent]] = {"rnn": RNN, "lstm": LSTM, "gru": GRU}


def build_stack(config: StackConfig, input_size: int) -> Recurrent:
    """Build the layers of `config`, which take `(batch, time, input_size)`.

    Dropout before the head is the network's own: `output_dropout` is not the layers'.

    Example:
        >>> build_stack(StackConfig(cell="gru", hidden_size=(8, 4), input_dropout=0), 3)
        GRU(3, [8, 4], batch_first=True, dropout=0.25, recurrent_dropout=0.25, init='keras')
    """
    sizes, directions = config.layer_sizes, config.layer_directions
    return LAYERS[config.cell](
        input_size,
        list(sizes),
        batch_first=True,
        dropout=config.dropout if len(sizes) > 1 else 0.0,
        bidirectional=list(directions),
        input_dropout=config.input_dropout,
        recurrent_dropout=config.recurrent_dropout,
        weight_dropout=config.weight_dropout,
        zoneout=config.zoneout,
        layer_norm=config.layer_norm,
        residual=config.residual,
        mask_per=config.mask_per,
        mask_over=config.mask_over,
        mask_for=config.mask_for,
        init=config.init,
    )


def width_of(config: StackConfig) -> int:
    """Return the features of the top layer's output, of both its directions."""
    return (1 + config.layer_directions[-1]) * config.layer_sizes[-1]


def last_of(stack: Recurrent, state: Any) -> Tensor:
    """Return where the top layer ended, both directions side by side, (B, width)."""
    h_n = state[0] if isinstance(stack, LSTM) else state
    # layers of different sizes have a tensor each
    top = h_n[-1] if isinstance(h_n, tuple) else h_n[-(2 if stack.bidirectional else 1) :]
    last: Tensor = top.transpose(0, 1).flatten(1)
    return last


def drops(stack: Recurrent) -> bool:
    """Tell whether the layers drop anything in training."""
    rates = (stack.input_dropout, stack.dropout, stack.recurrent_dropout, stack.weight_dropout)
    return any((*rates, stack.zoneout))
