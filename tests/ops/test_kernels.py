"""How the kernels are called: what they refuse, where tensors lie, what is saved and wanted."""

import math
import re
from collections.abc import Callable
from contextlib import nullcontext
from functools import partial

import pytest
import torch
from torch import Tensor
from torch.autograd import forward_ad

from lockgate.ops import gru, kernels, lstm
from lockgate.ops.dispatch import BackendUnavailable

needs_kernels = pytest.mark.skipif(not kernels.BUILT, reason="lockgate has no kernels here")


def assert_same(got: dict[str, Tensor], expected: dict[str, Tensor], where: str = "") -> None:
    """Compare bit for bit."""
    different = [name for name in expected if not torch.equal(got[name], expected[name])]
    assert different == [], where


# ---- what they refuse ----


def with_mask_gradient(call):
    call.masks.h.requires_grad_()
    return call


REFUSED = {
    "float64": (
        lambda call: call.to(torch.float64),
        nullcontext,
        "it computes in float32, and there is torch.float64",
    ),
    "bfloat16": (
        lambda call: call.to(torch.bfloat16),
        nullcontext,
        "it computes in float32, and there is torch.bfloat16",
    ),
    "mask": (with_mask_gradient, nullcontext, "it has no gradient of a mask"),
    "autocast": (
        lambda call: call,
        partial(torch.autocast, "cpu", dtype=torch.float16),
        "it computes in float32 and bfloat16, and autocast asks for torch.float16",
    ),
    "forward mode": (
        lambda call: call,
        forward_ad.dual_level,
        "it has no forward-mode derivative",
    ),
}


@needs_kernels
@pytest.mark.parametrize("kind", REFUSED)
def test_kernels_say_why_they_cannot_run_a_call(make_case, by_kernels, cell: str, kind) -> None:
    change, context, reason = REFUSED[kind]
    case = make_case(cell, (2, 3, 4, 5), masks="gate", padded=True)
    call = change(case.call)

    with context():
        assert kernels.why_not(*call) == reason
        output, _ = case.module.reference.run(*call)
        with pytest.raises(BackendUnavailable, match=f"cannot run this call: {reason}. Leave"):
            by_kernels(case.module)(*call)
        run = getattr(case.module, case.module.__name__.rsplit(".", 1)[-1])
        assert torch.equal(run(*call)[0], output)


@needs_kernels
def test_kernels_refuse_what_is_on_another_device_or_partly_of_another_dtype(make_case) -> None:
    call = make_case("gru", (2, 3, 4, 5)).call

    assert kernels.why_not(*call._replace(x=call.x.to("meta"))) == "x is on meta"
    wide = call._replace(state=gru.State(call.state.h.double()))
    assert "there is torch.float64" in kernels.why_not(*wide)
    wide = call._replace(weights=call.weights._replace(b_hh=call.weights.b_hh.double()))
    assert "there is torch.float64" in kernels.why_not(*wide)
    with torch.autocast("cpu", torch.bfloat16):
        assert "there is torch.float64" in kernels.why_not(*wide)


@needs_kernels
def test_without_its_instructions_bfloat16_is_the_reference_s(make_case, instruction_set) -> None:
    call = make_case("gru", (2, 3, 4, 5), masks="mixed").call
    runs = kernels.extension().has_bfloat16()

    with torch.autocast("cpu", torch.bfloat16):
        reason = kernels.why_not(*call)
        output, _ = gru.gru(*call)
        expected, _ = gru.reference.run(*call)

    assert reason == (None if runs else "it needs AVX-512 BF16 to multiply in bfloat16")
    assert runs <= (instruction_set == "avx512")
    assert output.dtype == expected.dtype == torch.bfloat16
    assert runs or torch.equal(output, expected)


