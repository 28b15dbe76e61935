"""Truncated backpropagation leaves the loss as it is and cuts what reaches further back."""

from typing import Any

import pytest
import torch
from torch import Tensor

from lockgate.tasks.labelling.config import ClassifierConfig, LabelTrainingConfig
from lockgate.tasks.labelling.examples import Padded
from lockgate.tasks.labelling.network import ClassifierNetwork
from lockgate.tasks.labelling.truncated import losses
from lockgate.training.losses import IGNORED

LENGTHS = [12, 7, 1, 10]
T = max(LENGTHS)
RATES = {"input_dropout": 0.25, "dropout": 0.25, "recurrent_dropout": 0.25, "output_dropout": 0.25}
OFF = {**dict.fromkeys(RATES, 0.0), "weight_dropout": 0.0, "embedding_dropout": 0.0}
ON = {**OFF, **RATES}
KINDS: dict[str, dict[str, Any]] = {
    "last+max": {},
    "last": {"pooling": "last", "cell": "gru"},
    "mean": {"pooling": "mean", "cell": "rnn"},
    "attention": {"pooling": "attention"},
    "stacked": {"hidden_size": (8, 5)},
    "zoneout": {"zoneout": 0.2, "layer_norm": True},
}
ALL = pytest.mark.parametrize("kind", KINDS)
AT_STEPS = pytest.mark.parametrize("at_steps", [False, True], ids=["one-label", "at-steps"])


def make(at_steps: bool = False, tokens: int = 0, **told: Any) -> ClassifierNetwork:
    config = ClassifierConfig(**{"hidden_size": 6, "bidirectional": False, **OFF, **told})
    return ClassifierNetwork(
        *(0 if tokens else 2, tokens, 3, config),
        at_steps=at_steps,
        generator=torch.Generator().manual_seed(0),
    ).train()


def make_batch(at_steps: bool = False, tokens: int = 0, weighted: bool = False) -> Padded:
    generator = torch.Generator().manual_seed(1)
    lengths = torch.tensor(LENGTHS)
    valid = torch.arange(T) < lengths[:, None]
    if tokens:
        x = torch.randint(1, tokens, (4, T), generator=generator) * valid
    else:
        x = torch.randn(4, T, 2, generator=generator) * valid[..., None]
    y = torch.randint(3, (4, T) if at_steps else (4,), generator=generator)
    weight = torch.rand(y.shape, generator=generator) if weighted else None
    return Padded(x, lengths, y.masked_fill(~valid, IGNORED) if at_steps else y, weight)


def total_and_gradients(
    model: ClassifierNetwork, batch: Padded, steps: int | None
) -> tuple[float, dict[str, Tensor]]:
    model.zero_grad()
    masks = torch.Generator().manual_seed(2)
    total = 0.0
    for loss in losses(model, batch, LabelTrainingConfig(truncated_bptt_steps=steps), masks):
        loss.backward()
        total += loss.item()
    return total, {
        name: torch.zeros_like(p) if p.grad is None else p.grad.clone()
        for name, p in model.named_parameters()
    }


@ALL
@AT_STEPS
@pytest.mark.parametrize("steps", [T, T + 5], ids=["as-long", "longer"])
def test_chunks_as_long_as_the_sequences_are_the_full_backward(
    kind: str, at_steps: bool, steps: int
) -> None:
    model = make(at_steps, **{**ON, **KINDS[kind]})
    batch = make_batch(at_steps, weighted=True)

    expected = total_and_gradients(model, batch, None)

    torch.testing.assert_close(total_and_gradients(model, batch, steps), expected)


@ALL
@AT_STEPS
@pytest.mark.parametrize("steps", [1, 4, 5])
def test_the_loss_is_that_of_the_whole_sequence(kind: str, at_steps: bool, steps: int) -> None:
    # zoneout is drawn anew at every step, and the mask before the head after those of the chunks
    told = {**ON, **KINDS[kind], "zoneout": 0.0}
    told |= {} if at_steps else {"output_dropout": 0.0}
    model, batch = make(at_steps, **told), make_batch(at_steps)

    expected, full = total_and_gradients(model, batch, None)
    found, cut = total_and_gradients(model, batch, steps)

    assert found == pytest.approx(expected, rel=1e-5)
    assert not torch.allclose(cut["stack.weight_hh_l0"], full["stack.weight_hh_l0"], rtol=1e-3)
    # the head reads what is ahead of it, whatever is cut behind
    torch.testing.assert_close(cut["head.weight"], full["head.weight"])


