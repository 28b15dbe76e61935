"""A stack carries its padding: it is the net written by hand with masks, and padding is nothing."""

import copy
from collections import OrderedDict

import pytest
import torch
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence

from lockgate import nn

TOKENS = torch.tensor([[4, 7, 3, 9, 1], [2, 8, 5, 0, 0], [6, 0, 0, 0, 0]])  # (B, T)
VALID = TOKENS != 0


def embedding(**options) -> nn.Embedding:
    return nn.Embedding(11, 6, padding_idx=0, **options)


class Mean(torch.nn.Module):
    """A pooling of a user's that minds the mask."""

    def forward(self, x: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        counted = mask.unsqueeze(-1)
        return (x * counted).sum(1) / counted.sum(1)


class Doubled(torch.nn.Module):
    """It minds no mask, and says so by taking one."""

    def forward(self, x: torch.Tensor, mask: torch.Tensor | None) -> torch.Tensor:  # noqa: ARG002
        return 2 * x


class OfSteps(torch.nn.Module):
    """A convolution over time, which sees padding."""

    def __init__(self) -> None:
        super().__init__()
        self.of_channels = torch.nn.Conv1d(6, 6, 3, padding="same")

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.of_channels(x.transpose(1, 2)).transpose(1, 2)


def classifier(batch_first: bool = True, **options) -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(
        embedding(embedding_dropout=0.2),
        nn.LSTM(6, 5, batch_first=batch_first, bidirectional=True, recurrent_dropout=0.25),
        torch.nn.Dropout(0.25),
        torch.nn.Linear(10, 7),
        torch.nn.LayerNorm(7),
        nn.GRU(7, 4, batch_first=batch_first, input_dropout=0.25, **options),
        nn.Last(),
        torch.nn.Linear(8 if options.get("bidirectional") else 4, 2),
    )


def by_hand(model: nn.Sequential, tokens: torch.Tensor, valid: torch.Tensor) -> torch.Tensor:
    vectors, lstm, dropout, linear, norm, gru, _, head = model
    output, _ = lstm(vectors(tokens), mask=valid)
    _, h_n = gru(norm(linear(dropout(output))), mask=valid)
    return head(torch.cat([*h_n[-2:]], dim=1) if gru.bidirectional else h_n[-1])


@pytest.mark.parametrize("batch_first", [True, False])
@pytest.mark.parametrize("bidirectional", [True, False])
@pytest.mark.parametrize("training", [True, False])
def test_stack_is_the_net_by_hand_bit_for_bit(batch_first, bidirectional, training) -> None:
    model = classifier(batch_first, bidirectional=bidirectional).train(training)
    tokens, twin = TOKENS if batch_first else TOKENS.t(), copy.deepcopy(model)

    torch.manual_seed(1)
    scores = model(tokens)
    torch.manual_seed(1)
    expected = by_hand(twin, tokens, VALID)

    assert torch.equal(scores, expected)
    scores.square().sum().backward()
    expected.square().sum().backward()
    for own, judge in zip(model.parameters(), twin.parameters(), strict=True):
        assert torch.equal(own.grad, judge.grad)


@pytest.mark.parametrize("bidirectional", [True, False])
@pytest.mark.parametrize("side", ["behind", "before", "within"])
def test_more_padding_changes_no_answer(bidirectional, side) -> None:
    model = classifier(bidirectional=bidirectional).eval()
    none = torch.zeros(3, 4, dtype=torch.int64)
    parts = {"behind": [TOKENS, none], "before": [none, TOKENS]}
    wider = torch.cat(parts.get(side, [TOKENS[:, :2], none, TOKENS[:, 2:]]), dim=1)

    assert torch.equal(model(wider), model(TOKENS))
    for row, n in enumerate(VALID.sum(1)):
        torch.testing.assert_close(model(TOKENS[row : row + 1, :n])[0], model(TOKENS)[row])


@pytest.mark.parametrize("kind", [nn.LSTM, nn.GRU, nn.RNN])
@pytest.mark.parametrize(
    ("options", "last"),
    [
        ({"hidden_size": 5, "num_layers": 2}, lambda h: h[-1]),
        ({"hidden_size": [5, 4]}, lambda h: h[-1][0]),
        ({"hidden_size": [5, 4], "bidirectional": True}, lambda h: torch.cat([*h[-1]], 1)),
        ({"hidden_size": 5, "bidirectional": [True, False]}, lambda h: h[-1][0]),
        ({"hidden_size": 5, "bidirectional": True}, lambda h: torch.cat([h[0], h[1]], 1)),
        ({"hidden_size": 5, "bidirectional": True, "merge_mode": "sum"}, lambda h: h[0] + h[1]),
        (
            {"hidden_size": 5, "bidirectional": True, "merge_mode": "mean"},
            lambda h: (h[0] + h[1]) / 2,
        ),
        ({"hidden_size": 5, "bidirectional": True, "merge_mode": "mul"}, lambda h: h[0] * h[1]),
    ],
    ids=["layers", "sizes", "sizes-both", "directions", "both", "sum", "mean", "mul"],
)
def test_last_is_where_each_direction_ended(kind, options, last) -> None:
    layer = kind(6, batch_first=True, **options)
    vectors = embedding()

    output = nn.Sequential(vectors, layer, nn.Last())(TOKENS)

    _, state = layer(vectors(TOKENS), mask=VALID)
    assert torch.equal(output, last(state[0] if kind is nn.LSTM else state))


def test_sequence_may_come_without_a_batch() -> None:
    model = classifier().eval()
    x = model[0](TOKENS[1])
    expected = model(TOKENS)[1]

    for output in (
        model(TOKENS[1]),
        model(TOKENS[1, :3]),
        model(TOKENS[1], lengths=3),
        model[1:](x, lengths=3),
        model[1:](x, mask=VALID[1]),
    ):
        torch.testing.assert_close(output, expected)


@pytest.mark.parametrize("batch_first", [True, False])
def test_padding_is_told_by_lengths_masks_and_packed_sequences_too(batch_first) -> None:
    model = classifier(batch_first).eval()
    tokens, lengths = TOKENS if batch_first else TOKENS.t(), VALID.sum(1)
    expected = model(tokens)
    plain = nn.Sequential(*model)
    plain[0] = nn.Embedding.from_pretrained(model[0].weight.detach())  # knows of no padding
    packed = pack_padded_sequence(tokens, lengths, batch_first, enforce_sorted=False)

    assert torch.equal(plain(tokens, lengths=lengths), expected)
    assert torch.equal(plain(tokens, mask=VALID), expected)
    assert torch.equal(plain(packed), expected)
    vectors = model[0](tokens)
    assert torch.equal(model[1:](vectors, lengths=lengths), expected)
    assert torch.equal(model[1:](vectors, mask=VALID), expected)
    assert torch.equal(
        model[1:](pack_padded_sequence(vectors, lengths, batch_first, enforce_sorted=False)),
        expected,
    )


def test_packed_sequence_with_time_left_is_packed_again() -> None:
    layer = nn.GRU(6, 5, batch_first=True)
    packed = pack_padded_sequence(embedding()(TOKENS), VALID.sum(1), True)

    output = nn.Sequential(layer, torch.nn.Tanh())(packed)

    assert isinstance(output, PackedSequence)
    torch.testing.assert_close(output.data, layer(packed)[0].data.tanh())


def test_what_the_call_tells_goes_before_the_padding_token() -> None:
    layer = nn.GRU(6, 5, batch_first=True)
    model = nn.Sequential(embedding(), layer, nn.Last())
    mask = torch.ones_like(VALID)

    _, h_n = layer(model[0](TOKENS), mask=mask)

    assert torch.equal(model(TOKENS, mask=mask), h_n[-1])
    assert torch.equal(model(TOKENS, lengths=[5, 5, 5]), h_n[-1])
    assert not torch.equal(model(TOKENS), h_n[-1])


def test_embedding_of_torch_tells_its_padding_as_ours_does() -> None:
    model = classifier().eval()
    expected = model(TOKENS)
    model[0] = torch.nn.Embedding.from_pretrained(model[0].weight.detach(), padding_idx=0)

    assert torch.equal(model(TOKENS), expected)


class OfTwo(torch.nn.Module):
    """An embedding of a user's, of which the container does not know what it takes as padding."""

    def __init__(self) -> None:
        super().__init__()
        self.words, self.classes = embedding(), embedding()

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        return self.words(tokens) + self.classes(tokens % 3)


@pytest.mark.parametrize(
    "vectors",
    [torch.nn.Embedding(11, 6), nn.Embedding(11, 6), OfTwo(), torch.nn.Sequential(embedding())],
    ids=["torch", "ours", "own", "nested"],
)
@pytest.mark.parametrize("reader", [nn.GRU(6, 5, batch_first=True), Mean()], ids=["layer", "own"])
def test_forgotten_padding_raises(vectors, reader) -> None:
    kind = type(reader).__name__
    with pytest.raises(ValueError, match=rf"mask or .* tokens that module 2 \({kind}\) reads, or"):
        nn.Sequential(vectors, torch.nn.Dropout(0.1), reader)(TOKENS)

    told = nn.Sequential(vectors, reader)

    assert torch.isfinite(told(TOKENS, mask=VALID)).all()  # the remedy


def test_tokens_that_are_never_padded_need_no_mask() -> None:
    modules = [nn.Embedding(11, 6), nn.GRU(6, 5, batch_first=True), nn.Last()]

    never = nn.Sequential(*modules, padded=False)

    assert torch.equal(never(TOKENS), modules[1](modules[0](TOKENS))[1][-1])
    assert torch.equal(never[:1](TOKENS), modules[0](TOKENS))  # a slice says so too
    assert "padded=False" in repr(never)


def test_nested_stack_gives_its_mask_to_what_follows() -> None:
    model = classifier().eval()
    nested = nn.Sequential(nn.Sequential(nn.Sequential(model[0])), model[1:5], model[5:])

    assert torch.equal(nested(TOKENS), model(TOKENS))


def test_mask_of_the_output_is_given_for_a_loss() -> None:
    tagger = nn.Sequential(embedding(), nn.GRU(6, 5), torch.nn.Linear(5, 2))

    output, mask = tagger(TOKENS.t(), return_mask=True)

    assert output.shape == (5, 3, 2)
    assert torch.equal(mask, VALID)
    packed = pack_padded_sequence(TOKENS.t(), VALID.sum(1))
    assert torch.equal(tagger(packed, return_mask=True)[1], VALID)
    assert classifier()(TOKENS, return_mask=True)[1] is None


def test_module_that_minds_the_mask_gets_it() -> None:
    layer, vectors = nn.GRU(6, 5, batch_first=True), embedding()
    norm = torch.nn.BatchNorm1d(5)  # of one vector for each sequence
    model = nn.Sequential(vectors, Doubled(), layer, Mean(), norm).eval()
    output, _ = layer(2 * vectors(TOKENS), mask=VALID)

    expected = output.sum(1) / VALID.sum(1, keepdim=True)

    torch.testing.assert_close(model(TOKENS), norm(expected))
    unpadded = nn.Sequential(Doubled(), layer, nn.Last())
    assert torch.equal(unpadded(vectors(TOKENS)), layer(2 * vectors(TOKENS))[1][-1])


@pytest.mark.parametrize(
    "module",
    [
        OfSteps(),
        torch.nn.LayerNorm([5, 6]),
        torch.nn.Softmax(dim=1),
        torch.nn.BatchNorm1d(5),
        torch.nn.Sequential(torch.nn.Linear(6, 6), OfSteps()),
        # what it calls a mask is one of attention
        torch.nn.TransformerEncoder(
            torch.nn.TransformerEncoderLayer(6, 2, batch_first=True), 1, enable_nested_tensor=False
        ),
    ],
    ids=lambda module: type(module).__name__,
)
def test_module_that_may_mix_steps_is_refused_with_padding_alone(module) -> None:
    layer, vectors = nn.GRU(6, 5, batch_first=True), embedding()
    with pytest.raises(ValueError, match=rf"module 1 \({type(module).__name__}\) must take a mask"):
        nn.Sequential(vectors, module, layer, nn.Last())(TOKENS)

    x = vectors(TOKENS)
    torch.manual_seed(0)
    output = nn.Sequential(module, layer, nn.Last())(x)

    torch.manual_seed(0)
    torch.testing.assert_close(output, layer(module(x))[1][-1])


@pytest.mark.parametrize(
    "module",
    [
        torch.nn.Sequential(torch.nn.Linear(6, 6), torch.nn.ReLU(), torch.nn.Dropout(0.1)),
        torch.nn.RMSNorm(6),
        torch.nn.LogSoftmax(dim=-1),
        nn.LockedDropout(0.5, batch_first=True),
        nn.Sequential(torch.nn.Linear(6, 6), nn.GRU(6, 6, batch_first=True), torch.nn.GELU()),
        nn.Stateful(nn.GRU(6, 6, batch_first=True)),
    ],
    ids=lambda module: type(module).__name__,
)
def test_module_that_keeps_steps_apart_keeps_the_mask(module) -> None:
    torch.manual_seed(0)
    model = nn.Sequential(embedding(), module, nn.GRU(6, 5, batch_first=True), nn.Last()).eval()
    wider = torch.cat([TOKENS, torch.zeros(3, 2, dtype=torch.int64)], dim=1)

    first = model(TOKENS)
    for stateful in model.modules():
        if isinstance(stateful, nn.Stateful):
            stateful.forget()

    torch.testing.assert_close(model(wider), first)


def test_modules_have_the_names_of_torch() -> None:
    named = OrderedDict(words=embedding(), layer=nn.GRU(6, 5), last=nn.Last())
    model = nn.Sequential(named)
    numbered = nn.Sequential(*named.values())

    assert isinstance(model, torch.nn.Sequential)
    assert list(model.state_dict())[:2] == ["words.weight", "layer.weight_ih_l0"]
    assert list(numbered.state_dict())[:2] == ["0.weight", "1.weight_ih_l0"]
    assert model(input=TOKENS.t()).shape == (3, 5)
    assert repr(numbered[:2]).startswith("Sequential(\n  (0): Embedding(11, 6, padding_idx=0)\n")


def test_compiled_stack_is_one_graph() -> None:
    model = classifier(bidirectional=True).eval()
    compiled = torch.compile(model, fullgraph=True, backend="eager")

    assert torch.equal(compiled(TOKENS), model(TOKENS))


def last_behind(*modules: torch.nn.Module) -> nn.Sequential:
    return nn.Sequential(*modules, nn.Last())


GRU = {"input_size": 6, "hidden_size": 6, "batch_first": True}
MISFITS = {
    r"module 1 \(Last\) must stand directly behind an RNN, LSTM or GRU": last_behind(
        torch.nn.Linear(6, 6)
    ),
    r"module 2 \(Last\) must stand directly behind": last_behind(
        nn.GRU(**GRU), torch.nn.Dropout(0.1)
    ),
    r"output_dropout must be 0 with Last, got 0.5: .* Put a torch.nn.Dropout": last_behind(
        nn.GRU(**GRU, output_dropout=0.5)
    ),
    r"residual must be False with Last, got True": last_behind(
        nn.GRU(**GRU, num_layers=2, residual=True)
    ),
    r"module 0 \(GRU\) must be a layer of lockgate.nn.*interop.from_torch": last_behind(
        torch.nn.GRU(6, 6)
    ),
    r'merge_mode of module 0 \(GRU\) must not be "none"': last_behind(
        nn.GRU(**GRU, bidirectional=True, merge_mode="none")
    ),
    r"batch_first must be the same in all modules, got True in 0, False in 1": last_behind(
        nn.GRU(**GRU), nn.GRU(6, 5)
    ),
    r"batch_first must be .* True in 0.1.0, False in 1": nn.Sequential(
        nn.Sequential(torch.nn.Tanh(), nn.Sequential(nn.Stateful(nn.GRU(**GRU)))),
        nn.LockedDropout(0.5),
    ),
    r"batch_first must be .*, got False in 0, True in 1": nn.Sequential(
        embedding(embedding_dropout=0.5, dropout_per="sample"), nn.GRU(**GRU)
    ),
}


@pytest.mark.parametrize("message", MISFITS)
def test_module_that_does_not_fit_its_place_raises(message) -> None:
    with pytest.raises(ValueError, match=message):
        MISFITS[message](torch.zeros(2, 5, 6))


def test_what_is_no_sequence_raises() -> None:
    model = classifier()
    with pytest.raises(TypeError, match="x must be a tensor or a PackedSequence, got list"):
        model(TOKENS.tolist())
    with pytest.raises(TypeError, match="x must be given once, as x or as input, got none"):
        model()
    with pytest.raises(ValueError, match=r"tokens must have 2 dimensions, .*, got 3"):
        model(TOKENS[None])
    with pytest.raises(ValueError, match=r"mask must have shape \(batch, time\) = \(3, 5\), got"):
        model(TOKENS, mask=VALID[:2])
    with pytest.raises(TypeError, match=r"got torch.int64. Convert it with mask.bool\(\)"):
        model(TOKENS, mask=VALID.long())
    with pytest.raises(ValueError, match=r"lengths must be in \[0, 5\], the steps of x, got 6"):
        model(TOKENS, lengths=[6, 1, 1])
    packed = pack_padded_sequence(TOKENS, [5, 3, 1], batch_first=True)
    with pytest.raises(ValueError, match="mask and lengths must be None where x is packed"):
        model(packed, lengths=[5, 3, 1])
    with pytest.raises(TypeError, match="padded must be True or False, got 1"):
        nn.Sequential(padded=1)
    with pytest.raises(TypeError, match=r"layer must be an RNN.*In a stack, Last stands in a lock"):
        torch.nn.Sequential(nn.GRU(6, 5), nn.Last())(torch.zeros(5, 2, 6))
