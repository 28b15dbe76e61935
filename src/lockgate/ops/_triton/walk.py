"""The two kernels that walk a sequence, forward and backward; README.md draws them.

A cell is two functions of tiles, `STEP` and `STEP_BACKWARD`, which it has in its `triton.py`. A
tuple of tiles has one (rows, units) tile in float32 for each gate, or for each part of the state.
"""

import triton
import triton.language as tl

_RUN_TIME = ["T", "B", "reverse", "first_row", "first", "last", "mask_t", "mask_g", "mask_b"]


@triton.jit
def tanh(x):
    """Stay finite for any x: the exponential of the sigmoid is 0 or infinite at the ends."""
    return 2.0 * tl.sigmoid(2.0 * x) - 1.0


@triton.jit(do_not_specialize=_RUN_TIME)
def forward(
    x_sums,  # (T, B, GATES, H), what x and b_ih give to the gates
    w_hh,  # (GATES, H, H)
    b_hh,  # (GATES, H) or None
    masks,  # None, or masks of h by the strides below, their features side by side
    valid,  # (T, B) or None
    state,  # (STATES, B, H) in float32, read at the first step and written after the last
    exchange,  # (2, COPIES, B, H), h as the gates see it, for even and odd steps; even: of h_0
    hidden,  # (T, B, H), h after each step
    saved,  # (T, B, SAVED, H) or None, what the backward needs of each step
    arrivals,  # (blocks of rows), 0: how many programs have finished a step
    T,
    B,
    reverse,  # 1 if the walk begins at the last step, else 0
    first_row,
    first,  # the steps of this launch, in the order in which they run
    last,
    mask_t,
    mask_g,
    mask_b,
    H: tl.constexpr,
    STEP: tl.constexpr,
    GATES: tl.constexpr,
    STATES: tl.constexpr,
    SAVED: tl.constexpr,
    COPIES: tl.constexpr,  # 1, or GATES if the mask of each gate is another
    PRECISION: tl.constexpr,
    ROWS: tl.constexpr,
    UNITS: tl.constexpr,
    CHUNK: tl.constexpr,
    HELD: tl.constexpr,
    PROGRAMS: tl.constexpr,
):
    top, rows, units, there, inside = _place(first_row, B, H, ROWS, UNITS)
    own = rows[:, None] * H + units[None, :]
    chunks: tl.constexpr = (H + CHUNK - 1) // CHUNK
    held = ()
    if HELD:
        for j in tl.static_range(chunks):
            held = held + (_weights(w_hh, j, units, 1, H, GATES, H, CHUNK),)
    biases = ()
    for g in tl.static_range(GATES):
        bias = tl.zeros([ROWS, UNITS], tl.float32)
        if b_hh is not None:
            bias += tl.load(b_hh + g * H + units, mask=units < H, other=0.0)[None, :]
        biases = biases + (bias,)
    now = ()
    for s in tl.static_range(STATES):
        now = now + (tl.load(state + (s * B + top) * H + own, mask=inside, other=0.0),)

    # what a step reads that nobody has to be waited for is loaded before the wait
    x = _x_of(x_sums, first, T, B, top, reverse, rows, units, inside, GATES, H)
    mask = _mask_of(
        masks, first + 1, T, reverse, mask_t, mask_g, mask_b, top, rows, units, inside, COPIES
    )
    for i in range(first, last):
        t = _time(i, T, reverse)
        h = biases
        seen = exchange + ((i % 2) * COPIES * tl.cast(B, tl.int64) + top) * H
        if HELD:
            for j in tl.static_range(chunks):
                tiles = _tiles(seen, H, tl.cast(B, tl.int64) * H, j, rows, there, COPIES, H, CHUNK)
                h = _add_products(h, tiles, held[j], GATES, PRECISION)
        else:
            for j in tl.range(0, chunks, num_stages=2):
                tiles = _tiles(seen, H, tl.cast(B, tl.int64) * H, j, rows, there, COPIES, H, CHUNK)
                weights = _weights(w_hh, j, units, 1, H, GATES, H, CHUNK)
                h = _add_products(h, tiles, weights, GATES, PRECISION)
        new, gates = STEP(_widened(x), h, now)
        if valid is not None:
            new = _carry(_keep(valid, t * B + top, rows, there), new, now, STATES)
        now = new

        # first what the others wait for: h as the next step sees it
        passed = exchange + (((i + 1) % 2) * COPIES * tl.cast(B, tl.int64) + top) * H
        for k in tl.static_range(COPIES):
            value = now[0]
            if masks is not None:
                value *= mask[k].to(tl.float32)
            at = k * tl.cast(B, tl.int64) * H
            tl.store(passed + at + own, value.to(exchange.dtype.element_ty), mask=inside)
        _arrive(arrivals, PROGRAMS)
        tl.store(hidden + (t * B + top) * H + own, now[0].to(hidden.dtype.element_ty), mask=inside)
        if saved is not None:
            at = saved + (t * B + top) * SAVED * H
            _store(at, _bounded(gates + now[1:], saved), rows, units, inside, H)
        x = _x_of(x_sums, i + 1, T, B, top, reverse, rows, units, inside, GATES, H)
        mask = _mask_of(
            masks, i + 2, T, reverse, mask_t, mask_g, mask_b, top, rows, units, inside, COPIES
        )
        if i + 1 < last:
            _wait_for_all(arrivals, i + 1 - first, PROGRAMS)

    for s in tl.static_range(STATES):
        tl.store(state + (s * B + top) * H + own, now[s], mask=inside)


