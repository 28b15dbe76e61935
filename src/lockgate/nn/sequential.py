"""A stack of modules through which the padding of sequences is carried."""

import inspect
from collections.abc import Iterator
from typing import Any

from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence

from lockgate.nn import padding
from lockgate.nn.checks import ShapeError, check_flag, given_once
from lockgate.nn.dropout import LockedDropout
from lockgate.nn.embedding import Embedding, TiedLinear
from lockgate.nn.merging import merge
from lockgate.nn.recurrent import Recurrent, structure_of
from lockgate.nn.stateful import Stateful

_EMBEDDINGS = (Embedding, nn.Embedding)
# what computes each step by itself, whatever its settings
_BY_STEP = (
    *(LockedDropout, TiedLinear, nn.Linear, nn.Identity, nn.modules.dropout._DropoutNd),
    *(nn.CELU, nn.ELU, nn.GELU, nn.Hardshrink, nn.Hardsigmoid, nn.Hardswish, nn.Hardtanh),
    *(nn.LeakyReLU, nn.LogSigmoid, nn.Mish, nn.ReLU, nn.ReLU6, nn.RReLU, nn.SELU, nn.SiLU),
    *(nn.Sigmoid, nn.Softplus, nn.Softshrink, nn.Softsign, nn.Tanh, nn.Tanhshrink, nn.Threshold),
)


class Last(nn.Module):
    """Where a recurrent layer ended: the last state of its top layer, as features.

    In `Sequential`, directly behind the layer, it is what Keras's layers give with
    `return_sequences=False`: `h_n[-1]`, or of a bidirectional layer both directions, merged as
    `merge_mode` says. Padding does not count.

    Shape:
        - state: as the layer returns it.
        - output: `(batch, features)`, as many as the layer's output has; without batch if
          unbatched.

    Raises:
        ValueError: If the layer has an `output_dropout` or is `residual`: the state has neither.

    Example:
        >>> import torch
        >>> from lockgate.nn import LSTM
        >>> layer, last = LSTM(3, 8, bidirectional=True), Last()
        >>> output, state = layer(torch.zeros(5, 2, 3))
        >>> last(layer, state).shape
        torch.Size([2, 16])
    """

    def forward(self, layer: Recurrent, state: Any = None) -> Tensor:
        """Give the features of the last state that `layer` returned."""
        if not isinstance(layer, Recurrent):
            raise TypeError(
                f"layer must be an RNN, LSTM or GRU of lockgate.nn, got {type(layer).__name__}. "
                "In a stack, Last stands in a lockgate.nn.Sequential."
            )
        if layer.output_dropout:
            raise ValueError(
                f"output_dropout must be 0 with Last, got {layer.output_dropout}: the state is not "
                "dropped. Put a torch.nn.Dropout behind Last."
            )
        if layer.residual and layer.num_layers > 1:
            raise ValueError(
                "residual must be False with Last, got True: what a layer reads is added to its "
                "output, not to its state."
            )
        structure = structure_of(layer)
        h = state[0] if structure.has_c else state
        top = h[-structure.layout.directions(-1) :] if structure.layout.uniform else h[-1]
        return merge(top.unbind(), layer.merge_mode)


