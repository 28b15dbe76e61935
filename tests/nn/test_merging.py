"""The outputs of both directions become one, as `merge_mode` says."""

import pytest
import torch

from lockgate.nn.merging import add_input, merge


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        ("concat", [3.0, 4.0, 5.0, 6.0]),
        ("none", [3.0, 4.0, 5.0, 6.0]),
        ("sum", [8.0, 10.0]),
        ("mean", [4.0, 5.0]),
        ("mul", [15.0, 24.0]),
    ],
)
def test_directions_merge_as_the_mode_says(mode: str, expected: list[float]) -> None:
    onward, backward = torch.tensor([[[3.0, 4.0]]]), torch.tensor([[[5.0, 6.0]]])

    merged = merge([onward, backward], mode)

    assert merged.tolist() == [[expected]]


@pytest.mark.parametrize("mode", ["concat", "none", "sum", "mean", "mul"])
def test_one_direction_stays_as_it_is(mode: str) -> None:
    onward = torch.tensor([[[3.0, 4.0]]])

    assert merge([onward], mode) is onward


def test_what_is_read_is_added_to_one_output() -> None:
    (output,) = add_input([torch.tensor([[[1.0, 2.0]]])], torch.tensor([[[10.0, 20.0]]]))

    assert output.tolist() == [[[11.0, 22.0]]]


def test_outputs_that_stay_apart_get_each_its_part_of_what_is_read() -> None:
    ones = torch.ones(1, 1, 2)

    onward, backward = add_input([ones, ones], torch.tensor([[[10.0, 20.0, 30.0, 40.0]]]))

    assert onward.tolist() == [[[11.0, 21.0]]]
    assert backward.tolist() == [[[31.0, 41.0]]]
