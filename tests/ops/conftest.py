"""Calls of the operators, and what judges them: a loop over plain numbers, and rounding."""

import math
from collections.abc import Callable, Iterator, Sequence
from types import ModuleType
from typing import Any, NamedTuple

import pytest
import torch
from torch import Tensor

from lockgate.ops import gru, kernels, lstm, rnn
from lockgate.ops.dispatch import backend
from lockgate.ops.masks import Masks
from lockgate.ops.recurrence import Weights


class Call(NamedTuple):
    """The arguments of an operator, in its order."""

    x: Tensor
    state: Any
    weights: Weights
    masks: Masks
    valid: Tensor | None
    options: Any

    def leaves(self) -> dict[str, Tensor]:
        """Give what gradients are taken of, by name."""
        named = {"x": self.x, **self.state._asdict(), **self.weights._asdict()}
        named |= {f"mask {name}": mask for name, mask in self.masks._asdict().items()}
        return {name: value for name, value in named.items() if value is not None}

    def with_leaves(self, leaves: Any) -> "Call":
        """Give the same call with other tensors in the place of `leaves()`."""
        by_name = dict(zip(self.leaves(), leaves, strict=True))
        return self._replace(
            x=by_name["x"],
            state=type(self.state)(*(by_name[name] for name in self.state._fields)),
            weights=Weights(*(by_name.get(name) for name in Weights._fields)),
            masks=Masks(*(by_name.get(f"mask {name}") for name in Masks._fields)),
        )

    def to(self, dtype: torch.dtype) -> "Call":
        """Give the same call with every tensor in `dtype`; all but the masks have a gradient."""
        leaves = [value.detach().to(dtype) for value in self.leaves().values()]
        call = self.with_leaves(leaves)
        for name, value in call.leaves().items():
            value.requires_grad_(not name.startswith("mask"))
        return call


# along what the masks of x and of h differ: time, gates, samples; 1 where they are shared
MASKS: dict[str, tuple[str | None, str | None]] = {
    "none": (None, None),
    "input": ("11B", None),
    "recurrent": (None, "1GB"),
    "cell": ("11B", "11B"),
    "gate": ("1GB", "1GB"),
    "step": ("TGB", "TGB"),
    "mixed": ("11B", "1GB"),  # what the layers draw by default
    "crossed": ("TGB", "T1B"),
    "shared": ("1G1", "111"),  # one for all samples
    "shared-mixed": ("111", "1G1"),
}


def _make_call(
    cell: ModuleType,
    sizes: tuple[int, int, int, int] = (2, 5, 3, 4),
    *,
    masks: str = "none",
    zoneout: str = "none",
    norm: bool = False,
    projected: bool = False,
    bias: bool = True,
    padded: bool = False,
    **options: Any,
) -> Call:
    """Draw a call in float64 with the masks that MASKS has under the name of `masks`.

    What is projected has two thirds of the features.

    Zoneout is `"drawn"` anew at each step, as in training, or the `"rate"`, as in evaluation.

    Weights shrink with the features they add up, and by the 2 by which a mask lets the squares
    of h grow: a cell without bounds, as relu is, keeps its size over time.
    """
    B, T, n_in, H = sizes
    P = 2 * H // 3 or 1 if projected else H  # features of h
    generator = torch.Generator().manual_seed(B + T + n_in + H)

    def draw(*shape: int, scale: float = 0.5) -> Tensor:
        value = torch.randn(*shape, dtype=torch.float64, generator=generator)
        return value.mul_(scale).requires_grad_()

    def weight(features: int) -> Tensor:
        return draw(rows, features, scale=(2 * features) ** -0.5)

    def mask(kind: str | None, features: int) -> Tensor | None:
        if kind is None:
            return None
        along = [{"T": T, "G": cell.GATES, "B": B, "1": 1}[axis] for axis in kind]
        keep = torch.full((*along, features), 0.5, dtype=torch.float64)
        return keep.bernoulli(generator=generator).div_(0.5).requires_grad_()

    def zone(features: int) -> Tensor | None:
        if zoneout == "none":
            return None
        rate = torch.full((1, 1, 1, 1), 0.3, dtype=torch.float64)
        if zoneout == "drawn":
            rate = rate.expand(T, 1, B, features).bernoulli(generator=generator)
        return rate.requires_grad_()

    rows = cell.GATES * H
    biases = (draw(rows), draw(rows)) if bias else (None, None)
    of_x, of_h = MASKS[masks]
    call = Call(
        draw(T, B, n_in),
        cell.State(*(draw(B, H if name == "c" else P) for name in cell.State._fields)),
        Weights(
            weight(n_in), weight(P), *biases, w_hr=draw(P, H, scale=H**-0.5) if projected else None
        ),
        Masks(mask(of_x, n_in), mask(of_h, P), zone(P), zone(H) if cell is lstm else None),
        torch.rand(T, B, generator=generator) < 0.6 if padded else None,
        cell.Options(**options),
    )
    if norm:
        # about 1 / 2: what is normalised has a spread of 1, and weights multiply it all the more
        gains = {name: 0.5 + draw(rows, scale=0.1) for name in ("ln_ih", "ln_hh")}
        if cell is lstm:
            gains |= {"ln_c": 0.5 + draw(H, scale=0.1), "ln_c_bias": draw(H)}
        call = call._replace(weights=call.weights._replace(**gains))
    return call


