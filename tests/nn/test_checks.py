"""Tensors that do not fit are refused by a class that torch's users catch, masks with a remedy."""

from collections.abc import Callable
from typing import Any

import pytest
import torch

from lockgate.nn import (
    GRU,
    LSTM,
    Embedding,
    GRUCell,
    LockedDropout,
    LSTMCell,
    ShapeError,
    Stateful,
    activation_penalty,
    gradient_reach,
    temporal_activation_penalty,
)

LAYER, PAIR = GRU(3, 4, input_dropout=0.5), LSTM(3, [4, 5])
X = torch.zeros(6, 2, 3)
VALID = torch.tensor([[1, 1, 1, 1, 0, 0], [1, 1, 1, 1, 1, 1]])


def chunk_of_another_batch() -> None:
    stateful = Stateful(LAYER)
    stateful(X)
    stateful(X[:, :1])


# what does not fit, each a call
MISSHAPEN: dict[str, Callable[[], Any]] = {
    "x": lambda: LAYER(torch.zeros(6, 2, 4)),
    "x of no time": lambda: LAYER(X[:0]),
    "packed x": lambda: LAYER(torch.nn.utils.rnn.pack_sequence([torch.zeros(6, 4)])),
    "hx": lambda: LAYER(X, torch.zeros(1, 3, 4)),
    "hx of layers": lambda: PAIR(X, [[torch.zeros(1, 2, 4)] * 2] * 2),
    "mask": lambda: LAYER(X, mask=VALID[:, :5].bool()),
    "lengths": lambda: LAYER(X, lengths=[3]),
    "dropout masks": lambda: LAYER(X, masks=LAYER.draw_masks(3)),
    "dropout masks of other layers": lambda: PAIR(X, masks=LAYER.draw_masks(2)),
    "report": lambda: LAYER.backend_report(X[..., :2]),
    "step": lambda: LAYER.stepper()(torch.zeros(2, 4)),
    "state of a step": lambda: LAYER.stepper()(torch.zeros(2, 3), torch.zeros(1, 3, 4)),
    "cell": lambda: GRUCell(3, 4)(torch.zeros(2, 4)),
    "state of a cell": lambda: LSTMCell(3, 4)(torch.zeros(2, 3), [torch.zeros(2, 5)] * 2),
    "chunk": lambda: Stateful(LAYER)(X[0]),
    "batch of a chunk": chunk_of_another_batch,
    "reset": lambda: Stateful(LAYER)(X, reset=torch.ones(3, dtype=torch.bool)),
    "locked": lambda: LockedDropout(0.5)(torch.zeros(1, 2, 3, 4)),
    "tokens": lambda: Embedding(5, 2, embedding_dropout=0.5, dropout_per="sample")(VALID[0]),
    "penalty": lambda: activation_penalty(X, VALID.bool()),
    "penalty in time": lambda: temporal_activation_penalty(X, VALID.bool()),
    "reach": lambda: gradient_reach(LAYER, X[:1]),
}


@pytest.mark.parametrize("call", MISSHAPEN.values(), ids=MISSHAPEN.keys())
def test_wrong_shape_is_what_torch_and_what_python_raises(call: Callable[[], Any]) -> None:
    with pytest.raises(ShapeError) as raised:
        call()

    assert isinstance(raised.value, ValueError)
    assert isinstance(raised.value, RuntimeError)


# where bools are taken: by its name there, a call that gives them
MASKED: dict[str, tuple[torch.Tensor, Callable[[Any], Any]]] = {
    "mask": (VALID, lambda m: LAYER.eval()(X, mask=m)[0]),
    "mask of chunks": (VALID, lambda m: Stateful(LAYER.eval())(X, mask=m)),
    "mask of the report": (VALID, lambda m: LAYER.eval().backend_report(X, mask=m)),
    "reset": (VALID[:, 4], lambda m: Stateful(LAYER.eval())(X, reset=m)),
    "valid": (VALID.t(), lambda m: activation_penalty(X + 1.0, m)),
    "valid in time": (VALID.t(), lambda m: temporal_activation_penalty(X.cumsum(0) + 1.0, m)),
}


@pytest.mark.parametrize("place", MASKED)
@pytest.mark.parametrize("dtype", [torch.int64, torch.uint8, torch.float32])
def test_mask_of_numbers_is_refused_with_what_makes_it_right(place, dtype) -> None:
    mask, call = MASKED[place]
    name = place.split()[0]
    rule = f"{name} must be a tensor of torch.bool, True where .*, got {dtype}"

    with pytest.raises(TypeError, match=rf"{rule}. Convert it with {name}.bool\(\).$"):
        call(mask.to(dtype))

    call(mask.to(dtype).bool())  # the remedy


@pytest.mark.parametrize("place", MASKED)
def test_mask_that_is_added_to_scores_gets_no_remedy_that_turns_it_around(place) -> None:
    mask, call = MASKED[place]
    added = torch.zeros(mask.shape).masked_fill(mask == 0, float("-inf"))

    with pytest.raises(TypeError, match=r"got torch.float32 with other values than 0 and 1$"):
        call(added)
    with pytest.raises(TypeError, match=r"must be a tensor of torch.bool, .*, got list$"):
        call(mask.tolist())
