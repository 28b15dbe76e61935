"""Masks drop at their rates, last as long as they should, and keep what is expected of a cell."""

from typing import Any

import pytest
import torch

from lockgate.nn import GRU, LSTM, RNN

SAMPLES, STEPS = 40, 30
RATE = 0.3


def masks_of(layer: Any) -> dict[str, torch.Tensor]:
    """Draw the masks of a call; 1 where something is dropped or zoned."""
    masks = layer.draw_masks(SAMPLES, STEPS, generator=torch.Generator().manual_seed(5))
    named = {f"{k}{i}": v for i, c in enumerate(masks.cells) for k, v in c._asdict().items()}
    named |= {"output": masks.output} | {f"w{i}": w for i, w in enumerate(masks.weights)}
    zoned = {k: v for k, v in named.items() if k.startswith("zoneout") and v is not None}
    return {k: (v == 0).double() for k, v in named.items() if v is not None and k not in zoned} | {
        k: v.double() for k, v in zoned.items()
    }


@pytest.mark.parametrize("cls", [RNN, LSTM, GRU])
@pytest.mark.parametrize("over", ["sequence", "step"])
def test_rates_lie_within_the_binomial_interval(cls: type, over: str) -> None:
    layer = cls(
        *(20, 30, 2),
        bidirectional=True,
        dropout=RATE,
        input_dropout=RATE,
        recurrent_dropout=RATE,
        output_dropout=RATE,
        weight_dropout=RATE,
        zoneout=(RATE, RATE) if cls is LSTM else RATE,
        mask_over=over,
    )

    masks = masks_of(layer)

    assert len(masks) == 4 * (4 + (cls is LSTM)) + 1
    for name, mask in masks.items():
        spread = (RATE * (1 - RATE) / mask.numel()) ** 0.5
        # 5 deviations, for about 35 masks: a false alarm in 50,000 runs
        assert abs(mask.mean() - RATE) < 5 * spread, name
        held = name.startswith("w") or (over == "sequence" and not name.startswith("zoneout"))
        assert (mask.shape[0] == STEPS) != held or name.startswith("w"), name


@pytest.mark.parametrize("over", ["input", "between", "recurrent", "output"])
def test_mask_is_drawn_at_every_step_at_the_place_asked_for(over: str) -> None:
    layer = LSTM(
        *(20, 30, 2),
        dropout=RATE,
        input_dropout=RATE,
        recurrent_dropout=RATE,
        output_dropout=RATE,
        mask_over={over: "step"},
    )
    masks = layer.draw_masks(2, STEPS)
    places = {
        "input": [masks.cells[0].x],
        "between": [masks.cells[1].x],
        "recurrent": [cell.h for cell in masks.cells],
        "output": [masks.output],
    }

    for place, drawn in places.items():
        for mask in drawn:
            assert len(mask) == (STEPS if place == over else 1)
            assert len(mask.flatten(1).unique(dim=0)) == len(mask)


@pytest.mark.parametrize(
    "options", [{"zoneout": 0.4}, {"recurrent_dropout": 0.4, "mask_over": "step"}]
)
def test_mean_over_masks_of_each_step_is_evaluation_where_a_cell_is_linear(options) -> None:
    layer = RNN(3, 5, nonlinearity="relu", **options)
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.abs_()  # all sums stay positive, where relu changes nothing
    x = torch.ones(4, 40_000, 3)

    output, _ = layer(x, generator=torch.Generator().manual_seed(0))

    expected = layer.eval()(x[:, :1])[0]
    torch.testing.assert_close(output.mean(1), expected[:, 0], rtol=0.01, atol=0)


def test_zoneout_in_evaluation_is_expected_and_draws_nothing(make, draw) -> None:
    layer, x = make(zoneout=0.25).eval(), draw(7, 2, 3)
    before = torch.random.get_rng_state()

    first, again = layer(x)[0], layer(x)[0]

    assert torch.equal(first, again)
    assert torch.equal(torch.random.get_rng_state(), before)


def test_step_masks_need_the_number_of_steps(make) -> None:
    with pytest.raises(ValueError, match="steps must be the number of time steps, got None"):
        make(zoneout=0.5).draw_masks(2)
    with pytest.raises(ValueError, match="steps must be the number of time steps, got None"):
        make(recurrent_dropout=0.5, mask_over="step").draw_masks(2)
    with pytest.raises(ValueError, match="steps must be at least 1, got 0"):
        make().draw_masks(2, 0)
