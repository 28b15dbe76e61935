"""Monte-Carlo dropout turns on all dropout and nothing else, and leaves no trace."""

import pytest
import torch
from torch import nn

from lockgate.nn import GRU, Embedding, LockedDropout, Stateful, mc_dropout, mc_samples

RATES = {"input_dropout": 0.5, "recurrent_dropout": 0.5, "output_dropout": 0.5}


class Network(nn.Module):
    """Everything that a text classifier has."""

    def __init__(self, own: nn.Module, **rates: float) -> None:
        super().__init__()
        self.embedding = Embedding(11, 3, embedding_dropout=rates.pop("embedding_dropout", 0.0))
        self.layer = GRU(3, 8, batch_first=True, **rates)
        self.own = own
        self.norm = nn.BatchNorm1d(8)
        self.head = nn.Linear(8, 2)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        output, _ = self.layer(self.embedding(tokens))
        return self.head(self.norm(self.own(output[:, -1])))


TOKENS = torch.arange(20).view(4, 5) % 11


def network(own: nn.Module | None = None, **rates: float) -> Network:
    torch.manual_seed(0)
    return Network(own or nn.Identity(), **rates).eval()


@pytest.mark.parametrize(
    "rates",
    [
        {"recurrent_dropout": 0.5},
        {"input_dropout": 0.5},
        {"output_dropout": 0.5},
        {"weight_dropout": 0.5},
        {"zoneout": 0.5},
        {"embedding_dropout": 0.5},
        {"input_dropout": 0.5, "mask_for": "batch"},
        {"own": LockedDropout(0.5)},
        {"own": nn.Dropout(0.5)},
        {"own": nn.TransformerEncoderLayer(8, 2, 8, dropout=0.5)},
    ],
    ids=str,
)
def test_every_dropout_is_turned_on(rates) -> None:
    model = network(**rates)
    certain = model(TOKENS)
    assert torch.equal(model(TOKENS), certain)

    with mc_dropout(model), torch.no_grad():
        first, second = model(TOKENS), model(TOKENS)

    assert not torch.allclose(first, second)
    assert torch.equal(model(TOKENS), certain)


def test_nothing_else_is_turned_on_and_all_is_restored_on_an_error() -> None:
    model = network(nn.Dropout(0.5), **RATES)
    model.head.train()
    modes = [module.training for module in model.modules()]
    random, mean = torch.random.get_rng_state(), model.norm.running_mean.clone()

    def fail() -> None:
        with mc_dropout(model):
            assert not model.norm.training
            assert not model.head.training
            model(TOKENS)
            raise KeyError

    with pytest.raises(KeyError):
        fail()

    assert [module.training for module in model.modules()] == modes
    assert torch.equal(torch.random.get_rng_state(), random)
    assert torch.equal(model.norm.running_mean, mean)


def test_seed_repeats_a_block() -> None:
    model, passes = network(**RATES), []
    for seed in (1, 1, 2):
        with mc_dropout(model, seed):
            passes.append(model(TOKENS))

    assert torch.equal(passes[0], passes[1])
    assert not torch.equal(passes[0], passes[2])


@pytest.mark.parametrize(
    ("rates", "shared"),
    [
        (RATES, False),
        ({"weight_dropout": 0.5}, True),
        ({**RATES, "mask_for": "batch"}, True),
        ({**RATES, "mask_for": {"output": "batch"}}, False),
    ],
    ids=["folded", "looped", "shared", "partly"],
)
def test_samples_spread_around_their_mean_and_rows_differ(rates, shared: bool) -> None:
    samples = mc_samples(network(**rates), TOKENS[:1].expand(4, 5), n=30)

    assert samples.shape == (30, 4, 2)
    assert len(samples[:, 0, 0].unique()) == 30
    assert torch.equal(samples[:, 0], samples[:, 1]) == shared


def test_samples_of_a_mask_that_rows_share_differ() -> None:
    model = LockedDropout(0.5, mask_for="batch")

    samples = mc_samples(model, torch.ones(4, 40), n=5)

    assert torch.equal(samples[:, 0], samples[:, 1])
    assert len(samples[:, 0].unique(dim=0)) == 5


def test_samples_are_folded_into_batches_that_are_not_too_large() -> None:
    model, sizes = network(**RATES), []
    model.norm.register_forward_pre_hook(lambda _, args: sizes.append(len(args[0])))

    mc_samples(model, TOKENS, n=7, max_batch=13)

    assert sizes == [12, 12, 4]


def test_samples_of_a_time_major_layer_are_along_its_batch() -> None:
    layer, x = GRU(3, 8, recurrent_dropout=0.5), torch.ones(5, 2, 3)

    samples = mc_samples(layer, x, n=6, batch_dim=1)

    assert samples.shape == (6, 5, 2, 8)
    assert len(samples[:, -1, 0, 0].unique()) == 6
    assert not samples.requires_grad


@pytest.mark.parametrize(
    "rates", [{**RATES, "zoneout": 0.3}, {"weight_dropout": 0.5, "embedding_dropout": 0.5}], ids=str
)
def test_fixed_masks_are_the_same_for_all_rows_and_all_calls(rates) -> None:
    model = network(LockedDropout(0.5), **rates)

    together = mc_samples(model, TOKENS, n=5, fixed_masks=True)
    apart = [mc_samples(model, row[None], n=5, fixed_masks=True) for row in TOKENS]

    torch.testing.assert_close(together, torch.cat(apart, dim=1))
    assert len(together[:, 0, 0].unique()) == 5


def test_fixed_masks_name_what_forbids_them() -> None:
    with pytest.raises(ValueError, match=r"got True with own \(Dropout\)\. Use lockgate's layers"):
        mc_samples(network(nn.Dropout(0.5), **RATES), TOKENS, fixed_masks=True)
    mc_samples(network(nn.Dropout(0.0), **RATES), TOKENS, n=2, fixed_masks=True)


def test_number_of_samples_that_is_none_raises() -> None:
    with pytest.raises(ValueError, match="n must be at least 1, got 0"):
        mc_samples(network(), TOKENS, n=0)


@pytest.mark.parametrize("fixed_masks", [True, False])
def test_samples_go_on_from_a_state_and_leave_it(fixed_masks) -> None:
    torch.manual_seed(0)
    stateful = Stateful(GRU(3, 8, recurrent_dropout=0.5))
    x = torch.randn(6, 2, 3)
    stateful(x[:3])  # under masks that training holds
    state = stateful.eval().state

    samples = mc_samples(stateful, x[3:], n=4, fixed_masks=fixed_masks, batch_dim=1)
    same = mc_samples(stateful, x[3:], n=4, fixed_masks=fixed_masks, batch_dim=1)

    assert torch.equal(samples, same)
    assert samples.std(0).all()
    assert torch.equal(stateful.state, state)
    torch.testing.assert_close(stateful(x[3:]), stateful.layer(x[3:], state)[0])
