"""The average of weights is the one that its formula says."""

import pytest
import torch
from torch import nn

from lockgate.training.average import Average


def test_the_average_is_that_of_a_scalar_loop() -> None:
    model = nn.Linear(3, 2)
    average = Average(model, 0.9)
    expected = [weight.detach().clone() for weight in model.parameters()]
    for step in range(1, 40):
        with torch.no_grad():
            for weight in model.parameters():
                weight.add_(torch.randn_like(weight))
        average.update()
        decay = min(0.9, (1 + step) / (10 + step))
        if step == 1:
            expected = [weight.detach().clone() for weight in model.parameters()]
        else:
            expected = [
                decay * old + (1 - decay) * new
                for old, new in zip(expected, model.parameters(), strict=True)
            ]

    for mine, judge in zip(average.model.parameters(), expected, strict=True):
        torch.testing.assert_close(mine, judge)
    assert average.model is not model


def test_without_a_decay_the_weights_themselves_count() -> None:
    model = nn.Linear(3, 2)
    average = Average(model, 0.0)
    average.update()

    assert average.model is model


def test_tied_weights_stay_tied_in_the_average() -> None:
    model = nn.Sequential(nn.Linear(2, 2, bias=False), nn.Linear(2, 2, bias=False))
    model[1].weight = model[0].weight

    average = Average(model, 0.5)
    average.update()

    assert average.model[1].weight is average.model[0].weight


def test_weights_that_are_not_finite_show_in_the_average() -> None:
    model = nn.Linear(1, 1)
    average = Average(model, 0.9)
    average.update()
    with torch.no_grad():
        model.weight.fill_(torch.nan)
    average.update()

    assert average.model.weight.item() == pytest.approx(float("nan"), nan_ok=True)


@pytest.mark.parametrize("decay", [0.0, 0.9])
def test_an_average_goes_on_from_its_state(decay: float) -> None:
    model = nn.Linear(3, 2)
    whole = Average(model, decay)

    def step(*averages: Average) -> None:
        with torch.no_grad():
            for weight in model.parameters():
                weight.add_(torch.randn_like(weight))
        for average in averages:
            average.update()

    for _ in range(5):
        step(whole)
    again = Average(model, decay)
    again.load_state_dict(whole.state_dict())
    for _ in range(5):
        step(whole, again)

    pairs = zip(whole.model.parameters(), again.model.parameters(), strict=True)
    assert all(torch.equal(one, other) for one, other in pairs)
    assert (again.model is model) == (decay == 0.0)
