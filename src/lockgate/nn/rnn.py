"""The RNN layer; its maths is in `lockgate.ops.rnn.reference`."""

from collections.abc import Sequence
from typing import Literal, Unpack

from lockgate.nn.options import LayerOptions
from lockgate.nn.recurrent import Recurrent
from lockgate.ops.rnn import BACKENDS, GATES, Options, State, rnn
from lockgate.ops.rnn.operator import CELL


class RNN(Recurrent):
    r"""Elman RNN layers with variational dropout, which holds one mask while a sequence passes.

    .. math::
        h_t = \tanh(W_{ih} (m_x \odot x_t) + b_{ih} + W_{hh} (m_h \odot h_{t-1}) + b_{hh})

    In training each mask is drawn once per sequence and held at all its steps (Gal and
    Ghahramani 2016, arXiv:1512.05287), anew for each layer, direction and call; in evaluation
    nothing is dropped. The parameters are those of `torch.nn.RNN`, so either layer loads the
    other's `state_dict`.

    Args:
        input_size: Features of one time step of `x`.
        hidden_size: Features of the state, and of one direction's output; a list of them, one for
            each layer, gives the number of layers too.
        num_layers: Layers on top of each other; each reads the output of the one below.
        nonlinearity: `"tanh"` or `"relu"`.
        bias: Whether the layer has its two biases.
        batch_first: Whether `x` and the output are `(batch, time, features)`.
        dropout: Rate of what passes from layer to layer: one for all gaps, or one for each.
        bidirectional: Whether each layer also runs from the last step to the first: one for all
            layers, or a list, one for each from the bottom, which gives their number too.
        device: Where the parameters are.
        dtype: Their type.
        input_dropout: Rate of what enters the first layer.
        recurrent_dropout: Rate of `h_{t-1}`, before the recurrent product.
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
            With its one gate, this cell makes no difference between them.
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
        >>> layer = RNN(3, 8, bidirectional=True, recurrent_dropout=0.25)
        >>> output, h_n = layer(torch.zeros(5, 2, 3))
        >>> output.shape, h_n.shape
        (torch.Size([5, 2, 16]), torch.Size([2, 2, 8]))
    """

    _gates = GATES
    _operator = staticmethod(rnn)
    _backends = BACKENDS
    _kernel = CELL
    _state = State

    def __init__(
        self,
        input_size: int,
        hidden_size: int | Sequence[int],
        num_layers: int = 1,
        nonlinearity: Literal["tanh", "relu"] = "tanh",
        bias: bool = True,
        batch_first: bool = False,
        dropout: float | Sequence[float] = 0.0,
        bidirectional: bool | Sequence[bool] = False,
        **options: Unpack[LayerOptions],
    ) -> None:
        super().__init__(
            *(input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional),
            nonlinearity=nonlinearity,
            **options,
        )

    @property
    def mode(self) -> str:
        """torch's name of the cell."""
        return f"RNN_{self.nonlinearity.upper()}"

    def _options(self, reverse: bool) -> Options:
        return Options(reverse, self.nonlinearity, self.recompute)
