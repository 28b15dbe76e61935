"""The network carries its state from chunk to chunk, and its masks as long as it is told."""

from typing import Any

import pytest
import torch

from lockgate.tasks.language.config import LanguageModelConfig
from lockgate.tasks.language.network import Course, LanguageNetwork

NO_RATES: dict[str, Any] = dict.fromkeys(
    ("embedding_dropout", "input_dropout", "dropout", "recurrent_dropout", "output_dropout"), 0.0
)


def network(**settings: Any) -> LanguageNetwork:
    config = LanguageModelConfig(**{"hidden_size": 8, "embedding_size": 6, **settings})
    return LanguageNetwork(20, config, torch.Generator().manual_seed(0))


@pytest.fixture
def tokens() -> torch.Tensor:
    return torch.randint(20, (3, 30), generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
@pytest.mark.parametrize("steps", [1, 7, 30])
def test_chunks_equal_one_long_pass(cell: str, steps: int, tokens: torch.Tensor) -> None:
    model = network(cell=cell, num_layers=2, **NO_RATES)
    whole = model.read(tokens).scores

    course = Course()
    parts = [model.read(chunk, course).scores for chunk in tokens.split(steps, dim=1)]

    torch.testing.assert_close(torch.cat(parts, dim=1), whole)


def test_a_gradient_ends_where_its_chunk_begins(tokens: torch.Tensor) -> None:
    model, course = network(**NO_RATES), Course()
    first = model.read(tokens[:, :9], course).raw
    first.retain_grad()

    model(tokens[:, 9:], course).sum().backward()

    assert first.grad is None


@pytest.mark.parametrize("hold", [True, False])
def test_masks_are_held_over_chunks_as_told(hold: bool) -> None:
    model = network(hold_masks=hold, embedding_dropout=0.5, output_dropout=0.5).train()
    same = torch.zeros((3, 5), dtype=torch.int64)
    masks, course = torch.Generator().manual_seed(0), Course()

    words = []
    for _ in range(6):
        reading = model.read(same, course, generator=masks)
        words.append((reading.dropped[:, 0] == 0.0) & (reading.raw[:, 0] != 0.0))

    assert all(torch.equal(words[0], other) for other in words[1:]) is hold


def test_masks_of_the_stack_are_held_too(tokens: torch.Tensor) -> None:
    rates = {**NO_RATES, "input_dropout": 0.5, "recurrent_dropout": 0.5}
    model, masks = network(hold_masks=True, **rates).train(), torch.Generator().manual_seed(0)
    whole = model.read(tokens, Course(), generator=masks).raw

    course, again = Course(), torch.Generator().manual_seed(0)
    parts = [model.read(c, course, generator=again).raw for c in tokens.split(10, dim=1)]

    torch.testing.assert_close(torch.cat(parts, dim=1), whole)


def test_masks_of_another_course_are_others(tokens: torch.Tensor) -> None:
    model = network(hold_masks=True, **{**NO_RATES, "input_dropout": 0.5}).train()
    masks = torch.Generator().manual_seed(0)

    first, second = (model.read(tokens, Course(), generator=masks).raw for _ in range(2))

    assert not torch.equal(first, second)


@pytest.mark.parametrize(
    ("settings", "own"),
    [
        ({"tied_weights": True, "hidden_size": 6}, 0),
        ({"tied_weights": True, "hidden_size": 8}, 8 * 6),
        ({"tied_weights": False, "hidden_size": 8}, 8 * 20),
    ],
    ids=["tied", "tied-through-a-map", "own"],
)
def test_tied_scores_have_no_vectors_of_their_own(settings: dict[str, Any], own: int) -> None:
    model = network(**settings)

    stack = sum(p.numel() for p in model.stack.parameters())
    assert sum(p.numel() for p in model.parameters()) == 20 * 6 + 20 + stack + own


def test_rates_do_not_move_the_initial_weights() -> None:
    plain, dropped = network(**NO_RATES).state_dict(), network().state_dict()

    assert all(torch.equal(plain[name], dropped[name]) for name in plain)
