"""A module gets torch's parameters for each cell, and a cell its own out of them."""

from typing import Any

import pytest
import torch
from torch import nn

from lockgate.nn.layout import Layout
from lockgate.nn.parameters import first_state, names_of_weights, register, weights
from lockgate.nn.structure import Structure
from lockgate.ops import gru, lstm

LAYOUT = Layout(3, (5, 7), proj_size=0, both=(True, True), merge_mode="concat")


def describe(
    layout: Layout = LAYOUT, *, cell: Any = lstm, bias: bool = True, norm=False, learn=False
) -> Structure:
    names = [names_of_weights(layout, index, bias) for index in range(layout.cells)]
    return Structure(layout, cell.GATES, cell.State, names, norm, learn)


def build(structure: Structure) -> nn.Module:
    """Make a module that holds the parameters of a structure and nothing else."""
    torch.manual_seed(0)
    module = nn.Module()
    for index in range(structure.layout.cells):
        register(module, structure, index, None, torch.float64)
    for parameter in module.parameters():
        nn.init.normal_(parameter)
    return module


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("proj_size", [0, 2])
def test_parameters_are_those_of_torch_in_its_order(bias: bool, proj_size: int) -> None:
    torchs = nn.LSTM(3, 5, 2, bias, bidirectional=True, proj_size=proj_size)
    layout = Layout(3, (5, 5), proj_size, both=(True, True), merge_mode="concat")

    module = build(describe(layout, bias=bias))

    shapes = [(name, value.shape) for name, value in module.named_parameters()]
    assert shapes == [(name, value.shape) for name, value in torchs.named_parameters()]


def test_cell_gets_the_weights_of_its_layer_and_direction() -> None:
    structure = describe()
    module = build(structure)

    own = weights(module, structure, 3)

    assert own.w_ih is module.weight_ih_l1_reverse
    assert own.b_hh is module.bias_hh_l1_reverse
    assert own.w_hr is None
    assert own.ln_ih is None


def test_dropped_weights_are_those_that_meet_h() -> None:
    structure = describe()
    module = build(structure)
    dropped = torch.zeros_like(module.weight_hh_l0)

    own = weights(module, structure, 0, dropped)

    assert not own.w_hh.any()
    assert own.w_ih is module.weight_ih_l0


@pytest.mark.parametrize(("cell", "of_c"), [(lstm, True), (gru, False)])
def test_layer_norm_has_gains_and_a_bias_for_c_alone(cell: Any, of_c: bool) -> None:
    structure = describe(cell=cell, norm=True)
    module = build(structure)

    own = weights(module, structure, 0)

    assert own.ln_ih is module.ln_ih_l0.weight
    assert own.ln_hh is module.ln_hh_l0.weight
    assert module.ln_hh_l0.bias is None
    assert (own.ln_c is not None) is (own.ln_c_bias is not None) is of_c


def test_state_before_the_first_step_is_zero_in_the_dtype_of_x() -> None:
    structure = describe()

    h, c = first_state(build(structure), structure, 2, torch.ones(4, 6, 3, dtype=torch.float16))

    assert h.shape == c.shape == (6, 7)
    assert h.dtype == c.dtype == torch.float16
    assert not h.any()


def test_learnt_state_is_that_of_the_cell_in_every_row() -> None:
    structure = describe(learn=True)
    module = build(structure)

    h, c = first_state(module, structure, 3, torch.ones(4, 6, 3, dtype=torch.float64))

    assert torch.equal(h, module.h_0_l1_reverse.expand(6, -1))
    assert torch.equal(c, module.c_0_l1_reverse.expand(6, -1))
