"""The plan of a GPU's programs: all that wait for each other run at once, and all work is done."""

import pytest

from lockgate.ops._triton import plan

H100 = plan.Device(multiprocessors=132, shared_memory=227 * 1024)
SMALL = plan.Device(multiprocessors=20, shared_memory=99 * 1024)
DEVICES = pytest.mark.parametrize("device", [H100, SMALL], ids=["large", "small"])


@pytest.mark.pairwise
@DEVICES
@pytest.mark.parametrize("B", [0, 1, 16, 17, 64, 1000])
@pytest.mark.parametrize("H", [1, 16, 65, 128, 401, 1024, 5000])
@pytest.mark.parametrize(("gates", "copies"), [(1, 1), (3, 1), (4, 4)])
@pytest.mark.parametrize("itemsize", [2, 4])
def test_programs_cover_the_work_and_fit_on_the_gpu(
    device, B: int, H: int, gates: int, copies: int, itemsize: int
) -> None:
    found = plan.choose(B, H, gates, copies, itemsize, device)

    assert found.programs * found.units >= H > (found.programs - 1) * found.units
    assert found.blocks >= 1
    assert found.step_by_step or found.programs * found.blocks <= device.multiprocessors
    assert found.step_by_step == (found.programs > device.multiprocessors)
    chunks = -(-H // found.chunk)
    weights = gates * chunks * found.chunk * found.units * itemsize
    assert found.held == (weights + plan.STAGING <= device.shared_memory)
    assert all(size & (size - 1) == 0 for size in (found.rows, found.units, found.chunk))


@pytest.mark.parametrize("H", [64, 128])
def test_a_small_layer_waits_for_nobody(H: int) -> None:
    found = plan.choose(16, H, 4, 4, 2, H100)

    assert (found.programs, found.held) == (1, True)


def test_weights_of_a_large_layer_are_held_by_many_programs() -> None:
    found = plan.choose(16, 768, 4, 1, 2, H100)

    assert found.held
    assert found.programs > 1


def test_a_layer_with_more_programs_than_the_gpu_runs_goes_step_by_step() -> None:
    assert plan.choose(16, 5000, 4, 4, 2, SMALL).step_by_step


def test_a_batch_too_large_for_one_launch_is_cut_evenly() -> None:
    found = plan.make(1000, 1024, 4, 2, H100, rows=16, units=64)

    # 16 programs for each of 63 blocks of rows: 8 blocks fit at a time, in 8 launches
    assert (found.programs, found.blocks) == (16, 8)
