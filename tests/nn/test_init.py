"""Initial parameters are torch's or Keras's, and repeat with their generator."""

import math

import pytest
import torch

from lockgate.nn import GRU, LSTM, RNN


def test_torch_init_is_uniform_in_its_bounds(make) -> None:
    layer = make(hidden_size=16)
    values = torch.cat([p.detach().flatten() for p in layer.parameters()])

    assert values.abs().max() <= 0.25
    assert values.std() == pytest.approx(0.25 / math.sqrt(3), rel=0.1)


def test_keras_init_is_glorot_on_the_joint_input_matrix(make) -> None:
    layer = make(31, 17, init="keras")
    rows = layer.weight_ih_l0.shape[0]
    limit = math.sqrt(6 / (31 + rows))

    weight = layer.weight_ih_l0.detach()
    assert weight.abs().max() <= limit
    assert weight.std() == pytest.approx(limit / math.sqrt(3), rel=0.05)


def test_keras_init_is_orthogonal_on_the_joint_recurrent_matrix(make) -> None:
    layer = make(hidden_size=17, num_layers=2, bidirectional=True, init="keras")

    for name, weight in layer.named_parameters():
        if "weight_hh" in name:
            torch.testing.assert_close(weight.T @ weight, torch.eye(17, dtype=torch.float64))


def test_keras_init_opens_the_forget_gate_of_an_lstm_once() -> None:
    layer = LSTM(3, 2, bidirectional=True, init="keras")

    for bias in (layer.bias_ih_l0, layer.bias_ih_l0_reverse):
        assert bias.tolist() == [0, 0, 1, 1, 0, 0, 0, 0]
    assert not layer.bias_hh_l0.any()


@pytest.mark.parametrize("cls", [GRU, RNN])
def test_keras_init_leaves_other_biases_zero(cls) -> None:
    layer = cls(3, 4, init="keras")

    assert not layer.bias_ih_l0.any()
    assert not layer.bias_hh_l0.any()


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_keras_init_knows_half_precision(make, dtype: torch.dtype) -> None:
    weight = make(dtype=dtype, init="keras").weight_hh_l0.float()

    torch.testing.assert_close(weight.T @ weight, torch.eye(5), atol=0.02, rtol=0)


def test_orthogonal_init_draws_each_gate_for_itself(make) -> None:
    layer = make(31, 17, num_layers=2, bidirectional=True, init="orthogonal")
    gates = layer.weight_hh_l0.shape[0] // 17
    limit = math.sqrt(6 / (31 + 17))

    for name, weight in layer.named_parameters():
        for rows in weight.chunk(gates) if "weight_hh" in name else ():
            torch.testing.assert_close(rows.T @ rows, torch.eye(17, dtype=torch.float64))
    for rows in layer.weight_ih_l0.detach().chunk(gates):
        assert rows.abs().max() <= limit
        assert rows.std() == pytest.approx(limit / math.sqrt(3), rel=0.1)


@pytest.mark.parametrize("init", ["torch", "keras", "orthogonal"])
def test_generator_repeats_the_parameters_and_leaves_the_default_one_alone(make, init) -> None:
    first, again = make(init=init), make(init=init, bidirectional=False)
    before = torch.random.get_rng_state()

    for layer in (first, again):
        layer.reset_parameters(torch.Generator().manual_seed(4))

    assert all(map(torch.equal, first.parameters(), again.parameters()))
    assert torch.equal(torch.random.get_rng_state(), before)


def test_unknown_init_raises() -> None:
    with pytest.raises(ValueError, match=r"init must be one of \['keras', 'orthogonal', 'torch'\]"):
        GRU(3, 4, init="he")
