"""What every layer takes by keyword alone, and what a layer is by default."""

from collections.abc import Mapping
from typing import Any, TypedDict

import torch

from lockgate.nn.layout import MergeMode
from lockgate.nn.rates import MASK_FOR, MASK_OVER, MASK_PER, MaskFor, MaskOver, MaskPer, Zoneout


class LayerOptions(TypedDict, total=False):
    """What every layer takes by keyword alone; documented by the layers."""

    device: torch.device | str | None
    dtype: torch.dtype | None
    input_dropout: float
    recurrent_dropout: float
    output_dropout: float
    weight_dropout: float
    zoneout: Zoneout
    mask_per: MaskPer | Mapping[str, MaskPer] | None
    mask_over: MaskOver | Mapping[str, MaskOver] | None
    mask_for: MaskFor | Mapping[str, MaskFor] | None
    layer_norm: bool
    merge_mode: MergeMode
    residual: bool
    learn_initial_state: bool
    init: str
    recompute: bool


# the attributes that a layer shows where they differ, in the order in which it does
DEFAULTS: Mapping[str, Any] = {
    "num_layers": 1,
    "nonlinearity": "tanh",
    "bias": True,
    "batch_first": False,
    "dropout": 0.0,
    "bidirectional": False,
    "proj_size": 0,
    "input_dropout": 0.0,
    "recurrent_dropout": 0.0,
    "output_dropout": 0.0,
    "weight_dropout": 0.0,
    "zoneout": 0.0,
    "mask_per": MASK_PER,
    "mask_over": MASK_OVER,
    "mask_for": MASK_FOR,
    "layer_norm": False,
    "merge_mode": "concat",
    "residual": False,
    "learn_initial_state": False,
    "init": "torch",
    "recompute": False,
}
