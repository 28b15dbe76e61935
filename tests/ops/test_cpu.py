"""The CPU kernels compute what the references say: every mask, padding, size and instruction set.

The kernels run in float32, the references on the same values in float64.
"""

import math
from collections.abc import Sequence

import pytest
import torch
from torch import Tensor

from lockgate.ops import gru, kernels, lstm, rnn

pytestmark = pytest.mark.skipif(not kernels.BUILT, reason="lockgate has no kernels here")

PADDED = pytest.mark.parametrize("padded", [False, True], ids=["dense", "padded"])
REVERSE = pytest.mark.parametrize("reverse", [False, True], ids=["forward", "reverse"])
KINDS = ["none", "input", "recurrent", "cell", "gate", "step", "mixed", "crossed", "shared"]

# batch, time, input, hidden: enough work for three threads, which take rows of the batch
SPLIT_BY_ROWS = (7, 33, 9, 37)
# enough work in one step, and fewer rows than threads, which take hidden units and wait for another
SPLIT_BY_UNITS = {"rnn": 401, "relu": 401, "lstm": 199, "gru": 233}
# so many weights of x that the products of several steps with them are computed at once
LARGE_INPUT = {"rnn": (385, 345), "relu": (385, 345), "lstm": (193, 173), "gru": (213, 207)}
# so many features that those which a mask drops for all rows and steps are left out of products
LEFT_OUT = {"rnn": (197, 205), "relu": (197, 205), "lstm": (99, 107), "gru": (113, 121)}
# every H and every I of two vectors of 16 and one more, rows of the batch from 1 to 9
TAILS = [(1 + 2 * (H % 5), 1 + H % 4, 1 + 7 * H % 33, H) for H in range(1, 34)]
EDGES = [
    (0, 3, 2, 4),  # no sequence
    (0, 1, 1, 1),
    (1, 1, 1, 1),
    (3, 1, 2, 1),
    (70, 3, 5, 9),  # more rows than a slice of the batch has
    (200, 2, 3, 5),
    (300, 2, 5, 21),  # and several slices for each of three threads
    (1, 150, 3, 5),  # more steps than wait for the gradients of the weights
    (3, 131, 5, 6),
    (2, 2, 300, 5),  # more features than are worked on at once
    (2, 2, 5, 300),
    (1, 2, 129, 65),
    (3, 2, 64, 128),
    (13, 2, 63, 81),
    (17, 4, 16, 32),
    (1, 3, 1920, 17),  # fewer vectors of hidden units than threads
]


VARIANTS = {
    "lstm-relu": ("lstm", {"nonlinearity": "relu"}),
    "gru-relu": ("gru", {"nonlinearity": "relu"}),
    "gru-reset-first": ("gru", {"reset_after": False}),
    "gru-reset-first-relu": ("gru", {"reset_after": False, "nonlinearity": "relu"}),
    "rnn-norm": ("rnn", {"norm": True}),
    "rnn-norm-relu": ("relu", {"norm": True}),
    "lstm-norm": ("lstm", {"norm": True}),
    "lstm-norm-relu": ("lstm", {"norm": True, "nonlinearity": "relu"}),
    "gru-norm": ("gru", {"norm": True}),
    "lstm-projected": ("lstm", {"projected": True}),
    "lstm-projected-relu": ("lstm", {"projected": True, "nonlinearity": "relu"}),
    "lstm-projected-norm": ("lstm", {"projected": True, "norm": True}),
}


def size_id(sizes: tuple) -> str:
    return "B{}-T{}-I{}-H{}".format(*sizes)


@pytest.mark.pairwise
@PADDED
@REVERSE
def test_kernels_agree_with_reference(
    make_case_once, set_threads, instruction_set, cell: str, masks: str, padded, reverse
) -> None:
    case = make_case_once(cell, SPLIT_BY_ROWS, masks=masks, padded=padded, reverse=reverse)

    for threads in (1, 2, 3):
        set_threads(threads)
        case.check(f"{threads} threads")


@pytest.mark.pairwise
@PADDED
@REVERSE
def test_kernels_split_by_hidden_units_agree(
    make_case_once, set_threads, instruction_set, cell: str, masks: str, padded, reverse
) -> None:
    kind = {"masks": masks, "padded": padded, "reverse": reverse}

    for threads, batch in ((2, 1), (3, 2)):
        set_threads(threads)
        case = make_case_once(cell, (batch, 3, 17, SPLIT_BY_UNITS[cell]), **kind)
        case.check(f"{threads} threads")


