"""The losses are the formulas, and what is not observed or is padding has no part in them."""

import numpy as np
import pytest
import torch
from torch import Tensor

from lockgate.tasks.labelling.examples import Padded
from lockgate.training.losses import IGNORED, loss_and_count, mean_loss


def draw(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def log_softmax(scores: Tensor) -> np.ndarray:
    e = np.exp(scores.numpy())
    return np.log(e / e.sum(axis=-1, keepdims=True))


@pytest.mark.parametrize("metric", ["mae", "rmse", "mase"])
def test_numbers_that_are_missing_are_not_counted(metric) -> None:
    output = draw(4, 3).requires_grad_()
    y = draw(4, 3, seed=1)
    y[1, 2] = y[3, 0] = torch.nan

    total, count = loss_and_count(output, y, metric)
    total.backward()

    errors = np.abs(output.detach().numpy() - y.numpy())
    expected = np.nansum(errors**2 if metric == "rmse" else errors)
    assert total.item() == pytest.approx(expected)
    assert int(count) == 10
    assert output.grad is not None
    assert (output.grad == 0).sum() == 2


def test_classes_have_the_cross_entropy() -> None:
    scores, y = draw(5, 3), torch.tensor([0, 2, 1, 1, 0])

    total, count = loss_and_count(scores, y, "log_loss")

    assert float(total) == pytest.approx(-log_softmax(scores)[range(5), y.numpy()].sum())
    assert float(count) == 5.0


def test_weights_scale_the_loss_and_what_it_is_divided_by() -> None:
    scores, y, weight = draw(5, 3), torch.tensor([0, 2, 1, 1, 0]), draw(5, seed=2).abs()

    total, count = loss_and_count(scores, y, "log_loss", weight)

    expected = torch.nn.functional.cross_entropy(scores, y, reduction="none")
    torch.testing.assert_close(total, (expected * weight).sum())
    torch.testing.assert_close(count, weight.sum())
    torch.testing.assert_close(loss_and_count(scores, y, "log_loss", 2 * weight)[0], 2 * total)


def test_classes_at_steps_are_counted_where_there_is_no_padding() -> None:
    scores = draw(2, 4, 3).requires_grad_()
    y = torch.tensor([[0, 2, 1, 1], [2, IGNORED, IGNORED, IGNORED]])
    weight = draw(2, 4, seed=2).abs()

    total, count = loss_and_count(scores, y, "log_loss", weight)
    total.backward()

    log_p = log_softmax(scores.detach())
    own = [(0, 0, 0), (0, 1, 2), (0, 2, 1), (0, 3, 1), (1, 0, 2)]
    assert total.item() == pytest.approx(-sum(log_p[i] * float(weight[i[:2]]) for i in own))
    assert float(count) == pytest.approx(sum(float(weight[i[:2]]) for i in own))
    assert scores.grad is not None
    assert not scores.grad[1, 1:].any()
    assert float(loss_and_count(scores, y, "log_loss")[1]) == 5.0


def test_what_stands_in_the_padding_does_not_matter() -> None:
    scores, y = draw(2, 4, 3), torch.tensor([[0, 2, 1, 1], [2, IGNORED, IGNORED, IGNORED]])
    other = scores.clone()
    other[1, 1:] = 1e6

    assert torch.equal(
        loss_and_count(scores, y, "log_loss")[0], loss_and_count(other, y, "log_loss")[0]
    )


def test_several_labels_have_the_mean_of_the_losses_of_each() -> None:
    scores, weight = draw(4, 3), draw(4, seed=2).abs()
    y = torch.tensor([[1, 0, 1], [0, 0, 0], [1, 1, 1], [0, 1, 0]], dtype=torch.float64)

    total, count = loss_and_count(scores, y, "log_loss")
    weighted, counts = loss_and_count(scores, y, "log_loss", weight)

    p, truth = 1 / (1 + np.exp(-scores.numpy())), y.numpy()
    losses = -(truth * np.log(p) + (1 - truth) * np.log(1 - p)).mean(axis=1)
    assert float(total) == pytest.approx(losses.sum())
    assert float(count) == 4.0
    assert float(weighted) == pytest.approx((losses * weight.numpy()).sum())
    torch.testing.assert_close(counts, weight.sum())


def test_scores_as_large_as_can_be_give_a_finite_loss() -> None:
    y = torch.tensor([0, 1])

    for scores in (torch.tensor([[1e4, -1e4], [1e4, -1e4]]), torch.zeros(2, 2)):
        assert loss_and_count(scores, y, "log_loss")[0].isfinite()
    several = torch.tensor([[1e4, -1e4]])
    assert loss_and_count(several, torch.tensor([[0.0, 1.0]]), "log_loss")[0].isfinite()


def test_a_batch_without_a_target_has_no_loss_and_no_gradient() -> None:
    output = torch.randn(2, 3, 4, requires_grad=True)
    nothing = Padded(torch.zeros(2, 3, 1), torch.tensor([3, 3]), torch.full((2, 3), IGNORED), None)

    loss = mean_loss(output, nothing, "log_loss")
    loss.backward()

    assert loss.item() == 0.0
    assert output.grad is not None
    assert not output.grad.any()


def test_smoothing_is_the_loss_of_labels_mixed_with_all_classes() -> None:
    scores, y = torch.randn(5, 4), torch.tensor([0, 3, 1, 1, 2])
    target = 0.8 * torch.nn.functional.one_hot(y, 4) + 0.2 / 4

    total, _ = loss_and_count(scores, y, "log_loss", smoothing=0.2)

    judge = -(target * scores.log_softmax(dim=1)).sum()
    torch.testing.assert_close(total, judge)


def test_smoothing_of_several_labels_mixes_each_with_its_opposite() -> None:
    scores, y = torch.randn(5, 3), torch.randint(0, 2, (5, 3)).float()

    total, _ = loss_and_count(scores, y, "log_loss", smoothing=0.2)

    soft = 0.8 * y + 0.1
    judge = -(soft * scores.sigmoid().log() + (1 - soft) * (-scores).sigmoid().log())
    torch.testing.assert_close(total, judge.mean(dim=1).sum())
