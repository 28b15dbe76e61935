"""Padding changes nothing that is not padding, and packed sequences come out as from torch."""

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch.nn.utils.rnn import pack_padded_sequence, pack_sequence, pad_packed_sequence

from lockgate.nn import LSTM

RATES = {"input_dropout": 0.5, "recurrent_dropout": 0.5, "output_dropout": 0.5}
LENGTHS = [4, 7, 1, 6]


def parts_of(state) -> tuple:
    return state if isinstance(state, tuple) else (state,)


def seeded() -> torch.Generator:
    return torch.Generator().manual_seed(0)


@settings(
    deadline=None, max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(bits=st.lists(st.booleans(), min_size=9, max_size=9))
def test_padding_of_any_pattern_is_as_if_it_were_not_there(make, draw, bits) -> None:
    layer, x = make(num_layers=2, bidirectional=True, zoneout=0.2).eval(), draw(9, 3)
    mask = torch.tensor(bits)
    x.requires_grad_()

    output, state = layer(x, mask=mask)

    if not mask.any():
        assert not output.any()
        return
    expected, expected_state = layer(x[mask])
    torch.testing.assert_close(output[mask], expected)
    assert not output[~mask].any()
    torch.testing.assert_close(state, expected_state)
    (got,) = torch.autograd.grad(output.square().sum(), x)
    (wanted,) = torch.autograd.grad(expected.square().sum(), x)
    torch.testing.assert_close(got, wanted)


def test_lengths_are_a_mask_from_the_first_step(make, draw) -> None:
    layer, x = make(bidirectional=True), draw(7, 4, 3)
    mask = torch.arange(7) < torch.tensor(LENGTHS)[:, None]

    expected = layer(x, mask=mask)

    torch.testing.assert_close(layer(x, lengths=LENGTHS), expected)
    torch.testing.assert_close(layer(x, lengths=torch.tensor(LENGTHS)), expected)


def test_mask_is_batch_by_time_whatever_the_layout(make, draw) -> None:
    x, mask = draw(7, 4, 3), torch.rand(4, 7, generator=seeded()) < 0.5

    output, state = make()(x, mask=mask)
    got, got_state = make(batch_first=True)(x.transpose(0, 1), mask=mask)

    torch.testing.assert_close(got.transpose(0, 1), output)
    torch.testing.assert_close(got_state, state)


def test_wholly_padded_row_ends_where_it_began(make, draw) -> None:
    layer, x, h = make(), draw(7, 2, 3), draw(1, 2, 5)
    hx = (h, 2 * h) if isinstance(layer, LSTM) else h

    output, state = layer(x, hx, lengths=[0, 7])

    assert not output[:, 0].any()
    for part, first in zip(parts_of(state), parts_of(hx), strict=True):
        assert torch.equal(part[:, 0], first[:, 0])


@pytest.mark.parametrize("rates", [{}, RATES], ids=["plain", "dropout"])
def test_nan_under_a_mask_reaches_no_result_and_no_gradient(make, draw, rates) -> None:
    layer, x = make(num_layers=2, bidirectional=True, **rates), draw(7, 4, 3)
    mask = torch.arange(7) < torch.tensor(LENGTHS)[:, None]
    poisoned = x.masked_fill(~mask.t()[..., None], float("nan"))

    def gradients(x):
        x = x.clone().requires_grad_()
        output, _ = layer(x, mask=mask, generator=seeded())
        return output, *torch.autograd.grad(output.square().sum(), [x, *layer.parameters()])

    torch.testing.assert_close(gradients(poisoned), gradients(x))


@pytest.mark.parametrize("enforce_sorted", [True, False])
@pytest.mark.parametrize("bidirectional", [True, False])
def test_packed_sequences_agree_with_torch(
    make, make_torch, draw, bidirectional: bool, enforce_sorted: bool
) -> None:
    layer, judge = (m(num_layers=2, bidirectional=bidirectional) for m in (make, make_torch))
    layer.load_state_dict(judge.state_dict())
    sequences = [draw(n, 3) for n in (sorted(LENGTHS, reverse=True) if enforce_sorted else LENGTHS)]
    packed = pack_sequence(sequences, enforce_sorted=enforce_sorted)
    h = draw(2 * (1 + bidirectional), 4, 5)
    hx = (h, 2 * h) if isinstance(layer, LSTM) else h

    (output, state), (expected, expected_state) = layer(packed, hx), judge(packed, hx)

    torch.testing.assert_close(output.data, expected.data)
    torch.testing.assert_close(pad_packed_sequence(output), pad_packed_sequence(expected))
    torch.testing.assert_close(state, expected_state)


def test_packed_sequence_gets_the_masks_of_the_padded_one(make, draw) -> None:
    layer, x = make(batch_first=True, **RATES), draw(4, 7, 3)
    packed = pack_padded_sequence(x, LENGTHS, batch_first=True, enforce_sorted=False)

    output, state = layer(packed, generator=seeded())
    expected, expected_state = layer(x, lengths=LENGTHS, generator=seeded())

    torch.testing.assert_close(pad_packed_sequence(output, batch_first=True)[0], expected)
    torch.testing.assert_close(state, expected_state)


def test_both_outputs_of_a_packed_sequence_are_packed(make, draw) -> None:
    packed = pack_sequence([draw(3, 3), draw(2, 3)])

    output, _ = make(bidirectional=True, merge_mode="none")(packed)
    together, _ = make(bidirectional=True)(packed)

    torch.testing.assert_close(torch.cat([part.data for part in output], dim=1), together.data)


def test_wrong_masks_raise(make, draw) -> None:
    layer, x = make(), draw(7, 2, 3)

    with pytest.raises(ValueError, match=r"mask must have shape \(batch, time\) = \(2, 7\), got"):
        layer(x, mask=torch.ones(7, 2, dtype=torch.bool))
    with pytest.raises(ValueError, match=r"mask must have shape \(time\) = \(7,\), got \(2, 7\)"):
        layer(x[:, 0], mask=torch.ones(2, 7, dtype=torch.bool))
    with pytest.raises(TypeError, match=r"tensor of torch.bool, .*, got torch.float32"):
        layer(x, mask=torch.ones(2, 7))
    with pytest.raises(TypeError, match="got list"):
        layer(x, mask=[[True] * 7] * 2)
    with pytest.raises(ValueError, match="mask must be on cpu, got meta"):
        layer(x, mask=torch.ones(2, 7, dtype=torch.bool, device="meta"))
    with pytest.raises(ValueError, match="lengths must be None where a mask is given"):
        layer(x, mask=torch.ones(2, 7, dtype=torch.bool), lengths=[7, 7])


def test_wrong_lengths_raise(make, draw) -> None:
    layer, x = make(), draw(7, 2, 3)

    for lengths, wrong in (([8, 2], 8), ([3, -1], -1)):
        with pytest.raises(ValueError, match=rf"in \[0, 7\], the steps of x, got {wrong}"):
            layer(x, lengths=lengths)
    with pytest.raises(ValueError, match=r"lengths must have shape \(batch\) = \(2,\), got \(3,\)"):
        layer(x, lengths=[1, 2, 3])
    with pytest.raises(TypeError, match=r"lengths must be integers, got torch.float32"):
        layer(x, lengths=[1.5, 2.0])
    with pytest.raises(ValueError, match="mask and lengths must be None where x is packed"):
        layer(pack_sequence([x[:, 0]]), lengths=[7])
