"""Categories become vectors by number, and what was never seen is trained for."""

import pytest
import torch

from lockgate.tasks.forecasting.embeddings import INITIAL, UNSEEN, Embeddings, width_of

B, T, H = 3, 7, 4


def make(sizes: list[int], known: list[int]) -> Embeddings:
    embeddings = Embeddings(sizes, known)
    embeddings.reset_parameters(torch.Generator().manual_seed(0))
    return embeddings


def draw(sizes: list[int], steps: int, batch: int = B) -> torch.Tensor:
    generator = torch.Generator().manual_seed(1)
    numbers = torch.randn(batch, steps, 2, generator=generator)
    codes = [torch.randint(size, (batch, steps, 1), generator=generator) for size in sizes]
    return torch.cat([numbers, *codes], dim=2)


@pytest.mark.parametrize("known", [[], [1], [2, 0]])
def test_each_category_is_the_row_of_its_table(known: list[int]) -> None:
    sizes = [3, 8, 200]
    embeddings = make(sizes, known).eval()
    x, ahead = draw(sizes, T), draw([sizes[one] for one in known], H)

    windows, future = embeddings(x, ahead)

    for found, told, which in ((windows, x, [0, 1, 2]), (future, ahead, known)):
        for b in range(B):
            for t in range(told.shape[1]):
                rows = [
                    embeddings.tables[one].weight[int(told[b, t, 2 + k])]
                    for k, one in enumerate(which)
                ]
                assert torch.equal(found[b, t], torch.cat([told[b, t, :2], *rows]))


def test_nothing_known_ahead_stays_nothing() -> None:
    assert make([3], []).eval()(draw([3], T), None)[1] is None


def test_in_training_a_category_of_a_whole_window_is_unseen_now_and_then() -> None:
    embeddings = make([3, 3], [1]).train()
    many = 20_000
    x = draw([3, 3], T, many)
    x[..., 2:] = 2.0
    ahead = x[:, :H, [0, 1, 3]]
    generator = torch.Generator().manual_seed(3)

    windows, future = embeddings(x, ahead, generator=generator)

    unseen = windows[..., 2:] == torch.stack([t.weight[0, 0] for t in embeddings.tables])
    assert (unseen.any(dim=1) == unseen.all(dim=1)).all()  # in all steps or none
    shares = unseen[:, 0].float().mean(dim=0)
    # four standard errors
    assert ((shares - UNSEEN).abs() < 4 * (UNSEEN / many) ** 0.5).all()
    assert (unseen[:, 0, 0] & unseen[:, 0, 1]).float().mean() < 2 * UNSEEN**2
    assert torch.equal(future[..., 2] == embeddings.tables[1].weight[0, 0], unseen[:, :H, 1])
    assert torch.equal(embeddings.eval()(x, ahead)[0][..., 2:] != windows[..., 2:], unseen)


def test_vectors_are_small_at_first_and_no_wider_than_fifty() -> None:
    embeddings = make([2000], [])

    assert embeddings.tables[0].weight.shape == (2000, 50)
    assert embeddings.tables[0].weight.std().item() == pytest.approx(INITIAL, rel=0.05)
    assert [width_of(values + 1) for values in (2, 5, 99, 100, 101)] == [1, 3, 50, 50, 50]
