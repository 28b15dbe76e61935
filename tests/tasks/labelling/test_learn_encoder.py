"""An encoder is learned once for all fits, from no text that is judged, and can be begun from."""

import logging
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import lockgate
import lockgate.api
from lockgate.errors import DataError
from lockgate.settings import resolve
from lockgate.tasks.labelling import learn_encoder as module
from lockgate.tasks.labelling import pretrain as pretraining
from lockgate.tasks.labelling import train as training
from lockgate.tasks.labelling.config import LabelConfig
from lockgate.tasks.labelling.encoder import FILE, Encoder
from lockgate.tasks.labelling.labelled import Labelled
from lockgate.tasks.labelling.learn_encoder import learn_encoder, without_known
from lockgate.tasks.labelling.prepare import PreparedLabelled, prepare_labelled
from lockgate.training import checkpoint

ROWS = 250
TEXTS = [
    f"a {('bad', 'good')[i % 2]} film {i % 7} of {i % 11} with {i // 50}, {i}" for i in range(ROWS)
]
LABELS = [("no", "yes")[i % 2] for i in range(ROWS)]
SMALL = {
    "hidden_size": 4,
    "embedding_size": 3,
    "max_epochs": 1,
    "linear_path": "off",
    "mix": False,
    "pretrain_epochs": 2,
}


def data() -> Labelled:
    names = tuple(map(str, range(ROWS)))
    return Labelled(tuple(TEXTS), np.array(LABELS), "class", names, "a.csv")


def prepared_for(config: LabelConfig) -> PreparedLabelled:
    return prepare_labelled(data(), config.data, config.model)


def run(folder: Path, **settings: Any) -> Any:
    return lockgate.train((TEXTS, LABELS), out=folder, **{**SMALL, **settings})[0]


@pytest.fixture
def begun(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, torch.Tensor]]:
    """Give the weights that each fit begins from."""
    states: list[dict[str, torch.Tensor]] = []
    fit = training.fit

    def seen(model: Any, *more: Any) -> Any:
        states.append({name: one.clone() for name, one in model.state_dict().items()})
        return fit(model, *more)

    monkeypatch.setattr(training, "fit", seen)
    return states


def counted(monkeypatch: pytest.MonkeyPatch, name: str) -> list[Any]:
    calls: list[Any] = []
    called: Callable[..., Any] = getattr(module, name)

    def count(*arguments: Any) -> Any:
        calls.append(arguments)
        return called(*arguments)

    monkeypatch.setattr(module, name, count)
    return calls


def test_three_members_begin_twice_from_what_was_pretrained_once(
    tmp_path: Path, begun: list[dict[str, torch.Tensor]], monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = counted(monkeypatch, "pretrain")

    fitted = run(tmp_path / "a", pretrain=True, members=3)

    assert len(calls) == 1
    assert len(begun) == 6
    for state in begun:
        for name, weight in fitted.encoder.weights.items():
            assert torch.equal(state[name], weight)
    heads = [state["head.weight"] for state in begun[:3]]
    assert not torch.equal(heads[0], heads[1])
    assert not torch.equal(
        fitted.model.embedding.weight, fitted.encoder.weights["embedding.weight"]
    )
    # what was kept in case that the run ends early is gone
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_dir()) == ["a"]
    assert not list(tmp_path.glob("*.safetensors"))


def test_a_run_begins_from_the_encoder_of_another_and_comes_to_the_same_network(
    tmp_path: Path, begun: list[dict[str, torch.Tensor]]
) -> None:
    one = {"members": 1}
    first = run(tmp_path / "a", pretrain=True, **one)
    again = run(tmp_path / "b", encoder=str(tmp_path / "a"), **one)
    # vocabulary and tokens are those of the encoder, whatever would be learned from these texts
    third = run(tmp_path / "c", encoder=str(tmp_path / "b" / FILE), min_count=60, **one)

    for name, weight in first.encoder.weights.items():
        assert all(torch.equal(state[name], weight) for state in begun)
    for other in (again, third, lockgate.load(tmp_path / "b")):
        assert other.preprocessing.tokenizer == first.preprocessing.tokenizer
        pairs = zip(first.model.parameters(), other.model.parameters(), strict=True)
        assert all(torch.equal(weight, same) for weight, same in pairs)
    files = {path.name for path in (tmp_path / "b").iterdir()}
    assert FILE in files
    lockgate.load(tmp_path / "b").save(tmp_path / "saved")
    assert {path.name for path in (tmp_path / "saved").iterdir()} == files - {"config.yaml"}


