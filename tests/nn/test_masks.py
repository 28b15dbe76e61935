"""Masks are drawn at their places, held over the steps, and nothing else happens in training."""

import itertools

import pytest
import torch

from lockgate.nn import GRU, LSTM, RNN, Embedding, LayerMasks, LockedDropout, LSTMCell
from lockgate.nn.masks import Rows, drawn_for_whole_batch
from lockgate.ops.dispatch import backend

RATES = {"input_dropout": 0.5, "recurrent_dropout": 0.5, "output_dropout": 0.5}


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def h_of(state) -> torch.Tensor:
    return state[0] if isinstance(state, tuple) else state


@pytest.mark.parametrize("place", RATES)
def test_high_rate_changes_training_and_leaves_evaluation_alone(make, draw, place: str) -> None:
    plain, dropped = make(), make(**{place: 0.99})
    x = draw(7, 2, 3)

    expected, _ = plain(x)

    assert not torch.allclose(dropped(x, generator=seeded())[0], expected)
    assert torch.equal(dropped.eval()(x)[0], expected)


def test_dropout_between_layers_changes_training_and_leaves_evaluation_alone(make, draw) -> None:
    plain, dropped = make(num_layers=2), make(num_layers=2, dropout=0.99)
    x = draw(7, 2, 3)

    expected, _ = plain(x)

    assert not torch.allclose(dropped(x, generator=seeded())[0], expected)
    assert torch.equal(dropped.eval()(x)[0], expected)


def test_masks_have_a_place_for_each_layer_and_direction(make) -> None:
    layer = make(num_layers=2, bidirectional=True, dropout=0.5, **RATES)

    cells, output, _ = layer.draw_masks(4)

    gates = layer.weight_hh_l0.shape[0] // 5
    assert [cell.x.shape for cell in cells] == [(1, 1, 4, n) for n in (3, 3, 10, 10)]
    assert [cell.h.shape for cell in cells] == [(1, gates, 4, 5)] * 4
    assert output.shape == (1, 4, 10)


def test_place_of_rate_zero_has_no_mask(make) -> None:
    cells, output, _ = make(num_layers=3, dropout=[0.0, 0.5], input_dropout=0.5).draw_masks(2)

    assert [cell.x is None for cell in cells] == [False, True, False]
    assert all(cell.h is None for cell in cells)
    assert output is None


@pytest.mark.parametrize(
    ("mask_per", "x_gates", "h_gates"),
    [
        (None, 1, 4),
        ("gate", 4, 4),
        ("cell", 1, 1),
        ({"input": "gate"}, 4, 4),
        ({"recurrent": "cell"}, 1, 1),
    ],
)
def test_mask_per_says_how_many_masks_there_are(mask_per, x_gates: int, h_gates: int) -> None:
    layer = LSTM(3, 5, 2, dropout=0.5, mask_per=mask_per, input_dropout=0.5, recurrent_dropout=0.5)

    for cell in layer.draw_masks(2).cells:
        assert (cell.x.shape[1], cell.h.shape[1]) == (x_gates, h_gates)


def test_mask_for_says_who_shares_a_mask(make) -> None:
    rates = {"num_layers": 2, "dropout": 0.5, "zoneout": 0.5, **RATES}
    places = ("input", "between", "recurrent", "output")

    shared = {place: make(mask_for={place: "batch"}, **rates).draw_masks(4, 3) for place in places}
    shared["all"] = make(mask_for="batch", **rates).draw_masks(4, 3)

    for given, (cells, output, _) in shared.items():
        rows = {
            "input": cells[0].x.shape[2],
            "between": cells[1].x.shape[2],
            "recurrent": cells[0].h.shape[2],
            "output": output.shape[1],
        }
        assert rows == {place: 1 if given in (place, "all") else 4 for place in places}
        assert cells[0].zoneout_h.shape[2] == 4


def test_shared_masks_are_those_of_a_batch_of_one_repeated(make, draw) -> None:
    layer = make(num_layers=2, dropout=0.5, mask_for="batch", **RATES)
    x = draw(7, 3, 3)

    got, _ = layer(x, generator=seeded())
    alone = [layer(row, generator=seeded())[0] for row in x.split(1, dim=1)]

    torch.testing.assert_close(got, torch.cat(alone, dim=1))


