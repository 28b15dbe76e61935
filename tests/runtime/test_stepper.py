"""One step after another a stream is labelled as `predict` labels it whole."""

import json
from pathlib import Path
from typing import Any

import lockgate_runtime
import numpy as np
import pytest
from exported_models import Exported, tagger

import lockgate

CUT, STEPS = 11, 25
RNG = np.random.default_rng(0)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("tagger") / "out"
    # matrices large enough to be stored in another way
    fitted = tagger(cut=CUT, hidden_size=(17, 9))
    exported = lockgate.export(fitted, out, weights="int8")
    assert (exported.stepped, exported.not_stepped) == (6, "")
    return out


@pytest.fixture(scope="module")
def model(folder: Path) -> Any:
    return lockgate_runtime.load(folder)


def streams(count: int) -> np.ndarray:
    """Return streams (streams, steps, channels) with holes, also at their begin."""
    values = RNG.normal(5.0, 3.0, (count, STEPS, 2))
    values[RNG.random(values.shape) < 0.3] = np.nan
    values[:, 0, 1] = np.nan
    values[:, -1, 0] = 1.0  # steps at the end without a value would be no part of a sequence
    return values


@pytest.mark.parametrize("count", [1, 7])
def test_steps_are_labelled_as_the_sequence_is(count: int, model: Any) -> None:
    items, step, state = streams(count), model.stepper(), None
    answers = []
    for at in range(STEPS):
        answer, state = step(items[:, at], state)
        answers.append(answer)
    wanted = model.predict(list(items))
    for name in ("label", "probability_low", "probability_high"):
        found = np.array([answer[name] for answer in answers]).T.ravel()
        if name == "label":
            assert found.tolist() == wanted[name]
        else:
            np.testing.assert_allclose(found, wanted[name], rtol=1e-5, atol=1e-7)
    assert state.steps == STEPS % CUT
    assert len(set(wanted["label"])) > 1


def test_a_state_serves_another_time_and_streams_do_not_mix(model: Any) -> None:
    step, (first, second) = model.stepper(), streams(2)
    _, before = step(first[:1])
    step(second[:1])
    once, _ = step(first[1:2], before)
    again, _ = step({"b": first[1, 1], "a": [first[1, 0]]}, before)
    assert once == {
        name: pytest.approx(again[name]) if name != "label" else again[name] for name in again
    }
    together, _ = step(np.stack([second[0], first[0]]))
    alone, _ = step(first[:1])
    assert together["probability_low"][1] == pytest.approx(alone["probability_low"][0])


@pytest.mark.parametrize(
    ("x", "words"),
    [
        (np.zeros((2, 2)), "x must have a row for each of the 3 streams of the state, got 2"),
        (np.zeros((3, 4)), r"x must have 2 channels \(.*\), got the shape \(3, 4\)"),
        ({"a": 1.0}, "x must have the channels 'a', 'b', got none named 'b'"),
        (np.full((3, 2), np.inf), "x must hold finite numbers, got an infinite one"),
        (np.zeros((0, 2)), "x must have a row for each stream, got none"),
    ],
)
def test_what_cannot_be_used_is_told(x: Any, words: str, model: Any) -> None:
    _, state = model.stepper()(np.zeros((3, 2)))
    with pytest.raises(lockgate_runtime.DataError, match=words):
        model.stepper()(x, state)


def test_a_graph_of_one_step_that_was_cut_short_is_named(folder: Path) -> None:
    told = json.loads((folder / "schema.json").read_text())["one_step"]
    assert told["file"] == "step.onnx"
    assert told["inputs"][:3] == ["values", "missing", "h_1_1"]
    assert told["states"]["c_2_2"] == told["outputs"][-1] == "next_c_2_2"
    whole = (folder / "step.onnx").read_bytes()
    try:
        (folder / "step.onnx").write_bytes(whole[:-1])
        with pytest.raises(
            lockgate_runtime.DataError, match=r"step\.onnx must be as it was exported"
        ):
            lockgate_runtime.load(folder)
    finally:
        (folder / "step.onnx").write_bytes(whole)


def test_a_forecaster_has_none_and_says_why(plain: Exported) -> None:
    words = "model must answer at every step to have a stepper: it forecasts from a window"
    with pytest.raises(lockgate_runtime.DataError, match=words):
        lockgate_runtime.load(plain.folder).stepper()
