"""A cell is one step of torch's, or of the layer under its masks."""

import pytest
import torch

from lockgate.nn import GRU, LSTM, RNN, GRUCell, LSTMCell, RNNCell

CELLS = {
    "rnn-tanh": (RNNCell, torch.nn.RNNCell, RNN, {}),
    "rnn-relu": (RNNCell, torch.nn.RNNCell, RNN, {"nonlinearity": "relu"}),
    "lstm": (LSTMCell, torch.nn.LSTMCell, LSTM, {}),
    "gru": (GRUCell, torch.nn.GRUCell, GRU, {}),
}
ALL = pytest.mark.parametrize("kind", CELLS)
DTYPES = pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)


@ALL
@DTYPES
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("shape", [(2,), ()], ids=["batch", "unbatched"])
def test_cell_agrees_with_torch(kind: str, bias: bool, shape: tuple, dtype: torch.dtype) -> None:
    cls, judge_cls, _, options = CELLS[kind]
    torch.manual_seed(0)
    cell, judge = (c(3, 5, bias, dtype=dtype, **options) for c in (cls, judge_cls))
    cell.load_state_dict(judge.state_dict())
    x, h = (torch.randn(*shape, n, dtype=dtype) for n in (3, 5))
    hx = (h, 2 * h) if kind == "lstm" else h

    torch.testing.assert_close(cell(x, hx), judge(x, hx))
    torch.testing.assert_close(cell(x), judge(x))


@ALL
def test_steps_under_the_masks_of_a_sequence_are_the_layer(kind: str, draw) -> None:
    cls, _, layer_cls, options = CELLS[kind]
    rates = {"input_dropout": 0.5, "recurrent_dropout": 0.5, "dtype": torch.float64}
    cell, layer = (c(3, 5, **options, **rates) for c in (cls, layer_cls))
    layer.load_state_dict({f"{name}_l0": value for name, value in cell.state_dict().items()})
    x, generator = draw(6, 2, 3), torch.Generator().manual_seed(0)

    masks, hx, outputs = cell.draw_masks(2, generator=generator), None, []
    for x_t in x:
        hx = cell(x_t, hx, masks=masks)
        outputs.append(hx[0] if isinstance(hx, tuple) else hx)

    expected, _ = layer(x, generator=generator.manual_seed(0))
    torch.testing.assert_close(torch.stack(outputs), expected)


def test_mask_of_a_cell_may_be_one_for_all_samples() -> None:
    rates = {"input_dropout": 0.5, "recurrent_dropout": 0.5}

    masks = LSTMCell(3, 5, mask_for={"recurrent": "batch"}, **rates).draw_masks(2)

    assert (masks.x.shape, masks.h.shape) == ((1, 1, 2, 3), (1, 4, 1, 5))
    with pytest.raises(ValueError, match=r"mask_for must have the places \['input', 'recurrent'\]"):
        LSTMCell(3, 5, mask_for={"output": "batch"})


@ALL
def test_cell_is_written_as_it_is_made(kind: str) -> None:
    cls, _, _, options = CELLS[kind]
    cell = cls(3, 5, recurrent_dropout=0.5, init="keras", **options)

    assert repr(eval(repr(cell))) == repr(cell)  # noqa: S307


def test_gru_cell_resets_before_the_product_too(draw) -> None:
    cell = GRUCell(3, 5, reset_after=False, dtype=torch.float64)
    layer = GRU(3, 5, reset_after=False, dtype=torch.float64)
    layer.load_state_dict({f"{name}_l0": value for name, value in cell.state_dict().items()})
    x, h = draw(2, 3), draw(2, 5)

    torch.testing.assert_close(cell(x, h), layer(x[None], h[None])[1][0])


def test_masks_are_needed_in_training_alone() -> None:
    cell = LSTMCell(3, 5, recurrent_dropout=0.5)

    with pytest.raises(ValueError, match=r"masks must be given in training .* draw_masks once"):
        cell(torch.zeros(2, 3))
    cell.eval()(torch.zeros(2, 3))


def test_wrong_tensors_raise() -> None:
    lstm, gru = LSTMCell(3, 5), GRUCell(3, 5)

    with pytest.raises(ValueError, match=r"x must have shape \(batch, 3\), or \(3,\) unbatched"):
        gru(torch.zeros(2, 4))
    with pytest.raises(ValueError, match=r"x must be torch.float32, got torch.float64"):
        gru(torch.zeros(2, 3, dtype=torch.float64))
    with pytest.raises(ValueError, match=r"hx must have shape \(2, 5\), got \(3, 5\)"):
        gru(torch.zeros(2, 3), torch.zeros(3, 5))
    with pytest.raises(ValueError, match=r"hx\[1\] must have shape \(5,\), got \(1, 5\)"):
        lstm(torch.zeros(3), (torch.zeros(5), torch.zeros(1, 5)))
    with pytest.raises(TypeError, match=r"hx must be a pair \(h_0, c_0\), got Tensor"):
        lstm(torch.zeros(2, 3), torch.zeros(2, 5))
    with pytest.raises(TypeError, match="hx must be a tensor, got tuple"):
        gru(torch.zeros(2, 3), (torch.zeros(2, 5), torch.zeros(2, 5)))
