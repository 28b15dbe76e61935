"""A classifier reads what is valid and nothing else, whatever else is in the batch."""

from typing import Any

import pytest
import torch

from lockgate.tasks.labelling.config import ClassifierConfig
from lockgate.tasks.labelling.network import ClassifierNetwork

RATES = ["input_dropout", "dropout", "recurrent_dropout", "weight_dropout", "output_dropout"]
KINDS: dict[str, dict[str, Any]] = {
    "default": {},
    "last": {"pooling": "last"},
    "max": {"pooling": "max", "cell": "rnn"},
    "mean": {"pooling": "mean", "cell": "gru"},
    "attention": {"pooling": "attention"},
    "stacked": {"hidden_size": (8, 5)},
    "deep": {"num_layers": 3, "bidirectional": False},
    "stem": {"stride": 3},
    "norm": {"layer_norm": True, "zoneout": 0.2},
}
LENGTHS = [9, 4, 1, 9]
ALL = pytest.mark.parametrize("kind", KINDS)
INPUT = pytest.mark.parametrize("tokens", [0, 50], ids=["numbers", "tokens"])


def make(
    kind: str = "default", tokens: int = 0, at_steps: bool = False, **more: Any
) -> ClassifierNetwork:
    off = dict.fromkeys([*RATES, "embedding_dropout"], 0.0)
    config = ClassifierConfig(**{"hidden_size": 8, **off, **KINDS[kind], **more})
    generator = torch.Generator().manual_seed(0)
    channels = 0 if tokens else 3
    return ClassifierNetwork(channels, tokens, 4, config, at_steps=at_steps, generator=generator)


def draw(tokens: int) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    if tokens:
        x = torch.randint(1, tokens, (4, 9), generator=generator)
    else:
        x = torch.randn(4, 9, 3, generator=generator)
    for row, length in zip(x, LENGTHS, strict=True):
        row[length:] = 0
    return x, torch.tensor(LENGTHS)


@ALL
@INPUT
def test_padding_and_batch_mates_change_no_prediction(kind: str, tokens: int) -> None:
    model, (x, lengths) = make(kind, tokens).eval(), draw(tokens)

    together = model(x, lengths)
    more = torch.cat([x, torch.zeros_like(x)], dim=1)

    torch.testing.assert_close(model(more, lengths), together)
    for row, length, expected in zip(x, lengths, together, strict=True):
        torch.testing.assert_close(model(row[None, :length], length[None])[0], expected)


@INPUT
@pytest.mark.parametrize("kind", ["default", "stacked", "deep"])
def test_label_at_every_step_sees_what_is_valid(kind: str, tokens: int) -> None:
    model, (x, lengths) = make(kind, tokens, at_steps=True).eval(), draw(tokens)

    together = model(x, lengths)

    assert together.shape == (4, 9, 4)
    for row, length, expected in zip(x, lengths, together, strict=True):
        alone = model(row[None, :length], length[None])[0]
        torch.testing.assert_close(alone, expected[:length])


@pytest.mark.parametrize("rate", RATES)
def test_every_rate_acts_in_training_and_nowhere_else(rate: str) -> None:
    plain, dropped = make("stacked"), make("stacked", **{rate: 0.9})
    x, lengths = draw(0)
    generator = torch.Generator().manual_seed(0)

    assert not torch.allclose(dropped(x, lengths, generator=generator), plain(x, lengths))
    assert torch.equal(dropped.eval()(x, lengths), plain.eval()(x, lengths))


def test_embedding_dropout_acts_in_training_and_nowhere_else() -> None:
    plain, dropped = make(tokens=50), make(tokens=50, embedding_dropout=0.9)
    x, lengths = draw(50)

    assert not torch.allclose(dropped(x, lengths), plain(x, lengths))
    assert torch.equal(dropped.eval()(x, lengths), plain.eval()(x, lengths))


@ALL
def test_generator_repeats_the_weights_and_the_masks(kind: str) -> None:
    first, again = (make(kind, recurrent_dropout=0.5) for _ in "ab")
    x, lengths = draw(0)
    before = torch.random.get_rng_state()

    outputs = [m(x, lengths, generator=torch.Generator().manual_seed(2)) for m in (first, again)]

    assert all(map(torch.equal, first.parameters(), again.parameters()))
    assert torch.equal(*outputs)
    assert torch.equal(torch.random.get_rng_state(), before)


def test_every_parameter_gets_a_gradient() -> None:
    for kind in KINDS:
        for tokens in (0, 50):
            model, (x, lengths) = make(kind, tokens), draw(tokens)
            model(x, lengths).square().sum().backward()
            for name, parameter in model.named_parameters():
                assert parameter.grad is not None, (kind, name)
                assert parameter.grad.any(), (kind, name)


def test_stem_makes_long_signals_short() -> None:
    model, seen = make("stem"), []
    model.stack.register_forward_pre_hook(lambda _, args: seen.append(args[0].shape[1]))

    model(torch.randn(2, 100, 3), torch.tensor([100, 61]))

    assert seen == [34]
    with pytest.raises(ValueError, match="stride must be 1 for labels at every step, got 3"):
        make("stem", at_steps=True)


def test_a_linear_path_is_all_that_a_network_says_before_it_has_learned() -> None:
    model, (x, lengths) = make(tokens=50, linear_path="on").eval(), draw(50)
    linear = torch.randn(4, 4, generator=torch.Generator().manual_seed(2))

    assert torch.equal(model(x, lengths, linear), linear)
    with pytest.raises(ValueError, match="linear must be given to a network with a linear path"):
        model(x, lengths)


def test_without_a_linear_path_a_network_ignores_the_scores_of_a_linear_model() -> None:
    model, (x, lengths) = make(tokens=50).eval(), draw(50)

    assert torch.equal(model(x, lengths, torch.ones(4, 4)), model(x, lengths))


def test_an_embedding_begins_from_known_vectors_and_draws_the_others() -> None:
    model = make(tokens=50, embedding_size=5)
    vectors = torch.randn(50, 5, generator=torch.Generator().manual_seed(2))
    vectors[[0, 1, 7]] = torch.nan

    model.start_from(vectors, torch.Generator().manual_seed(3))

    assert model.embedding is not None
    weight = model.embedding.weight
    known = [i for i in range(50) if i not in (0, 1, 7)]
    assert torch.equal(weight[known], vectors[known])
    assert not weight[0].any()
    assert weight.isfinite().all()
    assert not torch.equal(weight[1], weight[7])
