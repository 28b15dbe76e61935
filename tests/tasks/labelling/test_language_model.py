"""A token is predicted from one side alone, and a large vocabulary is sampled without bias."""

from typing import Any

import numpy as np
import pytest
import torch
from counting import TOKENS, examples, network

from lockgate.tasks.labelling.config import LabelConfig
from lockgate.tasks.labelling.examples import Examples
from lockgate.tasks.labelling.labelled import Ragged
from lockgate.tasks.labelling.language_model import (
    MANY_TOKENS,
    LanguageModel,
    SampledLoss,
    losses_of,
)
from lockgate.tasks.labelling.pieces import Pieces
from lockgate.training.losses import whole_loss

BOTH = pytest.mark.parametrize("both", [False, True], ids=["forward", "both"])


@BOTH
def test_a_token_is_predicted_from_what_stands_on_one_side_alone(both: bool) -> None:
    model = LanguageModel(network(both), torch.Generator().manual_seed(0)).eval()
    data = examples([6, 4])
    batch = Pieces.of(data, 1 + both).batch(slice(None))
    n = 10  # tokens in all, those of the first text first

    for place in range(6):
        x = batch.x.clone()
        x[0, place + 1] = x[0, place + 1] % (TOKENS - 1) + 1
        changed = (model(x, batch.lengths) - model(batch.x, batch.lengths)).abs().sum(dim=1) > 0

        assert changed[:n].tolist() == [p > place for p in range(6)] + [False] * 4
        if both:
            assert changed[n:].tolist() == [p < place for p in range(6)] + [False] * 4


def one_loss(losses: Any, model: LanguageModel, batch: Any, masks: torch.Generator) -> float:
    (loss,) = losses(model, batch, LabelConfig().training, masks)
    return loss.item()


@BOTH
def test_the_loss_over_all_tokens_is_the_whole_loss(both: bool) -> None:
    model = LanguageModel(network(both), torch.Generator().manual_seed(0)).eval()
    pieces = Pieces.of(examples([6, 9, 12]), 1 + both)
    batch, masks = pieces.batch(slice(None)), torch.Generator().manual_seed(0)

    # so many draws that none of eight tokens is left out
    sampled = SampledLoss(pieces.targets, pieces.frequencies(TOKENS))

    expected = one_loss(whole_loss, model, batch, masks)
    assert one_loss(sampled, model, batch, masks) == pytest.approx(expected, rel=1e-5)


def test_the_sampled_loss_is_least_where_the_whole_loss_is() -> None:
    rng, tokens = np.random.default_rng(0), 4_000
    shares = 1 / np.arange(1, tokens)
    values = 1 + rng.choice(tokens - 1, 40_000, p=shares / shares.sum())
    texts = Ragged.of([part.astype(np.int32) for part in np.split(values, 2_000)])
    rows = torch.arange(2_000)
    data = Examples(torch.from_numpy(texts.values), torch.from_numpy(texts.starts), rows, rows)
    pieces = Pieces.of(data, 1)
    model = LanguageModel(network(False, tokens), torch.Generator().manual_seed(0)).eval()
    with torch.no_grad():
        model.embedding.weight.zero_()  # all that is left to tell the tokens by is how often
    # where the whole loss of these texts is least
    model.start_from((pieces.frequencies(tokens) * (40_000 + tokens / 2) - 0.5).clamp(min=1e-3))
    losses, masks = SampledLoss(pieces.targets, pieces.frequencies(tokens)), torch.Generator()

    for index in torch.arange(2_000).split(50):
        (loss,) = losses(model, pieces.batch(index), LabelConfig().training, masks)
        (loss / 40).backward()

    frequent = torch.from_numpy(np.bincount(values - 1)[:20] / 40_000)
    assert model.bias.grad is not None
    assert (model.bias.grad[:20].abs() < 0.05 * frequent).all(), model.bias.grad[:20] / frequent


def test_a_small_vocabulary_is_not_sampled() -> None:
    targets = torch.zeros(1, dtype=torch.int64)

    assert losses_of(targets, torch.ones(MANY_TOKENS)) is whole_loss
    assert isinstance(losses_of(targets, torch.ones(MANY_TOKENS + 1)), SampledLoss)


def test_a_model_begins_with_the_shares_of_the_tokens() -> None:
    pieces = Pieces.of(examples([8, 8, 1]), 1)
    model = LanguageModel(network(False), torch.Generator().manual_seed(0)).eval()
    with torch.no_grad():
        for weight in model.parameters():
            weight.zero_()
    model.start_from(pieces.frequencies(TOKENS))

    batch = pieces.batch(slice(None))

    shares = model(*batch.inputs).softmax(dim=1)
    assert torch.allclose(shares[0], pieces.frequencies(TOKENS).float())
