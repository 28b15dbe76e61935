"""A sequence in chunks is the sequence in one piece, but for where the gradient ends."""

import copy

import pytest
import torch

from lockgate.nn import GRU, LSTM, Stateful

RATES = {"input_dropout": 0.5, "recurrent_dropout": 0.5, "output_dropout": 0.5}


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def h_of(state) -> torch.Tensor:
    return state[0] if isinstance(state, tuple) else state


@pytest.mark.parametrize("batch_first", [True, False])
def test_chunks_under_the_masks_of_their_sequence_are_the_whole(make, draw, batch_first) -> None:
    layer = make(num_layers=2, dropout=0.5, batch_first=batch_first, **RATES)
    x = draw(9, 2, 3).transpose(0, 1) if batch_first else draw(9, 2, 3)
    stateful, generator = Stateful(layer), seeded()

    chunks = [stateful(chunk, generator=generator) for chunk in x.split(4, dim=int(batch_first))]
    expected, last = layer(x, generator=seeded())

    torch.testing.assert_close(torch.cat(chunks, dim=int(batch_first)), expected)
    torch.testing.assert_close(stateful.state, last)


def test_gradient_ends_with_the_chunk(make, draw) -> None:
    layer, x = make(), draw(6, 2, 3).requires_grad_()
    stateful = Stateful(layer)

    stateful(x[:3])
    stateful(x[3:]).sum().backward()

    assert not x.grad[:3].any()
    assert x.grad[3:].all()


def test_reset_rows_begin_anew_and_the_others_go_on(make, draw) -> None:
    layer, x = make(**RATES), draw(8, 3, 3)
    stateful = Stateful(layer)
    generator = seeded()

    stateful(x[:4], generator=generator)
    before = stateful._masks
    reset = torch.tensor([False, True, False])
    output = stateful(x[4:], reset=reset, generator=generator)

    after = stateful._masks
    for old, new in ((before.cells[0].h, after.cells[0].h), (before.output, after.output)):
        assert torch.equal(old[..., [0, 2], :], new[..., [0, 2], :])
        assert not torch.equal(old[..., 1, :], new[..., 1, :])
    alone, _ = layer(x[4:], masks=after)
    torch.testing.assert_close(output[:, 1], alone[:, 1])
    assert not torch.allclose(output[:, 0], alone[:, 0])


def test_shared_masks_are_held_and_stay_shared_by_rows_that_begin_together(make, draw) -> None:
    layer, x = make(mask_for="batch", **RATES), draw(4, 3, 3)
    stateful, generator = Stateful(layer), seeded()

    def mask(*reset: bool) -> torch.Tensor:
        stateful(x, reset=torch.tensor(reset) if reset else None, generator=generator)
        return stateful._masks.cells[0].h

    first, held, anew, some = mask(), mask(), mask(True, True, True), mask(False, True, True)

    assert torch.equal(first, held)
    assert anew.shape == first.shape
    assert not torch.equal(anew, first)
    assert torch.equal(some[..., :1, :], anew)
    assert torch.equal(some[..., 1, :], some[..., 2, :])
    assert not torch.equal(some[..., 1, :], anew[..., 0, :])


def test_reset_learns_the_initial_state_again(make, draw) -> None:
    layer, x = make(learn_initial_state=True), draw(8, 2, 3)
    stateful = Stateful(layer)

    stateful(x[:4])
    layer.zero_grad()
    stateful(x[4:], reset=torch.tensor([True, False])).sum().backward()

    assert layer.h_0_l0.grad.any()


def test_masks_of_weights_and_of_steps_are_drawn_for_each_chunk(make, draw) -> None:
    layer, x = (
        make(weight_dropout=0.5, input_dropout=0.5, mask_over={"input": "step"}),
        draw(8, 2, 3),
    )
    stateful = Stateful(layer)

    stateful(x[:4])
    first = stateful._masks
    stateful(x[4:])

    assert not torch.equal(first.weights[0], stateful._masks.weights[0])
    assert not torch.equal(first.cells[0].x, stateful._masks.cells[0].x)


def test_masks_may_be_drawn_for_each_chunk(make, draw) -> None:
    layer, x = make(**RATES), draw(8, 2, 3)
    stateful = Stateful(layer, hold_masks=False)

    stateful(x[:4])
    first = stateful._masks
    stateful(x[4:])

    assert not torch.equal(first.cells[0].h, stateful._masks.cells[0].h)
    with pytest.raises(TypeError, match="hold_masks must be True or False, got 1"):
        Stateful(layer, hold_masks=1)


