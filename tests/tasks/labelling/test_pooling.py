"""Pooling counts the valid steps alone, and is what its name says."""

import pytest
import torch

from lockgate.tasks.labelling.pooling import Pooling

LENGTHS = (4, 1, 3)


def make() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    output = torch.randn(3, 4, 5, generator=generator)
    valid = torch.arange(4) < torch.tensor(LENGTHS)[:, None]
    # as a recurrent stack leaves it
    return output * valid[..., None], torch.randn(3, 2, generator=generator), valid


@pytest.mark.parametrize("kind", ["last", "max", "mean", "last+max", "attention"])
def test_each_sequence_is_pooled_by_itself(kind: str) -> None:
    output, last, valid = make()
    # a maximum below 0 is not that of the padding
    output = torch.where(valid[..., None], output - 9.0, output)
    pooling = Pooling(kind, 5, 2)
    pooling.reset_parameters(torch.Generator().manual_seed(1))

    pooled = pooling(output, last, valid)

    assert pooled.shape == (3, pooling.features)
    for i, length in enumerate(LENGTHS):
        x = output[i, :length]
        expected = {"last": last[i], "max": x.amax(0), "mean": x.mean(0)}
        expected["last+max"] = torch.cat([last[i], x.amax(0)])
        if pooling.query is not None:
            weight = (x.tanh() @ pooling.query.weight[0]).softmax(0)
            expected["attention"] = weight @ x
        torch.testing.assert_close(pooled[i], expected[kind])


def test_only_attention_has_a_weight_and_it_is_repeatable() -> None:
    weights = []
    for _ in range(2):
        pooling = Pooling("attention", 5, 2)
        pooling.reset_parameters(torch.Generator().manual_seed(1))
        weights.append(pooling.query.weight)

    assert torch.equal(*weights)
    assert not list(Pooling("last+max", 5, 2).parameters())
