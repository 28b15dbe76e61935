"""What a chunk leaves to the next makes chunks the whole, and ends a gradient where it begins."""

import torch

from lockgate.nn import LSTM, LockedDropout
from lockgate.tasks.labelling.carried import Carried, end_together, run_last_steps

LENGTHS = torch.tensor([6, 2, 4])


def make() -> tuple[LSTM, torch.Tensor, torch.Tensor]:
    stack = LSTM(3, 5, batch_first=True, recurrent_dropout=0.5, input_dropout=0.5)
    x = torch.randn(3, 6, 3, generator=torch.Generator().manual_seed(0))
    return stack, x, torch.arange(6) < LENGTHS[:, None]


def test_sequences_are_moved_to_end_together() -> None:
    _, x, _ = make()

    moved, valid = end_together(x, LENGTHS)

    for i, length in enumerate(LENGTHS.tolist()):
        assert torch.equal(moved[i, 6 - length :], x[i, :length])
        assert valid[i].tolist() == [False] * (6 - length) + [True] * length


def test_chunks_are_the_whole_with_the_same_masks() -> None:
    stack, x, valid = make()
    dropout = LockedDropout(0.5, batch_first=True)
    pieces = []
    for sizes in ([6], [2, 3, 1]):
        carried, generator = Carried(stack), torch.Generator().manual_seed(1)
        chunks = zip(x.split(sizes, 1), valid.split(sizes, 1), strict=True)
        pieces.append([carried.run(one, v, dropout, generator) for one, v in chunks])

    [whole], chunks = pieces
    torch.testing.assert_close(torch.cat(chunks, dim=1), whole)
    # of each unit all steps are dropped, or none
    dropped = (whole[0] == 0.0).float().mean(0)
    assert set(dropped.tolist()) == {0.0, 1.0}


def test_a_gradient_goes_back_into_the_last_steps_alone() -> None:
    stack, x, _ = make()
    moved, valid = end_together(x, LENGTHS)
    moved.requires_grad_()

    output = run_last_steps(stack.eval(), moved, valid, 2, None)
    output.sum().backward()

    assert output.shape == (3, 6, 5)
    reached = moved.grad.abs().sum(dim=(0, 2)) > 0
    assert reached.tolist() == [False] * 4 + [True] * 2
    torch.testing.assert_close(output, stack(moved, mask=valid)[0])
