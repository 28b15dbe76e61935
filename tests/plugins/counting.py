"""Texts that count on, and a small network that reads them: what can be foreseen is known."""

from typing import Any

import numpy as np
import torch

from lockgate.tasks.labelling.config import ClassifierConfig
from lockgate.tasks.labelling.examples import Examples
from lockgate.tasks.labelling.labelled import Ragged
from lockgate.tasks.labelling.network import ClassifierNetwork

TOKENS = 9
RATES = ("input_dropout", "recurrent_dropout", "weight_dropout", "output_dropout")
OFF = dict.fromkeys((*RATES, "embedding_dropout"), 0.0)


def network(both: bool, tokens: int = TOKENS, **more: Any) -> ClassifierNetwork:
    """Build a classifier without dropout that reads forward, or both ways."""
    told = {"bidirectional": both, "hidden_size": 16, "embedding_size": 8, **OFF, **more}
    config = ClassifierConfig.model_validate(told)
    return ClassifierNetwork(0, tokens, 2, config, generator=torch.Generator().manual_seed(0))


def examples(lengths: list[int], rows: list[int] | None = None) -> Examples:
    """Texts that count on from a token of their own; token 0 is padding."""
    texts = [np.arange(i, i + n) % (TOKENS - 1) + 1 for i, n in enumerate(lengths)]
    ragged = Ragged.of([text.astype(np.int32) for text in texts])
    return Examples(
        torch.from_numpy(ragged.values),
        torch.from_numpy(ragged.starts),
        torch.zeros(len(lengths), dtype=torch.int64),
        torch.arange(len(lengths)) if rows is None else torch.tensor(rows),
    )
