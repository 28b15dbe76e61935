"""What only the references have is named before any other reason."""

import pytest
import torch

from lockgate.ops import gru, lstm, rnn
from lockgate.ops.plain import why_not_plain

TANH = ("tanh",)


@pytest.mark.parametrize("cell", [rnn, lstm, gru], ids=["rnn", "lstm", "gru"])
def test_a_plain_cell_may_have_any_mask_and_padding(make_call, cell) -> None:
    for masks in ("none", "input", "gate", "step"):
        call = make_call(cell, masks=masks, padded=True)

        assert why_not_plain(call.weights, call.masks, call.options, TANH) is None


def test_what_makes_a_cell_more_than_plain_is_named(make_call) -> None:
    weights, masks, options = (getattr(make_call(gru), n) for n in ("weights", "masks", "options"))
    some = torch.ones(1)

    for zoneout in ("zoneout_h", "zoneout_c"):
        with_zoneout = masks._replace(**{zoneout: some})
        assert why_not_plain(weights, with_zoneout, options, TANH) == "it has no zoneout"
    assert (
        why_not_plain(weights._replace(ln_ih=some), masks, options, TANH) == "it has no layer norm"
    )
    assert (
        why_not_plain(weights, masks, options._replace(reset_after=False), TANH)
        == "it has no reset gate before the recurrent product"
    )
    assert why_not_plain(weights, masks, options, ("relu",)) == "it has no tanh in this cell"
