"""An embedding drops whole words, for the batch or for each sequence, and may be the output too."""

import copy

import pytest
import torch

from lockgate.nn import Embedding, TiedLinear

TOKENS = torch.randint(0, 50, (30, 8), generator=torch.Generator().manual_seed(0))  # (T, B)


def seeded() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def lost(embedding: Embedding, tokens: torch.Tensor) -> torch.Tensor:
    """Tell of each token whether its whole vector is lost; none is in part."""
    zero = embedding(tokens, generator=seeded()) == 0
    assert torch.equal(zero.all(-1), zero.any(-1))
    return zero.all(-1)


@pytest.mark.parametrize("padding_idx", [None, 0, -1])
def test_embedding_agrees_with_torch(padding_idx: int | None) -> None:
    embedding = Embedding(50, 4, padding_idx)
    judge = torch.nn.Embedding(50, 4, padding_idx)
    judge.load_state_dict(embedding.state_dict())

    output, expected = embedding(TOKENS), judge(TOKENS)
    output.square().sum().backward()
    expected.square().sum().backward()

    assert torch.equal(output, expected)
    assert torch.equal(embedding.weight.grad, judge.weight.grad)


def test_padding_is_zero_and_stays_so() -> None:
    embedding = Embedding(50, 4, padding_idx=-1)
    assert not embedding.weight[49].any()
    assert embedding.weight[:49].all()

    embedding(torch.tensor([49, 3])).sum().backward()

    assert not embedding.weight.grad[49].any()


@pytest.mark.parametrize("freeze", [True, False])
@pytest.mark.parametrize("padding_idx", [None, 0, -1])
def test_pretrained_vectors_are_taken_as_torch_takes_them(freeze, padding_idx) -> None:
    vectors = torch.randn(50, 4, generator=seeded())
    own, judges = vectors.clone(), vectors.clone()
    before = torch.random.get_rng_state()
    embedding = Embedding.from_pretrained(own, freeze, padding_idx)
    judge = torch.nn.Embedding.from_pretrained(judges, freeze, padding_idx)

    assert torch.equal(torch.random.get_rng_state(), before)
    assert torch.equal(embedding(TOKENS), judge(TOKENS))
    assert embedding.padding_idx == judge.padding_idx
    assert embedding.weight.requires_grad == judge.weight.requires_grad == (not freeze)
    assert embedding.weight.data_ptr() == own.data_ptr()
    if not freeze:
        embedding(TOKENS).square().sum().backward()
        judge(TOKENS).square().sum().backward()
        assert torch.equal(embedding.weight.grad, judge.weight.grad)
    judge.load_state_dict(embedding.state_dict())


def test_pretrained_vectors_are_dropped_by_words() -> None:
    vectors = torch.ones(50, 4)
    rates = {"embedding_dropout": 0.5, "dropout_per": "sample", "batch_first": True}
    embedding = Embedding.from_pretrained(vectors, padding_idx=0, **rates)

    assert 0 < lost(embedding, TOKENS.t()).float().mean() < 1
    assert repr(embedding) == repr(Embedding(50, 4, padding_idx=0, **rates))
    assert isinstance(embedding, Embedding)


def test_what_holds_no_vectors_raises() -> None:
    with pytest.raises(ValueError, match=r"embeddings must have shape \(num.*\), got \(3,\)"):
        Embedding.from_pretrained(torch.zeros(3))
    with pytest.raises(TypeError, match=r"of floating point numbers, got torch.int64"):
        Embedding.from_pretrained(torch.zeros(3, 2, dtype=torch.int64))
    with pytest.raises(TypeError, match=r"of floating point numbers, got list"):
        Embedding.from_pretrained([[1.0]])
    with pytest.raises(ValueError, match=r"padding_idx must be a token, in \[-3, 3\), got 3"):
        Embedding.from_pretrained(torch.zeros(3, 2), padding_idx=3)
    with pytest.raises(TypeError, match="freeze must be True or False, got 0"):
        Embedding.from_pretrained(torch.zeros(3, 2), 0)