@triton.jit(do_not_specialize=_RUN_TIME)
def backward(
    d_output,  # (T, B, H) or None
    w_hh,  # (GATES, H, H)
    masks,  # None, or masks of h by the strides below, their features side by side
    valid,  # (T, B) or None
    h_0,  # (B, H)
    c_0,  # (B, H), or None where the cell has no c
    hidden,  # (T, B, H), h after each step
    saved,  # (T, B, SAVED, H)
    d_state,  # (STATES, B, H) in float32: of the last state, and in the end of the first
    deltas,  # (T, B, DELTAS, H), the gradients of the sums, those of the products with h first
    arrivals,  # (blocks of rows), 0: how many programs have finished a step
    T,
    B,
    reverse,  # 1 if the walk begins at the last step, else 0
    first_row,
    first,  # the steps of this launch, in the order in which they run, T + 1 of them in all:
    last,  # each takes what the deltas of the one before give to h, and makes its own
    mask_t,
    mask_g,
    mask_b,
    H: tl.constexpr,
    STEP: tl.constexpr,
    GATES: tl.constexpr,
    STATES: tl.constexpr,
    SAVED: tl.constexpr,
    DELTAS: tl.constexpr,
    PRECISION: tl.constexpr,
    ROWS: tl.constexpr,
    UNITS: tl.constexpr,
    CHUNK: tl.constexpr,
    HELD: tl.constexpr,
    PROGRAMS: tl.constexpr,
):
    top, rows, units, there, inside = _place(first_row, B, H, ROWS, UNITS)
    own = rows[:, None] * H + units[None, :]
    chunks: tl.constexpr = (H + CHUNK - 1) // CHUNK
    held = ()
    if HELD:
        for j in tl.static_range(chunks):
            held = held + (_weights(w_hh, j, units, H, 1, GATES, H, CHUNK),)
    d_now = ()
    for s in tl.static_range(STATES):
        d_now = d_now + (tl.load(d_state + (s * B + top) * H + own, mask=inside, other=0.0),)

    # what a step reads that nobody has to be waited for is loaded before the wait
    after = _left_by(
        hidden, saved, first, T, B, top, reverse, rows, units, inside, STATES, SAVED, H
    )
    gates, before, d_y = _given(
        *(d_output, h_0, c_0, hidden, saved, first, T, B, top, reverse, rows, units, inside),
        *(STATES, SAVED, H),
    )
    mask = _mask_of(
        masks, first - 1, T, reverse, mask_t, mask_g, mask_b, top, rows, units, inside, GATES
    )
    for i in range(first, last):
        if i > 0:
            seen = deltas + (_time(i - 1, T, reverse) * B + top) * DELTAS * H
            sums = ()
            for _ in tl.static_range(GATES):
                sums = sums + (tl.zeros([ROWS, UNITS], tl.float32),)
            if HELD:
                for j in tl.static_range(chunks):
                    tiles = _tiles(seen, DELTAS * H, H, j, rows, there, GATES, H, CHUNK)
                    sums = _add_products(sums, tiles, held[j], GATES, PRECISION)
            else:
                for j in tl.range(0, chunks, num_stages=2):
                    tiles = _tiles(seen, DELTAS * H, H, j, rows, there, GATES, H, CHUNK)
                    weights = _weights(w_hh, j, units, H, 1, GATES, H, CHUNK)
                    sums = _add_products(sums, tiles, weights, GATES, PRECISION)
            d_h = d_now[0]
            for g in tl.static_range(GATES):
                part = sums[g]
                if masks is not None:
                    part *= mask[g].to(tl.float32)
                d_h += part
            d_now = (d_h,) + d_now[1:]
        if i < T:
            at = _time(i, T, reverse) * B + top
            d_new, found = STEP(
                _widened(gates), after, before, (d_now[0] + d_y.to(tl.float32),) + d_now[1:]
            )
            if valid is not None:
                keep = _keep(valid, at, rows, there)
                d_new = _carry(keep, d_new, d_now, STATES)
                kept = ()
                for k in tl.static_range(DELTAS):
                    kept = kept + (tl.where(keep, found[k], 0.0),)
                found = kept
            d_now = d_new
            after = before
            _store(deltas + at * DELTAS * H, found, rows, units, inside, H)
        _arrive(arrivals, PROGRAMS)
        gates, before, d_y = _given(
            *(d_output, h_0, c_0, hidden, saved, i + 1, T, B, top, reverse, rows, units, inside),
            *(STATES, SAVED, H),
        )
        mask = _mask_of(
            masks, i, T, reverse, mask_t, mask_g, mask_b, top, rows, units, inside, GATES
        )
        if i + 1 < last:
            _wait_for_all(arrivals, i + 1 - first, PROGRAMS)

    for s in tl.static_range(STATES):
        tl.store(d_state + (s * B + top) * H + own, d_now[s], mask=inside)


