"""A rate changes a rate, never the algorithm; what is no rate raises."""

import math

import numpy as np
import pytest

from lockgate.nn import GRU, LSTM

NAMES = ["input_dropout", "recurrent_dropout", "output_dropout"]


@pytest.mark.parametrize("name", [*NAMES, "dropout"])
@pytest.mark.parametrize("rate", [1.7, 1.0, -0.1, math.nan, math.inf])
def test_rate_outside_zero_to_one_raises(name: str, rate: float) -> None:
    with pytest.raises(ValueError, match=rf"{name} must be in \[0, 1\), got {rate}"):
        LSTM(3, 5, 2, **{name: rate})


@pytest.mark.parametrize("name", [*NAMES, "dropout"])
@pytest.mark.parametrize("rate", [True, "0.5", None])
def test_rate_that_is_no_number_raises(name: str, rate: object) -> None:
    with pytest.raises(TypeError, match=rf"{name} must be a number in \[0, 1\), got {rate!r}"):
        LSTM(3, 5, 2, **{name: rate})


@pytest.mark.parametrize("rate", [0, 0.25, np.float64(0.25), np.float32(0.25)])
def test_every_kind_of_number_is_a_rate(rate: float) -> None:
    assert LSTM(3, 5, recurrent_dropout=rate).recurrent_dropout == float(rate)


def test_dropout_without_a_gap_raises_and_names_the_remedy() -> None:
    with pytest.raises(ValueError, match="use output_dropout or input_dropout, or add a layer"):
        GRU(3, 5, dropout=0.5)


def test_dropout_has_one_rate_for_each_gap() -> None:
    assert GRU(3, 5, 3, dropout=[0.1, 0.2]).dropout == (0.1, 0.2)
    with pytest.raises(ValueError, match="must have 2 rates with num_layers=3, got 1"):
        GRU(3, 5, 3, dropout=[0.1])
    with pytest.raises(ValueError, match=r"dropout\[1\] must be in \[0, 1\), got 1.5"):
        GRU(3, 5, 3, dropout=[0.1, 1.5])


def test_rate_does_not_change_the_number_of_masks() -> None:
    for rate in (0.01, 0.99):
        cells = LSTM(3, 5, input_dropout=0.5, recurrent_dropout=rate).draw_masks(2).cells
        assert (cells[0].x.shape[1], cells[0].h.shape[1]) == (1, 4)


def test_wrong_mask_per_raises() -> None:
    with pytest.raises(ValueError, match='mask_per must be "gate" or "cell", got \'step\''):
        LSTM(3, 5, mask_per="step")
    with pytest.raises(
        ValueError, match=r"mask_per\['input'\] must be \"gate\" or \"cell\", got 4"
    ):
        LSTM(3, 5, mask_per={"input": 4})
    with pytest.raises(ValueError, match=r"places \['input', 'recurrent'\], got \['output'\]"):
        LSTM(3, 5, mask_per={"output": "gate"})


def test_wrong_mask_for_raises() -> None:
    with pytest.raises(ValueError, match='mask_for must be "sample" or "batch", got \'step\''):
        LSTM(3, 5, mask_for="step")
    with pytest.raises(ValueError, match=r"mask_for\['output'\] must be \"sample\" or \"batch\""):
        LSTM(3, 5, mask_for={"output": "gate"})
    with pytest.raises(ValueError, match=r"'recurrent'\], got \['zoneout'\]"):
        LSTM(3, 5, mask_for={"zoneout": "batch"})
