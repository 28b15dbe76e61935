"""Memory of the kernels: kept between calls, bounded, given back, and NaN until it is written."""

import gc
import os
import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest
import torch

from lockgate.ops import kernels, lstm

pytestmark = pytest.mark.skipif(not kernels.BUILT, reason="lockgate has no kernels here")

MIB = 1 << 20


@pytest.fixture(scope="module", autouse=True)
def _few_objects() -> Iterator[None]:
    """Let a collection of garbage pass over what other tests have left: it takes long."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.fixture
def module() -> Iterator[object]:
    """Give the extension with nothing kept, and what it keeps at most as it was."""
    gc.collect()
    module = kernels.extension()
    most = module.most_kept()
    kernels.release()
    yield module
    kernels.keep_at_most(most)


@pytest.fixture
def run(make_call, by_kernels) -> Callable[..., torch.Tensor]:
    """Run a call whose memory is more than a few pages."""

    def run(T: int = 20) -> torch.Tensor:
        call = make_call(lstm, (4, T, 8, 64), masks="gate").to(torch.float32)
        return by_kernels(lstm)(*call)[0]

    return run


def test_a_gibibyte_is_kept_by_default() -> None:
    assert kernels.extension().most_kept() == 1 << 30


def test_memory_of_a_call_serves_the_next_one(module, run) -> None:
    lent = module.lent_bytes()

    run()
    kept = module.kept_bytes()
    run()

    assert kept > 0
    assert module.kept_bytes() == kept
    assert module.lent_bytes() == lent


def test_what_the_backward_needs_is_lent_until_it_is_over(module, run) -> None:
    before = module.lent_bytes()

    output = run()
    saved = 4 * 5 * 20 * 4 * 64  # bytes of the gates and c
    assert saved <= module.lent_bytes() - before <= 1.1 * saved
    output.sum().backward()

    # the graph is freed, and the block has gone back
    assert module.lent_bytes() == before


def test_evaluation_takes_no_memory_for_a_backward(module, run) -> None:
    with torch.no_grad():
        run(T=20)
        of_few_steps = module.kept_bytes()
        run(T=400)

    # but working memory, which is that of a step
    assert module.kept_bytes() == of_few_steps


def test_block_of_a_tensor_outlives_the_call_that_took_it(module) -> None:
    block = module.block(1000)
    part = block[10:20].fill_(3)
    del block
    gc.collect()
    other = module.block(1000)
    other.zero_()

    assert (part == 3).all()


def test_kept_memory_is_bounded(module) -> None:
    kernels.keep_at_most(8 * MIB)
    blocks = [module.block(size * MIB // 4) for size in (1, 2, 3, 4, 5)]

    while blocks:
        blocks.pop()
        gc.collect()
        assert module.kept_bytes() <= 8 * MIB
    assert module.kept_bytes() > 0


def test_nothing_is_kept_where_nothing_may_be(module, run) -> None:
    kernels.keep_at_most(0)

    run().sum().backward()

    assert module.most_kept() == 0
    assert module.kept_bytes() == 0


def test_release_frees_what_is_kept_and_keeps_the_bound(module, run) -> None:
    most = module.most_kept()
    output = run()
    lent = module.lent_bytes()
    assert module.kept_bytes() > 0

    kernels.release()

    assert module.kept_bytes() == 0
    assert module.most_kept() == most
    assert module.lent_bytes() == lent
    assert output.isfinite().all()


def test_bound_below_zero_raises() -> None:
    with pytest.raises(ValueError, match="bytes_ must be at least 0, got -1"):
        kernels.keep_at_most(-1)


def test_block_is_not_much_larger_than_asked_for(module) -> None:
    large = module.block(3 * MIB // 4)
    del large
    gc.collect()

    small = module.block(MIB // 4)

    # 3 MiB were kept, and are no block for 1
    assert module.kept_bytes() >= 3 * MIB
    assert small.numel() == MIB // 4


@pytest.mark.parametrize("floats", [0, 1, 15, 16, 17, 1_000_003])
def test_block_is_aligned_to_a_line_of_the_cache(module, floats: int) -> None:
    block = module.block(floats)

    assert block.shape == (floats,)
    assert block.dtype == torch.float32
    assert block.data_ptr() % 64 == 0


def test_block_that_no_machine_has_raises(module) -> None:
    before = module.lent_bytes()

    for floats in (1 << 45, 1 << 62):
        with pytest.raises(MemoryError):
            module.block(floats)

    assert module.lent_bytes() == before


def test_memory_is_nan_under_lockgate_poison(module) -> None:
    first = module.block(5000)
    assert first.isnan().all()
    first.zero_()
    del first
    gc.collect()

    assert module.block(5000).isnan().all()


def test_memory_is_left_as_it_was_without_lockgate_poison() -> None:
    script = (
        "from lockgate.ops import kernels; module = kernels.extension()\n"
        "module.block(5000).fill_(7); print((module.block(5000) == 7).all().item())"
    )
    environment = os.environ | {"LOCKGATE_POISON": "0"}

    result = subprocess.run(
        [sys.executable, "-c", script], env=environment, capture_output=True, text=True
    )

    assert result.stdout == "True\n", result.stderr
