"""Monte-Carlo dropout: what a model's dropout says about how sure it is."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from lockgate.nn.cells import RecurrentCell
from lockgate.nn.checks import check_size
from lockgate.nn.dropout import LockedDropout
from lockgate.nn.embedding import Embedding
from lockgate.nn.masks import one_for_all_rows
from lockgate.nn.recurrent import Recurrent
from lockgate.nn.stateful import Stateful, state_kept

_OURS = (Recurrent, RecurrentCell, Embedding, LockedDropout)
# what of torch drops by `self.training`; the encoders leave out their dropout in evaluation
_TORCHS = (
    nn.modules.dropout._DropoutNd,
    nn.RNNBase,
    nn.MultiheadAttention,
    nn.TransformerEncoder,
    nn.TransformerEncoderLayer,
    nn.TransformerDecoderLayer,
)


@contextmanager
def mc_dropout(model: nn.Module, seed: int = 0) -> Iterator[None]:
    """Turn on all dropout of a model, and nothing else, inside the `with` block.

    Each pass is then a draw from the model's approximate posterior (Gal and Ghahramani 2016,
    arXiv:1506.02142). Whatever lockgate and torch drop is turned on, weights and embeddings too;
    other modules, such as batch normalisation, are in evaluation. A module of your own that drops
    by `self.training` alone is not known to be one: put a dropout module into it.

    On any exit every module is back in its mode and torch's default generators in their state.

    Args:
        model: A module, or one that holds others.
        seed: Seed of torch's generators inside, so that a block repeats.

    Example:
        >>> import torch
        >>> from lockgate.nn import GRU
        >>> layer, x = GRU(3, 8, recurrent_dropout=0.25).eval(), torch.ones(5, 2, 3)
        >>> with mc_dropout(layer):
        ...     first, second = layer(x)[0], layer(x)[0]
        >>> torch.equal(first, second), layer.training
        (False, False)
    """
    modes = {module: module.training for module in model.modules()}
    devices = {p.device for p in model.parameters() if p.device.type == "cuda"}
    with torch.random.fork_rng(devices=sorted(devices, key=str)):
        torch.manual_seed(seed)
        try:
            for module in modes:
                module.training = isinstance(module, _OURS + _TORCHS)
            yield
        finally:
            for module, mode in modes.items():
                module.training = mode


@torch.no_grad()
def mc_samples(
    model: nn.Module,
    x: Tensor,
    n: int = 100,
    *,
    seed: int = 0,
    fixed_masks: bool = False,
    batch_dim: int = 0,
    max_batch: int = 4096,
) -> Tensor:
    """Draw predictions of a model under `mc_dropout`; no gradient is recorded.

    Where every mask is drawn for each row, the samples are folded into the batch, so that n of them
    cost little more than one; a mask that rows share, by `mask_for="batch"`, of weights or of an
    embedding's words, asks for one pass after another. So does a `Stateful`: each pass goes on from
    its state, and leaves it as it is.

    Args:
        model: Called with x; of a tuple, as recurrent layers return it, the first counts.
        x: A batch of inputs.
        n: Number of samples.
        seed: Seed of the masks.
        fixed_masks: Whether sample i uses the same masks for all rows, and, with the same seed, in
            every call: each sample is then one network, drawn once, and its predictions for
            different inputs belong together.
        batch_dim: The dimension of x and of the output along which the batch lies.
        max_batch: Rows that are run at once at most.

    Returns:
        `(n, *output)`.

    Raises:
        ValueError: If `fixed_masks` is asked for and torch's own dropout is in the model, which
            draws for each row.

    Example:
        >>> import torch
        >>> from lockgate.nn import GRU
        >>> layer = GRU(3, 8, recurrent_dropout=0.25)
        >>> mc_samples(layer, torch.ones(5, 2, 3), n=20, batch_dim=1).std(0).shape
        torch.Size([5, 2, 8])
    """
    n = check_size("n", n)
    check_size("max_batch", max_batch)
    if fixed_masks:
        _check_fixed(model)
        return torch.stack([_one_network(model, x, seed, sample) for sample in range(n)])
    with mc_dropout(model, seed):
        if any(map(_is_shared, model.modules())):
            return torch.stack([_one_pass(model, x) for _ in range(n)])
        rows = x.shape[batch_dim]
        at_once = max(1, min(n, max_batch // max(rows, 1)))
        folded = [
            _fold(model, x, min(at_once, n - start), batch_dim) for start in range(0, n, at_once)
        ]
        return torch.cat(folded)


def _fold(model: Callable[..., Any], x: Tensor, samples: int, batch_dim: int) -> Tensor:
    repeats = [1] * x.ndim
    repeats[batch_dim] = samples
    output = _first(model(x.repeat(repeats)))
    shape = (samples, x.shape[batch_dim])
    parts = output.reshape(*output.shape[:batch_dim], *shape, *output.shape[batch_dim + 1 :])
    return parts.movedim(batch_dim, 0)


def _one_network(model: nn.Module, x: Tensor, seed: int, sample: int) -> Tensor:
    with ExitStack() as stack:
        # a product, lest sample 1 of seed 0 is sample 0 of seed 1
        stack.enter_context(mc_dropout(model, seed * 1_000_003 + sample))
        stack.enter_context(one_for_all_rows(model))
        return _one_pass(model, x)


def _one_pass(model: nn.Module, x: Tensor) -> Tensor:
    with state_kept(model):
        return _first(model(x))


def _first(output: Any) -> Tensor:
    first: Tensor = output[0] if isinstance(output, tuple) else output
    return first


def _is_shared(module: nn.Module) -> bool:
    """Tell whether the rows of a batch share a mask of a module, or its state is one for each."""
    if isinstance(module, Stateful):
        return True
    if isinstance(module, Recurrent) and module.weight_dropout > 0.0:
        return True
    if isinstance(module, Recurrent | RecurrentCell):
        return "batch" in module.mask_for.values()
    if isinstance(module, LockedDropout):
        return module.mask_for == "batch"
    return (
        isinstance(module, Embedding)
        and module.embedding_dropout > 0.0
        and module.dropout_per == "batch"
    )


def _check_fixed(model: nn.Module) -> None:
    for_each_row = [
        f"{name or 'model'} ({type(module).__name__})"
        for name, module in model.named_modules()
        if isinstance(module, _TORCHS) and _rate(module) > 0.0
    ]
    if for_each_row:
        raise ValueError(
            f"fixed_masks must be False where torch's dropout draws for each row, got True with "
            f"{', '.join(for_each_row)}. Use lockgate's layers and LockedDropout in their place."
        )


def _rate(module: nn.Module) -> float:
    # Dropout calls it p; the encoders hold such modules and drop nothing by themselves
    rate = getattr(module, "p", getattr(module, "dropout", 0.0))
    return rate if isinstance(rate, float) else 0.0
