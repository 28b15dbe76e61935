"""Layers of `torch.nn` and their weights, in and out."""

from typing import Any, cast

import torch
from torch import Tensor, nn

from lockgate.interop.common import empty, unlike_peers
from lockgate.nn import GRU, LSTM, RNN
from lockgate.nn.rates import check_gap_rates
from lockgate.nn.recurrent import Recurrent, structure_of

_OURS: dict[type[nn.RNNBase], type[Recurrent]] = {nn.RNN: RNN, nn.LSTM: LSTM, nn.GRU: GRU}


def from_torch(module: nn.RNN | nn.LSTM | nn.GRU) -> RNN | LSTM | GRU:
    """Make a lockgate layer that computes what a layer of `torch.nn` computes.

    The weights are copied; device, dtype, training mode and what is frozen stay. torch's `dropout`
    becomes one that is drawn anew at every step, `mask_over={"between": "step"}`, where the two
    directions of a layer draw masks of their own.

    Args:
        module: A `torch.nn.RNN`, `LSTM` or `GRU`.

    Returns:
        The `lockgate.nn` layer of the same name.

    Raises:
        TypeError: If `module` is none of the three.
        ValueError: If its `dropout` is 1.

    Example:
        >>> import torch
        >>> from lockgate.interop import from_torch
        >>> from_torch(torch.nn.LSTM(3, 8, num_layers=2, dropout=0.25))
        LSTM(3, 8, num_layers=2, dropout=0.25, mask_over={'input': 'sequence', 'between': 'step', \
'recurrent': 'sequence', 'output': 'sequence'})
    """
    cls = next((ours for theirs, ours in _OURS.items() if isinstance(module, theirs)), None)
    if cls is None:
        kind = type(module).__name__
        raise TypeError(f"module must be a torch.nn.RNN, LSTM or GRU, got {kind}")
    options: dict[str, Any] = {
        "num_layers": module.num_layers,
        "bias": module.bias,
        "batch_first": module.batch_first,
        "bidirectional": module.bidirectional,
    }
    if cls is RNN:
        options["nonlinearity"] = module.nonlinearity
    if module.proj_size:
        options["proj_size"] = module.proj_size
    if module.dropout > 0.0 and module.num_layers > 1:
        options |= {"dropout": module.dropout, "mask_over": {"between": "step"}}
    like = cast("Tensor", module.weight_ih_l0)
    sizes = (module.input_size, module.hidden_size)
    layer: Any = empty(cls, like.device, *sizes, dtype=like.dtype, **options)
    _copy(module, layer)
    return layer  # type: ignore[no-any-return]


def to_torch(layer: RNN | LSTM | GRU) -> nn.RNN | nn.LSTM | nn.GRU:
    """Make a layer of `torch.nn` that computes what a lockgate layer computes in evaluation.

    The weights are copied; device, dtype, training mode and what is frozen stay. What comes out
    needs no lockgate. Of what is dropped in training, it keeps `dropout` where torch has it: one
    rate for all gaps, drawn at every step for all gates at once. Every other rate becomes 0.

    Args:
        layer: A `lockgate.nn.RNN`, `LSTM` or `GRU`.

    Returns:
        The `torch.nn` layer of the same name.

    Raises:
        TypeError: If `layer` is none of the three.
        ValueError: If evaluation shows an option that torch lacks: `layer_norm`, `zoneout`,
            `residual`, a `merge_mode` other than `"concat"`, layers of different sizes
            or directions, `learn_initial_state`, `reset_after=False`, relu in an LSTM or GRU.

    Example:
        >>> import torch
        >>> from lockgate import nn
        >>> from lockgate.interop import to_torch
        >>> layer = nn.GRU(3, 8, recurrent_dropout=0.25).eval()
        >>> plain, x = to_torch(layer), torch.ones(5, 2, 3)
        >>> plain, torch.allclose(plain(x)[0], layer(x)[0], atol=1e-6)
        (GRU(3, 8), True)
    """
    cls = next((theirs for theirs, ours in _OURS.items() if isinstance(layer, ours)), None)
    if cls is None:
        kind = type(layer).__name__
        raise TypeError(f"layer must be a lockgate.nn.RNN, LSTM or GRU, got {kind}")
    if faults := _unlike_torch(layer):
        raise ValueError(
            f"{'; '.join(faults)}: torch.nn has no such layer. Keep the lockgate layer, or train "
            "one without."
        )
    options: dict[str, Any] = {
        "num_layers": layer.num_layers,
        "bias": layer.bias,
        "batch_first": layer.batch_first,
        "dropout": _kept_dropout(layer),
        "bidirectional": layer.bidirectional,
    }
    if isinstance(layer, RNN):
        options["nonlinearity"] = layer.nonlinearity
    if layer.proj_size:
        options["proj_size"] = layer.proj_size
    like, hidden_size = layer.weight_ih_l0, structure_of(layer).layout.hidden_sizes[0]
    module: Any = empty(
        cls, like.device, layer.input_size, hidden_size, dtype=like.dtype, **options
    )
    _copy(layer, module)
    module.flatten_parameters()
    return module  # type: ignore[no-any-return]


def _unlike_torch(layer: Recurrent) -> list[str]:
    faults = unlike_peers(layer)
    if layer.bidirectional and layer.merge_mode != "concat":
        faults.append(f'merge_mode must be "concat", got {layer.merge_mode!r}')
    layout = structure_of(layer).layout
    by_layer = {"hidden_size": layout.hidden_sizes, "bidirectional": layout.both}
    for name, values in by_layer.items():
        if len(set(values)) > 1:
            faults.append(f"{name} must be the same for all layers, got {list(values)}")
    if isinstance(layer, GRU) and not layer.reset_after:
        faults.append("reset_after must be True, got False")
    if not isinstance(layer, RNN) and layer.nonlinearity != "tanh":
        faults.append(f'nonlinearity must be "tanh", got {layer.nonlinearity!r}')
    return faults


def _kept_dropout(layer: Recurrent) -> float:
    rates = set(check_gap_rates(layer.dropout, layer.num_layers))
    drawn = layer.mask_over["between"], layer.mask_for["between"], layer.mask_per["input"]
    as_torch = drawn == ("step", "sample", "cell")
    return rates.pop() if len(rates) == 1 and as_torch else 0.0


@torch.no_grad()
def _copy(source: nn.Module, target: nn.Module) -> None:
    """Copy all parameters of `target` from those of `source`, which have the same names."""
    for name, parameter in target.named_parameters():
        # by name, since a parametrized weight is no parameter
        own = getattr(source, name)
        parameter.copy_(own)
        parameter.requires_grad_(own.requires_grad)
    target.train(source.training)