@pytest.mark.parametrize("kind", ["pickled", "cut"])
def test_a_damaged_encoder_of_a_fitted_folder_is_refused(tmp_path: Path, kind: str) -> None:
    run(tmp_path / "a", pretrain=True, members=1)
    path = tmp_path / "a" / FILE
    path.write_bytes(b"\x80\x04N." if kind == "pickled" else path.read_bytes()[:99])

    with pytest.raises(DataError, match=f"{FILE} must hold weights as safetensors"):
        lockgate.load(tmp_path / "a")


@pytest.fixture
def one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def run_until_killed(folder: str) -> None:
    """Train in a process that is killed after the second of its three epochs of pre-training."""
    torch.set_num_threads(1)
    checkpoint.EVERY_SECONDS, checkpoint._SHARE = 0.0, 1e9

    def kill(record: logging.LogRecord) -> bool:
        if record.getMessage().startswith("pre-training epoch 2"):
            os.kill(os.getpid(), signal.SIGKILL)
        return True

    logging.getLogger("lockgate").setLevel(logging.INFO)
    logging.getLogger(pretraining.__name__).addFilter(kill)
    run(Path(folder), **KILLED)


KILLED = {"pretrain": True, "pretrain_epochs": 3, "members": 1}


@pytest.mark.slow
def test_a_run_killed_in_pretraining_ends_as_one_that_was_not(
    tmp_path: Path, one_thread: None, caplog: pytest.LogCaptureFixture
) -> None:
    died = subprocess.run([sys.executable, __file__, str(tmp_path / "a")], check=False)
    left = {path.name for path in (tmp_path / "a.training").iterdir()}
    with caplog.at_level(logging.INFO, "lockgate"):
        resumed = run(tmp_path / "a", resume=True, **KILLED)
    told = [one.getMessage() for one in caplog.records if one.name == pretraining.__name__]

    whole = run(tmp_path / "b", **KILLED)

    assert died.returncode == -signal.SIGKILL
    assert left == {"begun.safetensors"}
    assert told[0] == "note: pre-training goes on after epoch 2 of 3: a minute or less"
    assert [line.split(":")[0] for line in told[1:]] == [
        "pre-training epoch 2",
        "pre-training epoch 3",
    ]
    for name, weight in whole.encoder.weights.items():
        assert torch.equal(resumed.encoder.weights[name], weight), name
    for name, weight in whole.model.state_dict().items():
        assert torch.equal(resumed.model.state_dict()[name], weight), name
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_dir()) == ["a", "b"]


def test_pretraining_that_has_ended_is_not_repeated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = resolve(LabelConfig, {**SMALL, "pretrain": True})
    kept = tmp_path / "begun"
    first = learn_encoder(data(), prepared_for(config), config, checkpoint=kept).encoder
    monkeypatch.setattr(pretraining, "losses_of", lambda *_: None)  # no step can be taken

    again = learn_encoder(data(), prepared_for(config), config, checkpoint=kept).encoder

    assert first is not None
    assert again is not None
    assert all(torch.equal(again.weights[name], one) for name, one in first.weights.items())


def test_what_was_learned_before_an_interrupt_is_what_a_killed_run_goes_on_from(
    tmp_path: Path,
) -> None:
    config = resolve(LabelConfig, {**SMALL, "pretrain": True})
    kept = tmp_path / "begun"

    def interrupt(text: str) -> None:
        if "epoch 1" in text:
            raise KeyboardInterrupt

    first = learn_encoder(data(), prepared_for(config), config, (), interrupt, kept).encoder
    again = learn_encoder(data(), prepared_for(config), config, checkpoint=kept).encoder

    assert first is not None
    assert again is not None
    assert all(torch.equal(again.weights[name], one) for name, one in first.weights.items())


def test_pretraining_with_other_settings_is_not_gone_on_with(tmp_path: Path) -> None:
    config = resolve(LabelConfig, {**SMALL, "pretrain": True})
    other = resolve(LabelConfig, {**SMALL, "pretrain": True, "learning_rate": 0.01})
    kept = tmp_path / "begun"
    learn_encoder(data(), prepared_for(config), config, checkpoint=kept)

    with pytest.raises(DataError, match=r"learning_rate is 0\.003 there and 0\.01 here; delete it"):
        learn_encoder(data(), prepared_for(other), other, checkpoint=kept)


def test_nothing_is_learned_where_nothing_is_asked_for() -> None:
    config = resolve(LabelConfig, SMALL)
    prepared = prepared_for(config)

    assert learn_encoder(data(), prepared, config) is prepared