# ---- what both share; pointers are of the program's first row, offsets from there in 32 bits ----


@triton.jit
def _place(first_row, B, H: tl.constexpr, ROWS: tl.constexpr, UNITS: tl.constexpr):
    """Give the first row of this program, its rows from there, its units, and which there are."""
    top = (first_row + tl.program_id(0) * ROWS).to(tl.int64)
    rows = tl.arange(0, ROWS)
    units = tl.program_id(1) * UNITS + tl.arange(0, UNITS)
    there = rows < B - top
    return top, rows, units, there, there[:, None] & (units < H)[None, :]


@triton.jit
def _time(i, T, reverse):
    """Give the place in time of the step that runs as the i-th, or as the nearest that there is."""
    i = tl.minimum(tl.maximum(i, 0), T - 1)
    return tl.cast(i + reverse * (T - 1 - 2 * i), tl.int64)


@triton.jit
def _x_of(x_sums, i, T, B, top, reverse, rows, units, inside, GATES: tl.constexpr, H: tl.constexpr):
    """Load what x gives to the gates at the i-th step."""
    at = x_sums + (_time(i, T, reverse) * B + top) * GATES * H
    return _parts(at, rows, units, inside, GATES, GATES, H)


@triton.jit
def _mask_of(
    masks, i, T, reverse, mask_t, mask_g, mask_b, top, rows, units, inside, COPIES: tl.constexpr
):
    """Load the masks of the i-th step, where there are any."""
    found = ()
    if masks is not None:
        at = rows[:, None] * tl.cast(mask_b, tl.int32) + units[None, :]
        here = masks + _time(i, T, reverse) * mask_t + top * mask_b
        for k in tl.static_range(COPIES):
            there = here + k * tl.cast(mask_g, tl.int64)
            found = found + (tl.load(there + at, mask=inside, other=0.0),)
    return found


