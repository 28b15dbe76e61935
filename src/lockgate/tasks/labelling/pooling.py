"""One vector for a sequence, of what a recurrent stack has read and where it ended."""

import torch
from torch import Tensor, nn


class Pooling(nn.Module):
    """Pool the output of a stack over the valid steps.

    Padding never counts: the maximum, the mean and the attention are over the valid steps, and the
    last state is where each direction ended.

    Args:
        kind: `"last"`, `"max"`, `"mean"`, `"last+max"`, or `"attention"`, a learnt query
            whose scores are normalised over the valid steps (Yang et al. 2016,
            doi:10.18653/v1/N16-1174, with the output as its own value).
        features: Features of the output.
        last: Features of the last state, of both directions.

    Shape:
        - output: `(batch, time, features)`.
        - last: `(batch, last)`.
        - valid: `(batch, time)`, True where there is no padding.
        - pooled: `(batch, self.features)`.
    """

    def __init__(self, kind: str, features: int, last: int) -> None:
        super().__init__()
        self.kind = kind
        self.features = {"last": last, "last+max": last + features}.get(kind, features)
        self.query = nn.Linear(features, 1, bias=False) if kind == "attention" else None

    def reset_parameters(self, generator: torch.Generator | None = None) -> None:
        """Draw the query, if there is one."""
        if self.query is not None:
            nn.init.xavier_uniform_(self.query.weight, generator=generator)

    def forward(self, output: Tensor, last: Tensor, valid: Tensor) -> Tensor:
        """Pool each sequence."""
        if self.kind == "last":
            return last
        if self.query is not None:
            scores = self.query(output.tanh()).squeeze(-1).masked_fill(~valid, -torch.inf)
            return torch.einsum("bt,btf->bf", scores.softmax(dim=1), output)
        if self.kind == "mean":
            # padding is zero in the output
            return output.sum(dim=1) / valid.sum(dim=1, keepdim=True)
        most = output.masked_fill(~valid.unsqueeze(-1), -torch.inf).amax(dim=1)
        return most if self.kind == "max" else torch.cat([last, most], dim=1)
