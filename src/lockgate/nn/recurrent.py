"""What all recurrent layers share: parameters, shapes, state, stacking, directions, masks."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, NamedTuple, cast

import torch
from torch import Tensor, nn

from lockgate.nn.checks import check_flag, check_hx, check_masks, check_size, check_x
from lockgate.nn.init import INITS
from lockgate.nn.rates import PLACES, MaskPer, check_gap_rates, check_mask_per, check_rate
from lockgate.nn.report import BackendReport, ReportLine
from lockgate.nn.stepper import Stepper
from lockgate.ops.dispatch import Backend, choose
from lockgate.ops.kernels import Cell
from lockgate.ops.masks import Masks
from lockgate.ops.recurrence import Weights
from lockgate.ops.sampling import sample_mask


class LayerMasks(NamedTuple):
    """All dropout masks of one call of a layer, as `draw_masks` returns and `masks=` takes them."""

    cells: tuple[Masks, ...]  # of each layer and direction, ordered as in h_n
    output: Tensor | None = None  # (1, batch, directions * hidden_size)


class Recurrent(nn.Module):
    """Base of `RNN`, `LSTM` and `GRU`, which say what cell they are and what their state is."""

    _gates: ClassVar[int]
    _forget_gate: ClassVar[int | None] = None
    _operator: ClassVar[Callable[..., tuple[Tensor, Any]]]
    _backends: ClassVar[Sequence[Backend]]
    _kernel: ClassVar[Cell]
    _state: ClassVar[type[Any]]  # the cell's State: one (B, H) tensor for each field

    def _options(self, reverse: bool) -> Any:
        """Give the cell's Options."""
        raise NotImplementedError

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float | Sequence[float] = 0.0,
        bidirectional: bool = False,
        *,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
        input_dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        output_dropout: float = 0.0,
        mask_per: MaskPer | Mapping[str, MaskPer] | None = None,
        init: str = "torch",
        recompute: bool = False,
    ) -> None:
        super().__init__()
        self.input_size = check_size("input_size", input_size)
        self.hidden_size = check_size("hidden_size", hidden_size)
        self.num_layers = check_size("num_layers", num_layers)
        self.bias = check_flag("bias", bias)
        self.batch_first = check_flag("batch_first", batch_first)
        self.bidirectional = check_flag("bidirectional", bidirectional)
        rates = check_gap_rates(dropout, num_layers)
        self.dropout = rates if isinstance(dropout, Sequence) else float(dropout)
        self.input_dropout = check_rate("input_dropout", input_dropout)
        self.recurrent_dropout = check_rate("recurrent_dropout", recurrent_dropout)
        self.output_dropout = check_rate("output_dropout", output_dropout)
        self.mask_per = check_mask_per(mask_per)
        if init not in INITS:
            raise ValueError(f"init must be one of {sorted(INITS)}, got {init!r}")
        self.init = init
        self.recompute = check_flag("recompute", recompute)
        for index in range(self._cells):
            for name, shape in self._parameter_shapes(index).items():
                empty = torch.empty(shape, device=device, dtype=dtype)
                self.register_parameter(name, nn.Parameter(empty))
        self.reset_parameters()

    def reset_parameters(self, generator: torch.Generator | None = None) -> None:
        """Draw every parameter anew, as `init` says; from torch's default generator by default."""
        for index in range(self._cells):
            INITS[self.init](self._weights(index), self._forget_gate, generator)

    def draw_masks(self, batch: int, *, generator: torch.Generator | None = None) -> LayerMasks:
        """Draw the dropout masks of one call, in training and in evaluation alike.

        Passed as `masks=`, they can be held across the chunks of a long sequence or repeated
        on another backend; in evaluation they give a pass of Monte-Carlo dropout.

        They are drawn in this order: for each layer, forward before reverse, the mask on what
        enters it and then the one on its h; last the one on the output. A place of rate 0 draws
        nothing.

        Args:
            batch: Number of sequences; 1 for an unbatched one.
            generator: Source of randomness. Default: torch's default generator.
        """
        batch = check_size("batch", batch, least=0)
        return LayerMasks(
            tuple(self._draw_cell(index, batch, generator) for index in range(self._cells)),
            self._draw(self.output_dropout, (1, batch, self._output_size), generator),
        )

    def backend_report(self, x: Tensor) -> BackendReport:
        """Say which backend computes each layer and direction of a call on `x`, and why.

        It holds for the current mode (training or evaluation) and draws nothing from torch's
        default generator.
        """
        check_x(x, self.input_size, self._parameter(), self.batch_first)
        x = self._to_time_major(x)
        generator = torch.Generator(x.device).manual_seed(0)
        masks = self._masks_in_this_mode(x, generator)
        lines = []
        for index in range(self._cells):
            entering = x.new_empty(*x.shape[:2], self._input_size(index))
            state = self._zeros(entering)
            args = self._arguments(index, entering, state, masks)
            lines.append(ReportLine(*self._place(index), choose(self._backends, *args)))
        return BackendReport(tuple(lines))

    def stepper(self) -> Stepper:
        """Take a snapshot of the layers that runs one time step after another, for streams.

        It is the layer in evaluation, and faster than calls of one step each: the weights are laid
        out once for all steps. It keeps no state and follows no later change of the weights.

        Raises:
            ValueError: If the layer is bidirectional: the reverse direction starts at the end.

        Example:
            >>> import torch
            >>> from lockgate.nn import GRU
            >>> step, hx = GRU(3, 8).stepper(), None
            >>> for x in torch.zeros(5, 1, 3):
            ...     output, hx = step(x, hx)
            >>> output.shape, hx.shape
            (torch.Size([1, 8]), torch.Size([1, 1, 8]))
        """
        if self.bidirectional:
            raise ValueError(
                "bidirectional must be False for a stepper, got True: the reverse direction starts "
                "at the end of a sequence."
            )
        weights = [self._weights(index) for index in range(self._cells)]
        return Stepper(self._operator, self._kernel, self._state, self._options(False), weights)

    def _forward(
        self,
        x: Tensor,
        hx: tuple[Tensor, ...] | None,
        masks: LayerMasks | None,
        generator: torch.Generator | None,
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        """Check a call in torch's shapes, run it time-major, and return torch's shapes."""
        check_x(x, self.input_size, self._parameter(), self.batch_first)
        batched = x.ndim == 3
        x = self._to_time_major(x)
        if hx is not None:
            check_hx(hx, (self._cells, x.shape[1], self.hidden_size), batched, x)
            hx = hx if batched else tuple(part.unsqueeze(1) for part in hx)
        output, last = self._stack(x, hx, self._masks_of_call(x, masks, generator))
        if not batched:
            return output.squeeze(1), tuple(part.squeeze(1) for part in last)
        return output.transpose(0, 1) if self.batch_first else output, last

    def _stack(
        self, x: Tensor, hx: tuple[Tensor, ...] | None, masks: LayerMasks
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        """Run all layers over x (T, B, I); the last state has one row per layer and direction."""
        last = []
        for layer in range(self.num_layers):
            outputs = []
            for index in range(layer * self._directions, (layer + 1) * self._directions):
                state = self._zeros(x) if hx is None else self._state(*(h[index] for h in hx))
                output, state = self._operator(*self._arguments(index, x, state, masks))
                outputs.append(output)
                last.append(state)
            x = torch.cat(outputs, dim=2) if self.bidirectional else outputs[0]
        if masks.output is not None:
            x = x * masks.output
        return x, tuple(torch.stack(part) for part in zip(*last, strict=True))

    def _arguments(self, index: int, x: Tensor, state: Any, masks: LayerMasks) -> tuple[Any, ...]:
        """Collect what the operator takes for one layer and direction."""
        _, reverse = self._place(index)
        return x, state, self._weights(index), masks.cells[index], None, self._options(reverse)

    def _masks_of_call(
        self, x: Tensor, masks: LayerMasks | None, generator: torch.Generator | None
    ) -> LayerMasks:
        if masks is None:
            return self._masks_in_this_mode(x, generator)
        if generator is not None:
            raise ValueError("generator must be None where masks are given: nothing is drawn then.")
        check_masks(masks, self._mask_shapes(x), self._parameter())
        return masks

    def _masks_in_this_mode(self, x: Tensor, generator: torch.Generator | None) -> LayerMasks:
        if self.training:
            return self.draw_masks(x.shape[1], generator=generator)
        return LayerMasks((Masks(),) * self._cells)

    def _mask_shapes(self, x: Tensor) -> dict[str, tuple[int, ...]]:
        """Give the largest shape of each mask; along all but its features it may be of size 1."""
        T, B = x.shape[:2]
        shapes = {}
        for index in range(self._cells):
            shapes[f"cells[{index}].x"] = (T, self._gates, B, self._input_size(index))
            shapes[f"cells[{index}].h"] = (T, self._gates, B, self.hidden_size)
        return {**shapes, "output": (T, B, self._output_size)}

    def _draw_cell(self, index: int, batch: int, generator: torch.Generator | None) -> Masks:
        gates = {"gate": self._gates, "cell": 1}
        x_shape = (1, gates[self.mask_per["input"]], batch, self._input_size(index))
        h_shape = (1, gates[self.mask_per["recurrent"]], batch, self.hidden_size)
        layer, _ = self._place(index)
        entering = (self.input_dropout, *check_gap_rates(self.dropout, self.num_layers))
        return Masks(
            self._draw(entering[layer], x_shape, generator),
            self._draw(self.recurrent_dropout, h_shape, generator),
        )

    def _draw(
        self, rate: float, shape: tuple[int, ...], generator: torch.Generator | None
    ) -> Tensor | None:
        return sample_mask(shape, rate, self._parameter(), generator) if rate > 0.0 else None

    def _to_time_major(self, x: Tensor) -> Tensor:
        """Bring x to (T, B, I), with B = 1 where it is unbatched."""
        if x.ndim == 2:
            return x.unsqueeze(1)
        return x.transpose(0, 1) if self.batch_first else x

    def _zeros(self, x: Tensor) -> Any:
        zeros = x.new_zeros(x.shape[1], self.hidden_size)
        return self._state(*[zeros] * len(self._state._fields))

    @property
    def _directions(self) -> int:
        return 2 if self.bidirectional else 1

    @property
    def _cells(self) -> int:
        return self.num_layers * self._directions

    @property
    def _output_size(self) -> int:
        return self._directions * self.hidden_size

    def _input_size(self, index: int) -> int:
        return self.input_size if index < self._directions else self._output_size

    def _place(self, index: int) -> tuple[int, bool]:
        """Give the layer of a cell, and whether it runs from the last step to the first."""
        layer, reverse = divmod(index, self._directions)
        return layer, bool(reverse)

    def _parameter_shapes(self, index: int) -> dict[str, tuple[int, ...]]:
        rows = self._gates * self.hidden_size
        layer, reverse = self._place(index)
        suffix = f"l{layer}_reverse" if reverse else f"l{layer}"
        shapes: dict[str, tuple[int, ...]] = {
            f"weight_ih_{suffix}": (rows, self._input_size(index)),
            f"weight_hh_{suffix}": (rows, self.hidden_size),
        }
        if self.bias:
            shapes |= {f"bias_ih_{suffix}": (rows,), f"bias_hh_{suffix}": (rows,)}
        return shapes

    def _weights(self, index: int) -> Weights:
        return Weights(*(getattr(self, name) for name in self._parameter_shapes(index)))

    def _parameter(self) -> Tensor:
        """Give a parameter, whose dtype and device x and the masks must have."""
        return cast("Tensor", self.weight_ih_l0)

    def extra_repr(self) -> str:
        """Show the sizes and what differs from the defaults, as torch does."""
        parts = [f"{self.input_size}, {self.hidden_size}"]
        parts += [
            f"{name}={value!r}"
            for name, default in self._defaults().items()
            if (value := getattr(self, name)) != default
        ]
        return ", ".join(parts)

    def _defaults(self) -> dict[str, Any]:
        return {
            "num_layers": 1,
            "bias": True,
            "batch_first": False,
            "dropout": 0.0,
            "bidirectional": False,
            "input_dropout": 0.0,
            "recurrent_dropout": 0.0,
            "output_dropout": 0.0,
            "mask_per": PLACES,
            "init": "torch",
            "recompute": False,
        }
