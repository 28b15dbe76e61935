"""Locked dropout holds its mask over the steps of a sequence."""

import pytest
import torch

from lockgate.nn import LockedDropout


@pytest.mark.parametrize("batch_first", [True, False])
def test_mask_is_held_over_the_steps_and_differs_between_sequences(batch_first: bool) -> None:
    x = torch.ones(2, 7, 40) if batch_first else torch.ones(7, 2, 40)

    output = LockedDropout(0.5, batch_first=batch_first)(x)

    steps = output.transpose(0, 1) if batch_first else output
    assert (steps == steps[0]).all()
    assert not torch.equal(steps[0, 0], steps[0, 1])
    assert steps.unique().tolist() == [0.0, 2.0]


def test_mask_is_redrawn_at_each_step_where_that_is_asked_for() -> None:
    output = LockedDropout(0.5, mask_over="step")(torch.ones(7, 2, 40))

    assert len(output.flatten(1).unique(dim=0)) == 7


def test_features_without_time_are_dropped_for_each_sample() -> None:
    output = LockedDropout(0.5, batch_first=True)(torch.ones(3, 40))

    assert len(output.unique(dim=0)) == 3


@pytest.mark.parametrize("batch_first", [True, False])
def test_mask_is_one_for_all_samples_where_that_is_asked_for(batch_first: bool) -> None:
    held = LockedDropout(0.5, batch_first=batch_first, mask_for="batch")(torch.ones(7, 3, 40))
    of_steps = LockedDropout(0.5, mask_over="step", mask_for="batch")(torch.ones(7, 3, 40))

    assert len(held.flatten(0, 1).unique(dim=0)) == 1
    assert (of_steps == of_steps[:, :1]).all()
    assert len(of_steps[:, 0].unique(dim=0)) == 7


def test_evaluation_and_rate_zero_change_and_draw_nothing() -> None:
    x = torch.randn(7, 2, 3)
    before = torch.random.get_rng_state()

    assert torch.equal(LockedDropout(0.5).eval()(x), x)
    assert torch.equal(LockedDropout(0.0)(x), x)
    assert torch.equal(torch.random.get_rng_state(), before)


def test_wrong_settings_raise() -> None:
    with pytest.raises(ValueError, match=r"rate must be in \[0, 1\), got 1.0"):
        LockedDropout(1.0)
    with pytest.raises(ValueError, match=r"x must have 2 dimensions, .*, or 3 with time, got 1"):
        LockedDropout(0.5)(torch.zeros(3))
    assert repr(LockedDropout(0.5, mask_over="step")) == "LockedDropout(0.5, mask_over='step')"
    assert repr(LockedDropout(0.5, mask_for="batch")) == "LockedDropout(0.5, mask_for='batch')"
