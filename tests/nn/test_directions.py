"""Layers that read both ways stand on layers that do not, and the other way round."""

import copy
import pickle

import pytest
import torch
from torch import Tensor
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from lockgate.nn import GRU, LSTM, RNN, Stateful, mc_samples
from lockgate.ops import kernels
from lockgate.ops.dispatch import backend

CPU = pytest.param(
    "cpu", marks=pytest.mark.skipif(not kernels.BUILT, reason="lockgate has no kernels here")
)
BACKENDS = pytest.mark.parametrize("name", ["aten", "reference", CPU])
STACKS = pytest.mark.parametrize(
    ("sizes", "both"),
    [
        ([7, 4], [True, False]),
        ([5, 5], [False, True]),
        ([5, 3, 7], [True, False, True]),
    ],
    ids=str,
)
RATES = {
    "input_dropout": 0.5,
    "dropout": 0.5,
    "recurrent_dropout": 0.5,
    "output_dropout": 0.5,
    "weight_dropout": 0.5,
    "zoneout": 0.2,
}
LENGTHS = [4, 7, 1, 6]


def parts_of(state) -> tuple:
    """Give h, or h and c, each a tuple with a tensor for each layer."""
    return state if isinstance(state[0], tuple) else (state,)


class Chain:
    """Torch's layers, one on top of the other, with the weights of a stack of ours."""

    def __init__(self, layer, make_torch) -> None:
        self.layers, width = [], 3
        for number, (size, both) in enumerate(
            zip(layer.hidden_size, layer.bidirectional, strict=True)
        ):
            own = make_torch(width, size, bidirectional=both)
            names = {name: name.replace("l0", f"l{number}") for name in own.state_dict()}
            weights = layer.state_dict()
            own.load_state_dict({name: weights[ours] for name, ours in names.items()})
            self.layers.append(own)
            width = size * (1 + both)

    def __call__(self, x, hx=None):
        states = []
        for number, own in enumerate(self.layers):
            below = None if hx is None else tuple(part[number] for part in parts_of(hx))
            x, last = own(x, below if below is None or len(below) > 1 else below[0])
            states.append(last if isinstance(last, tuple) else (last,))
        parts = tuple(zip(*states, strict=True))
        return x, parts if len(parts) > 1 else parts[0]

    def parameters(self) -> list[Tensor]:
        return [parameter for own in self.layers for parameter in own.parameters()]


def loss(output, state) -> Tensor:
    tensors = [output, *(tensor for part in parts_of(state) for tensor in part)]
    return sum((tensor * tensor.cos()).sum() for tensor in tensors)


@BACKENDS
@STACKS
@pytest.mark.parametrize("given", [False, True], ids=["no-hx", "hx"])
def test_results_and_gradients_are_those_of_torchs_layers_in_turn(
    make, make_torch, draw, sizes, both, given, name
) -> None:
    dtype = torch.float32 if name == "cpu" else torch.float64
    ours = make(3, sizes, bidirectional=both, dtype=dtype)
    theirs = Chain(ours, make_torch)

    def run(layer, dtype: torch.dtype):
        x = draw(6, 2, 3).to(dtype).requires_grad_()
        h = [
            draw(1 + two, 2, size).to(dtype).requires_grad_()
            for size, two in zip(sizes, both, strict=True)
        ]
        part = tuple(h)
        hx = (part, tuple(tensor.sin() for tensor in h)) if isinstance(ours, LSTM) else part
        output, last = layer(x, hx if given else None)
        wanted = [x, *(h if given else []), *layer.parameters()]
        return output, last, torch.autograd.grad(loss(output, last), wanted)

    with backend(name):
        got = run(ours, dtype)

    torch.testing.assert_close(got, run(theirs, torch.float64), check_dtype=False)
    assert [part.shape for part in parts_of(got[1])[0]] == [
        (1 + two, 2, size) for size, two in zip(sizes, both, strict=True)
    ]


@STACKS
def test_packed_and_padded_sequences_are_those_of_torchs_layers(
    make, make_torch, draw, sizes, both
) -> None:
    ours = make(3, sizes, bidirectional=both)
    theirs = Chain(ours, make_torch)
    x = draw(7, 4, 3).requires_grad_()

    def told(layer, output, state):
        gradients = torch.autograd.grad(loss(output, state), [x, *layer.parameters()])
        return output, state, gradients

    def packed(layer):
        output, state = layer(pack_padded_sequence(x, LENGTHS, enforce_sorted=False))
        return told(layer, pad_packed_sequence(output)[0], state)

    expected = packed(theirs)

    torch.testing.assert_close(packed(ours), expected)
    torch.testing.assert_close(told(ours, *ours(x, lengths=LENGTHS)), expected)


def test_parameters_are_named_as_in_torch(make) -> None:
    layer = make(bidirectional=[True, False, True], bias=False)

    names = [name.removeprefix("weight_ih_") for name in layer.state_dict() if "_ih_" in name]
    assert names == ["l0", "l0_reverse", "l1", "l2", "l2_reverse"]
    assert layer.weight_ih_l1.shape[1] == 10
    assert layer.weight_ih_l2_reverse.shape[1] == 5