def test_masks_differ_between_samples_gates_layers_and_directions() -> None:
    layer = GRU(
        16, 32, 2, bidirectional=True, dropout=0.5, input_dropout=0.5, recurrent_dropout=0.5
    )

    cells = layer.draw_masks(2, generator=seeded()).cells

    rows = [row for cell in cells for row in cell.h.flatten(0, 2)]  # layer, direction, gate, sample
    assert len(rows) == 4 * 3 * 2
    assert not any(torch.equal(a, b) for a, b in itertools.combinations(rows, 2))
    assert not torch.equal(cells[0].x, cells[1].x)
    assert not torch.equal(cells[2].x, cells[3].x)


def test_masks_are_drawn_layer_by_layer_and_the_output_last(make) -> None:
    few = make(input_dropout=0.5, recurrent_dropout=0.5).draw_masks(2, generator=seeded())
    more = make(num_layers=2, dropout=0.5, **RATES).draw_masks(2, generator=seeded())

    torch.testing.assert_close(more.cells[0], few.cells[0])


def test_each_call_draws_anew(make, draw) -> None:
    layer, x = make(recurrent_dropout=0.5), draw(7, 2, 3)
    torch.manual_seed(0)

    assert not torch.equal(layer(x)[0], layer(x)[0])


def test_generator_repeats_a_call_and_leaves_the_default_one_alone(make, draw) -> None:
    layer, x = make(num_layers=2, dropout=0.5, **RATES), draw(7, 2, 3)
    before = torch.random.get_rng_state()

    first, again, other = (layer(x, generator=seeded(seed))[0] for seed in (1, 1, 2))

    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert torch.equal(torch.random.get_rng_state(), before)


def test_evaluation_and_rate_zero_draw_nothing(make, draw) -> None:
    layers = [make(), make(num_layers=2, dropout=0.5, **RATES).eval()]
    before = torch.random.get_rng_state()

    for layer in layers:
        layer(draw(7, 2, 3))

    assert torch.equal(torch.random.get_rng_state(), before)


def test_recurrent_mask_is_held_over_the_steps(make, draw) -> None:
    # run step by step under the mask of the whole sequence: a mask redrawn per step would differ
    layer, x = make(recurrent_dropout=0.5), draw(9, 2, 3)
    masks = layer.draw_masks(2, generator=seeded())
    whole, _ = layer(x, generator=seeded())

    state, steps = None, []
    for x_t in x.split(1):
        output, state = layer(x_t, state, masks=masks)
        steps.append(output)

    torch.testing.assert_close(torch.cat(steps), whole)


def test_mask_on_the_input_is_held_over_the_steps(make, draw) -> None:
    layer, plain, x = make(input_dropout=0.5), make(), draw(9, 2, 3)
    mask = layer.draw_masks(2, generator=seeded()).cells[0].x

    got, _ = layer(x, generator=seeded())

    torch.testing.assert_close(got, plain(x * mask[0, 0])[0])


def test_masks_between_layers_are_held_over_the_steps(make, draw) -> None:
    layer, x = make(num_layers=2, dropout=0.5), draw(9, 2, 3)
    mask = layer.draw_masks(2, generator=seeded()).cells[1].x
    lower, upper = make(), make(5)
    own = layer.state_dict()
    lower.load_state_dict({k: v for k, v in own.items() if k.endswith("l0")})
    upper.load_state_dict({k[:-1] + "0": v for k, v in own.items() if k.endswith("l1")})

    got, _ = layer(x, generator=seeded())

    torch.testing.assert_close(got, upper(lower(x)[0] * mask[0, 0])[0])


def test_mask_on_the_output_is_held_over_the_steps_and_leaves_the_state_alone(make, draw) -> None:
    layer, plain, x = make(output_dropout=0.5), make(), draw(9, 2, 3)
    mask = layer.draw_masks(2, generator=seeded()).output

    output, state = layer(x, generator=seeded())
    expected, expected_state = plain(x)

    torch.testing.assert_close(output, expected * mask[0])
    torch.testing.assert_close(state, expected_state)