def keep(mask: Tensor, kept: str) -> Tensor:
    """Let a mask keep what it keeps, or all, or nothing, or nothing in its last gate."""
    mask = mask.detach().clone()
    if kept == "all":
        return torch.full_like(mask, 1.25)
    if kept != "some":
        mask[:, 0 if kept == "nothing" else mask.shape[1] - 1 :] = 0.0
    return mask


@pytest.mark.pairwise
@PADDED
@REVERSE
@pytest.mark.parametrize("masks", ["shared", "shared-mixed"])
@pytest.mark.parametrize("kept", ["some", "all", "nothing", "nothing-in-a-gate"])
@pytest.mark.parametrize(("threads", "batch"), [(1, 5), (2, 5), (3, 2)])
def test_products_of_the_features_that_are_kept_agree(
    make_case_once,
    judge,
    set_threads,
    instruction_set,
    cell,
    masks,
    kept,
    threads,
    batch,
    padded,
    reverse,
) -> None:
    sizes = (batch, 5, *LEFT_OUT[cell])
    call = make_case_once(cell, sizes, masks=masks, padded=padded, reverse=reverse).call
    drawn = call.masks._replace(x=keep(call.masks.x, kept), h=keep(call.masks.h, kept))
    case = judge(cell, call._replace(masks=drawn))
    set_threads(threads)

    case.check()
    case.recomputed().check("recomputed")
    gradients, gates = case.compute(), case.module.GATES
    for name, mask in (("grad w_ih", drawn.x), ("grad w_hh", drawn.h)):
        dropped = (mask == 0).expand(1, gates, 1, -1).view(gates, 1, -1)
        assert (
            not gradients[name]
            .view(gates, -1, mask.shape[-1])[dropped.expand(-1, sizes[3], -1)]
            .any()
        )


@pytest.mark.pairwise
@pytest.mark.parametrize("masks", ["shared", "shared-mixed"])
@pytest.mark.parametrize("variant", [name for name in VARIANTS if "nor" in name or "pro" in name])
@pytest.mark.parametrize(("threads", "batch"), [(1, 5), (3, 2)])
def test_variants_of_the_features_that_are_kept_agree(
    make_case_once, set_threads, instruction_set, variant, masks: str, threads: int, batch: int
) -> None:
    cell, options = VARIANTS[variant]
    case = make_case_once(cell, (batch, 5, *LEFT_OUT[cell]), masks=masks, **options)
    set_threads(threads)

    case.check()
    case.recomputed().check("recomputed")


@pytest.mark.parametrize(("threads", "batch"), [(1, 5), (3, 2)])
def test_features_that_are_dropped_for_all_need_no_arithmetic(
    make_case, judge, set_threads, instruction_set, cell: str, threads: int, batch: int
) -> None:
    clean = make_case(cell, (batch, 3, *LEFT_OUT[cell]), masks="shared-mixed")
    dropped = (clean.call.masks.x == 0).view(-1)
    w_ih, x = clean.call.weights.w_ih.detach().clone(), clean.call.x.detach().clone()
    w_ih[:, dropped] = x[..., dropped] = math.nan
    weights = clean.call.weights._replace(w_ih=w_ih.requires_grad_())
    set_threads(threads)

    struck = clean._replace(call=clean.call._replace(x=x.requires_grad_(), weights=weights))

    assert all(map(torch.equal, struck.compute().values(), clean.compute().values()))


@pytest.mark.pairwise
@PADDED
@REVERSE
@pytest.mark.parametrize("masks", ["none", "gate"])
@pytest.mark.parametrize("zoneout", ["drawn", "rate"])
@pytest.mark.parametrize("split", ["rows", "units"])
def test_zoneout_agrees(
    make_case_once, set_threads, instruction_set, cell, split, zoneout, masks, padded, reverse
) -> None:
    sizes = SPLIT_BY_ROWS if split == "rows" else (2, 5, 17, SPLIT_BY_UNITS[cell])
    kind = {"masks": masks, "padded": padded, "reverse": reverse, "zoneout": zoneout}
    case = make_case_once(cell, sizes, **kind)
    set_threads(3)

    case.check()
    case.recomputed().check("recomputed")