@triton.jit
def _left_by(
    hidden, saved, i, T, B, top, reverse, rows, units, inside,
    STATES: tl.constexpr, SAVED: tl.constexpr, H: tl.constexpr,
):  # fmt: skip
    """Load the state after the i-th step."""
    at = _time(i, T, reverse) * B + top
    own = rows[:, None] * H + units[None, :]
    state = (tl.load(hidden + at * H + own, mask=inside, other=0.0).to(tl.float32),)
    if STATES == 2:
        c = rows[:, None] * SAVED * H + (SAVED - 1) * H + units[None, :]
        value = tl.load(saved + at * SAVED * H + c, mask=inside, other=0.0)
        state = state + (value.to(tl.float32),)
    return state


@triton.jit
def _given(
    d_output, h_0, c_0, hidden, saved, i, T, B, top, reverse, rows, units, inside,
    STATES: tl.constexpr, SAVED: tl.constexpr, H: tl.constexpr,
):  # fmt: skip
    """Load what the backward of the i-th step reads: gates, the state before it, d_output."""
    at = _time(i, T, reverse) * B + top
    own = rows[:, None] * H + units[None, :]
    gates = _parts(saved + at * SAVED * H, rows, units, inside, SAVED - STATES + 1, SAVED, H)
    # for each row, since the interpreter of Triton 3.9 makes a number of a single flag
    left = (rows * 0 + (T - 1 - i))[:, None]
    # the next step of the walk is the one before in time, but for the last, where it begins
    is_first, is_later = inside & (left <= 0), inside & (left > 0)
    before = _left_by(
        hidden, saved, i + 1, T, B, top, reverse, rows, units, is_later, STATES, SAVED, H
    )
    first = (tl.load(h_0 + top * H + own, mask=is_first, other=0.0).to(tl.float32),)
    if STATES == 2:
        first = first + (tl.load(c_0 + top * H + own, mask=is_first, other=0.0).to(tl.float32),)
    either = ()
    for s in tl.static_range(STATES):
        either = either + (before[s] + first[s],)
    d_y = tl.zeros([rows.shape[0], units.shape[0]], hidden.dtype.element_ty)
    if d_output is not None:
        d_y = tl.load(d_output + at * H + own, mask=inside, other=0.0)
    return gates, either, d_y


@triton.jit
def _weights(
    w_hh,
    j,
    units,
    along_k: tl.constexpr,
    along_units: tl.constexpr,
    GATES: tl.constexpr,
    H: tl.constexpr,
    CHUNK: tl.constexpr,
):
    """Load for each gate the weights (CHUNK, UNITS) that the j-th chunk of features meets."""
    k = j * CHUNK + tl.arange(0, CHUNK)
    inside = (k < H)[:, None] & (units < H)[None, :]
    at = k[:, None] * along_k + units[None, :] * along_units
    tiles = ()
    for g in tl.static_range(GATES):
        tiles = tiles + (tl.load(w_hh + g * H * H + at, mask=inside, other=0.0),)
    return tiles


