"""What all recurrent layers share: parameters, shapes, state, stacking, directions, masks."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, Literal, cast

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence

from lockgate.nn import masks as drawn
from lockgate.nn import padding, parameters
from lockgate.nn import state as states
from lockgate.nn.checks import (
    check_choice,
    check_flag,
    check_layers,
    check_residual,
    check_size,
    check_x,
    given_once,
)
from lockgate.nn.init import INITS
from lockgate.nn.layout import MERGE_MODES, Layout, MergeMode
from lockgate.nn.masks import Drops, LayerMasks, rows_of_mask
from lockgate.nn.merging import add_input, merge
from lockgate.nn.options import DEFAULTS
from lockgate.nn.rates import (
    MaskFor,
    MaskOver,
    MaskPer,
    Zoneout,
    check_gap_rates,
    check_mask_for,
    check_mask_over,
    check_mask_per,
    check_rate,
    check_zoneout,
)
from lockgate.nn.report import BackendReport, ReportLine
from lockgate.nn.stepper import STORED, LayerStep, Stepper
from lockgate.nn.structure import Structure
from lockgate.ops.dispatch import Backend, choose
from lockgate.ops.kernels import Cell
from lockgate.ops.recurrence import Weights


class Recurrent(nn.Module):
    """Base of `RNN`, `LSTM` and `GRU`, which say what cell they are and what their state is."""

    _gates: ClassVar[int]
    _forget_gate: ClassVar[int | None] = None
    _operator: ClassVar[Callable[..., tuple[Tensor, Any]]]
    _backends: ClassVar[Sequence[Backend]]
    _kernel: ClassVar[Cell]
    _state: ClassVar[type[Any]]  # the cell's State: one (B, H) tensor for each field
    weight_ih_l0: Tensor

    def _options(self, reverse: bool) -> Any:
        """Give the cell's Options."""
        raise NotImplementedError

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
        proj_size: int = 0,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
        nonlinearity: str = "tanh",
        input_dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        output_dropout: float = 0.0,
        weight_dropout: float = 0.0,
        zoneout: Zoneout = 0.0,
        mask_per: MaskPer | Mapping[str, MaskPer] | None = None,
        mask_over: MaskOver | Mapping[str, MaskOver] | None = None,
        mask_for: MaskFor | Mapping[str, MaskFor] | None = None,
        layer_norm: bool = False,
        merge_mode: MergeMode = "concat",
        residual: bool = False,
        learn_initial_state: bool = False,
        init: str = "torch",
        recompute: bool = False,
    ) -> None:
        super().__init__()
        self.input_size = check_size("input_size", input_size)
        sizes, both = check_layers(hidden_size, bidirectional, num_layers)
        self.hidden_size = sizes[0] if isinstance(hidden_size, int) else sizes
        self.num_layers = len(sizes)
        self.bias = check_flag("bias", bias)
        self.batch_first = check_flag("batch_first", batch_first)
        self.bidirectional = both if len(set(both)) > 1 else both[0]
        self.proj_size = check_size("proj_size", proj_size, least=0)
        if proj_size >= min(sizes):
            raise ValueError(f"proj_size must be below hidden_size={hidden_size}, got {proj_size}")
        self.nonlinearity = check_choice("nonlinearity", nonlinearity, ("tanh", "relu"))
        rates = check_gap_rates(dropout, self.num_layers)
        self.dropout = rates if isinstance(dropout, Sequence) else float(dropout)
        self.input_dropout = check_rate("input_dropout", input_dropout)
        self.recurrent_dropout = check_rate("recurrent_dropout", recurrent_dropout)
        self.output_dropout = check_rate("output_dropout", output_dropout)
        self.weight_dropout = check_rate("weight_dropout", weight_dropout)
        self.zoneout = check_zoneout(zoneout, self._kernel.has_c)
        self.mask_per = check_mask_per(mask_per)
        self.mask_over = check_mask_over(mask_over)
        self.mask_for = check_mask_for(mask_for)
        self.layer_norm = check_flag("layer_norm", layer_norm)
        self.merge_mode = check_choice("merge_mode", merge_mode, MERGE_MODES)
        self.residual = check_flag("residual", residual)
        self.learn_initial_state = check_flag("learn_initial_state", learn_initial_state)
        self.init = check_choice("init", init, sorted(INITS))
        self.recompute = check_flag("recompute", recompute)
        self._structure = self._describe()
        check_residual(self.residual, [self._layout.width(n) for n in range(len(sizes))])
        for index in range(self._layout.cells):
            parameters.register(self, self._structure, index, device, dtype)
        self.reset_parameters()

    def _describe(self) -> Structure:
        sizes, both = check_layers(self.hidden_size, self.bidirectional, self.num_layers)
        layout = Layout(self.input_size, sizes, self.proj_size, both, self.merge_mode)
        names = tuple(
            parameters.names_of_weights(layout, index, self.bias) for index in range(layout.cells)
        )
        flags = (self.layer_norm, self.learn_initial_state)
        return Structure(layout, self._gates, self._state, names, *flags)

    @property
    def _layout(self) -> Layout:
        return self._structure.layout

    def __getstate__(self) -> dict[str, Any]:
        # it follows from the rest; so a pickled layer names no class but its own
        return {name: value for name, value in self.__dict__.items() if name != "_structure"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)  # type: ignore[no-untyped-call]
        self._structure = self._describe()

    # ---- parameters ----

    def reset_parameters(self, generator: torch.Generator | None = None) -> None:
        """Draw every parameter anew, as `init` says; from torch's default generator by default.

        Gains of layer norm become 1, its biases and learnt initial states 0.
        """
        for index in range(self._layout.cells):
            INITS[self.init](weights_of(self, index), self._gates, self._forget_gate, generator)
            if self.learn_initial_state:
                for value in parameters.state_parameters(self, self._structure, index):
                    nn.init.zeros_(value)
        for module in self.children():
            cast("nn.LayerNorm", module).reset_parameters()

    @property
    def all_weights(self) -> list[list[nn.Parameter]]:
        """The weights and biases of each layer and direction, in torch's order."""
        return [[getattr(self, name) for name in names.values()] for names in self._structure.names]

    @property
    def mode(self) -> str:
        """torch's name of the cell: `"LSTM"`, `"GRU"`, `"RNN_TANH"` or `"RNN_RELU"`."""
        return self._kernel.name.upper()

    def flatten_parameters(self) -> None:
        """Do nothing; code written for torch's layers calls it."""

    # ---- public calls ----

    def forward(
        self,
        x: Tensor | PackedSequence | None = None,
        hx: Any = None,
        *,
        input: Tensor | PackedSequence | None = None,  # noqa: A002 - torch's name of x
        mask: Tensor | None = None,
        lengths: padding.Lengths | None = None,
        masks: LayerMasks | None = None,
        generator: torch.Generator | None = None,
    ) -> tuple[Any, Any]:
        """Run the layers over whole sequences; return the output and the last state.

        Args:
            x: The sequences, padded or packed; a packed one gives a packed output.
            hx: The state before the first step. Default: zeros, or what has been learnt.
            mask: Padding, `(batch, time)` whatever `batch_first`, or `(time,)` unbatched; False
                where the state is carried over and the output is zero, in both directions.
            lengths: The valid steps of each sequence, in place of a `mask`; 0 is allowed. On
                another device than the CPU, more than there are steps counts as all of them.
            masks: Dropout masks from `draw_masks`, used in evaluation too. Default: drawn
                in training, none in evaluation.
            generator: Where the masks are drawn from. Default: torch's default generator.
            input: torch's name of `x`; one of the two is given.
        """
        given: Tensor | PackedSequence = given_once("x", x, input)
        packed = given if isinstance(given, PackedSequence) else None
        if isinstance(given, PackedSequence):
            if mask is not None or lengths is not None:
                raise ValueError("mask and lengths must be None where x is packed: it has its own.")
            x, lengths = padding.unpack(given)
            batch_first = False
        else:
            x, batch_first = given, self.batch_first
        check_x(x, self.input_size, self._parameter(), batch_first)
        batched = x.ndim == 3
        x = _to_time_major(x, batch_first)
        valid = padding.to_valid(mask, lengths, x, batched)
        layout = self._layout
        first = None if hx is None else states.split(hx, self._state, layout, x, batched)
        outputs, last = self._stack(x, first, self._masks_of_call(x, masks, generator), valid)
        results: tuple[Any, ...] = outputs
        if packed is not None:
            assert valid is not None
            results = tuple(padding.pack_like(output, valid, packed) for output in outputs)
        elif not batched:
            results = tuple(output.squeeze(1) for output in outputs)
        elif batch_first:
            results = tuple(output.transpose(0, 1) for output in outputs)
        last_state = states.join(last, layout, batched)
        return results if len(results) > 1 else results[0], last_state

    def draw_masks(
        self,
        batch: int,
        steps: int | None = None,
        *,
        generator: torch.Generator | None = None,
    ) -> LayerMasks:
        """Draw the masks of one call, in training and in evaluation alike.

        Passed as `masks=`, they can be held across the chunks of a long sequence or repeated
        on another backend; in evaluation they give a pass of Monte-Carlo dropout.

        They are drawn in this order: for each layer, forward before reverse, the mask on what
        enters it, the one on its h, those of zoneout on h and c, the one on its weights; last the
        one on the output. A place of rate 0 draws nothing.

        Args:
            batch: Number of sequences; 1 for an unbatched one.
            steps: Number of time steps; needed where a mask is drawn for each of them, by
                `mask_over="step"` or zoneout.
            generator: Source of randomness. Default: torch's default generator.
        """
        batch = check_size("batch", batch, least=0)
        if steps is not None:
            check_size("steps", steps)
        return self._draw(batch, steps, generator)

    def backend_report(self, x: Tensor, *, mask: Tensor | None = None) -> BackendReport:
        """Say which backend computes each layer and direction of a call on `x`, and why.

        It holds for the current mode (training or evaluation) and draws nothing from torch's
        default generator.
        """
        check_x(x, self.input_size, self._parameter(), self.batch_first)
        batched = x.ndim == 3
        x = _to_time_major(x, self.batch_first)
        valid = padding.to_valid(mask, None, x, batched)
        generator = torch.Generator(x.device).manual_seed(0)
        masks = self._masks_of_call(x, None, generator)
        lines = []
        for index in range(self._layout.cells):
            entering = x.new_empty(*x.shape[:2], self._layout.input_size_of(index))
            state = self._first_state(index, entering)
            args = self._arguments(index, entering, state, masks, valid)
            lines.append(ReportLine(*self._layout.place(index), choose(self._backends, *args)))
        return BackendReport(tuple(lines))

    def stepper(self, weights: Literal["float32", "bfloat16", "int8"] = "float32") -> Stepper:
        """Take a snapshot of the layers that runs one time step after another, for streams.

        It is the layer in evaluation, and faster than calls of one step each: the weights are laid
        out once for all steps. It keeps no state and follows no later change of the weights.

        Args:
            weights: What the matrices are stored as. `"bfloat16"` takes half of the memory, and
                with AVX-512 BF16 products are of bfloat16, so that x and h are rounded to it too.
                `"int8"` takes a quarter: numbers from -127 to 127, with a scale for each row of
                W_ih and W_hh together; x and h stay as they are. Where the kernels cannot
                store them (of int8 that is a layer with layer norm, a projection or
                `reset_after=False` too), weights are rounded alike, and nothing is saved.
                docs/layer.md tells what both lose and gain.

        Raises:
            ValueError: If any layer is bidirectional: the reverse direction starts at the end. If
                `weights` is none of these.

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
                f"bidirectional must be False for a stepper, got {self.bidirectional}: the reverse "
                "direction starts at the end of a sequence."
            )
        if weights not in STORED:
            raise ValueError(f"weights must be one of {', '.join(STORED)}, got {weights!r}")
        one = self._parameter().new_empty(1, 1, self.input_size)
        steps = [
            LayerStep(
                _copies(weights_of(self, index)),
                _copies(self._first_state(index, one)),
                masks,
            )
            for index, masks in enumerate(self._expected_masks().cells)
        ]
        options = self._options(False)
        return Stepper(
            self._operator, self._kernel, options, self._layout, steps, self.residual, weights
        )

    # ---- one call ----

    def _stack(
        self, x: Tensor, first: list[Any] | None, masks: LayerMasks, valid: Tensor | None
    ) -> tuple[tuple[Tensor, ...], list[Any]]:
        """Run all layers over x (T, B, I); return the output, or those of both directions."""
        layout, last = self._layout, []
        outputs: tuple[Tensor, ...] = ()
        for layer in range(layout.layers):
            directions = []
            for index in layout.cells_of(layer):
                state = self._first_state(index, x) if first is None else first[index]
                args = self._arguments(index, x, state, masks, valid)
                output, state = self._operator(*args)
                directions.append(output)
                last.append(state)
            top = layer == layout.layers - 1
            apart = top and self.merge_mode == "none"
            outputs = tuple(directions) if apart else (merge(directions, self.merge_mode),)
            if self.residual and layer > 0:
                outputs = add_input(outputs, x)
            x = outputs[0]
        if masks.output is not None:
            kept = masks.output.chunk(len(outputs), dim=2)
            outputs = tuple(o * own for o, own in zip(outputs, kept, strict=True))
        return outputs, last

    def _arguments(
        self, index: int, x: Tensor, state: Any, masks: LayerMasks, valid: Tensor | None
    ) -> tuple[Any, ...]:
        """Collect what the operator takes for one layer and direction."""
        _, reverse = self._layout.place(index)
        dropped = masks.weights[index] if masks.weights else None
        weights = parameters.weights(self, self._structure, index, dropped)
        return x, state, weights, masks.cells[index], valid, self._options(reverse)

    def _masks_of_call(
        self, x: Tensor, masks: LayerMasks | None, generator: torch.Generator | None
    ) -> LayerMasks:
        T, B = x.shape[:2]
        if masks is None:
            return self._draw(B, T, generator) if self.training else self._expected_masks()
        if generator is not None:
            raise ValueError("generator must be None where masks are given: nothing is drawn then.")
        drawn.check(masks, self._structure, B, T, self._parameter())
        return masks

    def _draw(self, batch: int, steps: int | None, generator: torch.Generator | None) -> LayerMasks:
        # read at each call, for a rate may change in training
        drops = Drops(
            self.input_dropout,
            self.dropout,
            self.recurrent_dropout,
            self.output_dropout,
            self.weight_dropout,
            self.zoneout,
            self.mask_per,
            self.mask_over,
            self.mask_for,
        )
        rows = rows_of_mask(self, batch)
        masks = drawn.draw(self._structure, drops, self._parameter(), rows, steps, generator)
        return drawn.own_rows_of_layer(self, masks, batch)

    def _expected_masks(self) -> LayerMasks:
        return drawn.expected(self.zoneout, self._layout.cells, self._parameter())

    def _first_state(self, index: int, x: Tensor) -> Any:
        return parameters.first_state(self, self._structure, index, x)

    def _parameter(self) -> Tensor:
        """Give a parameter, whose dtype and device x and the masks must have."""
        return self.weight_ih_l0

    def extra_repr(self) -> str:
        """Show the sizes and what differs from the defaults, as torch does."""
        sizes = list(self.hidden_size) if isinstance(self.hidden_size, tuple) else self.hidden_size
        parts = [f"{self.input_size}, {sizes}"]
        parts += [
            f"{name}={value!r}"
            for name, default in self._defaults().items()
            if (value := getattr(self, name)) != default
        ]
        return ", ".join(parts)

    def _defaults(self) -> dict[str, Any]:
        by_layer = isinstance(self.hidden_size, tuple) or isinstance(self.bidirectional, tuple)
        return {**DEFAULTS, "num_layers": self.num_layers if by_layer else 1}


def structure_of(layer: Recurrent) -> Structure:
    """Describe a layer to the files that help it, which look at nothing else of its own."""
    return layer._structure


def weights_of(layer: Recurrent, index: int) -> Weights:
    """Give the weights of a layer and direction, which are numbered as in `Layout`."""
    return parameters.weights(layer, layer._structure, index)


def _to_time_major(x: Tensor, batch_first: bool) -> Tensor:
    """Bring x to (T, B, I), with B = 1 where it is unbatched."""
    if x.ndim == 2:
        return x.unsqueeze(1)
    return x.transpose(0, 1) if batch_first else x


def _copies(values: Any) -> Any:
    """Copy a tuple of tensors, so that no later change of the layer's reaches it."""
    return type(values)(*(None if v is None else v.detach().clone() for v in values))