@pytest.mark.pairwise
@PADDED
@REVERSE
@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("masks", ["none", "cell", "gate", "step"])
@pytest.mark.parametrize("zoneout", ["none", "drawn"])
@pytest.mark.parametrize("split", ["rows", "units", "steps", "units-steps"])
def test_variants_of_a_cell_agree(
    make_case_once, set_threads, instruction_set, variant, split, masks, zoneout, padded, reverse
) -> None:
    cell, options = VARIANTS[variant]
    sizes = {
        "rows": SPLIT_BY_ROWS,
        "units": (2, 5, 17, SPLIT_BY_UNITS[cell]),
        "steps": (3, 5, *LARGE_INPUT[cell]),
        "units-steps": (2, 5, *LARGE_INPUT[cell]),
    }[split]
    kind = {"masks": masks, "zoneout": zoneout, "padded": padded, "reverse": reverse}
    case = make_case_once(cell, sizes, **kind, **options)
    set_threads(3)

    case.check()
    case.recomputed().check("recomputed")


@pytest.mark.pairwise
@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("H", [2, 4, 7, 16, 19, 33])
def test_tails_of_variants_agree(make_case_once, instruction_set, variant: str, H: int) -> None:
    cell, options = VARIANTS[variant]
    kind = {"masks": KINDS[H % 9], "padded": H % 2 == 0, "bias": H % 3 > 0}

    make_case_once(cell, (1 + H % 5, 3, 2 + H % 7, H), **kind, **options).check()


@pytest.mark.pairwise
@PADDED
@pytest.mark.parametrize("masks", ["mixed", "crossed"])
@pytest.mark.parametrize(("threads", "batch", "T"), [(1, 50, 5), (3, 2, 66)])
def test_large_input_agrees(
    make_case_once, set_threads, instruction_set, cell, masks, padded, threads, batch, T
) -> None:
    sizes = (batch, T, *LARGE_INPUT[cell])
    case = make_case_once(cell, sizes, masks=masks, padded=padded, reverse=padded)
    set_threads(threads)

    case.check()
    case.recomputed().check("recomputed")


@pytest.mark.pairwise
@pytest.mark.parametrize("sizes", TAILS, ids=size_id)
def test_every_tail_of_a_vector_agrees(
    make_case_once, instruction_set, cell: str, sizes: tuple
) -> None:
    H = sizes[-1]
    kind = {"masks": KINDS[H % 9], "padded": H % 2 == 0, "reverse": H % 4 < 2, "bias": H % 5 > 0}

    make_case_once(cell, sizes, **kind).check()


@pytest.mark.pairwise
@pytest.mark.parametrize("masks", ["none", "gate"])
@pytest.mark.parametrize("sizes", EDGES, ids=size_id)
def test_sizes_at_the_edges_agree(
    make_case_once, set_threads, instruction_set, cell: str, sizes: tuple, masks: str
) -> None:
    case = make_case_once(cell, sizes, masks=masks, padded=True, bias=masks == "gate")

    for threads in (1, 2, 3):
        set_threads(threads)
        case.check(f"{threads} threads")


@pytest.mark.pairwise
@pytest.mark.parametrize("without", ["no-row", "one-row", "every-row"])
@REVERSE
def test_padding_of_whole_rows_agrees(
    make_case, judge, instruction_set, cell: str, reverse: bool, without: str
) -> None:
    call = make_case(cell, (4, 9, 3, 5), masks="mixed", reverse=reverse).call
    valid = torch.ones(9, 4, dtype=torch.bool)
    valid[3:6, 0] = False
    valid[:, {"no-row": [], "one-row": [2], "every-row": [0, 1, 2, 3]}[without]] = False

    judge(cell, call._replace(valid=valid)).check()


@REVERSE
def test_nan_under_padding_reaches_nothing(
    make_case, judge, instruction_set, cell: str, reverse: bool
) -> None:
    clean = make_case(cell, (3, 9, 3, 5), masks="gate", padded=True, reverse=reverse)
    padding = ~clean.call.valid[..., None]
    x = clean.call.x.detach().masked_fill(padding, math.nan).requires_grad_()
    d_results = [clean.d_results[0].masked_fill(padding, math.nan), *clean.d_results[1:]]

    dirty = judge(cell, clean.call._replace(x=x), d_results)

    dirty.check()
    assert all(map(torch.equal, dirty.compute().values(), clean.compute().values()))