class Sequential(nn.Sequential):
    """Modules one after another, which carries along what is padding, as Keras does.

    It is `torch.nn.Sequential`, but for what it knows of sequences:

    - Which steps are valid is told by the call (`mask`, `lengths` or a packed sequence), or else by
      the `padding_idx` of an embedding, lockgate's or torch's: every step with that token is none.
    - Recurrent layers run with that mask, and only their output goes on.
    - `Last` behind a recurrent layer gives where it ended, one vector for a sequence.
    - Modules that compute each step by itself (`Linear`, `LayerNorm`, dropout, activations) act on
      padded steps too, and the mask stays as it is.
    - A module of yours whose `forward` has an argument `mask` gets it, `(batch, time)`, True where
      a step is valid, or None. If its output has no time, there is no mask behind it.
    - Any other module that reads tokens is taken for an embedding. One that reads numbers may mix
      steps with padding, as `Conv1d` does: where there is a mask, it is refused.

    Padding then changes no answer.

    Args:
        modules: The modules, or one `OrderedDict` of them.
        padded: Whether tokens may be padded: where no embedding has a `padding_idx`, a call then
            needs `mask` or `lengths`. False says that they never are.

    Shape:
        - x: what the first module takes, with time first, or the batch if the layers are
          `batch_first`; or a `PackedSequence`.
        - output: what the last module gives, of a recurrent layer its output; packed if x is, and
          if it still has time.

    Raises:
        ValueError: If nothing tells the padding of tokens that layers read, modules disagree on
            `batch_first`, or one does not fit its place.

    Example:
        >>> import torch
        >>> from lockgate import nn
        >>> model = nn.Sequential(
        ...     nn.Embedding(20_000, 64, padding_idx=0),
        ...     nn.LSTM(64, 32, batch_first=True, recurrent_dropout=0.25, bidirectional=True),
        ...     nn.LSTM(64, 32, batch_first=True),
        ...     nn.Last(),
        ...     torch.nn.Linear(32, 1),
        ... ).eval()
        >>> short, padded = torch.tensor([[4, 17, 8]]), torch.tensor([[4, 17, 8, 0, 0]])
        >>> torch.equal(model(short), model(padded))
        True
    """

    padded: bool

    def __init__(self, *modules: Any, padded: bool = True) -> None:
        super().__init__(*modules)
        self.padded = check_flag("padded", padded)

    def __getitem__(self, idx: Any) -> Any:
        part: Any = super().__getitem__(idx)
        if isinstance(idx, slice):
            part.padded = self.padded
        return part

    @property
    def batch_first(self) -> bool:
        """Whether the batch comes before the time, on which all modules that know must agree."""
        known = dict(self._batch_first())
        if len(set(known.values())) > 1:
            got = ", ".join(f"{value} in {name}" for name, value in known.items())
            raise ValueError(f"batch_first must be the same in all modules, got {got}")
        return next(iter(known.values()), True)

    def _batch_first(self) -> Iterator[tuple[str, bool]]:
        for name, module in self._modules.items():
            own = module.layer if isinstance(module, Stateful) else module
            if isinstance(own, Sequential):
                yield from ((f"{name}.{inner}", value) for inner, value in own._batch_first())
            elif isinstance(own, (Recurrent, LockedDropout)) or _is_of_samples(own):
                yield name, bool(own.batch_first)

    def forward(  # type: ignore[override]
        self,
        x: Tensor | PackedSequence | None = None,
        *,
        mask: Tensor | None = None,
        lengths: padding.Lengths | None = None,
        return_mask: bool = False,
        input: Tensor | PackedSequence | None = None,  # noqa: A002 - torch's name of x
    ) -> Any:
        """Run the modules.

        Args:
            x: What the first module takes.
            mask: Padding, `(batch, time)` whatever `batch_first`, or `(time,)` unbatched; False
                where a step is none. It goes before what `padding_idx` tells.
            lengths: The valid steps of each sequence, in place of a `mask`.
            return_mask: Whether to return the output and its mask, for a loss over valid steps;
                None where there is none, or no time is left.
            input: torch's name of `x`; one of the two is given.
        """
        given: Any = given_once("x", x, input)
        if not isinstance(given, Tensor | PackedSequence):
            raise TypeError(f"x must be a tensor or a PackedSequence, got {type(given).__name__}")
        batch_first = self.batch_first
        if not isinstance(given, PackedSequence):
            mask = _mask_of_call(given, mask, lengths, batch_first)
            output, mask = self._run(given, mask, batch_first)
            return (output, mask) if return_mask else output
        if mask is not None or lengths is not None:
            raise ValueError("mask and lengths must be None where x is packed: it has its own.")
        padded, lengths = padding.unpack(given)
        padded = padded.transpose(0, 1) if batch_first else padded
        mask = _mask_of_call(padded, None, lengths, batch_first)
        output, mask = self._run(padded, mask, batch_first)
        if mask is not None:
            by_time = output.transpose(0, 1) if batch_first else output
            output = padding.pack_like(by_time, mask.t(), given)
        return (output, mask) if return_mask else output

    def _run(self, x: Any, mask: Tensor | None, batch_first: bool) -> tuple[Any, Tensor | None]:
        """Run the modules; return the output, and the mask where it still has time."""
        untold = self.padded and not x.is_floating_point()  # tokens, of whose padding nobody told
        ran: tuple[Recurrent, Any] | None = None  # what Last reads
        for name, module in self._modules.items():
            assert module is not None
            where = f"module {name} ({type(module).__name__})"
            untold = untold and mask is None
            if untold and _takes_mask(module):
                raise ValueError(
                    f"mask or lengths must be given with tokens that {where} reads, or a "
                    "padding_idx to their embedding, got neither. If no sequence is ever padded, "
                    "make the Sequential with padded=False."
                )
            if isinstance(module, Recurrent):
                x, state = module(x, mask=mask)
                ran = (module, state)
                if isinstance(x, tuple):
                    raise ValueError(f'merge_mode of {where} must not be "none" in a Sequential')
            elif isinstance(module, Last):
                if ran is None:
                    raise ValueError(f"{where} must stand directly behind an RNN, LSTM or GRU")
                x, mask, ran = module(*ran), None, None
            else:
                x, mask = _run_other(module, where, x, mask, batch_first)
                ran = None
        return x, mask

    def extra_repr(self) -> str:
        """Show what differs from the defaults."""
        return "" if self.padded else "padded=False"


