"""The GRU layer; its maths is in `lockgate.ops.gru.reference`."""

import torch
from torch import Tensor

from lockgate.nn.recurrent import LayerMasks, Recurrent
from lockgate.ops.gru import BACKENDS, GATES, Options, State, gru
from lockgate.ops.gru.cpu import CELL


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
        hidden_size: Features of the state, and of one direction's output.
        num_layers: Layers on top of each other; each reads the output of the one below.
        bias: Whether the layer has its two biases.
        batch_first: Whether `x` and the output are `(batch, time, features)`.
        dropout: Rate of what passes from layer to layer: one for all gaps, or one for each.
        bidirectional: Whether each layer also runs from the last step to the first.
        device: Where the parameters are.
        dtype: Their type.
        input_dropout: Rate of what enters the first layer.
        recurrent_dropout: Rate of `h_{t-1}`, before the recurrent product;
            the carry `z h_{t-1}` stays whole.
        output_dropout: Rate of the output; `h_n` stays untouched.
        mask_per: `"gate"` (each gate has a mask of its own, the paper's untied masks) or
            `"cell"` (all gates share one), for all places or as a dict by place: `"input"` for
            the masks on what enters a layer, `"recurrent"` for those on `h_{t-1}`.
            Default: `{"input": "cell", "recurrent": "gate"}`.
        init: `"torch"`: every parameter from U(-k, k), k = 1 / sqrt(hidden_size). `"keras"`:
            input weights Glorot uniform, recurrent weights orthogonal, biases 0.
        recompute: Whether training saves memory: the backward runs stretches of the forward again,
            and what is kept for it beside input and output grows with the root of the time.

    A rate is the probability, in [0, 1), that an element is dropped; kept ones are scaled by
    1 / (1 - rate).

    Shape:
        - x: `(time, batch, input_size)`, `(batch, time, input_size)` if `batch_first`, or
          `(time, input_size)` unbatched; time at least 1.
        - hx, and the state after the last step: `(num_layers * directions, batch, hidden_size)`;
          without batch if unbatched.
        - output: like `x`, with directions * hidden_size features.

    Raises:
        ValueError: If a rate is outside [0, 1), a size is below 1, `dropout` is not 0 with one
            layer, or a tensor of a call has another shape, dtype or device.
        TypeError: If a rate or a size is no number.

    Example:
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

    def forward(
        self,
        x: Tensor,
        hx: Tensor | None = None,
        *,
        masks: LayerMasks | None = None,
        generator: torch.Generator | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Run the layers over whole sequences; return the output and the last state.

        Args:
            x: The sequences.
            hx: The state before the first step, `h_0`. Default: zeros.
            masks: Dropout masks from `draw_masks`, used in evaluation too. Default: drawn
                in training, none in evaluation.
            generator: Where the masks are drawn from. Default: torch's default generator.
        """
        output, (h_n,) = self._forward(x, None if hx is None else (hx,), masks, generator)
        return output, h_n

    def _options(self, reverse: bool) -> Options:
        return Options(reverse, self.recompute)
