"""torch's own layers say what they lack of a call."""

import pytest
import torch

from lockgate.ops import gru, lstm


@pytest.fixture(autouse=True)
def _nothing_forced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LOCKGATE_BACKEND", raising=False)


def test_aten_says_why_it_cannot_run_a_call(make_call) -> None:
    def reason(**kind) -> str | None:
        return gru.aten.why_not(*make_call(gru, **kind))

    assert reason() is None
    assert reason(masks="input") is None
    assert reason(masks="gate") == "it has no recurrent dropout"
    assert reason(padded=True) == "it has no padding mask"
    call = make_call(gru, masks="gate")
    only_x = call._replace(masks=call.masks._replace(h=None))
    assert gru.aten.why_not(*only_x) == "it has one input mask for all gates, not one per gate"
    half = make_call(gru)._replace(x=torch.zeros(5, 2, 3))
    assert "x is torch.float32, and state or weights are torch.float64" in gru.aten.why_not(*half)


def test_aten_says_that_it_does_not_run_in_a_transform(make_call) -> None:
    call = make_call(gru)
    reasons = []

    def run(x):
        reasons.append(gru.aten.why_not(*call._replace(x=x)))
        return x

    torch.func.vmap(run)(torch.stack([call.x, call.x]))

    assert reasons == ["it does not run inside a transform of torch.func"]


def test_aten_lstm_says_that_it_has_no_autocast_to_float16(make_call) -> None:
    call = make_call(lstm)

    with torch.autocast("cpu", dtype=torch.float16):
        assert "under autocast to float16" in lstm.aten.why_not(*call)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert lstm.aten.why_not(*call) is None
