"""Batches hold the examples asked for, padded with zeros, each once in an epoch."""

import numpy as np
import pytest
import torch

from lockgate.tasks.labelling.examples import Examples
from lockgate.training.losses import IGNORED

LENGTHS = np.array([3, 1, 7, 2, 5, 4])


def make(tokens: bool = False, at_steps: bool = False, rows: list[int] | None = None) -> Examples:
    steps = int(LENGTHS.sum())
    values = torch.arange(1, steps + 1, dtype=torch.int32 if tokens else torch.float32)
    starts = torch.from_numpy(np.concatenate([[0], np.cumsum(LENGTHS)]))
    y = torch.arange(steps) if at_steps else torch.arange(6)
    rows = list(range(6)) if rows is None else rows
    return Examples(
        values if tokens else torch.stack([values, -values], dim=1),
        starts,
        y,
        torch.tensor(rows),
        weights=10.0 * y,
        at_steps=at_steps,
    )


@pytest.mark.parametrize("tokens", [False, True])
def test_batch_holds_its_examples_padded_with_zeros(tokens: bool) -> None:
    batch = make(tokens, rows=[5, 2, 1]).batch(torch.tensor([2, 0]))

    assert batch.lengths.tolist() == [1, 4]
    first = batch.x if tokens else batch.x[..., 0]
    assert first.tolist() == [[4, 0, 0, 0], [19, 20, 21, 22]]
    assert batch.y.tolist() == [1, 5]
    assert batch.weight.tolist() == [10, 50]
    assert batch.x.dtype == (torch.int64 if tokens else torch.float32)


def test_labels_at_steps_are_padded_with_what_is_ignored() -> None:
    batch = make(at_steps=True).batch(slice(0, 2))

    assert batch.y.tolist() == [[0, 1, 2], [3, IGNORED, IGNORED]]
    assert make(at_steps=True, rows=[1, 3]).truth().tolist() == [3, 11, 12]


def test_epoch_draws_each_example_once_in_batches_of_like_length() -> None:
    lengths = torch.randint(1, 100, (1000,), generator=torch.Generator().manual_seed(0))
    starts = torch.cat([torch.tensor([0]), lengths.cumsum(0)])
    examples = Examples(
        torch.zeros(int(starts[-1]), 1), starts, torch.zeros(1000), torch.arange(1000)
    )

    batches = examples.draw_batches(16, 1000, torch.Generator().manual_seed(0))
    again = examples.draw_batches(16, 1000, torch.Generator().manual_seed(0))
    other = examples.draw_batches(16, 1000, torch.Generator().manual_seed(1))

    assert sorted(torch.cat(list(batches)).tolist()) == list(range(1000))
    assert all(map(torch.equal, batches, again))
    assert not torch.equal(torch.cat(list(batches)), torch.cat(list(other)))
    padded = sum(len(b) * int(lengths[b].max()) for b in batches)
    assert float(lengths.sum()) / padded > 0.9
    # and not from the shortest to the longest
    means = [float(lengths[b].float().mean()) for b in batches]
    assert means != sorted(means)
    assert sum(map(len, examples.draw_batches(16, 100, torch.Generator()))) == 100


def test_chunks_hold_every_example_once() -> None:
    chunks = make().chunks(4)

    assert sorted(torch.cat(list(chunks)).tolist()) == list(range(6))
    assert make().padded_share(2) == pytest.approx(1 - 22 / (2 * 2 + 4 * 2 + 7 * 2))


def test_thinned_examples_are_spread_over_the_part() -> None:
    assert make().thinned(3).rows.tolist() == [0, 2, 5]
    assert make().thinned(99).rows.tolist() == list(range(6))