@needs_kernels
def test_kernels_say_what_of_a_call_they_do_not_have(make_call) -> None:
    def reason(**changed) -> str | None:
        call = make_call(gru, norm=True).to(torch.float32)
        call = call._replace(weights=call.weights._replace(**changed))
        return kernels.why_not(*call)

    assert reason() is None
    assert reason(w_hr=torch.ones(1, 1)) == "it projects the h of an LSTM alone"
    assert reason(ln_ih=None) == "it normalises both products or none"
    whole = make_call(lstm, norm=True).to(torch.float32)
    for changed, why in (
        ({"ln_c_bias": None}, "it normalises c with a gain and a bias"),
        ({"ln_ih": None, "ln_hh": None}, "it normalises c where it normalises the products"),
    ):
        weights = whole.weights._replace(**changed)
        assert kernels.why_not(*whole._replace(weights=weights)) == why
    before = make_call(gru, norm=True, reset_after=False).to(torch.float32)
    assert kernels.why_not(*before) == "it has no reset gate before a product that is normalised"


@needs_kernels
def test_kernels_do_not_run_inside_a_transform(make_case, by_kernels, cell: str) -> None:
    case = make_case(cell, (2, 3, 4, 5), masks="gate")
    run = getattr(case.module, case.module.__name__.rsplit(".", 1)[-1])

    def loss(x: Tensor, run: Callable = run) -> Tensor:
        return run(*case.call._replace(x=x))[0].square().sum()

    got = torch.func.vmap(torch.func.grad(loss))(torch.stack([case.call.x, -case.call.x]))

    x = (-case.call.x).detach().requires_grad_()
    torch.testing.assert_close(got[1], torch.autograd.grad(loss(x), x)[0])
    reason = "cannot run this call: it does not run inside a transform of torch.func"
    with pytest.raises(BackendUnavailable, match=reason):
        torch.func.grad(partial(loss, run=by_kernels(case.module)))(case.call.x)


@pytest.mark.filterwarnings("ignore:.torch.jit.script. is deprecated")  # torch warns of itself
@pytest.mark.parametrize("padded", [False, True], ids=["dense", "padded"])
def test_forward_mode_derivative_runs_on_another_backend(make_case, cell: str, padded) -> None:
    case = make_case(cell, (2, 3, 4, 5), padded=padded)
    run = getattr(case.module, case.module.__name__.rsplit(".", 1)[-1])

    def tangent(run: Callable) -> Tensor:
        with forward_ad.dual_level():
            x = forward_ad.make_dual(case.call.x.detach(), torch.ones_like(case.call.x))
            return forward_ad.unpack_dual(run(*case.call._replace(x=x))[0]).tangent

    torch.testing.assert_close(tangent(run), tangent(case.module.reference.run))


def test_installation_without_kernels_says_so_and_runs(make_case, by_kernels, monkeypatch) -> None:
    call = make_case("lstm", (2, 3, 4, 5), masks="gate").call
    monkeypatch.setattr(kernels, "BUILT", False)
    monkeypatch.setattr(kernels, "extension", kernels.extension.__wrapped__)

    reason = "it is not built: lockgate was installed without a C++ compiler"
    assert kernels.status() is None
    assert kernels.why_not(*call) == reason
    assert torch.equal(lstm.lstm(*call)[0], lstm.reference.run(*call)[0])
    with pytest.raises(BackendUnavailable, match=re.escape(f"cannot run this call: {reason}. ")):
        by_kernels(lstm)(*call)


@needs_kernels
def test_status_tells_the_instruction_set_in_use(instruction_set: str) -> None:
    status = kernels.status()

    assert status.instruction_set == instruction_set
    assert instruction_set in status.instruction_sets
    assert status.instruction_sets[-1] == "generic"
    assert status.threads == "torch's own"


@needs_kernels
def test_instruction_set_is_chosen_by_the_environment(monkeypatch, instruction_set: str) -> None:
    first_call_of_a_process = kernels.extension.__wrapped__
    assert kernels.status().instruction_set == instruction_set

    monkeypatch.setenv("LOCKGATE_INSTRUCTION_SET", "generic")
    first_call_of_a_process()
    assert kernels.status().instruction_set == "generic"

    monkeypatch.setenv("LOCKGATE_INSTRUCTION_SET", "sse9")
    present = sorted(kernels.status().instruction_sets)
    message = f"LOCKGATE_INSTRUCTION_SET must be one of {present} on this processor, got sse9"
    with pytest.raises(ValueError, match=re.escape(message)):
        first_call_of_a_process()


