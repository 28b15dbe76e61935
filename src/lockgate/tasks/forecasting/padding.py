"""What stands in a window before the first row of a short series."""

import torch
from torch import Tensor


def hold_first(x: Tensor, mask: Tensor) -> Tensor:
    """Return windows whose padding holds the values of their first row, whatever it held.

    No gradient reaches the padding.

    Args:
        x: Windows, (B, lookback, C).
        mask: False where a window is padded, (B, lookback): before its first row, and nowhere else.

    Example:
        >>> x = torch.tensor([[[torch.nan], [3.0], [4.0]]])
        >>> hold_first(x, torch.tensor([[False, True, True]]))[0, :, 0]
        tensor([3., 3., 4.])
    """
    first = mask.int().argmax(dim=1)
    # the size of the shape stays free in a graph, where `len` would fix it
    rows = torch.arange(x.shape[0], device=x.device)
    return torch.where(mask[..., None], x, x[rows, first][:, None])
