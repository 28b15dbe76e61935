"""The loss of a batch in pieces, so that no gradient goes back more than some steps."""

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from lockgate.tasks.labelling.carried import Carried
from lockgate.tasks.labelling.config import LabelTrainingConfig
from lockgate.training.losses import IGNORED, Batch, divisor, loss_and_count, mean_loss


def losses(
    network: Any, batch: Batch, config: LabelTrainingConfig, masks: torch.Generator
) -> Iterator[Tensor]:
    """Yield losses to be differentiated one by one, which together are the mean loss of a batch.

    There is one, but where `truncated_bptt_steps` cuts labels at steps into chunks: each has its
    loss, and begins with the state that the chunk before it ended with. With one label for each
    sequence the gradient of the one loss goes back into the last steps.

    Args:
        network: In training; called with the inputs of the batch.
        batch: Windows or examples.
        config: What the loss follows, and how far back a gradient goes.
        masks: Draws the dropout masks, which all chunks share.
    """
    steps, smoothing = config.truncated_bptt_steps, config.label_smoothing
    if steps is None:
        scores = network(*batch.inputs, generator=masks)
        yield mean_loss(scores, batch, config.metric, smoothing)
        return
    if not network.at_steps:
        scores = network(*batch.inputs, generator=masks, last_steps=steps)
        yield mean_loss(scores, batch, config.metric, smoothing)
        return
    x, lengths = batch.inputs
    weight = torch.ones_like(batch.y) if batch.weight is None else batch.weight
    total = weight[batch.y != IGNORED].sum()
    total = divisor(total)
    carried = Carried(network.stack)
    for first in range(0, x.shape[1], steps):
        chunk = slice(first, first + steps)
        left = (lengths - first).clamp(0, steps)
        scores = network(x[:, chunk], left, generator=masks, carried=carried)
        y, of_chunk = batch.y[:, chunk], weight[:, chunk]
        loss, _ = loss_and_count(scores, y, config.metric, of_chunk, smoothing)
        yield loss / total