def test_word_is_lost_in_the_whole_batch() -> None:
    embedding = Embedding(50, 4, embedding_dropout=0.5)

    words = {}
    for word, gone in zip(
        TOKENS.flatten().tolist(), lost(embedding, TOKENS).flatten(), strict=True
    ):
        assert words.setdefault(word, gone) == gone
    assert 10 < sum(words.values()) < 40
    kept = embedding(TOKENS, generator=seeded())[~lost(embedding, TOKENS)]
    torch.testing.assert_close(kept, 2 * embedding.eval()(TOKENS)[~lost(embedding.train(), TOKENS)])


@pytest.mark.parametrize("batch_first", [True, False])
def test_word_is_lost_in_its_sequence_alone(batch_first: bool) -> None:
    embedding = Embedding(
        50, 4, embedding_dropout=0.5, dropout_per="sample", batch_first=batch_first
    )
    gone = lost(embedding, TOKENS.t() if batch_first else TOKENS)
    rows = gone if batch_first else gone.t()

    by_row = []
    for words, row in zip(TOKENS.t().tolist(), rows.tolist(), strict=True):
        own = dict(zip(words, row, strict=True))
        assert [own[word] for word in words] == row
        by_row.append(own)
    common = set(by_row[0]) & set(by_row[1])
    assert {by_row[0][w] for w in common} == {True, False}
    assert [by_row[0][w] for w in common] != [by_row[1][w] for w in common]


def test_evaluation_and_rate_zero_draw_nothing() -> None:
    off, in_evaluation = Embedding(50, 4), Embedding(50, 4, embedding_dropout=0.5).eval()
    before = torch.random.get_rng_state()

    for embedding in (off, in_evaluation):
        assert torch.equal(embedding(TOKENS), embedding.weight[TOKENS])

    assert torch.equal(torch.random.get_rng_state(), before)


def test_tied_layer_has_the_weights_of_the_embedding() -> None:
    embedding = Embedding(50, 4)
    model = torch.nn.Sequential(embedding, TiedLinear(embedding))

    scores = model(TOKENS)
    scores.square().sum().backward()

    torch.testing.assert_close(scores, embedding(TOKENS) @ embedding.weight.t())
    assert [name for name, _ in model.named_parameters()] == ["0.weight", "1.bias"]
    assert list(model.state_dict()) == ["0.weight", "1.bias"]


def test_copy_of_a_model_is_tied_to_itself() -> None:
    embedding = Embedding(50, 4)
    model = torch.nn.Sequential(embedding, TiedLinear(embedding, bias=False))
    twin = copy.deepcopy(model)

    with torch.no_grad():
        twin[0].weight.zero_()

    assert not twin(TOKENS).any()
    assert model(TOKENS).any()


def test_wrong_settings_raise() -> None:
    with pytest.raises(ValueError, match=r"padding_idx must be a token, in \[-5, 5\), got 5"):
        Embedding(5, 4, 5)
    with pytest.raises(ValueError, match=r"embedding_dropout must be in \[0, 1\), got 1.0"):
        Embedding(5, 4, embedding_dropout=1.0)
    with pytest.raises(ValueError, match=r"dropout_per must be one of \['batch', 'sample'\]"):
        Embedding(5, 4, dropout_per="word")
    with pytest.raises(ValueError, match=r"tokens must have 2 dimensions with .*, got 1"):
        Embedding(50, 4, embedding_dropout=0.5, dropout_per="sample")(TOKENS[0])


def test_embedding_is_written_as_it_is_made() -> None:
    embedding = Embedding(50, 4, padding_idx=0, embedding_dropout=0.1, dropout_per="sample")

    assert repr(eval(repr(embedding))) == repr(embedding)  # noqa: S307
    assert repr(TiedLinear(embedding)) == "TiedLinear(4, 50, bias=True)"
