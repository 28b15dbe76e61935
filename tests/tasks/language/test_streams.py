"""A text is cut into streams and chunks without losing or repeating a word."""

import math

import pytest
import torch

from lockgate.tasks.language.streams import Stream, cut, side_by_side
from lockgate.training.losses import IGNORED


def generator() -> torch.Generator:
    return torch.Generator().manual_seed(0)


@pytest.mark.parametrize(("words", "rows"), [(20, 4), (23, 4), (5, 5), (7, 1), (3, 5)])
def test_every_word_is_a_target_once(words: int, rows: int) -> None:
    tokens = torch.arange(100, 100 + words)

    text = side_by_side(tokens, rows, before=1)

    in_order = text.targets.flatten()
    assert in_order[in_order != IGNORED].tolist() == tokens.tolist()
    assert text.inputs.shape == text.targets.shape == (rows, math.ceil(words / rows))


def test_input_is_the_word_before_its_target() -> None:
    text = side_by_side(torch.arange(100, 123), 4, before=1)

    inputs, targets = text.inputs.flatten(), text.targets.flatten()
    assert inputs[0] == 1
    assert torch.equal(inputs[1:23], targets[:22])


def test_chunks_follow_each_other() -> None:
    text = side_by_side(torch.arange(1000), 4, before=1)

    found = list(cut(text, 20))

    assert len(found) == 13
    assert torch.equal(torch.cat([chunk.inputs for chunk in found], dim=1), text.inputs)
    assert torch.equal(torch.cat([chunk.targets for chunk in found], dim=1), text.targets)


def test_an_epoch_reads_every_word_once_on_one_course() -> None:
    stream = Stream(torch.arange(103), steps=5, end=0)

    batches = stream.draw_batches(4, 1_000, generator())

    read = torch.cat([batch.y for batch in batches])
    assert sorted(read[read != IGNORED].tolist()) == list(range(103))
    assert {tuple(batch.x.shape) for batch in batches[:-1]} == {(4, 5)}
    assert len({id(batch.course) for batch in batches}) == 1


def test_streams_go_on_from_chunk_to_chunk() -> None:
    first, second, *_ = Stream(torch.arange(103), 5, end=0).draw_batches(4, 1_000, generator())

    assert torch.equal(second.x[:, 0], first.y.view(4, 5)[:, -1])


def test_an_epoch_is_cut_elsewhere_each_time_and_begins_anew() -> None:
    stream, drawn = Stream(torch.arange(1_000), steps=5, end=0), generator()

    first, second = stream.draw_batches(4, 20, drawn), stream.draw_batches(4, 20, drawn)

    assert len(first) == len(second) == 5  # 20 windows in 4 streams
    assert not torch.equal(first[0].x, second[0].x)
    assert first[0].course is not second[0].course


def test_evaluation_reads_the_text_in_one_row() -> None:
    stream = Stream(torch.arange(1_300), steps=5, end=7)

    found = stream.chunks(512)

    assert torch.equal(torch.cat([chunk.y for chunk in found]), stream.tokens)
    assert {len(chunk.x) for chunk in found} == {1}
    assert found[0].x[0, :2].tolist() == [7, 0]


@pytest.mark.parametrize("words", [1, 4, 6, 11])
def test_a_text_shorter_than_its_streams_is_read(words: int) -> None:
    stream = Stream(torch.arange(words), steps=5, end=0)

    read = torch.cat([batch.y for batch in stream.draw_batches(20, 100, generator())])

    assert sorted(read[read != IGNORED].tolist()) == list(range(words))


def test_windows_count_the_last_that_is_short() -> None:
    stream = Stream(torch.arange(23), steps=5, end=0)

    assert len(stream) == 5
    assert stream.thinned(2).tokens.tolist() == list(range(10))
