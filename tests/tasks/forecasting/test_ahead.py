"""What is known of a step changes its forecast by a formula, and nothing at first."""

import pytest
import torch

from lockgate.tasks.forecasting.ahead import Ahead
from lockgate.tasks.forecasting.config import ForecasterConfig
from lockgate.tasks.forecasting.network import ForecastNetwork, build

B, T, C, K, H = 3, 9, 2, 2, 5


def make_model(horizon: int, bidirectional: bool = False, **settings: object) -> ForecastNetwork:
    rates = dict.fromkeys(["input_dropout", "dropout", "recurrent_dropout", "output_dropout"], 0.0)
    told = {"hidden_size": H, "bidirectional": bidirectional, **rates, **settings}
    generator = torch.Generator().manual_seed(0)
    return build(ForecasterConfig(**told), C, horizon, generator, T, K)


def draw(*shape: int, seed: int = 1) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("numbers", [1, 5])
@pytest.mark.parametrize(("horizon", "segment"), [(1, 1), (7, 7), (9, 8), (10, 4), (8, 4)])
def test_each_step_is_that_of_its_segment_by_the_formula(
    horizon: int, segment: int, numbers: int
) -> None:
    ahead = Ahead(4, K, 3, segment, numbers)
    ahead.reset_parameters(torch.Generator().manual_seed(0))
    torch.nn.init.normal_(ahead.out.weight)
    state, known = draw(B, -(-horizon // segment), 4), draw(B, horizon, K, seed=2)

    changes = ahead(state, known)

    for k in range(horizon):
        p = ahead.state.weight @ state[:, k // segment].T + ahead.state.bias[:, None]
        q = ahead.known.weight @ known[:, k].T
        expected = ahead.out.weight @ (p + q).clamp(min=0)
        torch.testing.assert_close(changes[:, k], expected.T)


SHAPES = [
    {},
    {"bidirectional": True, "cell": "gru"},
    {"segment_length": 4},
    {"segment_length": 4, "segment_head": "positions"},
    {"linear_path": "on", "normalise": "mean_std"},
]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_training_begins_as_if_nothing_were_known_ahead(shape: dict[str, object]) -> None:
    model, x = make_model(6, **shape).eval(), draw(B, T, C)

    forecast = model(x, None, draw(B, 6, K))

    assert torch.equal(forecast, model(x, None, draw(B, 6, K, seed=2)))


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_a_step_is_changed_by_what_is_known_of_it_and_of_no_other(shape: dict[str, object]) -> None:
    model, x, known = make_model(6, **shape).eval(), draw(B, T, C), draw(B, 6, K)
    torch.nn.init.normal_(model.ahead.out.weight)
    other = known.clone()
    other[:, 4] += 3.0

    changed = model(x, None, known) != model(x, None, other)

    assert changed.any(dim=0).tolist() == [step == 4 for step in range(6)]


def test_the_state_decides_how_much_what_is_known_does() -> None:
    model, known = make_model(6).eval(), draw(B, 6, K)
    torch.nn.init.normal_(model.ahead.out.weight)

    def effect(x: torch.Tensor) -> torch.Tensor:
        return model(x, None, known) - model(x, None, 0 * known)

    assert not torch.allclose(effect(draw(B, T, C)), effect(draw(B, T, C, seed=3)))


def test_dropout_before_the_head_is_before_what_is_known_too() -> None:
    model = make_model(6, output_dropout=0.9).train()
    torch.nn.init.zeros_(model.head.weight)
    torch.nn.init.normal_(model.ahead.out.weight)
    x, known = draw(B, T, C), draw(B, 6, K)

    drawn = [model(x, None, known, generator=torch.Generator().manual_seed(s)) for s in (0, 0, 1)]

    assert torch.equal(drawn[0], drawn[1])
    assert not torch.equal(drawn[0], drawn[2])


def test_a_network_for_which_nothing_is_known_is_as_it_was() -> None:
    plain = build(
        make_config := ForecasterConfig(hidden_size=H), C, 6, torch.Generator().manual_seed(0)
    )
    known = build(make_config, C, 6, torch.Generator().manual_seed(0), 0, K)

    assert plain.ahead is None
    for name, weight in plain.state_dict().items():
        assert torch.equal(weight, known.state_dict()[name]), name