@needs_kernels
def test_unknown_instruction_set_raises() -> None:
    with pytest.raises(ValueError, match="this processor has no sse9"):
        kernels.extension().use_instruction_set("sse9")


# ---- where tensors lie ----


def turned(value: Tensor) -> Tensor:
    """Lay it out by columns: the features of a row are far apart."""
    axes = tuple(reversed(range(value.ndim)))
    return value.permute(axes).contiguous().permute(axes)


def part_of_larger(value: Tensor, step: int) -> Tensor:
    """Make it a part of something that is NaN elsewhere."""
    larger = torch.full([step * size + 2 for size in value.shape], math.nan)
    part = larger[tuple(slice(1, 1 + step * size, step) for size in value.shape)]
    return part.copy_(value)


LAYOUTS: dict[str, Callable[[Tensor], Tensor]] = {
    "turned": turned,
    "offset": partial(part_of_larger, step=1),
    "every-other": partial(part_of_larger, step=2),
    "rows-expanded": lambda value: value[(slice(1),) * (value.ndim - 1)].expand(value.shape),
    "features-expanded": lambda value: value[..., :1].expand(value.shape),
}


@needs_kernels
@pytest.mark.pairwise
@pytest.mark.parametrize("masks", ["step", "shared"])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_layout_in_memory_changes_nothing(make_case, cell: str, layout: str, masks: str) -> None:
    case = make_case(cell, (5, 6, 7, 19), masks=masks, padded=True)

    def laid(finish: Callable[[Tensor], Tensor]) -> dict[str, Tensor]:
        def relay(value: Tensor) -> Tensor:
            return finish(LAYOUTS[layout](value.detach()))

        call = case.call.with_leaves(map(relay, case.call.leaves().values()))
        for name, leaf in call.leaves().items():
            leaf.requires_grad_(not name.startswith("mask"))
        call = call._replace(valid=finish(turned(call.valid)))
        d_results = [relay(d) for d in case.d_results]
        return case._replace(call=call, d_results=d_results).compute()

    assert_same(laid(lambda value: value), laid(Tensor.contiguous))


@needs_kernels
def test_padding_mask_may_be_expanded(make_case, by_kernels) -> None:
    call = make_case("lstm", (3, 5, 2, 4)).call
    valid = torch.tensor([True, False, True, True, False])[:, None]

    got, last = by_kernels(lstm)(*call._replace(valid=valid))
    expected, expected_last = by_kernels(lstm)(*call._replace(valid=valid.expand(5, 3).clone()))

    assert torch.equal(got, expected)
    assert all(map(torch.equal, last, expected_last))


# ---- what is saved, and what is wanted ----


@needs_kernels
@pytest.mark.pairwise
@pytest.mark.parametrize("T", [1, 2, 3, 4, 5, 9, 10, 17, 101])
def test_recompute_gives_what_saving_gives(
    make_case_once, set_threads, instruction_set, cell: str, T: int
) -> None:
    kind = {"masks": "mixed", "padded": T % 2 == 0, "reverse": T % 3 == 0}
    case = make_case_once(cell, (3, T, 5, 37), **kind)

    for threads in (1, 3):
        set_threads(threads)
        assert_same(without_weights(case.recomputed()), without_weights(case), f"{threads} threads")
        case.recomputed().check(f"{threads} threads")


@needs_kernels
@pytest.mark.parametrize(("cell", "H"), [("rnn", 401), ("lstm", 199), ("gru", 233)])
def test_recompute_split_by_hidden_units_gives_what_saving_gives(
    make_case_once, set_threads, instruction_set, cell: str, H: int
) -> None:
    case = make_case_once(cell, (2, 6, 17, H), masks="gate", padded=True)
    set_threads(3)

    assert_same(without_weights(case.recomputed()), without_weights(case))
    case.recomputed().check()


@needs_kernels
def test_recompute_gives_the_same_gradients_of_the_weights(make_case, cell) -> None:
    case = make_case(cell, (3, 17, 5, 37), masks="mixed")

    # to rounding: stretches add up the steps in other groups
    torch.testing.assert_close(case.recomputed().compute(), case.compute())