@pytest.mark.parametrize("value", [True, False])
def test_layers_that_are_all_alike_are_as_by_one_value(make, draw, value: bool) -> None:
    layer, alike = make(bidirectional=[value, value]), make(num_layers=2, bidirectional=value)

    assert repr(layer) == repr(alike)
    assert layer.bidirectional is value
    assert list(layer.state_dict()) == list(alike.state_dict())
    x = draw(6, 2, 3)
    torch.testing.assert_close(layer(x), alike(x))
    torch.testing.assert_close(layer(x, layer(x)[1]), alike(x, alike(x)[1]))


def test_repr_shows_the_directions_of_each_layer() -> None:
    layer = LSTM(3, 5, bidirectional=[True, False])

    assert layer.num_layers == 2
    assert repr(layer) == "LSTM(3, 5, bidirectional=(True, False))"
    assert repr(LSTM(3, [64, 32], bidirectional=[True, False])) == (
        "LSTM(3, [64, 32], bidirectional=(True, False))"
    )


def test_unbatched_state_has_no_batch(make, draw) -> None:
    layer = make(bidirectional=[True, False])

    output, state = layer(draw(6, 3))
    again, _ = layer(draw(6, 3), state)

    assert output.shape == (6, 5)
    assert [tensor.shape for tensor in parts_of(state)[0]] == [(2, 5), (1, 5)]
    expected, _ = layer(draw(6, 3).unsqueeze(1), layer(draw(6, 3).unsqueeze(1))[1])
    torch.testing.assert_close(again, expected.squeeze(1))


def test_outputs_stay_apart_where_the_top_layer_reads_both_ways(make, draw) -> None:
    onward = make(bidirectional=[True, False], merge_mode="none")
    both = make(bidirectional=[False, True], merge_mode="none", output_dropout=0.5)

    assert onward(draw(6, 2, 3))[0].shape == (6, 2, 5)
    assert [output.shape for output in both(draw(6, 2, 3))[0]] == [(6, 2, 5)] * 2
    assert both.draw_masks(2).output.shape == (1, 2, 10)


@pytest.mark.parametrize("merge_mode", ["concat", "sum"])
def test_residual_needs_layers_of_one_width(make, draw, merge_mode: str) -> None:
    sizes = [5, 10] if merge_mode == "concat" else [5, 5]
    options = {"bidirectional": [True, False], "merge_mode": merge_mode}
    layer, x = make(3, sizes, residual=True, **options), draw(6, 2, 3)
    plain = make(3, sizes, **options)
    below = make(3, sizes[0], bidirectional=True, merge_mode=merge_mode)
    below.load_state_dict({name: layer.state_dict()[name] for name in below.state_dict()})

    torch.testing.assert_close(layer(x)[0], plain(x)[0] + below(x)[0])
    with pytest.raises(
        ValueError, match=r"residual must be False where layers differ in width, got .* 10, 5 feat"
    ):
        make(bidirectional=[True, False], residual=True)


def test_masks_are_drawn_for_each_layer_and_direction(make, draw) -> None:
    layer, x = make(3, [5, 4, 6], bidirectional=[False, True, False], **RATES), draw(6, 2, 3)

    masks = layer.draw_masks(2, 6)

    assert [cell.x.shape[-1] for cell in masks.cells] == [3, 5, 5, 8]
    assert [cell.h.shape[-1] for cell in masks.cells] == [5, 4, 4, 6]
    assert [mask.shape[1] for mask in masks.weights] == [5, 4, 4, 6]
    seeded = [torch.Generator().manual_seed(0) for _ in range(2)]
    expected = layer(x, masks=layer.draw_masks(2, 6, generator=seeded[0]))
    torch.testing.assert_close(layer(x, generator=seeded[1]), expected)
    with pytest.raises(ValueError, match=r"masks must hold 4 cells, one for each .*, got 3"):
        layer(x, masks=make(num_layers=3).draw_masks(2))


def test_report_has_a_line_for_each_layer_and_direction(make, draw) -> None:
    lines = make(bidirectional=[True, False]).backend_report(draw(6, 2, 3)).lines

    assert [(line.layer, line.reverse) for line in lines] == [(0, False), (0, True), (1, False)]


def test_learnt_state_is_one_of_each_layer_and_direction(make, draw) -> None:
    layer, x = make(3, [5, 4], bidirectional=[True, False], learn_initial_state=True), draw(6, 2, 3)
    names = [name for name in layer.state_dict() if name.startswith("h_0")]
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.add_(0.1)

    first = [getattr(layer, name).detach() for name in names]
    assert names == ["h_0_l0", "h_0_l0_reverse", "h_0_l1"]
    h = (torch.stack(first[:2]).unsqueeze(1).expand(-1, 2, -1), first[2].expand(1, 2, -1))
    c = tuple(torch.full_like(tensor, 0.1) for tensor in h)
    torch.testing.assert_close(layer(x), layer(x, (h, c) if isinstance(layer, LSTM) else h))