def _run_other(
    module: nn.Module, where: str, x: Any, mask: Tensor | None, batch_first: bool
) -> tuple[Any, Tensor | None]:
    """Run what is neither a recurrent layer nor `Last`; return the output and its mask."""
    if isinstance(module, _EMBEDDINGS):
        own = _mask_of_tokens(x, module.padding_idx, batch_first) if mask is None else mask
        return module(x), own
    if isinstance(module, Sequential):
        output, mask = module(x, mask=mask, return_mask=True)
        return output, mask
    if isinstance(module, nn.RNNBase):
        raise ValueError(
            f"{where} must be a layer of lockgate.nn, got one of torch. "
            "Convert it with lockgate.interop.from_torch."
        )
    if _computes_by_step(module):
        return module(x), mask
    if _takes_mask(module):
        output = module(x, mask=mask)
        return output, mask if output.ndim >= x.ndim else None
    # what reads tokens is an embedding of somebody's own
    if mask is not None and x.is_floating_point():
        raise ValueError(
            f"{where} must take a mask where sequences are padded: it may mix steps with "
            "padding. Hold it in a module whose forward(x, mask) minds that."
        )
    return module(x), mask


def _mask_of_call(
    x: Tensor, mask: Tensor | None, lengths: padding.Lengths | None, batch_first: bool
) -> Tensor | None:
    """Check what a call tells of padding; give it as (batch, time), or (time,) unbatched."""
    if mask is None and lengths is None:
        return None
    batched = x.ndim > (2 if x.is_floating_point() else 1)  # tokens have no features
    by_time = x.transpose(0, 1) if batched and batch_first else x
    valid = padding.to_valid(mask, lengths, by_time if batched else x.unsqueeze(1), batched)
    assert valid is not None
    return valid.t() if batched else valid.squeeze(1)


def _mask_of_tokens(tokens: Tensor, padding_idx: int | None, batch_first: bool) -> Tensor | None:
    """Tell where tokens are no padding, (batch, time) or (time,)."""
    if padding_idx is None:
        return None
    if tokens.ndim > 2:
        raise ShapeError(
            f"tokens must have 2 dimensions, batch and time, or 1 unbatched, got {tokens.ndim}"
        )
    valid = tokens != padding_idx
    return valid if batch_first or tokens.ndim == 1 else valid.t()


def _is_of_samples(module: Any) -> bool:
    return isinstance(module, Embedding) and module.dropout_per == "sample"


def _computes_by_step(module: nn.Module) -> bool:
    """Tell whether a module computes each step by itself, so that no padding gets elsewhere."""
    if isinstance(module, nn.Sequential) and not isinstance(module, Sequential):
        return all(map(_computes_by_step, module))
    if isinstance(module, nn.LayerNorm | nn.RMSNorm):
        return len(module.normalized_shape) == 1
    if isinstance(module, nn.Softmax | nn.LogSoftmax | nn.Softmin | nn.GLU):
        return module.dim == -1
    return isinstance(module, _BY_STEP)


def _takes_mask(module: nn.Module) -> bool:
    """Tell whether a module wants the mask of padding; what torch calls so masks attention."""
    if isinstance(module, Sequential):
        return False  # it asks for itself
    of_torch = type(module).__module__.split(".")[0] == "torch"
    return not of_torch and "mask" in inspect.signature(type(module).forward).parameters
