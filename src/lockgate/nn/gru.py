"""The GRU layer; its maths is in `lockgate.ops.gru.reference`."""

from collections.abc import Sequence
from typing import Any, Literal, Unpack

from lockgate.nn.checks import check_flag
from lockgate.nn.options import LayerOptions
from lockgate.nn.recurrent import Recurrent
from lockgate.ops.gru import BACKENDS, GATES, Options, State, gru
from lockgate.ops.gru.operator import CELL


class GRU(Recurrent):
    r"""GRU layers with variational dropout, which holds one mask while a sequence passes.

    .. math::
        r &= \sigma(W_{ir} (m_x \odot x_t) + b_{ir} + W_{hr} (m_h \odot h_{t-1}) + b_{hr}) \\
        z &= \sigma(W_{iz} (m_x \odot x_t) + b_{iz} + W_{hz} (m_h \odot h_{t-1}) + b_{hz}) \\
        n &= \tanh(W_{in} (m_x \odot x_t) + b_{in}
             + r \odot (W_{hn} (m_h \odot h_{t-1}) + b_{hn})) \\
        h_t &= (1 - z) \odot n + z \odot h_{t-1}

    In training each mask is drawn once per sequence and held at all its steps (Gal and
    Ghahramani 2016, arXiv:1512.05287), anew for each layer, direction and call; in evaluation
    nothing is dropped. The parameters are those of `torch.nn.GRU`, so either layer loads the
    other's `state_dict`.

    Args:
        input_size: Features of one time step of `x`.
        hidden_size: Features of the state, and of one direction's output; a list of them, one for
            each layer, gives the number of layers too.
        num_layers: Layers on top of each other; each reads the output of the one below.
        bias: Whether the layer has its two biases.
        batch_first: Whether `x` and the output are `(batch, time, features)`.
        dropout: Rate of what passes from layer to layer: one for all gaps, or one for each.
        bidirectional: Whether each layer also runs from the last step to the first: one for all
            layers, or a list, one for each from the bottom, which gives their number too.
        device: Where the parameters are.
        dtype: Their type.
        nonlinearity: `"tanh"` or `"relu"`, of the candidate `n`.
        reset_after: Whether the reset gate acts on the recurrent product, as in torch and cuDNN and
            by default in Keras, or on `h_{t-1}` before it, as in the paper (Cho et al. 2014,
            arXiv:1406.1078): `W_{hn} (m_h \odot r \odot h_{t-1}) + b_{hn}`.
        input_dropout: Rate of what enters the first layer.
        recurrent_dropout: Rate of `h_{t-1}`, before the recurrent product;
            the carry `z h_{t-1}` stays whole.
        output_dropout: Rate of the output; `h_n` stays untouched.
        weight_dropout: Rate of the elements of `weight_hh` (DropConnect; Merity et al. 2017,
            arXiv:1708.02182): one mask for a call, shared by the batch, in both directions.
        zoneout: Rate at which an element of `h` keeps its old value for a step, in place of the new
            one (Krueger et al. 2016, arXiv:1606.01305). In evaluation old and new are mixed by the
            rate.
        mask_per: `"gate"` (each gate has a mask of its own, the paper's untied masks) or
            `"cell"` (all gates share one), for all places or as a dict by place: `"input"` for
            the masks on what enters a layer, `"recurrent"` for those on `h_{t-1}`.
            Default: `{"input": "cell", "recurrent": "gate"}`.
        mask_over: `"sequence"` (a mask is held at all steps) or `"step"` (drawn anew at each), for
            all places or as a dict by place: `"input"`, `"between"` layers, `"recurrent"`,
            `"output"`. Default: `"sequence"`.
        mask_for: `"sample"` (each has masks of its own) or `"batch"` (all samples of a call share
            them, but for zoneout), for all places or as a dict by place, as `mask_over`.
            On a CPU what a held mask drops for all samples needs no arithmetic.
            Default: `"sample"`.
        layer_norm: Whether the products with `x` and with `h` are normalised, each over all gates,
            before the biases are added (Ba et al. 2016, arXiv:1607.06450).
        merge_mode: How both directions become one output at every layer: `"concat"`, `"sum"`,
            `"mean"`, `"mul"`; with `"none"` the last layer gives a pair of outputs.
        residual: Whether each layer from the second on adds what it reads to its output.
        learn_initial_state: Whether the state before the first step is a parameter, which begins at
            zero.
        init: `"torch"`: every parameter from U(-k, k), k = 1 / sqrt(hidden_size). `"keras"`:
            input weights Glorot uniform, recurrent weights orthogonal, biases 0.
            `"orthogonal"`: as `"keras"`, but each gate for itself.
        recompute: Whether training saves memory: the backward runs stretches of the forward again,
            and what is kept for it beside input and output grows with the root of the time.

    A rate is the probability, in [0, 1), that an element is dropped; kept ones are scaled by
    1 / (1 - rate), but for zoneout, where a dropped element keeps its old value.

    Shape:
        - x: `(time, batch, input_size)`, `(batch, time, input_size)` if `batch_first`, or
          `(time, input_size)` unbatched; time at least 1. Or a `PackedSequence`.
        - mask: `(batch, time)` whatever `batch_first`, True where `x` is no padding.
        - hx, and the state after the last step: `(num_layers * directions, batch, hidden_size)`;
          without batch if unbatched. Where layers differ in size or in directions, a tuple of
          `(directions, batch, hidden_size)`, one for each layer.
        - output: like `x`, with directions * hidden_size features of the top layer, or hidden_size
          where its directions are added up or multiplied; zero at padding.

    Raises:
        ValueError: If a rate is outside [0, 1), a size is below 1, `dropout` is not 0 with one
            layer, or a tensor of a call has another dtype or device.
        ShapeError: If a tensor of a call has another shape; it is a `ValueError` and, as torch's
            is, a `RuntimeError`.
        TypeError: If a rate or a size is no number, or `mask` holds no bools.

    Example:
        >>> import torch
        >>> layer = GRU(3, 8, batch_first=True, recurrent_dropout=0.25)
        >>> output, h_n = layer(torch.zeros(2, 5, 3))
        >>> output.shape, h_n.shape
        (torch.Size([2, 5, 8]), torch.Size([1, 2, 8]))
    """

    _gates = GATES
    _operator = staticmethod(gru)
    _backends = BACKENDS
    _kernel = CELL
    _state = State

    def __init__(
        self,
        input_size: int,
        hidden_size: int | Sequence[int],
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float | Sequence[float] = 0.0,
        bidirectional: bool | Sequence[bool] = False,
        *,
        nonlinearity: Literal["tanh", "relu"] = "tanh",
        reset_after: bool = True,
        **options: Unpack[LayerOptions],
    ) -> None:
        super().__init__(
            *(input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional),
            nonlinearity=nonlinearity,
            **options,
        )
        self.reset_after = check_flag("reset_after", reset_after)
        if self.layer_norm and not reset_after:
            raise ValueError(
                "reset_after must be True with layer_norm=True, got False: the product with h is "
                "normalised over all gates, before the reset gate is known."
            )

    def _options(self, reverse: bool) -> Options:
        return Options(reverse, self.recompute, self.nonlinearity, self.reset_after)

    def _defaults(self) -> dict[str, Any]:
        return {"reset_after": True, **super()._defaults()}
