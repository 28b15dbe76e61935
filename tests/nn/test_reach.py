"""The reach of a gradient is what the Jacobian says."""

import math

import pytest
import torch

from lockgate.nn import GRU, LSTM, RNN, Reach, gradient_reach


def linear_rnn(factor: float) -> RNN:
    """Make an RNN that multiplies its state with a factor, far from where relu bends."""
    layer = RNN(3, 8, nonlinearity="relu", dtype=torch.float64)
    with torch.no_grad():
        layer.weight_hh_l0.copy_(factor * torch.eye(8))
        layer.bias_ih_l0.fill_(1000.0)
        layer.weight_ih_l0.abs_()
    return layer


@pytest.mark.parametrize(
    ("factor", "verdict"), [(0.5, "vanishes"), (1.5, "explodes"), (0.99, "holds"), (1.0, "holds")]
)
def test_factor_of_a_linear_network_is_found(factor: float, verdict: str) -> None:
    reach = gradient_reach(linear_rnn(factor), torch.zeros(20, 2, 3, dtype=torch.float64))

    assert reach.factor == pytest.approx(factor)
    assert reach.verdict == verdict
    if factor != 1.0:
        assert reach.half_life == pytest.approx(-math.log(2) / math.log(factor))
    assert str(reach).startswith(f"{verdict}: {factor**19:.1e} of it is left after 19 steps")


@pytest.mark.parametrize("batch_first", [True, False])
def test_norms_are_those_of_the_jacobian(batch_first: bool) -> None:
    layer = LSTM(3, 5, batch_first=batch_first, dtype=torch.float64)
    x = torch.randn(6, 1, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    x = x.transpose(0, 1) if batch_first else x

    def last(x: torch.Tensor) -> torch.Tensor:
        return layer(x)[0].flatten(0, 1)[-1]

    jacobian = torch.autograd.functional.jacobian(last, x)  # (5, *x)
    expected = jacobian.flatten(1, 2).square().sum((0, 2)).sqrt().flip(0)
    reach = gradient_reach(layer, x, batch_first=batch_first, probes=4000)

    torch.testing.assert_close(
        torch.tensor(reach.norms, dtype=torch.float64), expected, rtol=0.05, atol=0
    )


def test_whole_output_counts_where_it_has_no_time() -> None:
    layer = GRU(3, 5, batch_first=True)
    head = torch.nn.Linear(5, 2)

    reach = gradient_reach(
        lambda x: head(layer(x)[0][:, -1]), torch.zeros(2, 9, 3), batch_first=True
    )

    assert len(reach.norms) == 9
    assert all(norm > 0 for norm in reach.norms)


def test_output_that_sees_the_last_step_alone_has_no_reach() -> None:
    reach = gradient_reach(lambda x: 2 * x, torch.zeros(9, 2, 3))

    assert reach.norms[1:] == (0.0,) * 8
    assert reach.factor == 0.0
    assert reach.verdict == "vanishes"
    assert reach.half_life == 0.0


def test_seed_repeats_the_measurement() -> None:
    layer, x = RNN(3, 5), torch.ones(6, 2, 3)

    assert gradient_reach(layer, x, seed=3) == gradient_reach(layer, x, seed=3)


def test_what_cannot_be_measured_raises() -> None:
    with pytest.raises(ValueError, match=r"at least 2 steps, got shape \(1, 2, 3\)"):
        gradient_reach(RNN(3, 5), torch.zeros(1, 2, 3))
    with pytest.raises(ValueError, match="model must give an output that depends on x"):
        gradient_reach(lambda _: torch.zeros(2, 5), torch.zeros(6, 2, 3))


@pytest.mark.parametrize("factor", [1e6, math.inf], ids=str)
def test_a_change_beyond_all_numbers_explodes(factor: float) -> None:
    assert Reach((1.0,) * 200, factor).verdict == "explodes"
