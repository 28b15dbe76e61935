"""What a loss may add so that the output of a recurrent layer stays small and smooth."""

import torch
from torch import Tensor

from lockgate.nn.checks import ShapeError, check_valid


def activation_penalty(output: Tensor, valid: Tensor | None = None) -> Tensor:
    """Give the mean square of an output (AR; Merity et al. 2017, arXiv:1708.01009).

    Multiply it with its weight, 2 in the paper, and add it to the loss. The paper takes the output
    after dropout.

    Args:
        output: `(*, features)`.
        valid: `(*)`, False where the output is padding, which does not count.

    Example:
        >>> import torch
        >>> activation_penalty(torch.tensor([[3.0, 4.0]]))
        tensor(12.5000)
    """
    _check(output, valid)
    return _mean(output.square(), valid)


def temporal_activation_penalty(
    output: Tensor, valid: Tensor | None = None, *, batch_first: bool = False
) -> Tensor:
    """Give the mean square of an output's steps from time to time (TAR; arXiv:1708.01009).

    Multiply it with its weight, 1 in the paper, and add it to the loss. The paper takes the output
    before dropout.

    Args:
        output: `(time, batch, features)`, or `(batch, time, features)` if `batch_first`.
        valid: Like `output` without features; a step counts where both its ends are valid.
        batch_first: Whether the batch comes first.

    Example:
        >>> import torch
        >>> temporal_activation_penalty(torch.tensor([[[1.0]], [[3.0]], [[3.0]]]))
        tensor(2.)
    """
    time = 1 if batch_first else 0
    n = output.shape[time]
    _check(output, valid)
    if n < 2:
        return output.new_zeros(())
    both = None
    if valid is not None:
        both = valid.narrow(time, 1, n - 1) & valid.narrow(time, 0, n - 1)
    return _mean(torch.diff(output, dim=time).square(), both)


def _check(output: Tensor, valid: Tensor | None) -> None:
    if valid is None:
        return
    check_valid("valid", valid, "output counts")
    if valid.shape != output.shape[:-1]:
        expected, got = tuple(output.shape[:-1]), tuple(valid.shape)
        raise ShapeError(f"valid must have shape {expected}, that of output, got {got}")


def _mean(values: Tensor, valid: Tensor | None) -> Tensor:
    if valid is None:
        return values.mean()
    counted = values.masked_fill(~valid.unsqueeze(-1), 0.0).sum()
    return counted / (valid.sum() * values.shape[-1]).clamp(min=1)
