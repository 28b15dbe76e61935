"""Dropout on a sequence outside a recurrent layer, with one mask over its steps."""

from typing import Literal

import torch
from torch import Tensor, nn

from lockgate.nn.checks import ShapeError, check_choice, check_flag
from lockgate.nn.masks import own_rows, rows_of_mask
from lockgate.nn.rates import check_rate
from lockgate.ops.sampling import sample_mask


class LockedDropout(nn.Module):
    """Dropout whose mask is drawn once for each sequence and held at all its steps.

    In training each sequence keeps or loses a feature as a whole (Merity et al. 2017,
    arXiv:1708.02182, who call it locked; Gal and Ghahramani 2016, arXiv:1512.05287); in evaluation
    nothing is dropped. The recurrent layers do this by themselves: this is for what stands between
    other modules.

    Args:
        rate: Probability, in [0, 1), that a feature is dropped; kept ones are scaled by
            1 / (1 - rate).
        batch_first: Whether `x` is `(batch, time, features)`.
        mask_over: `"sequence"`, or `"step"` to draw anew at every step, as `torch.nn.Dropout` does.
        mask_for: `"sample"`, or `"batch"` for one mask that all samples of a call share.

    Shape:
        - x, and the output: `(time, batch, features)`, `(batch, time, features)` if `batch_first`,
          or `(batch, features)` where there is no time.

    Raises:
        ValueError: If the rate is outside [0, 1).
        ShapeError: If `x` has another number of dimensions.

    Example:
        >>> import torch
        >>> x = LockedDropout(0.5)(torch.ones(7, 2, 3))
        >>> torch.equal(x[0], x[6])
        True
    """

    def __init__(
        self,
        rate: float,
        *,
        batch_first: bool = False,
        mask_over: Literal["sequence", "step"] = "sequence",
        mask_for: Literal["sample", "batch"] = "sample",
    ) -> None:
        super().__init__()
        self.rate = check_rate("rate", rate)
        self.batch_first = check_flag("batch_first", batch_first)
        self.mask_over = check_choice("mask_over", mask_over, ("sequence", "step"))
        self.mask_for = check_choice("mask_for", mask_for, ("sample", "batch"))

    def forward(self, x: Tensor, *, generator: torch.Generator | None = None) -> Tensor:
        """Drop features of x, in training; `generator` draws which."""
        if x.ndim not in (2, 3):
            raise ShapeError(
                f"x must have 2 dimensions, batch and features, or 3 with time, got {x.ndim}"
            )
        if not self.training or self.rate == 0.0:
            return x
        shape = list(x.shape)
        batch = 0 if x.ndim == 2 or self.batch_first else 1
        rows = shape[batch]
        shape[batch] = 1 if self.mask_for == "batch" else rows_of_mask(self, rows)
        if x.ndim == 3 and self.mask_over == "sequence":
            shape[1 - batch] = 1
        return x * own_rows(self, sample_mask(shape, self.rate, x, generator), rows, batch)

    def extra_repr(self) -> str:
        """Show the rate and what differs from the defaults."""
        defaults = {"batch_first": False, "mask_over": "sequence", "mask_for": "sample"}
        shown = [f"{n}={v!r}" for n, d in defaults.items() if (v := getattr(self, n)) != d]
        return ", ".join([str(self.rate), *shown])