def test_both_directions_are_two_layers_each_under_its_own_masks(make, draw) -> None:
    layer, x = make(bidirectional=True, **RATES), draw(7, 2, 3)
    cells, output_mask, _ = layer.draw_masks(2, generator=seeded())
    onward, backward = make(), make()
    own = layer.state_dict()
    onward.load_state_dict({k: v for k, v in own.items() if not k.endswith("_reverse")})
    backward.load_state_dict(
        {k.removesuffix("_reverse"): v for k, v in own.items() if k.endswith("_reverse")}
    )

    got, _ = layer(x, masks=LayerMasks(cells, output_mask))
    first, _ = onward(x, masks=LayerMasks(cells[:1]))
    second, _ = backward(x.flip(0), masks=LayerMasks(cells[1:]))

    torch.testing.assert_close(got, torch.cat([first, second.flip(0)], dim=2) * output_mask)


def test_masks_given_are_used_in_evaluation_too(make, draw) -> None:
    layer, x = make(num_layers=2, dropout=0.5, **RATES), draw(7, 2, 3)
    masks = layer.draw_masks(2)

    in_training = layer(x, masks=masks)[0]

    assert torch.equal(layer.eval()(x, masks=masks)[0], in_training)
    assert not torch.allclose(layer(x)[0], in_training)


def test_masks_of_a_chunk_hold_over_the_next(make, draw) -> None:
    layer, x = make(num_layers=2, dropout=0.5, **RATES), draw(8, 2, 3)
    masks = layer.draw_masks(2)

    whole, last = layer(x, masks=masks)
    head, middle = layer(x[:3], masks=masks)
    tail, last_of_tail = layer(x[3:], middle, masks=masks)

    torch.testing.assert_close(torch.cat([head, tail]), whole)
    torch.testing.assert_close(last_of_tail, last)


def test_masks_are_the_same_whatever_the_layout(make, draw) -> None:
    options = {"bidirectional": True, **RATES}
    time_first, batch_first = make(**options), make(batch_first=True, **options)
    x = draw(7, 2, 3)

    expected, _ = time_first(x, generator=seeded())
    got, _ = batch_first(x.transpose(0, 1), generator=seeded())

    torch.testing.assert_close(got.transpose(0, 1), expected)


def test_unbatched_sequence_is_a_batch_of_one(make, draw) -> None:
    layer, x = make(bidirectional=True, **RATES), draw(7, 3)

    output, state = layer(x, generator=seeded())
    expected, expected_state = layer(x[:, None], generator=seeded())

    torch.testing.assert_close(output, expected[:, 0])
    torch.testing.assert_close(h_of(state), h_of(expected_state)[:, 0])


def test_shared_input_mask_runs_on_torchs_kernels_and_agrees(make, draw) -> None:
    layer, x = make(num_layers=2, dropout=0.5, input_dropout=0.5), draw(7, 2, 3)

    with backend("aten"):
        got = layer(x, generator=seeded())
    with backend("reference"):
        expected = layer(x, generator=seeded())

    torch.testing.assert_close(got, expected)


def test_mean_over_masks_is_the_output_without_them_where_a_cell_is_linear() -> None:
    layer = RNN(3, 5, nonlinearity="relu", input_dropout=0.25, recurrent_dropout=0.5)
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.abs_()  # all sums stay positive, where relu changes nothing
    x, h = torch.ones(1, 20_000, 3), torch.ones(1, 20_000, 5)

    output, _ = layer(x, h, generator=seeded())

    torch.testing.assert_close(output.mean(1), layer.eval()(x, h)[0].mean(1), rtol=0.02, atol=0)


def test_masks_of_another_layer_raise(make, draw) -> None:
    layer, x = make(**RATES), draw(7, 2, 3)

    with pytest.raises(
        ValueError, match=r"must hold 1 cells, .* got 2\. Take them from draw_masks"
    ):
        layer(x, masks=make(num_layers=2, **RATES).draw_masks(2))
    with pytest.raises(
        ValueError, match=r"masks.cells\[0\].x must have shape \(1 or 7, .*, got \(1, 1, 3"
    ):
        layer(x, masks=layer.draw_masks(3))
    with pytest.raises(
        ValueError, match=r"masks.output must have shape \(1 or 7, 1 or 2, 5\), got \(1, 2, 6"
    ):
        layer(x, masks=make(hidden_size=6, output_dropout=0.5).draw_masks(2))
    with pytest.raises(
        ValueError, match=r"masks.cells\[0\].x must be torch.float64, got torch.float32"
    ):
        layer(x, masks=make(dtype=torch.float32, **RATES).draw_masks(2))
    with pytest.raises(TypeError, match="masks must be what draw_masks returns, got Tensor"):
        layer(x, masks=torch.ones(2, 5))


