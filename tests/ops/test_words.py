"""Under autocast to bfloat16 the CPU kernels multiply pairs of bfloat16, and keep float32 else.

Integers that bfloat16 holds have exact products and sums, so that a pair in a wrong place shows;
of all else the reference in float64 is the judge.
"""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from lockgate.ops import kernels, rnn
from lockgate.ops.dispatch import backend
from lockgate.ops.masks import Masks
from lockgate.ops.recurrence import Weights

pytestmark = pytest.mark.skipif(
    not kernels.BUILT or not kernels.extension().has_bfloat16(),
    reason="this processor has no AVX-512 BF16",
)

ROUNDING = 2.0**-9  # what a number may lose when it becomes bfloat16, as a part of it
# batch, time, input, hidden
SIZES = [
    (1, 1, 1, 1),
    (3, 4, 5, 7),
    (7, 33, 9, 37),
    (70, 3, 33, 17),
    (5, 7, 48, 64),
    (2, 3, 300, 5),
    (1, 150, 3, 41),
    (3, 3, 197, 205),  # weights that do not fit the cache; what is dropped for all is left out
]
BY_UNITS = (2, 3, 17, 401)  # fewer rows than threads: these share the hidden units
VARIANTS: dict[str, tuple[str, dict[str, Any]]] = {
    "reset-first": ("gru", {"reset_after": False}),
    "norm": ("lstm", {"norm": True}),
    "zoneout": ("lstm", {"zoneout": "drawn"}),
    "relu": ("gru", {"nonlinearity": "relu"}),
    "gru-norm": ("gru", {"norm": True}),
    "projected": ("lstm", {"projected": True}),
    "projected-norm": ("lstm", {"projected": True, "norm": True, "zoneout": "drawn"}),
}


@pytest.fixture(params=["rnn", "lstm", "gru"])
def cell(request: pytest.FixtureRequest) -> str:
    """Cells of a smooth derivative: that of relu leaps where rounding changes a sign."""
    name: str = request.param
    return name


def by_words(function: Callable[..., Any]) -> Callable[..., Any]:
    """Run an operator on the kernels under autocast; its results in float32."""

    def run(*arguments: Any) -> Any:
        with torch.autocast("cpu", torch.bfloat16), backend("cpu"):
            output, last = function(*arguments)
        assert {part.dtype for part in (output, *last)} == {torch.bfloat16}
        return output.float(), type(last)(*(part.float() for part in last))

    return run


def operator_of(case: Any) -> Callable[..., Any]:
    """Give the public function of a case's cell."""
    function: Callable[..., Any] = getattr(case.module, case.module.__name__.rsplit(".", 1)[-1])
    return function


def check(case: Any, results_and_gradients: Callable[..., dict[str, Tensor]]) -> None:
    """Compare with the reference in float64: some roundings of what a sum is made of."""
    got = results_and_gradients(by_words(operator_of(case)), case.call, case.d_results)
    assert got.keys() == case.expected.keys()
    for name, value in case.expected.items():
        scale = max(1.0, value.abs().max().item())
        torch.testing.assert_close(
            got[name].double(),
            value,
            atol=8 * ROUNDING * scale,
            rtol=0,
            msg=lambda text, name=name: f"{name}: {text}",
        )


@pytest.mark.pairwise
@pytest.mark.parametrize("sizes", SIZES, ids=str)
@pytest.mark.parametrize("padded", [False, True], ids=["dense", "padded"])
@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("recompute", [False, True], ids=["saving", "recompute"])
def test_words_agree_with_the_reference(
    make_case, results_and_gradients, set_threads, cell, masks, sizes, padded, threads, recompute
) -> None:
    set_threads(threads)
    case = make_case(cell, sizes, masks=masks, padded=padded)

    check(case.recomputed() if recompute else case, results_and_gradients)


