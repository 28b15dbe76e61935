"""A window's level and spread are those that its name says, never below the least spread."""

from typing import get_args

import numpy as np
import pytest
import torch
from scipy.stats import median_abs_deviation

from lockgate.tasks.forecasting.config import Level
from lockgate.tasks.forecasting.levels import LEAST_SPREAD, level_and_spread

Y = 5 * torch.randn(4, 11, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize(
    ("normalise", "level", "spread"),
    [
        ("none", lambda _: 0.0, lambda _: 1.0),
        ("last", lambda y: y[-1], lambda _: 1.0),
        ("last_std", lambda y: y[-1], np.std),
        ("mean", np.mean, lambda _: 1.0),
        ("mean_std", np.mean, np.std),
        ("median_mad", np.median, lambda y: median_abs_deviation(y, scale="normal")),
    ],
)
def test_level_and_spread_are_what_the_name_says(normalise, level, spread):
    found = level_and_spread(Y, normalise)

    for tensor, expected in zip(found, (level, spread), strict=True):
        assert tensor.shape == (4, 1)
        np.testing.assert_allclose(tensor[:, 0], [expected(y) for y in Y.numpy()], rtol=1e-4)


@pytest.mark.parametrize("normalise", ["last_std", "mean_std", "median_mad"])
def test_a_window_in_which_nothing_happens_is_not_blown_up(normalise):
    # the median deviation of the second is 0 although it is not constant
    quiet = torch.tensor([[3.0] * 8, [3.0] * 7 + [3.1]])

    _, spread = level_and_spread(quiet, normalise)

    assert (spread == LEAST_SPREAD).all()


@pytest.mark.parametrize("normalise", get_args(Level))
def test_padding_counts_for_nothing(normalise):
    rows = [1, 2, 7, 11]
    mask = torch.arange(11) >= 11 - torch.tensor(rows)[:, None]
    padded = Y.masked_fill(~mask, torch.nan)

    level, spread = level_and_spread(padded, normalise, mask)

    for k, count in enumerate(rows):
        expected = level_and_spread(Y[k : k + 1, 11 - count :], normalise)
        torch.testing.assert_close((level[k : k + 1], spread[k : k + 1]), expected)