def test_mask_of_batch_one_is_shared_between_samples(make, draw) -> None:
    layer, x = make(**RATES), draw(7, 1, 3).expand(7, 2, 3)

    output, _ = layer(x, masks=layer.draw_masks(1))

    torch.testing.assert_close(output[:, 0], output[:, 1])


def test_masks_together_with_a_generator_raise(make, draw) -> None:
    layer = make(**RATES)

    with pytest.raises(ValueError, match="generator must be None where masks are given"):
        layer(draw(7, 2, 3), masks=layer.draw_masks(2), generator=seeded())


def test_draw_masks_rejects_what_is_no_batch_size(make) -> None:
    with pytest.raises(TypeError, match="batch must be an integer, got True"):
        make().draw_masks(True)


def test_layer_masks_are_a_named_tuple(make) -> None:
    assert isinstance(make().draw_masks(2), LayerMasks)


PARTS = [Rows(0, 2, 5), Rows(2, 2, 5), Rows(2, 5, 5)]


def flat(masks) -> list[torch.Tensor]:
    if isinstance(masks, torch.Tensor):
        return [masks]
    return [one for part in masks if part is not None for one in flat(part)]


@pytest.mark.parametrize("mask_for", ["sample", "batch"])
@pytest.mark.parametrize("times", [1, 3], ids=["a-row-each", "three-rows-each"])
def test_parts_of_a_batch_get_their_rows_of_the_masks_of_all(make, times: int, mask_for) -> None:
    options = {"mask_over": "step", "mask_for": mask_for, "zoneout": 0.3, "weight_dropout": 0.3}
    layer = make(num_layers=2, **options, **RATES)
    expected, whole = seeded(), flat(layer.draw_masks(5 * times, 7, generator=(first := seeded())))

    for rows in PARTS:
        generator = seeded()
        with drawn_for_whole_batch(layer, rows):
            batch = times * (rows.last - rows.first)
            part = flat(layer.draw_masks(batch, 7, generator=generator))

        assert torch.equal(generator.get_state(), first.get_state())
        assert len(part) == len(whole)
        for own, mask in zip(part, whole, strict=True):
            # a mask of weights is the same for all
            of_batch = mask.ndim > 2 and mask.shape[-2] > 1
            which = slice(times * rows.first, times * rows.last)
            assert torch.equal(own, mask[..., which, :] if of_batch else mask)
            assert own.is_contiguous()
    assert not torch.equal(expected.get_state(), first.get_state())


@pytest.mark.parametrize(
    "module", ["time-first", "batch-first", "no-time", "shared", "words", "cell"]
)
def test_so_do_modules_that_drop_by_themselves(module: str) -> None:
    x, dim = torch.ones(7, 5, 3), 1
    call = LockedDropout(0.5)
    if module == "batch-first":
        x, dim, call = x.transpose(0, 1), 0, LockedDropout(0.5, batch_first=True)
    elif module == "shared":
        call = LockedDropout(0.5, mask_for="batch")
    elif module == "no-time":
        x, dim = x[0], 0
    elif module == "words":
        x = torch.arange(35).view(7, 5) % 9
        call = Embedding(9, 2, embedding_dropout=0.5, dropout_per="sample")

    def run(x, generator):
        if module == "cell":
            cell = LSTMCell(3, 4, input_dropout=0.5, recurrent_dropout=0.5)
            with drawn_for_whole_batch(cell, rows):
                return cell.draw_masks(x.shape[1], generator=generator).h[0]
        with drawn_for_whole_batch(call, rows):
            return call(x, generator=generator)

    rows = Rows(0, 5, 5)
    whole = run(x, seeded())
    for rows in PARTS:
        part = run(x.narrow(dim, rows.first, rows.last - rows.first), seeded())
        assert torch.equal(part, whole.narrow(dim, rows.first, rows.last - rows.first))