@triton.jit
def _tiles(
    source,
    row_stride: tl.constexpr,
    copy_stride,
    j,
    rows,
    there,
    COPIES: tl.constexpr,
    H: tl.constexpr,
    CHUNK: tl.constexpr,
):
    """Load the j-th chunk of features of each copy.

    Other multiprocessors wrote them, so they come from the cache that all share.
    """
    k = j * CHUNK + tl.arange(0, CHUNK)
    inside = there[:, None] & (k < H)[None, :]
    at = rows[:, None] * row_stride + k[None, :]
    tiles = ()
    for copy in tl.static_range(COPIES):
        here = source + copy * copy_stride
        tiles = tiles + (tl.load(here + at, mask=inside, other=0.0, cache_modifier=".cg"),)
    return tiles


@triton.jit
def _add_products(sums, tiles, weights, GATES: tl.constexpr, PRECISION: tl.constexpr):
    """Multiply the tile of each gate, or the one of all, with its weights."""
    added = ()
    for g in tl.static_range(GATES):
        tile = tiles[0] if len(tiles) == 1 else tiles[g]
        if PRECISION == "widened":
            # Triton's interpreter multiplies the bits of bfloat16 as if they were integers
            product = tl.dot(tile.to(tl.float32), weights[g].to(tl.float32), sums[g])
        else:
            product = tl.dot(tile, weights[g], sums[g], input_precision=PRECISION)
        added = added + (product,)
    return added


@triton.jit
def _parts(source, rows, units, inside, PARTS: tl.constexpr, OF: tl.constexpr, H: tl.constexpr):
    """Load the first of the parts that lie side by side in each row."""
    at = rows[:, None] * OF * H + units[None, :]
    parts = ()
    for k in tl.static_range(PARTS):
        parts = parts + (tl.load(source + k * H + at, mask=inside, other=0.0),)
    return parts


@triton.jit
def _widened(parts):
    """Compute in float32 from here on; until then they take half the registers."""
    wide = ()
    for k in tl.static_range(len(parts)):
        wide = wide + (parts[k].to(tl.float32),)
    return wide


@triton.jit
def _store(target, parts, rows, units, inside, H: tl.constexpr):
    """Store parts side by side in each row."""
    at = rows[:, None] * len(parts) * H + units[None, :]
    for k in tl.static_range(len(parts)):
        tl.store(target + k * H + at, parts[k].to(target.dtype.element_ty), mask=inside)


@triton.jit
def _bounded(parts, pointer):
    """End c where float16 does; a gate is no larger, and NaN stays one."""
    if pointer.dtype.element_ty == tl.float16:
        within = ()
        for k in tl.static_range(len(parts)):
            part = tl.clamp(parts[k], -65504.0, 65504.0, propagate_nan=tl.PropagateNan.ALL)
            within = within + (part,)
        parts = within
    return parts


@triton.jit
def _keep(valid, at, rows, there):
    return (tl.load(valid + at + rows, mask=there, other=0) != 0)[:, None]


@triton.jit
def _carry(keep, new, old, STATES: tl.constexpr):
    """Take the old state where a step is padding."""
    parts = ()
    for s in tl.static_range(STATES):
        parts = parts + (tl.where(keep, new[s], old[s]),)
    return parts


@triton.jit
def _arrive(arrivals, PROGRAMS: tl.constexpr):
    """Tell the programs that share these rows that this one has stored what they read.

    The barrier puts every store of this program before the arrival, which releases them.
    """
    tl.debug_barrier()
    if PROGRAMS > 1:
        tl.atomic_add(arrivals + tl.program_id(0), 1, sem="release", scope="gpu")


@triton.jit
def _wait_for_all(arrivals, steps, PROGRAMS: tl.constexpr):
    """Wait until all of them have finished as many steps of this launch.

    Whoever has acquired the last arrival sees the stores of all.
    """
    if PROGRAMS > 1:
        counter = arrivals + tl.program_id(0)
        while tl.atomic_add(counter, 0, sem="acquire", scope="gpu") < steps * PROGRAMS:
            pass
        tl.debug_barrier()
