"""The LSTM layer; its maths is in `lockgate.ops.lstm.reference`."""

import torch
from torch import Tensor

from lockgate.nn.recurrent import LayerMasks, Recurrent
from lockgate.ops.lstm import BACKENDS, GATES, Options, State, lstm
from lockgate.ops.lstm.cpu import CELL


class LSTM(Recurrent):
    r"""LSTM layers with variational dropout, which holds one mask while a sequence passes.

    .. math::
        i, f, g, o &= W_{ih} (m_x \odot x_t) + b_{ih} + W_{hh} (m_h \odot h_{t-1}) + b_{hh} \\
        c_t &= \sigma(f) \odot c_{t-1} + \sigma(i) \odot \tanh(g) \\
        h_t &= \sigma(o) \odot \tanh(c_t)

    In training each mask is drawn once per sequence and held at all its steps (Gal and
    Ghahramani 2016, arXiv:1512.05287), anew for each layer, direction and call; in evaluation
    nothing is dropped. The parameters are those of `torch.nn.LSTM`, so either layer loads the
    other's `state_dict`.

    Args:
        input_size: Features of one time step of `x`.
        hidden_size: Features of the state, and of one direction's output.
        num_layers: Layers on top of each other; each reads the output of the one below.
        bias: Whether the layer has its two biases.
        batch_first: Whether `x` and the output are `(batch, time, features)`.
        dropout: Rate of what passes from layer to layer: one for all gaps, or one for each.
        bidirectional: Whether each layer also runs from the last step to the first.
        device: Where the parameters are.
        dtype: Their type.
        input_dropout: Rate of what enters the first layer.
        recurrent_dropout: Rate of `h_{t-1}`, before the recurrent product; `c` stays whole.
        output_dropout: Rate of the output; `h_n` and `c_n` stay untouched.
        mask_per: `"gate"` (each gate has a mask of its own, the paper's untied masks) or
            `"cell"` (all gates share one), for all places or as a dict by place: `"input"` for
            the masks on what enters a layer, `"recurrent"` for those on `h_{t-1}`.
            Default: `{"input": "cell", "recurrent": "gate"}`.
        init: `"torch"`: every parameter from U(-k, k), k = 1 / sqrt(hidden_size). `"keras"`:
            input weights Glorot uniform, recurrent weights orthogonal, biases 0,
            and 1 for the forget gate in `bias_ih`.
        recompute: Whether training saves memory: the backward runs stretches of the forward again,
            and what is kept for it beside input and output grows with the root of the time.

    A rate is the probability, in [0, 1), that an element is dropped; kept ones are scaled by
    1 / (1 - rate).

    Shape:
        - x: `(time, batch, input_size)`, `(batch, time, input_size)` if `batch_first`, or
          `(time, input_size)` unbatched; time at least 1.
        - hx, and the state after the last step: `(h, c)`, each
          `(num_layers * directions, batch, hidden_size)`; without batch if unbatched.
        - output: like `x`, with directions * hidden_size features.

    Raises:
        ValueError: If a rate is outside [0, 1), a size is below 1, `dropout` is not 0 with one
            layer, or a tensor of a call has another shape, dtype or device.
        TypeError: If a rate or a size is no number.

    Example:
        >>> layer = LSTM(3, 8, recurrent_dropout=0.25)
        >>> output, (h_n, c_n) = layer(torch.zeros(5, 2, 3))
        >>> output.shape, h_n.shape
        (torch.Size([5, 2, 8]), torch.Size([1, 2, 8]))
    """

    _gates = GATES
    _forget_gate = 1
    _operator = staticmethod(lstm)
    _backends = BACKENDS
    _kernel = CELL
    _state = State

    def forward(
        self,
        x: Tensor,
        hx: tuple[Tensor, Tensor] | None = None,
        *,
        masks: LayerMasks | None = None,
        generator: torch.Generator | None = None,
    ) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """Run the layers over whole sequences; return the output and the last state.

        Args:
            x: The sequences.
            hx: The state before the first step, `(h_0, c_0)`. Default: zeros.
            masks: Dropout masks from `draw_masks`, used in evaluation too. Default: drawn
                in training, none in evaluation.
            generator: Where the masks are drawn from. Default: torch's default generator.
        """
        if hx is not None and (not isinstance(hx, tuple | list) or len(hx) != 2):
            raise TypeError(f"hx must be a pair (h_0, c_0), got {type(hx).__name__}")
        output, (h_n, c_n) = self._forward(x, None if hx is None else tuple(hx), masks, generator)
        return output, (h_n, c_n)

    def _options(self, reverse: bool) -> Options:
        return Options(reverse, self.recompute)
