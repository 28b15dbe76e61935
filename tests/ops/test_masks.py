"""A drawn mask drops at its rate, keeps the expectation, and repeats with its generator."""

import pytest
import torch

from lockgate.ops.masks import Masks, sample_mask


@pytest.mark.parametrize("rate", [0.1, 0.5, 0.9])
def test_mask_has_its_rate_and_expectation_one(rate: float) -> None:
    generator = torch.Generator().manual_seed(1)
    n = 200_000

    mask = sample_mask((n,), rate, torch.zeros(1, dtype=torch.float64), generator)

    keep = 1 - rate
    spread = (rate / keep / n) ** 0.5  # standard deviation of the mean of Bernoulli(keep) / keep
    assert abs(mask.mean() - 1) < 4 * spread
    torch.testing.assert_close(mask.unique(), torch.tensor([0, 1 / keep], dtype=torch.float64))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_mask_has_the_dtype_of_like(dtype: torch.dtype) -> None:
    mask = sample_mask((3, 5), 0.25, torch.zeros(1, dtype=dtype))

    assert mask.dtype == dtype
    assert ((mask == 0) | (mask == torch.tensor(1 / 0.75, dtype=dtype))).all()


def test_generator_repeats_a_mask_and_leaves_the_default_one_alone() -> None:
    before = torch.random.get_rng_state()

    first, again = (
        sample_mask((4, 9), 0.5, torch.zeros(1), torch.Generator().manual_seed(7)) for _ in "ab"
    )

    assert torch.equal(first, again)
    assert torch.equal(torch.random.get_rng_state(), before)


def test_default_generator_draws_where_none_is_given() -> None:
    torch.manual_seed(3)
    first = sample_mask((4, 9), 0.5, torch.zeros(1))
    torch.manual_seed(3)

    assert torch.equal(sample_mask((4, 9), 0.5, torch.zeros(1)), first)


def test_no_mask_is_the_default() -> None:
    assert Masks() == (None, None)