def test_evaluation_drops_nothing(make, draw) -> None:
    layer, x = make(**RATES).eval(), draw(8, 2, 3)
    stateful = Stateful(layer)

    torch.testing.assert_close(torch.cat([stateful(c) for c in x.split(3)]), layer(x)[0])


def test_states_of_layers_of_different_sizes_are_kept(draw) -> None:
    layer, x = LSTM(3, [5, 4], dtype=torch.float64), draw(8, 2, 3)
    stateful = Stateful(layer)

    torch.testing.assert_close(torch.cat([stateful(c) for c in x.split(3)]), layer(x)[0])
    torch.testing.assert_close(stateful.state, layer(x)[1])


def test_forgetting_begins_anew_with_any_batch(make, draw) -> None:
    stateful = Stateful(make())
    first = stateful(draw(4, 2, 3))
    with pytest.raises(
        ValueError, match=r"batch size of the last chunk, 2, got 3. Call forget\(\)"
    ):
        stateful(draw(4, 3, 3))

    stateful.forget()

    assert stateful.state is None
    torch.testing.assert_close(stateful(draw(4, 2, 3)), first)


def test_what_is_no_chunk_raises(make, draw) -> None:
    with pytest.raises(ValueError, match="layer must run in one direction, got bidirectional=True"):
        Stateful(GRU(3, 4, bidirectional=True))
    stateful = Stateful(make())
    with pytest.raises(ValueError, match=r"x must have 3 dimensions, .*, got 2"):
        stateful(draw(4, 3))
    with pytest.raises(ValueError, match=r"reset must have shape \(2,\), got \(3,\)"):
        stateful(draw(4, 2, 3), reset=torch.zeros(3, dtype=torch.bool))
    with pytest.raises(TypeError, match=r"layer must be an RNN, .* got torch.nn.modules.rnn.GRU"):
        Stateful(torch.nn.GRU(3, 4))


class Counter(torch.nn.Module):
    """A model of a user's that holds a layer with state."""

    def __init__(self, layer: torch.nn.Module) -> None:
        super().__init__()
        self.rnn = Stateful(layer)
        self.out = torch.nn.Linear(5, 1, dtype=torch.float64)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.out(self.rnn(x))


def test_layer_is_part_of_the_model_that_holds_it(make, draw) -> None:
    model = Counter(make(**RATES))
    names = ["rnn.layer.weight_ih_l0", "rnn.layer.weight_hh_l0", "rnn.layer.bias_ih_l0"]

    model(draw(4, 2, 3)).sum().backward()

    assert {*names} <= {name for name, _ in model.named_parameters()}
    assert all(parameter.grad is not None for parameter in model.parameters())
    model.eval()
    assert not model.rnn.layer.training
    model.rnn.forget()
    torch.testing.assert_close(
        model(draw(4, 2, 3)), model.out(model.rnn.layer(draw(4, 2, 3))[0]), rtol=0, atol=0
    )


def test_wrapping_leaves_the_mode_of_a_layer(make) -> None:
    assert not Stateful(make().eval()).training
    assert Stateful(make()).training


def test_state_is_in_no_state_dict(make, draw) -> None:
    model, twin = Counter(make(**RATES)), Counter(make(**RATES))
    before = list(model.state_dict())

    model(draw(4, 2, 3))

    assert list(model.state_dict()) == before
    twin.load_state_dict(model.state_dict())
    assert twin.rnn.state is None
    model.rnn.forget()
    assert torch.equal(twin.eval()(draw(4, 2, 3)), model.eval()(draw(4, 2, 3)))


def test_copy_goes_on_by_itself(make, draw) -> None:
    x = draw(12, 2, 3)
    model = Counter(make(**RATES))
    model(x[:4])
    twin = copy.deepcopy(model)

    first = model(x[4:8])

    torch.testing.assert_close(twin(x[4:8]), first, rtol=0, atol=0)
    assert twin.rnn.layer is not model.rnn.layer


def test_what_is_carried_follows_the_layer(make, draw) -> None:
    model = Counter(make(**RATES))
    model(draw(4, 2, 3))

    model.float()

    assert h_of(model.rnn.state).dtype == model.rnn._masks.output.dtype == torch.float32
    assert model(draw(4, 2, 3).float()).dtype == torch.float32
    assert h_of(model.to("meta").rnn.state).is_meta
