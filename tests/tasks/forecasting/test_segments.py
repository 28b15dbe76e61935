"""Segments are the window's own stretches, and every cell and stack reads and writes them."""

import pytest
import torch

import lockgate
from lockgate import DataError
from lockgate.nn import gradient_reach
from lockgate.tasks.forecasting.config import ForecasterConfig
from lockgate.tasks.forecasting.network import ForecastNetwork, build
from lockgate.tasks.forecasting.segments import Segments

B, T, C, HORIZON, LENGTH = 3, 14, 2, 10, 4
STACKS = {
    "lstm": {"cell": "lstm"},
    "stacked-gru": {"cell": "gru", "num_layers": 2},
    "both-ways-rnn": {"cell": "rnn", "bidirectional": True},
    "sizes-lstm": {"cell": "lstm", "hidden_size": (6, 4), "bidirectional": (True, False)},
}


def make_x(seed: int = 1) -> torch.Tensor:
    return torch.randn(B, T, C, generator=torch.Generator().manual_seed(seed))


def make_model(**settings: object) -> ForecastNetwork:
    config = ForecasterConfig(**{"hidden_size": 5, "segment_length": LENGTH, **settings})
    return build(config, C, HORIZON, torch.Generator().manual_seed(0))


def test_a_token_is_a_linear_layer_and_relu_of_a_stretch_the_oldest_row_repeated():
    segments, x = Segments(C, LENGTH, 6), make_x()
    padded = torch.cat([x[:, :1], x[:, :1], x], dim=1)

    tokens = segments(x)

    assert tokens.shape == (B, 4, 6)
    for place in range(4):
        stretch = padded[:, place * LENGTH : (place + 1) * LENGTH].flatten(1)
        torch.testing.assert_close(tokens[:, place], segments.linear(stretch).relu())


@pytest.mark.parametrize("head", ["direct", "positions"])
@pytest.mark.parametrize("stack", STACKS.values(), ids=STACKS)
def test_every_stack_reads_segments_and_all_its_weights_learn(stack, head):
    model = make_model(**stack, segment_head=head).train()

    forecast = model(make_x(), generator=torch.Generator().manual_seed(0))
    forecast.square().sum().backward()

    assert forecast.shape == (B, HORIZON)
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in model.parameters())
    changes = model.eval().split_level(make_x())[0]
    assert len(gradient_reach(model.forecast_changes, changes, batch_first=True).norms) == T


def test_a_segment_of_the_forecast_is_a_step_from_the_last_state_with_its_position():
    model = make_model(cell="gru", segment_head="positions", normalise="none").eval()

    with torch.no_grad():
        _, state = model.stack(model.segments(make_x()))
        written = []
        for position in model.positions.weight:
            _, ended = model.stack(position.expand(B, 1, -1), state)
            written.append(model.head(ended[-1]))

        # 3 segments of 4 steps: the last is cut at the horizon
        torch.testing.assert_close(model(make_x()), torch.cat(written, dim=1)[:, :HORIZON])


def test_the_work_is_that_of_the_segments_not_of_the_steps():
    model = make_model(cell="gru", segment_length=24)
    lengths = []
    model.stack.register_forward_hook(lambda _, args, __: lengths.append(args[0].shape[1]))

    model(torch.zeros(1, 720, C))

    assert lengths == [30]


@pytest.mark.parametrize("head", ["direct", "positions"])
def test_a_loaded_model_reads_segments_as_before(table, small, tmp_path, head):
    told = {"segment_length": 2, "segment_head": head, "max_epochs": 1}

    fitted, folder = lockgate.train(table, **{**small, **told}, out=tmp_path / "model")

    assert lockgate.load(folder).predict(table).equals(fitted.predict(table))
    path = folder / "config.json"
    path.write_text(path.read_text().replace('"segment_length": 2', '"segment_length": 3'))
    with pytest.raises(DataError, match="must hold the weights of config"):
        lockgate.load(folder)


def test_segments_that_cannot_be_are_refused(table, small, tmp_path):
    told = {**small, "out": tmp_path / "model"}

    with pytest.raises(
        DataError, match=r"at most the lookback of 7 steps, got 9; pass lookback=9 \(--lookback 9\)"
    ):
        lockgate.train(table, **told, segment_length=9)
    with pytest.raises(DataError, match="segment_head must be direct without a segment_length"):
        lockgate.train(table, **told, segment_head="positions")
    lockgate.train(table, **{**told, "lookback": 9, "max_epochs": 1}, segment_length=9)


def test_a_segment_is_masked_where_it_is_padding_alone():
    segments = Segments(1, 4, 2)
    rows = torch.tensor([1, 4, 5, 8, 9, 10])
    mask = torch.arange(10) >= 10 - rows[:, None]

    found = segments.mask_of(mask)

    assert found.tolist() == [[-(-int(n) // 4) > 2 - k for k in range(3)] for n in rows]
