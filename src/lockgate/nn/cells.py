"""One step of a recurrent layer at a time, for loops of one's own."""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Literal, TypedDict, Unpack

import torch
from torch import Tensor, nn

from lockgate.nn.checks import (
    ShapeError,
    check_choice,
    check_flag,
    check_kind,
    check_size,
    given_once,
)
from lockgate.nn.init import INITS
from lockgate.nn.masks import own_rows, rows_of_mask
from lockgate.nn.rates import MASK_PER, MaskFor, MaskPer, check_mask_for, check_mask_per, check_rate
from lockgate.ops import gru, lstm, rnn
from lockgate.ops.masks import Masks
from lockgate.ops.recurrence import Weights
from lockgate.ops.sampling import sample_mask


class CellOptions(TypedDict, total=False):
    """What every cell takes by keyword alone; documented by the cells."""

    device: torch.device | str | None
    dtype: torch.dtype | None
    input_dropout: float
    recurrent_dropout: float
    mask_per: MaskPer | Mapping[str, MaskPer] | None
    mask_for: MaskFor | Mapping[str, MaskFor] | None
    init: str


class RecurrentCell(nn.Module):
    """Base of `RNNCell`, `LSTMCell` and `GRUCell`."""

    _gates: ClassVar[int]
    _forget_gate: ClassVar[int | None] = None
    _operator: ClassVar[Callable[..., tuple[Tensor, Any]]]
    _state: ClassVar[type[Any]]
    weight_ih: Tensor
    weight_hh: Tensor
    bias_ih: Tensor | None
    bias_hh: Tensor | None

    def _options(self) -> Any:
        """Give the cell's Options."""
        raise NotImplementedError

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        *,
        nonlinearity: str = "tanh",
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
        input_dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        mask_per: MaskPer | Mapping[str, MaskPer] | None = None,
        mask_for: MaskFor | Mapping[str, MaskFor] | None = None,
        init: str = "torch",
    ) -> None:
        super().__init__()
        self.input_size = check_size("input_size", input_size)
        self.hidden_size = check_size("hidden_size", hidden_size)
        self.bias = check_flag("bias", bias)
        self.nonlinearity = check_choice("nonlinearity", nonlinearity, ("tanh", "relu"))
        self.input_dropout = check_rate("input_dropout", input_dropout)
        self.recurrent_dropout = check_rate("recurrent_dropout", recurrent_dropout)
        self.mask_per = check_mask_per(mask_per)
        self.mask_for = check_mask_for(mask_for, MASK_PER)
        self.init = check_choice("init", init, sorted(INITS))
        rows = self._gates * hidden_size
        shapes = {"weight_ih": (rows, input_size), "weight_hh": (rows, hidden_size)}
        for name, shape in shapes.items():
            empty = torch.empty(shape, device=device, dtype=dtype)
            self.register_parameter(name, nn.Parameter(empty))
        for name in ("bias_ih", "bias_hh"):
            empty = torch.empty(rows, device=device, dtype=dtype)
            self.register_parameter(name, nn.Parameter(empty) if bias else None)
        self.reset_parameters()

    def reset_parameters(self, generator: torch.Generator | None = None) -> None:
        """Draw every parameter anew, as `init` says; from torch's default generator by default."""
        INITS[self.init](self._weights(), self._gates, self._forget_gate, generator)

    def draw_masks(self, batch: int, *, generator: torch.Generator | None = None) -> Masks:
        """Draw the masks of one sequence, to be given to each of its steps.

        Args:
            batch: Number of sequences; 1 for an unbatched one.
            generator: Source of randomness. Default: torch's default generator.
        """
        rows = rows_of_mask(self, check_size("batch", batch, least=0))
        gates = {"gate": self._gates, "cell": 1}

        def sample(rate: float, place: str, features: int) -> Tensor | None:
            if rate == 0.0:
                return None
            drawn = 1 if self.mask_for[place] == "batch" else rows
            shape = (1, gates[self.mask_per[place]], drawn, features)
            return own_rows(self, sample_mask(shape, rate, self.weight_ih, generator), batch)

        return Masks(
            sample(self.input_dropout, "input", self.input_size),
            sample(self.recurrent_dropout, "recurrent", self.hidden_size),
        )

    def forward(
        self,
        x: Tensor | None = None,
        hx: Any = None,
        *,
        masks: Masks | None = None,
        input: Tensor | None = None,  # noqa: A002 - torch's name of x
    ) -> Any:
        """Run one step and return the new state.

        Args:
            x: The step.
            hx: The state before it. Default: zeros.
            masks: What `draw_masks` has drawn for the whole sequence; used in evaluation too.
                Needed in training where a rate is above 0, for a cell cannot tell where a sequence
                begins.
            input: torch's name of `x`; one of the two is given.
        """
        x = given_once("x", x, input)
        if x.ndim not in (1, 2) or x.shape[-1] != self.input_size:
            expected = f"(batch, {self.input_size}), or ({self.input_size},) unbatched"
            raise ShapeError(f"x must have shape {expected}, got {tuple(x.shape)}")
        check_kind("x", x, self.weight_ih)
        if masks is None:
            if self.training and (self.input_dropout or self.recurrent_dropout):
                raise ValueError(
                    "masks must be given in training where a rate is above 0, got None: call "
                    "draw_masks once for each sequence, and pass it to all its steps."
                )
            masks = Masks()
        batched = x.ndim == 2
        row = x if batched else x.unsqueeze(0)
        state = self._state(*self._parts(hx, row, batched))
        call = (row.unsqueeze(0), state, self._weights(), masks, None, self._options())
        _, new = self._operator(*call)
        parts = tuple(part if batched else part.squeeze(0) for part in new)
        return parts if len(parts) > 1 else parts[0]

    def _parts(self, hx: Any, x: Tensor, batched: bool) -> list[Tensor]:
        n = len(self._state._fields)
        if hx is None:
            return [x.new_zeros(x.shape[0], self.hidden_size) for _ in range(n)]
        if n > 1 and (not isinstance(hx, tuple | list) or len(hx) != n):
            raise TypeError(f"hx must be a pair (h_0, c_0), got {type(hx).__name__}")
        shape = (x.shape[0], self.hidden_size) if batched else (self.hidden_size,)
        parts = list(hx) if n > 1 else [hx]
        for position, part in enumerate(parts):
            name = f"hx[{position}]" if n > 1 else "hx"
            if not isinstance(part, Tensor):
                raise TypeError(f"{name} must be a tensor, got {type(part).__name__}")
            if tuple(part.shape) != shape:
                raise ShapeError(f"{name} must have shape {shape}, got {tuple(part.shape)}")
            check_kind(name, part, x)
        return parts if batched else [part.unsqueeze(0) for part in parts]

    def _weights(self) -> Weights:
        return Weights(self.weight_ih, self.weight_hh, self.bias_ih, self.bias_hh)

    def extra_repr(self) -> str:
        """Show the sizes and what differs from the defaults, as torch does."""
        defaults = {
            "bias": True,
            "nonlinearity": "tanh",
            "input_dropout": 0.0,
            "recurrent_dropout": 0.0,
            "init": "torch",
        }
        parts = [f"{self.input_size}, {self.hidden_size}"]
        parts += [f"{n}={v!r}" for n, d in defaults.items() if (v := getattr(self, n)) != d]
        return ", ".join(parts)