@pytest.mark.parametrize("recompute", [False, True])
def test_every_option_trains(make, draw, recompute: bool) -> None:
    layer = make(3, [5, 4], bidirectional=[True, False], recompute=recompute, **RATES)
    x = draw(9, 2, 3)
    masks = layer.draw_masks(2, 9)
    twin = make(3, [5, 4], bidirectional=[True, False], **RATES)

    def told(layer):
        result = layer(x, mask=torch.arange(9) < torch.tensor([[9], [4]]), masks=masks)
        return *result, torch.autograd.grad(loss(*result), list(layer.parameters()))

    torch.testing.assert_close(told(layer), told(twin))
    assert all(gradient.any() for gradient in told(layer)[2])


@pytest.mark.parametrize("copier", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))])  # noqa: S301
def test_copy_computes_the_same(make, draw, copier) -> None:
    layer, other = (make(3, [5, 4], bidirectional=[True, False]) for _ in range(2))
    x = draw(6, 2, 3)

    twin = copier(layer)
    other.load_state_dict(twin.state_dict())

    torch.testing.assert_close(twin(x), layer(x))
    torch.testing.assert_close(other(x), layer(x))
    assert repr(twin) == repr(layer)


@pytest.mark.parametrize("cls", [RNN, LSTM, GRU])
def test_exported_layer_takes_any_batch_and_time(cls) -> None:
    layer = cls(3, [5, 4], bidirectional=[True, False]).eval()
    time, batch = torch.export.Dim("time", min=1), torch.export.Dim("batch")

    exported = torch.export.export(
        layer, (torch.randn(5, 2, 3),), dynamic_shapes={"x": {0: time, 1: batch}}
    )

    for T, B in ((5, 2), (11, 3), (2, 7)):
        x = torch.randn(T, B, 3)
        torch.testing.assert_close(exported.module()(x), layer(x))


def test_monte_carlo_samples_are_those_of_the_masks(make, draw) -> None:
    layer = make(bidirectional=[True, False], recurrent_dropout=0.5)

    samples = mc_samples(layer, draw(6, 2, 3), n=4, batch_dim=1)

    assert samples.shape == (4, 6, 2, 5)
    assert samples.std(0).any()


@pytest.mark.parametrize("both", [[True, False], [False, True]], ids=str)
def test_what_goes_on_where_it_ended_reads_one_way(make, both: list[bool]) -> None:
    layer = make(bidirectional=both)
    got = rf"got .*\({both[0]}, {both[1]}\)"

    with pytest.raises(ValueError, match=f"bidirectional must be False for a stepper, {got}: the"):
        layer.stepper()
    with pytest.raises(ValueError, match=f"layer must run in one direction, {got}: the reverse"):
        Stateful(layer)


def test_one_way_given_for_each_layer_goes_on(make, draw) -> None:
    layer, x = make(bidirectional=[False, False]).eval(), draw(6, 2, 3)
    step, stateful, hx = layer.stepper(), Stateful(layer), None

    for x_t in x:
        output, hx = step(x_t, hx)

    expected, last = layer(x)
    torch.testing.assert_close((output, hx), (expected[-1], last))
    torch.testing.assert_close(torch.cat([stateful(c) for c in x.split(4)]), expected)


def test_state_of_another_form_raises(draw) -> None:
    layer, x = GRU(3, 5, bidirectional=[True, False], dtype=torch.float64), draw(6, 2, 3)

    with pytest.raises(
        TypeError,
        match="hx must be a tuple of 2 tensors, one for each layer, since bidirectional differs",
    ):
        layer(x, draw(3, 2, 5))
    with pytest.raises(ValueError, match=r"hx\[1\] must have shape \(directions, .*\(1, 2, 5\), g"):
        layer(x, (draw(2, 2, 5), draw(2, 2, 5)))


@pytest.mark.parametrize(
    ("error", "options", "message"),
    [
        (TypeError, {"bidirectional": 1}, "bidirectional must be True or False, got 1"),
        (
            TypeError,
            {"bidirectional": []},
            r"bidirectional must be True or False, or a list of them, got \[\]",
        ),
        (
            TypeError,
            {"bidirectional": "yes"},
            "bidirectional must be True or False, or a list of them, got 'yes'",
        ),
        (
            TypeError,
            {"bidirectional": [True, 0]},
            r"bidirectional\[1\] must be True or False, got 0",
        ),
        (
            ValueError,
            {"num_layers": 3, "bidirectional": [True, False]},
            r"num_layers must be 2 with bidirectional=\[True, False\], or left out, got 3",
        ),
        (
            ValueError,
            {"hidden_size": [5, 4, 3], "bidirectional": [True, False]},
            r"bidirectional must be as long as hidden_size=\[5, 4, 3\], got \[True, False\]. Give",
        ),
    ],
)
def test_directions_that_do_not_fit_raise(error: type, options: dict, message: str) -> None:
    with pytest.raises(error, match=message):
        LSTM(3, **{"hidden_size": 5, **options})
