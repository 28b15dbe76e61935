"""How the work of a step is shared out over the programs of a GPU."""

from typing import NamedTuple

STAGING = 48 * 1024  # bytes of shared memory that the kernels take beside the weights they hold
WAIT = 64 * 1024  # bytes that a multiprocessor could read while it waits for the others
MOST_SUMS = 8192  # of a program: as many fit into the registers


class Device(NamedTuple):
    """What a plan has to know of a GPU."""

    multiprocessors: int
    shared_memory: int  # bytes that one program may have


class LaunchPlan(NamedTuple):
    """A program computes hidden units of some rows of the batch, a chunk of features at a time.

    The programs of a block of rows wait for each other after each step, so that all that are
    launched at once have to run at once. Where even those of one block are too many, each step is
    a launch of its own.
    """

    rows: int
    units: int
    chunk: int
    held: bool  # the weights stay in shared memory, and are not read again at each step
    warps: int
    programs: int  # for each block of rows
    blocks: int  # of rows in one launch
    step_by_step: bool


def choose(B: int, H: int, gates: int, copies: int, itemsize: int, device: Device) -> LaunchPlan:
    """Choose the plan with the least traffic of a multiprocessor for each step.

    Args:
        B: Batch size.
        H: Hidden units.
        gates: Products with h.
        copies: Of what these products multiply: one for each gate, or one for all.
        itemsize: Bytes of a number in a product, 2 or 4.
        device: The GPU.
    """
    # from 64 rows on, Hopper's products of float32 take weights that are turned round in registers
    all_rows = (16, 32, 64, 128) if itemsize == 2 else (16, 32)
    # a tile much longer than wide keeps more of h in registers than there are
    sizes = [(r, u) for r in all_rows for u in (16, 32, 64, 128) if r <= 2 * u]
    found = [
        make(B, H, gates, itemsize, device, rows, units)
        for rows, units in sizes
        if gates * rows * units <= MOST_SUMS and rows < 2 * max(B, 16) and units < 2 * max(H, 16)
    ]
    found = [plan for plan in found if _fits(plan, gates, copies, itemsize, device)] or found[:1]
    return min(found, key=lambda plan: _cost(plan, B, H, gates, copies, itemsize))


def make(
    B: int, H: int, gates: int, itemsize: int, device: Device, rows: int, units: int
) -> LaunchPlan:
    """Make the plan whose programs have so many rows and units."""
    chunk = min(_power_of_two(H), 256 // itemsize)
    programs, blocks = -(-H // units), max(1, -(-B // rows))
    at_once = max(1, device.multiprocessors // programs)
    return LaunchPlan(
        rows=rows,
        units=units,
        chunk=chunk,
        held=_weights(H, gates, itemsize, units, chunk) + STAGING <= device.shared_memory,
        warps=min(8, max(2, rows * units // 128)),
        programs=programs,
        blocks=-(-blocks // -(-blocks // at_once)),
        step_by_step=programs > device.multiprocessors,
    )


def _fits(plan: LaunchPlan, gates: int, copies: int, itemsize: int, device: Device) -> bool:
    """Tell whether what is read at a time fits into shared memory; held weights do."""
    if plan.held:
        return True
    tiles = (copies * plan.rows + gates * plan.units) * plan.chunk * itemsize
    return 2 * tiles <= device.shared_memory  # the next chunk is on its way meanwhile


def _weights(H: int, gates: int, itemsize: int, units: int, chunk: int) -> int:
    """Count the bytes of the weights of one program, in whole chunks."""
    return gates * -(-H // chunk) * chunk * units * itemsize


def _cost(plan: LaunchPlan, B: int, H: int, gates: int, copies: int, itemsize: int) -> int:
    """Estimate, in bytes that a multiprocessor reads, what a step of the whole batch takes."""
    weights = _weights(H, gates, itemsize, plan.units, plan.chunk)
    reads = copies * plan.rows * H * itemsize + (0 if plan.held else weights)
    pointwise = plan.rows * plan.units * gates * 4
    wait = WAIT if plan.programs > 1 else 0
    launches = -(-B // (plan.rows * plan.blocks))
    return launches * (reads + pointwise + wait)


def _power_of_two(size: int) -> int:
    return max(16, 1 << (size - 1).bit_length())
