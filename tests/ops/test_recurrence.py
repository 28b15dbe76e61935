"""What holds for the time loop of every cell: cutting, direction, padding, cost, transforms."""

from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lockgate.ops import gru, kernels, lstm, rnn
from lockgate.ops.dispatch import backend
from lockgate.ops.masks import Masks

CPU = pytest.param(
    "cpu", marks=pytest.mark.skipif(not kernels.BUILT, reason="lockgate has no kernels here")
)
CELLS = pytest.mark.parametrize("cell", [rnn, lstm, gru], ids=["rnn", "lstm", "gru"])


def operator(cell):
    return getattr(cell, cell.__name__.rsplit(".", 1)[-1])


@CELLS
@settings(
    deadline=None, max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(time=st.integers(2, 9), masks=st.sampled_from(["none", "input", "gate"]), data=st.data())
def test_sequence_can_be_cut_anywhere(make_call, cell, time: int, masks: str, data) -> None:
    call = make_call(cell, (2, time, 3, 4), masks=masks)
    cut = data.draw(st.integers(1, time - 1))
    run = operator(cell)

    whole, last = run(*call)
    head, middle = run(*call._replace(x=call.x[:cut]))
    tail, last_of_tail = run(*call._replace(x=call.x[cut:], state=middle))

    torch.testing.assert_close(torch.cat([head, tail]), whole)
    torch.testing.assert_close(last_of_tail, last)


@CELLS
@pytest.mark.parametrize("name", ["reference", "aten", CPU])
def test_reverse_is_the_sequence_turned_round(make_call, cell, name: str) -> None:
    call = make_call(cell, (2, 6, 3, 4), reverse=True)
    call = call.to(torch.float32) if name == "cpu" else call
    turned = call._replace(x=call.x.flip(0), options=cell.Options(reverse=False))

    with backend(name):
        output, last = operator(cell)(*call)
        expected, expected_last = operator(cell)(*turned)

    torch.testing.assert_close(output, expected.flip(0))
    torch.testing.assert_close(last, expected_last)


@CELLS
@pytest.mark.parametrize("reverse", [False, True], ids=["forward", "reverse"])
def test_padding_holds_the_state_as_if_the_steps_were_not_there(
    make_call, cell, reverse: bool
) -> None:
    call = make_call(cell, (1, 7, 3, 4), masks="gate", reverse=reverse)
    valid = torch.tensor([[0], [1], [1], [0], [0], [1], [0]]).bool()
    kept = valid.flatten()

    output, last = operator(cell)(*call._replace(valid=valid))
    expected, expected_last = operator(cell)(*call._replace(x=call.x[kept]))

    torch.testing.assert_close(output[kept], expected)
    torch.testing.assert_close(last, expected_last)
    assert (output[~kept] == 0).all()


@CELLS
def test_wholly_padded_sequence_ends_where_it_began(make_call, cell) -> None:
    call = make_call(cell)

    output, last = operator(cell)(*call._replace(valid=torch.zeros(5, 2, dtype=torch.bool)))

    assert (output == 0).all()
    assert all(map(torch.equal, last, call.state))


@CELLS
def test_nan_in_padding_reaches_no_result_and_no_gradient(
    make_call, results_and_gradients, cell
) -> None:
    call = make_call(cell, padded=True, masks="gate")
    poisoned = call.x.detach().masked_fill(~call.valid[..., None], float("nan")).requires_grad_()

    got = results_and_gradients(operator(cell), call._replace(x=poisoned))

    torch.testing.assert_close(got, results_and_gradients(operator(cell), call))


@CELLS
def test_gradient_of_x_is_gathered_once_and_not_at_every_step(make_call, cell) -> None:
    call = make_call(cell, (2, 9, 3, 4), masks="gate")

    output, _ = cell.reference.run(*call)

    # indexing x[t] would leave one SelectBackward of the whole sequence for each step
    assert "SelectBackward0" not in node_names(output)


@CELLS
def test_operator_runs_inside_vmap(make_call, cell) -> None:
    call = make_call(cell)
    samples = torch.stack([call.x, 2 * call.x])

    got = torch.func.vmap(lambda x: operator(cell)(*call._replace(x=x))[0])(samples)

    torch.testing.assert_close(got[1], operator(cell)(*call._replace(x=2 * call.x))[0])


def node_names(output) -> set[str]:
    names, seen, waiting = set(), set(), [output.grad_fn]
    while waiting:
        node = waiting.pop()
        if node is None or node in seen:
            continue
        seen.add(node)
        names.add(type(node).__name__)
        waiting.extend(parent for parent, _ in node.next_functions)
    return names


@CELLS
def test_exported_reference_takes_any_time(make_call, cell) -> None:
    call = make_call(cell, (2, 5, 3, 4), reverse=True)
    gain = torch.rand(len(call.weights.w_hh), dtype=call.x.dtype) + 0.5
    weights = call.weights._replace(ln_ih=gain, ln_hh=gain + 1.0)._asdict()
    first = cell.State(*(value.detach() for value in call.state))
    given = {name: value.detach() for name, value in weights.items() if value is not None}

    class Layer(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weights = torch.nn.ParameterDict(given)

        def forward(self, x: torch.Tensor, valid: torch.Tensor) -> Any:
            own = cell.Weights(**self.weights)
            return operator(cell)(x, first, own, Masks(), valid, call.options)

    layer = Layer()

    def sequence(T: int) -> tuple[torch.Tensor, torch.Tensor]:
        x = torch.randn(T, 2, 3, dtype=call.x.dtype)
        return x, torch.rand(T, 2) < 0.6

    time = torch.export.Dim("time", min=1)
    graph = torch.export.export(layer, sequence(5), dynamic_shapes=({0: time}, {0: time}))

    for T in (5, 11, 1):
        x, valid = sequence(T)
        with torch.no_grad():
            torch.testing.assert_close(graph.module()(x, valid), layer(x, valid))
