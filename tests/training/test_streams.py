"""Three streams of random numbers for one fit, none of which moves another."""

import pytest
import torch

from lockgate.training.streams import Streams

NAMES = Streams._fields
# what Streams.of(0, 0, "lstm") draws first
PINNED = {
    "weights": [0.13016098737716675, 0.8172805309295654, 0.5514640212059021, 0.9509690999984741],
    "batches": [0.9534565806388855, 0.05417633056640625, 0.38842272758483887, 0.5743840932846069],
    "masks": [0.9468355178833008, 0.9715917110443115, 0.6149197220802307, 0.7746331095695496],
}


def draws(streams: Streams) -> dict[str, list[float]]:
    return {
        name: torch.rand(4, generator=generator).tolist()
        for name, generator in streams._asdict().items()
    }


def test_rungs_of_one_seed_share_weights_and_batches_but_not_masks() -> None:
    lstm, gru = draws(Streams.of(0, 1, "lstm")), draws(Streams.of(0, 1, "gru"))

    assert lstm["weights"] == gru["weights"]
    assert lstm["batches"] == gru["batches"]
    assert lstm["masks"] != gru["masks"]


@pytest.mark.parametrize("other", [(0, 2), (1, 1), (1, 0)], ids=str)
def test_another_seed_or_run_differs_in_every_stream(other: tuple[int, int]) -> None:
    one, two = draws(Streams.of(0, 1, "lstm")), draws(Streams.of(*other, "lstm"))

    assert [name for name in NAMES if one[name] == two[name]] == []


def test_no_two_streams_of_a_study_are_alike() -> None:
    first = {
        (run, seed, stream, name if stream == "masks" else ""): tuple(numbers)
        for run in range(3)
        for seed in range(6)
        for name in ("", "lstm", "both")
        for stream, numbers in draws(Streams.of(run, seed, name)).items()
    }

    assert len(set(first.values())) == len(first) == 3 * 6 * (1 + 1 + 3)


def test_the_same_seed_repeats_every_stream() -> None:
    assert draws(Streams.of(5, 3, "both")) == draws(Streams.of(5, 3, "both"))


def test_streams_are_the_same_in_every_version() -> None:
    # a saved study is resumed with the numbers it began with
    assert draws(Streams.of(0, 0, "lstm")) == PINNED


@pytest.mark.parametrize("moved", NAMES)
def test_drawing_from_one_stream_moves_no_other(moved: str) -> None:
    streams = Streams.of(0, 0)
    torch.manual_seed(0)
    default = torch.get_rng_state()

    torch.rand(1_000, generator=getattr(streams, moved))

    fresh = draws(Streams.of(0, 0))
    assert [name for name, d in draws(streams).items() if d != fresh[name]] == [moved]
    assert torch.equal(torch.get_rng_state(), default)


def test_all_streams_draw_on_the_cpu() -> None:
    assert {generator.device.type for generator in Streams.of(0, 0)} == {"cpu"}


def test_large_seeds_are_taken() -> None:
    assert draws(Streams.of(2**40, 2**33)) != draws(Streams.of(2**40, 2**33 + 1))