@pytest.mark.pairwise
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf], ids=str)
def test_what_is_not_finite_goes_where_it_goes_in_the_reference(
    make_case, judge, instruction_set, cell: str, value: float
) -> None:
    call = make_case(cell, (3, 4, 9, 19), masks="mixed").call

    for place in call.leaves():
        leaves = {name: leaf.detach().clone() for name, leaf in call.leaves().items()}
        leaves[place].view(-1)[2] = value
        struck = call.with_leaves(leaves.values()).to(torch.float32)
        judge(cell, struck).check(f"{value} in {place}")


def test_gradient_of_one_result_alone_is_right(
    make_case, judge, by_kernels, instruction_set, cell: str
) -> None:
    case = make_case(cell, (3, 4, 5, 6), masks="gate", padded=True)
    leaves = [leaf for leaf in case.call.leaves().values() if leaf.requires_grad]

    for index, d in enumerate(case.d_results):
        others_zero = [
            d if i == index else torch.zeros_like(v) for i, v in enumerate(case.d_results)
        ]
        expected = judge(cell, case.call, others_zero).expected
        output, last = by_kernels(case.module)(*case.call)
        got = torch.autograd.grad((output, *last)[index], leaves, d, materialize_grads=True)
        wanted = [value.float() for name, value in expected.items() if name.startswith("grad")]
        torch.testing.assert_close(list(got), wanted)


def test_tanh_and_sigmoid_are_right_to_the_last_digits(by_kernels, instruction_set) -> None:
    # h = tanh(x); and z * h_0 = sigmoid(x) is all that a GRU with n = 0, h_0 = 1 has
    size = torch.logspace(-30, 2, 3000)
    x = torch.cat([-size, torch.zeros(1), size])[None, :, None]
    h = torch.zeros(x.shape[1], 1)
    of_z, none = torch.tensor([[0.0], [1.0], [0.0]]), torch.zeros(3, 1)

    tanh, _ = by_kernels(rnn)(x, rnn.State(h), rnn.Weights(of_z[1:2], none[:1]))
    sigmoid, _ = by_kernels(gru)(x, gru.State(h + 1), gru.Weights(of_z, none))

    rtol = 4 * torch.finfo(torch.float32).eps
    torch.testing.assert_close(tanh.double(), x.double().tanh(), rtol=rtol, atol=0)
    # what is less than the least normal number may be 0
    least = torch.finfo(torch.float32).tiny
    torch.testing.assert_close(sigmoid.double(), x.double().sigmoid(), rtol=rtol, atol=2 * least)


@pytest.mark.pairwise
@pytest.mark.parametrize("shift", [30.0, 88.5, 1e4, 1e30])
def test_saturated_gates_agree(make_case, judge, instruction_set, cell: str, shift: float) -> None:
    call = make_case(cell, (3, 2, 5, 9)).call
    sign = torch.ones_like(call.weights.b_ih)
    sign[::2] = -1

    far = call.weights._replace(b_ih=(sign * shift).requires_grad_())
    judge(cell, call._replace(weights=far)).check()


def test_gradients_are_as_near_as_torchs(make_case, by_kernels) -> None:
    call = make_case("lstm", (8, 64, 64, 512)).call
    theirs, exact = torch.nn.LSTM(64, 512), torch.nn.LSTM(64, 512, dtype=torch.float64)
    theirs.load_state_dict(dict(zip(theirs.state_dict(), call.weights[:4], strict=True)))
    exact.load_state_dict(theirs.state_dict())
    hx = tuple(part[None] for part in call.state)
    d_output = torch.randn(64, 8, 512, generator=torch.Generator().manual_seed(0))

    def gradients(output: Tensor, weights: Sequence[Tensor]) -> tuple[Tensor, ...]:
        return torch.autograd.grad(output, list(weights), d_output.to(output.dtype))

    output, _ = exact(call.x.double(), tuple(part.double() for part in hx))
    expected = gradients(output, exact.parameters())
    torchs = gradients(theirs(call.x, hx)[0], theirs.parameters())
    ours = gradients(by_kernels(lstm)(*call)[0], call.weights[:4])

    def error(got: Tensor, right: Tensor) -> float:
        return ((got - right).abs().max() / right.abs().max()).item()

    for name, right, torch_s, own in zip(
        call.weights._fields[:4], expected, torchs, ours, strict=True
    ):
        assert error(own, right) <= 1.5 * error(torch_s, right), name