def reached(at_steps: bool, steps: int | None, pooling: str = "last") -> Tensor:
    """Which steps of each input the gradient of the loss of its last step reaches."""
    model, batch = make(at_steps, pooling=pooling), make_batch(at_steps)
    x = batch.x.clone().requires_grad_()
    y = batch.y
    if at_steps:
        ends = torch.arange(T) == batch.lengths[:, None] - 1
        y = y.masked_fill(~ends, IGNORED)
    config = LabelTrainingConfig(truncated_bptt_steps=steps)
    for loss in losses(model, batch._replace(x=x, y=y), config, torch.Generator()):
        loss.backward()
    assert x.grad is not None
    return x.grad.abs().sum(dim=2) > 0


@pytest.mark.parametrize("steps", [1, 3, 8])
def test_the_gradient_of_one_label_reaches_the_last_steps_of_each_sequence(steps: int) -> None:
    found = reached(False, steps)

    step, lengths = torch.arange(T), torch.tensor(LENGTHS)[:, None]
    assert torch.equal(found, (step < lengths) & (step >= lengths - steps))
    assert torch.equal(reached(False, None), step < lengths)


@pytest.mark.parametrize("pooling", ["mean", "attention", "last+max"])
def test_pooling_does_not_let_the_gradient_back_past_the_last_steps(pooling: str) -> None:
    found = reached(False, 3, pooling)

    step, lengths = torch.arange(T), torch.tensor(LENGTHS)[:, None]
    assert torch.equal(found, (step < lengths) & (step >= lengths - 3))


@pytest.mark.parametrize("steps", [1, 3, 8])
def test_the_gradient_of_a_tag_reaches_the_first_step_of_its_chunk(steps: int) -> None:
    found = reached(True, steps)

    step, last = torch.arange(T), torch.tensor(LENGTHS)[:, None] - 1
    assert torch.equal(found, (step <= last) & (step >= last // steps * steps))


@AT_STEPS
def test_no_more_is_kept_for_the_backward_of_longer_sequences(at_steps: bool) -> None:
    def kept(length: int, steps: int | None) -> int:
        model = make(at_steps)
        y = torch.zeros((2, length) if at_steps else (2,), dtype=torch.int64)
        batch = Padded(torch.randn(2, length, 2), torch.tensor([length, length]), y, None)
        most = 0
        sizes: list[int] = []

        def keep(tensor: Tensor) -> Tensor:
            sizes.append(tensor.numel())
            return tensor

        config = LabelTrainingConfig(truncated_bptt_steps=steps)
        with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
            for loss in losses(model, batch, config, torch.Generator()):
                loss.backward()
                most, sizes[:] = max(most, sum(sizes)), []
        return most

    assert kept(400, None) > 5 * kept(40, None)
    # what the pooling reads of the steps before is kept, what they took to compute is not
    assert kept(400, 20) < (1.1 if at_steps else 4) * kept(40, 20)
    assert kept(400, 20) < kept(400, None) / 4


def test_words_of_the_early_steps_are_not_learned_from() -> None:
    model, batch = make(tokens=40, pooling="last"), make_batch(tokens=40)

    _, gradients = total_and_gradients(model, batch, 2)

    assert model.embedding is not None
    late = {t for row, n in zip(batch.x.tolist(), LENGTHS, strict=True) for t in row[:n][-2:]}
    moved = gradients["embedding.weight"].abs().sum(dim=1).nonzero().flatten().tolist()
    assert set(moved) == late


def test_a_stem_counts_the_steps_that_it_leaves() -> None:
    model, batch = make(stride=3, pooling="last"), make_batch()

    full = total_and_gradients(model, batch, None)
    torch.testing.assert_close(total_and_gradients(model, batch, -(-T // 3)), full)
    _, cut = total_and_gradients(model, batch, 1)

    assert not torch.allclose(cut["stem.weight"], full[1]["stem.weight"])
