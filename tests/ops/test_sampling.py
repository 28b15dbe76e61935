"""A drawn mask drops at its rate, keeps the expectation, and repeats with its generator."""

import pytest
import torch
import torch.fx.experimental.proxy_tensor

from lockgate.ops import kernels, sampling
from lockgate.ops.sampling import philox, sample_mask


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


# known answers published with Random123, in its kat_vectors: counter, key, words
@pytest.mark.parametrize(
    ("counter", "key", "words"),
    [
        (
            *((0, 0, 0, 0), 0),
            (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8),
        ),
        (
            *((0xFFFFFFFF,) * 4, 0xFFFFFFFF_FFFFFFFF),
            (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD),
        ),
        (
            *((0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344), 0x299F31D0_A4093822),
            (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
        ),
    ],
)
def test_words_are_those_of_philox(
    counter: tuple[int, ...], key: int, words: tuple[int, ...]
) -> None:
    assert philox([torch.tensor([word]) for word in counter], key)[:, 0].tolist() == list(words)


@pytest.mark.skipif(not kernels.BUILT, reason="lockgate has no kernels here")
@pytest.mark.parametrize("size", [0, 1, 3, 4, 5, 63, 64, 65, 257, 1027, 5000])
@pytest.mark.parametrize("rate", [0.3, 1 - 1e-12])
def test_kernel_draws_what_torch_does(
    size: int, rate: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    def draw() -> torch.Tensor:
        return sample_mask((size,), rate, torch.zeros(1), torch.Generator().manual_seed(size))

    by_kernel = draw()
    monkeypatch.setattr(sampling, "extension", lambda: None)

    assert torch.equal(by_kernel, draw())


@pytest.mark.parametrize("dtype", [torch.float16, torch.float64])
def test_every_dtype_drops_the_same(dtype: torch.dtype) -> None:
    first, other = (
        sample_mask((7, 9), 0.4, torch.zeros(1, dtype=d), torch.Generator().manual_seed(2))
        for d in (torch.float32, dtype)
    )

    assert torch.equal(first == 0, other == 0)


def test_mask_of_a_traced_call_is_no_constant() -> None:
    traced = torch.fx.experimental.proxy_tensor.make_fx(lambda x: sample_mask((50,), 0.5, x))
    graph = traced(torch.zeros(1))

    assert not torch.equal(graph(torch.zeros(1)), graph(torch.zeros(1)))