@pytest.mark.parametrize("masks", ["mixed", "shared-mixed"])
def test_words_of_hidden_units_that_threads_share_agree(
    make_case, results_and_gradients, set_threads, cell, masks
) -> None:
    set_threads(3)

    check(make_case(cell, BY_UNITS, masks=masks), results_and_gradients)


@pytest.mark.pairwise
@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("masks", ["none", "gate", "shared-mixed"])
# projections to 24, 11 and 7, and 160 where threads share the units and features are left out
@pytest.mark.parametrize("sizes", [(7, 9, 21, 37), (5, 3, 9, 17), (3, 4, 5, 11), (2, 3, 97, 240)])
@pytest.mark.parametrize("recompute", [False, True], ids=["saving", "recompute"])
def test_words_of_every_variant_agree(
    make_case, results_and_gradients, set_threads, variant, masks, sizes, recompute
) -> None:
    set_threads(3)
    cell, kind = VARIANTS[variant]
    case = make_case(cell, sizes, masks=masks, **kind)

    check(case.recomputed() if recompute else case, results_and_gradients)


@pytest.mark.parametrize("sizes", [(5, 1, 9, 37), (70, 1, 33, 17), (3, 1, 150, 205)], ids=str)
@pytest.mark.parametrize("per", [None, "sample", "batch"])
def test_exact_products_are_exact(results_and_gradients, sizes, per) -> None:
    """One step of a relu network of small integers has no rounding at all."""
    B, T, n_in, H = sizes
    generator = torch.Generator().manual_seed(B)

    def integers(*shape: int, most: int) -> Tensor:
        # most are 0, so that no sum passes 256, the last integer before which there are no gaps
        value = torch.randint(-most, most + 1, shape, generator=generator).float()
        return (value * (torch.rand(shape, generator=generator) < 0.2)).requires_grad_()

    def mask(features: int) -> Tensor | None:
        if per is None:
            return None
        shape = (1, 1, B if per == "sample" else 1, features)
        return 2.0 * (torch.rand(shape, generator=generator) < 0.5)

    weights = Weights(integers(H, n_in, most=2), integers(H, H, most=2))
    call = integers(T, B, n_in, most=3), rnn.State(integers(B, H, most=3)), weights
    masks, options = Masks(mask(n_in), mask(H)), rnn.Options(nonlinearity="relu")
    d_output, d_last = integers(T, B, H, most=2), integers(B, H, most=2)

    def run(function: Callable[..., Any]) -> list[Tensor]:
        output, last = function(*call, masks, None, options)
        sources = [call[0], call[1].h, weights.w_ih, weights.w_hh]
        found = torch.autograd.grad([output, last.h], sources, [d_output.detach(), d_last.detach()])
        return [output, last.h, *found]

    got, expected = run(by_words(rnn.rnn)), run(rnn.reference.run)

    assert max(value.abs().max() for value in expected[:2]) <= 256
    assert all(map(torch.equal, got, expected))
    assert expected[4].abs().max() > 2


def test_equal_calls_give_equal_bits(make_case, results_and_gradients, set_threads, cell) -> None:
    set_threads(2)
    case = make_case(cell, (7, 33, 9, 37), masks="mixed")

    run = by_words(operator_of(case))
    first, again = (results_and_gradients(run, case.call, case.d_results) for _ in range(2))

    assert all(torch.equal(first[name], again[name]) for name in first)


def test_second_derivative_is_the_reference_s(make_case, cell) -> None:
    case = make_case(cell, (3, 5, 7, 9), masks="mixed")

    def twice(run: Callable[..., Any]) -> Tensor:
        output, _ = run(*case.call)
        weight = case.call.weights.w_ih
        (first,) = torch.autograd.grad(output.square().sum(), weight, create_graph=True)
        (second,) = torch.autograd.grad(first.square().sum(), weight)
        return second

    got, expected = twice(by_words(operator_of(case))), twice(case.module.reference.run)

    assert (got - expected).abs().max() <= 8 * ROUNDING * expected.abs().max()