class RNNCell(RecurrentCell):
    """One step of an RNN; its parameters are those of `torch.nn.RNNCell`.

    The equations and the arguments are those of `lockgate.nn.RNN`.

    Shape:
        - x: `(batch, input_size)`, or `(input_size,)` unbatched.
        - hx, and the new state: `(batch, hidden_size)`, or `(hidden_size,)`.

    Raises:
        ValueError: If a rate is outside [0, 1), a size is below 1, a tensor has another dtype, or
            masks are missing in training.
        ShapeError: If a tensor has another shape.
        TypeError: If a rate or a size is no number.

    Example:
        >>> import torch
        >>> cell = RNNCell(3, 8, recurrent_dropout=0.25)
        >>> h, masks = torch.zeros(2, 8), cell.draw_masks(2)
        >>> for x in torch.zeros(5, 2, 3):
        ...     h = cell(x, h, masks=masks)
        >>> h.shape
        torch.Size([2, 8])
    """

    _gates = rnn.GATES
    _operator = staticmethod(rnn.rnn)
    _state = rnn.State

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        nonlinearity: Literal["tanh", "relu"] = "tanh",
        **options: Unpack[CellOptions],
    ) -> None:
        super().__init__(input_size, hidden_size, bias, nonlinearity=nonlinearity, **options)

    def _options(self) -> rnn.Options:
        return rnn.Options(nonlinearity=self.nonlinearity)


class LSTMCell(RecurrentCell):
    """One step of an LSTM; its parameters are those of `torch.nn.LSTMCell`.

    The equations and the arguments are those of `lockgate.nn.LSTM`.

    Shape:
        - x: `(batch, input_size)`, or `(input_size,)` unbatched.
        - hx, and the new state: `(h, c)`, each `(batch, hidden_size)`, or `(hidden_size,)`.

    Raises:
        ValueError: If a rate is outside [0, 1), a size is below 1, a tensor has another dtype, or
            masks are missing in training.
        ShapeError: If a tensor has another shape.
        TypeError: If a rate or a size is no number.

    Example:
        >>> import torch
        >>> h, c = LSTMCell(3, 8)(torch.zeros(2, 3))
        >>> h.shape, c.shape
        (torch.Size([2, 8]), torch.Size([2, 8]))
    """

    _gates = lstm.GATES
    _forget_gate = 1
    _operator = staticmethod(lstm.lstm)
    _state = lstm.State

    def _options(self) -> lstm.Options:
        return lstm.Options(nonlinearity=self.nonlinearity)


class GRUCell(RecurrentCell):
    """One step of a GRU; its parameters are those of `torch.nn.GRUCell`.

    The equations and the arguments are those of `lockgate.nn.GRU`.

    Shape:
        - x: `(batch, input_size)`, or `(input_size,)` unbatched.
        - hx, and the new state: `(batch, hidden_size)`, or `(hidden_size,)`.

    Raises:
        ValueError: If a rate is outside [0, 1), a size is below 1, a tensor has another dtype, or
            masks are missing in training.
        ShapeError: If a tensor has another shape.
        TypeError: If a rate or a size is no number.

    Example:
        >>> import torch
        >>> GRUCell(3, 8, reset_after=False)(torch.zeros(2, 3)).shape
        torch.Size([2, 8])
    """

    _gates = gru.GATES
    _operator = staticmethod(gru.gru)
    _state = gru.State

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        *,
        nonlinearity: Literal["tanh", "relu"] = "tanh",
        reset_after: bool = True,
        **options: Unpack[CellOptions],
    ) -> None:
        super().__init__(input_size, hidden_size, bias, nonlinearity=nonlinearity, **options)
        self.reset_after = check_flag("reset_after", reset_after)

    def _options(self) -> gru.Options:
        return gru.Options(nonlinearity=self.nonlinearity, reset_after=self.reset_after)