def _results_and_gradients(
    run: Callable[..., Any], call: Call, d_results: Sequence[Tensor] | None = None
) -> dict[str, Tensor]:
    """Run a call, and differentiate it by all that has a gradient; `d_results` are the results'."""
    output, last = run(*call)
    results = {"output": output, **{f"last {k}": v for k, v in last._asdict().items()}}
    leaves = {name: value for name, value in call.leaves().items() if value.requires_grad}
    if d_results is None:
        d_results = [value.cos() - value * value.sin() for value in results.values()]
    gradients = torch.autograd.grad(
        list(results.values()), list(leaves.values()), d_results, materialize_grads=True
    )
    return results | {f"grad {name}": g for name, g in zip(leaves, gradients, strict=True)}


def _assert_agrees(
    got: dict[str, Tensor], expected: dict[str, Tensor], call: Call, where: str = ""
) -> None:
    """Compare float32 with the reference in float64.

    What n terms of order 1 round off adds up as a random walk does, to epsilon times sqrt(n): the
    sums of a step have I + H terms, and T * B of them meet in the gradient of a weight, or follow
    each other along a gradient. Three such deviations are allowed; the kernels need one.
    """
    T, B, n_in = call.x.shape
    terms = n_in + call.state[0].shape[1] + T * B
    atol = 3 * torch.finfo(torch.float32).eps * math.sqrt(terms)
    if call.weights.ln_hh is not None:
        # the norm divides what is rounded by a row's deviation, which may be small; the reference
        # in float32 errs by half of this
        atol *= 4
    assert got.keys() == expected.keys()
    for name, value in expected.items():
        finite = value[value.isfinite()].abs()
        scale = max(1.0, finite.max().item() if finite.numel() else 1.0)
        torch.testing.assert_close(
            got[name].double(),
            value,
            atol=atol * scale,
            rtol=0,
            equal_nan=True,
            msg=lambda text, name=name: f"{where} {name}: {text}",
        )


def _scalar_loop(step: Callable[..., Any], call: Call, gates: int) -> tuple[Tensor, Any]:
    """Run a call on plain numbers, sample by sample: `step` takes lists [gate][unit] and a state.

    It gets what x and h give to each gate apart, and returns the new state, h first.
    """
    T, B, _ = call.x.shape
    H = call.state[0].shape[1]
    output = torch.zeros(T, B, H, dtype=torch.float64)
    last = [torch.zeros(B, H, dtype=torch.float64) for _ in call.state]
    x_masks, h_masks = (
        None if mask is None else mask.expand(T, gates, B, -1).tolist() for mask in call.masks[:2]
    )
    for b in range(B):
        state = [part[b].tolist() for part in call.state]
        for t in reversed(range(T)) if call.options.reverse else range(T):
            if call.valid is not None and not call.valid[t, b]:
                continue
            x_t = call.x[t, b].tolist()
            from_x = _affine(call.weights.w_ih, call.weights.b_ih, x_t, x_masks, (t, b, gates, H))
            from_h = _affine(
                call.weights.w_hh, call.weights.b_hh, state[0], h_masks, (t, b, gates, H)
            )
            state = step(from_x, from_h, state)
            output[t, b] = torch.tensor(state[0], dtype=torch.float64)
        for part, values in zip(last, state, strict=True):
            part[b] = torch.tensor(values, dtype=torch.float64)
    return output, type(call.state)(*last)


def _affine(weight: Tensor, bias: Tensor | None, value: list, masks: Any, at: tuple) -> list:
    t, b, gates, H = at
    rows, shifts = weight.tolist(), [0.0] * (gates * H) if bias is None else bias.tolist()
    result = []
    for gate in range(gates):
        mask = [1.0] * len(value) if masks is None else masks[t][gate][b]
        seen = [v * m for v, m in zip(value, mask, strict=True)]
        block = range(gate * H, (gate + 1) * H)
        result.append([shifts[r] + _dot(rows[r], seen) for r in block])
    return result


