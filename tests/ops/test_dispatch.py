"""The first backend that can runs; a forced one runs or says why it cannot."""

import pytest

from lockgate.ops import lstm
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
