"""Words become numbers, and numbers rows and chunks."""

import math
from dataclasses import replace

import pytest
import torch

from benchmarks.language_model.data import (
    chunk_lengths,
    chunks,
    read_corpus,
    rows,
)
from lockgate.training.losses import IGNORED


def test_vocabulary_is_learned_from_the_training_part_alone(data, tiny):
    before = read_corpus(data, replace(tiny, train_tokens=100, vocabulary=9))
    train = (data / "tiny" / "train.txt").read_text(encoding="utf-8").split("\n")
    for name in ("valid", "test"):
        (data / "tiny" / f"{name}.txt").write_text("new words " * 500 + "\n", encoding="utf-8")
    kept = "\n".join(train[:10]) + "\n"  # each line of 9 words and <eos>
    (data / "tiny" / "train.txt").write_text(kept + "other words\n" * 500, encoding="utf-8")

    after = read_corpus(data, replace(tiny, train_tokens=100, vocabulary=9))

    assert after.words == before.words
    assert torch.equal(after.train, before.train)
    assert after.valid[:-1].eq(0).all()


def test_missing_corpus_raises(tmp_path, tiny):
    with pytest.raises(FileNotFoundError, match=r"data must hold .*train.txt, got neither"):
        read_corpus(tmp_path, tiny)


@pytest.mark.parametrize(("tokens", "batch"), [(20, 4), (23, 4), (5, 5), (7, 1), (3, 5)])
def test_every_token_is_a_target_once(tokens, batch):
    words = torch.arange(100, 100 + tokens)

    text = rows(words, batch, end=1)

    in_order = text.targets.t().flatten()
    assert in_order[in_order != IGNORED].tolist() == words.tolist()
    assert text.inputs.shape == text.targets.shape == (math.ceil(tokens / batch), batch)


def test_input_is_the_word_before_its_target():
    words = torch.arange(100, 123)

    text = rows(words, 4, end=1)

    inputs, targets = text.inputs.t().flatten(), text.targets.t().flatten()
    assert inputs[0] == 1
    assert torch.equal(inputs[1:23], targets[:22])


@pytest.mark.parametrize("drawn", [False, True])
def test_chunks_follow_each_other(drawn):
    text = rows(torch.arange(1000), 4, end=1)
    generator = torch.Generator().manual_seed(0) if drawn else None
    lengths = chunk_lengths(len(text.inputs), 20, generator)

    found = list(chunks(text, lengths))

    assert sum(lengths) == 250
    assert (len(set(lengths[:-1])) > 1) is drawn
    assert torch.equal(torch.cat([chunk.inputs for chunk in found]), text.inputs)
    assert torch.equal(torch.cat([chunk.targets for chunk in found]), text.targets)