def _dot(a: list, b: list) -> float:
    return sum(v * w for v, w in zip(a, b, strict=True))


CELLS: dict[str, tuple[ModuleType, dict[str, str]]] = {
    "rnn": (rnn, {}),
    "relu": (rnn, {"nonlinearity": "relu"}),
    "lstm": (lstm, {}),
    "gru": (gru, {}),
}


class Case(NamedTuple):
    """A call in float32, gradients of its results, and what comes of them in float64."""

    module: ModuleType
    call: Call
    d_results: list[Tensor]
    expected: dict[str, Tensor]

    def compute(self, by: str = "cpu") -> dict[str, Tensor]:
        """Run it on the kernels of a backend."""
        return _results_and_gradients(_forced(self.module, by), self.call, self.d_results)

    def recomputed(self) -> "Case":
        """Give the same case with the forward run again in the backward."""
        return self._replace(
            call=self.call._replace(options=self.call.options._replace(recompute=True))
        )

    def check(self, where: str = "", by: str = "cpu") -> None:
        """Compare the kernels with what is expected."""
        _assert_agrees(self.compute(by), self.expected, self.call, where)


def _judge(cell: str, call: Call, d_results: list[Tensor] | None = None) -> Case:
    """Ask the reference in float64 what is right for a call in float32."""
    module, _ = CELLS[cell]
    if d_results is None:
        generator = torch.Generator().manual_seed(0)
        states = [part.shape for part in call.state]
        shapes = [(call.x.shape[0], *states[0]), *states]
        d_results = [torch.randn(shape, generator=generator) for shape in shapes]
    exact = [d.double() for d in d_results]
    expected = _results_and_gradients(module.reference.run, call.to(torch.float64), exact)
    return Case(module, call, d_results, expected)


def _make_case(cell: str, sizes: tuple[int, int, int, int], **kind: Any) -> Case:
    module, options = CELLS[cell]
    return _judge(cell, _make_call(module, sizes, **kind, **options).to(torch.float32))


def _forced(cell: ModuleType, by: str) -> Callable[..., Any]:
    """Give the cell's operator, forced to a backend: nothing else may answer for it."""
    name = cell.__name__.rsplit(".", 1)[-1]

    def run(*args: Any) -> Any:
        with backend(by):
            return getattr(cell, name)(*args)

    return run


@pytest.fixture(autouse=True)
def _fresh_memory_is_nan() -> Iterator[None]:
    torch.use_deterministic_algorithms(True)
    yield
    torch.use_deterministic_algorithms(False)


@pytest.fixture
def set_threads() -> Iterator[Callable[[int], None]]:
    """Set the number of threads until the test ends."""
    before = torch.get_num_threads()
    yield torch.set_num_threads
    torch.set_num_threads(before)


@pytest.fixture(params=kernels.status().instruction_sets if kernels.BUILT else [])
def instruction_set(request: pytest.FixtureRequest) -> Iterator[str]:
    """Run the kernels on each instruction set that this processor has."""
    module = kernels.extension()
    before = module.instruction_set()
    module.use_instruction_set(request.param)
    yield request.param
    module.use_instruction_set(before)


@pytest.fixture(params=CELLS)
def cell(request: pytest.FixtureRequest) -> str:
    """Every cell that the kernels have a formula for."""
    return request.param


@pytest.fixture(params=MASKS)
def masks(request: pytest.FixtureRequest) -> str:
    """Every kind of masks."""
    return request.param


@pytest.fixture
def make_call() -> Callable[..., Call]:
    return _make_call


@pytest.fixture
def results_and_gradients() -> Callable[..., dict[str, Tensor]]:
    return _results_and_gradients


@pytest.fixture
def assert_agrees() -> Callable[..., None]:
    return _assert_agrees


@pytest.fixture
def make_case() -> Callable[..., Case]:
    return _make_case


@pytest.fixture(scope="module")
def make_case_once() -> Callable[..., Case]:
    """Make a case, and keep it for the next instruction set."""
    made: dict[Any, Case] = {}

    def make_case_once(*args: Any, **kind: Any) -> Case:
        key = (*args, *sorted(kind.items()))
        if key not in made:
            made[key] = _make_case(*args, **kind)
        return made[key]

    return make_case_once


@pytest.fixture
def judge() -> Callable[..., Case]:
    return _judge


@pytest.fixture
def by_kernels() -> Callable[..., Any]:
    """Give a cell's operator on the CPU kernels."""
    return lambda cell: _forced(cell, "cpu")


@pytest.fixture
def scalar_loop() -> Callable[..., Any]:
    return _scalar_loop