def without_weights(case) -> dict[str, Tensor]:
    """Compute a case, and leave out the gradients that are sums over time."""
    results = case.compute()
    return {name: value for name, value in results.items() if name[:6] not in ("grad w", "grad b")}


@needs_kernels
@pytest.mark.parametrize("norm", [False, True], ids=["plain", "norm"])
@pytest.mark.parametrize("projected", [False, True], ids=["whole", "projected"])
def test_gradient_of_one_input_alone_is_the_same(
    make_case, by_kernels, cell: str, norm, projected
) -> None:
    if projected and cell != "lstm":
        pytest.skip("an LSTM alone is projected")
    case = make_case(cell, (3, 4, 5, 6), masks="gate", padded=True, norm=norm, projected=projected)
    every = case.compute()

    for name, leaf in case.call.leaves().items():
        if name.startswith("mask"):
            continue
        alone = {key: value.detach() for key, value in case.call.leaves().items()} | {name: leaf}
        output, last = by_kernels(case.module)(*case.call.with_leaves(alone.values()))
        (got,) = torch.autograd.grad((output, *last), leaf, case.d_results)
        assert torch.equal(got, every[f"grad {name}"]), name


@needs_kernels
@pytest.mark.parametrize("create_graph", [False, True], ids=["first", "with-a-graph"])
def test_tensor_given_in_two_places_gets_the_gradient_of_both(
    make_case, by_kernels, create_graph: bool
) -> None:
    call = make_case("lstm", (2, 3, 4, 4)).call

    def gradients(h: Tensor, c: Tensor, w_ih: Tensor, w_hh: Tensor) -> tuple[Tensor, ...]:
        weights = call.weights._replace(w_ih=w_ih, w_hh=w_hh)
        output, last = by_kernels(lstm)(*call._replace(state=lstm.State(h, c), weights=weights))
        loss = output.square().sum() + last.c.sum()
        inputs = list(dict.fromkeys((h, c, w_ih, w_hh)))
        return torch.autograd.grad(loss, inputs, create_graph=create_graph)

    h, w = call.state.h, call.weights.w_hh
    of_h, of_w = gradients(h, h, w, w)
    apart = gradients(*(value.detach().clone().requires_grad_() for value in (h, h, w, w)))

    torch.testing.assert_close(of_h, apart[0] + apart[1])
    torch.testing.assert_close(of_w, apart[2] + apart[3])


@needs_kernels
@pytest.mark.parametrize("valid", [True, False], ids=["dense", "all-padding"])
def test_results_share_memory_with_nothing(make_case, by_kernels, cell: str, valid: bool) -> None:
    case = make_case(cell, (2, 1, 4, 4), masks="gate")
    call = case.call._replace(valid=torch.full((1, 2), valid))
    before = {name: leaf.detach().clone() for name, leaf in call.leaves().items()}

    output, last = by_kernels(case.module)(*call)
    leaves = [leaf for leaf in call.leaves().values() if leaf.requires_grad]
    results = (output, *last)
    gradients = torch.autograd.grad(results, leaves, [torch.ones_like(r) for r in results])

    tensors = [*call.leaves().values(), *results, *gradients]
    assert len({tensor.untyped_storage().data_ptr() for tensor in tensors}) == len(tensors)
    assert all(torch.equal(leaf, before[name]) for name, leaf in call.leaves().items())


@needs_kernels
def test_output_changed_before_the_backward_raises(make_case, by_kernels, cell: str) -> None:
    case = make_case(cell, (2, 3, 4, 5))
    output, _ = by_kernels(case.module)(*case.call)
    with torch.no_grad():
        output.add_(1)

    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        output.sum().backward()


@needs_kernels
def test_backward_may_be_run_twice(make_case, by_kernels, cell: str) -> None:
    case = make_case(cell, (2, 3, 4, 5), masks="gate")
    output, _ = by_kernels(case.module)(*case.call)

    first, second = (
        torch.autograd.grad(output.sum(), case.call.x, retain_graph=True)[0] for _ in "ab"
    )

    assert torch.equal(first, second)