def test_prepared_data_carry_the_encoder(tmp_path: Path) -> None:
    config = resolve(LabelConfig, {**SMALL, "pretrain": True})
    prepared = learn_encoder(data(), prepared_for(config), config)
    prepared.save(tmp_path)

    read = PreparedLabelled.load(tmp_path).encoder

    assert isinstance(read, Encoder)
    assert isinstance(prepared.encoder, Encoder)
    for name, weight in prepared.encoder.weights.items():
        assert torch.equal(read.weights[name], weight)


def test_no_text_that_is_judged_is_learned_from() -> None:
    prepared = prepared_for(resolve(LabelConfig, SMALL))
    parts = {name: getattr(prepared.parts, name) for name in ("train", "validation", "test")}
    known = {name: TEXTS[rows[0]] for name, rows in parts.items()}
    respelled = f"  {known['test'].upper().replace(' ', '  ')} "
    more = ["something else", *known.values(), respelled, "something  Else"]

    kept, notices = without_known(more, data(), prepared)

    assert kept == ["something else"]
    assert notices == (
        "pre-trained on 1 further text of 6: left out are 2 that the validation or the test part "
        "holds, and what is there twice",
    )


def test_further_texts_join_those_of_the_training_part(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = counted(monkeypatch, "pretrain")
    (tmp_path / "more.txt").write_text("a good film\na bad film of 3\n" + TEXTS[0] + "\n")

    fitted = run(tmp_path / "a", pretrain=True, members=1, unlabelled=str(tmp_path / "more.txt"))

    examples = calls[0][1]
    assert len(examples) == 160 + 2
    assert any("pre-trained on 2 further texts of 3" in one for one in fitted.metrics["notices"])


BAD: dict[str, tuple[dict[str, Any], str]] = {
    "pretrain": (
        {"encoder": "a", "pretrain": True},
        "encoder must be left out with pretrain, got 'a'",
    ),
    "vectors": ({"encoder": "a", "vectors": "v"}, "encoder must be left out with vectors, got 'a'"),
    "alone": (
        {"unlabelled": "more.txt"},
        r"unlabelled must be left out without pretrain, got 'more.txt'.*\(--pretrain\)",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_settings_that_exclude_each_other_are_refused(name: str) -> None:
    settings, match = BAD[name]

    with pytest.raises(DataError, match=match):
        resolve(LabelConfig, settings)


def test_a_folder_without_an_encoder_and_other_sizes_are_refused(tmp_path: Path) -> None:
    run(tmp_path / "plain", members=1)
    with pytest.raises(
        DataError, match=r"encoder must be a fitted folder with encoder\.safetensors"
    ):
        run(tmp_path / "b", encoder=str(tmp_path / "plain"))

    run(tmp_path / "a", pretrain=True, members=1)
    with pytest.raises(
        DataError, match=r"hidden_size must be 4, that of .*\(--set hidden_size=4\)"
    ):
        run(tmp_path / "c", encoder=str(tmp_path / "a"), hidden_size=8)
    assert not (tmp_path / "c").exists()


def test_rungs_of_other_sizes_are_refused_in_a_study(tmp_path: Path) -> None:
    run(tmp_path / "a", pretrain=True, members=1, bidirectional=False)
    told = {"encoder": str(tmp_path / "a"), "hidden_size": 4, "embedding_size": 3}
    told |= {"linear_path": "off"}
    plan = lockgate.api.plan_study

    planned = plan((TEXTS, LABELS), rungs="lstm", **told)

    assert planned.prepared.encoder is not None
    with pytest.raises(DataError, match=r"cell must be 'lstm', .* got 'gru' in rung gru; name"):
        plan((TEXTS, LABELS), rungs="lstm,gru", **told)
    with pytest.raises(DataError, match=r"bidirectional must be false, .* in rung bidirectional"):
        plan((TEXTS, LABELS), rungs="lstm,bidirectional", **told)


@pytest.mark.parametrize("name", ["encoder", "unlabelled"])
def test_sequences_of_numbers_are_refused(name: str) -> None:
    sequences = [np.full((3, 1), float(i)) for i in range(20)]
    more = {"pretrain": True} if name == "unlabelled" else {}
    path = __file__  # a text file that is there
    told: dict[str, Any] = {name: path, **more}

    with pytest.raises(DataError, match=f"{name} must be left out for sequences of numbers, got"):
        lockgate.train((sequences, ["a", "b"] * 10), out="no", **told)


def test_the_estimator_is_pretrained_once_for_its_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = counted(monkeypatch, "pretrain")
    settings = {name: value for name, value in SMALL.items() if name != "mix"}

    model = lockgate.SequenceClassifier(pretrain=True, **settings).fit(TEXTS, LABELS)

    assert len(calls) == 1
    assert model.fitted_.encoder is not None


if __name__ == "__main__":
    run_until_killed(sys.argv[1])
