"""The first backend that can runs; a forced one runs or says why it cannot."""

import pytest
import torch

from lockgate.ops import gru, lstm
from lockgate.ops.dispatch import Backend, BackendUnavailable, backend, choose, select

FAST = Backend("fast", run=str, why_not=lambda x: None if x < 3 else "x is too large")
SAFE = Backend("safe", run=str, why_not=lambda _: None)
BACKENDS = (FAST, SAFE)


@pytest.fixture(autouse=True)
def _nothing_forced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LOCKGATE_BACKEND", raising=False)


def test_first_backend_that_can_runs() -> None:
    assert select(BACKENDS, 1) is FAST
    assert select(BACKENDS, 5) is SAFE


def test_choice_says_why_earlier_backends_do_not_run() -> None:
    assert choose(BACKENDS, 5).passed_over == {"fast": "x is too large"}
    assert str(choose(BACKENDS, 5)) == "safe (not fast: x is too large)"
    assert str(choose(BACKENDS, 1)) == "fast"


def test_environment_forces_a_backend(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOCKGATE_BACKEND", "safe")

    assert select(BACKENDS, 1) is SAFE
    assert choose(BACKENDS, 1).passed_over == {"fast": "safe is forced"}


def test_empty_environment_variable_forces_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOCKGATE_BACKEND", "")

    assert select(BACKENDS, 1) is FAST


def test_context_beats_environment_and_ends_with_its_block(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOCKGATE_BACKEND", "fast")

    with backend("safe"):
        assert select(BACKENDS, 1) is SAFE
        with backend("fast"):
            assert select(BACKENDS, 1) is FAST
        assert select(BACKENDS, 1) is SAFE
    assert select(BACKENDS, 1) is FAST


def test_context_ends_with_an_error_inside_its_block() -> None:
    with pytest.raises(KeyError), backend("safe"):
        raise KeyError

    assert select(BACKENDS, 1) is FAST


def test_unknown_backend_raises(monkeypatch: pytest.MonkeyPatch) -> None:
    with (
        backend("faster"),
        pytest.raises(ValueError, match=r"must be one of \['fast', 'safe'\], got backend\(\"fas"),
    ):
        select(BACKENDS, 1)

    monkeypatch.setenv("LOCKGATE_BACKEND", "slow")
    with pytest.raises(ValueError, match="got LOCKGATE_BACKEND=slow"):
        select(BACKENDS, 1)


def test_forced_backend_that_cannot_run_raises(make_call, monkeypatch: pytest.MonkeyPatch) -> None:
    call = make_call(lstm, masks="gate")

    with (
        backend("aten"),
        pytest.raises(BackendUnavailable, match="cannot run this call: it has no recurrent dro"),
    ):
        lstm.lstm(*call)

    monkeypatch.setenv("LOCKGATE_BACKEND", "aten")
    expected = "LOCKGATE_BACKEND=aten cannot run .* Unset LOCKGATE_BACKEND to let the library"
    with pytest.raises(BackendUnavailable, match=expected):
        lstm.lstm(*call)


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
