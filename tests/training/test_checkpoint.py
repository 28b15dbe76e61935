"""A fit that is killed anywhere goes on and ends in the weights that it would have ended in."""

import contextlib
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from lockgate.errors import DataError
from lockgate.tasks.forecasting.config import ForecasterConfig, ForecastTrainingConfig
from lockgate.tasks.forecasting.network import build
from lockgate.tasks.forecasting.windows import Series, Windows
from lockgate.tasks.labelling.config import ClassifierConfig, LabelTrainingConfig
from lockgate.tasks.labelling.examples import Examples
from lockgate.tasks.labelling.network import ClassifierNetwork
from lockgate.tasks.labelling.truncated import losses as label_losses
from lockgate.tasks.language.config import LanguageModelConfig, LanguageTrainingConfig
from lockgate.tasks.language.network import LanguageNetwork
from lockgate.tasks.language.streams import Stream
from lockgate.training import checkpoint as module
from lockgate.training.checkpoint import Checkpoint, at
from lockgate.training.data import Data
from lockgate.training.fit import fit
from lockgate.training.history import History
from lockgate.training.losses import whole_loss
from lockgate.training.streams import Streams

RATES = dict.fromkeys(("input_dropout", "dropout", "recurrent_dropout", "output_dropout"), 0.3)
SMALL = {"device": "cpu", "batch_size": 8, "max_epochs": 3, "validations": 3, "patience": 10}


class Case(NamedTuple):
    """A fit that has not begun."""

    model: nn.Module
    train: Data
    validation: Data
    config: Any
    streams: Streams
    losses: Any = whole_loss


class KilledError(Exception):
    """Stands for a kill."""


def forecasting(seed: int = 0, rows: int = 90, **settings: Any) -> Case:
    streams, drawn = Streams.of(0, seed), torch.Generator().manual_seed(1)
    inputs = torch.randn(rows, 2, generator=drawn)
    network = ForecasterConfig(hidden_size=4, num_layers=2, zoneout=0.1, **RATES)
    one = Series(np.zeros(1, np.int64), np.zeros(1), np.ones(1))
    windows = Windows(inputs, inputs[:, 0].clone(), torch.arange(2, rows - 2), 3, 2, one)
    model = build(network, 2, 2, streams.weights)
    config = ForecastTrainingConfig(**{**SMALL, **settings})
    return Case(model, windows, windows.thinned(30), config, streams)


def labelling(seed: int = 0, **settings: Any) -> Case:
    streams, drawn = Streams.of(0, seed), torch.Generator().manual_seed(1)
    lengths = torch.randint(3, 12, (40,), generator=drawn)
    starts = torch.cat([lengths.new_zeros(1), lengths.cumsum(0)])
    values = torch.randn(int(starts[-1]), 2, generator=drawn)
    examples = Examples(values, starts, (values[:, 0] > 0).long(), torch.arange(40), at_steps=True)
    network = ClassifierConfig(hidden_size=4, bidirectional=False, weight_dropout=0.2, **RATES)
    model = ClassifierNetwork(2, 0, 2, network, at_steps=True, generator=streams.weights)
    config = LabelTrainingConfig(**{**SMALL, "truncated_bptt_steps": 4, **settings})
    return Case(model, examples, examples.thinned(20), config, streams, label_losses)


def language(seed: int = 0, **settings: Any) -> Case:
    streams, drawn = Streams.of(0, seed), torch.Generator().manual_seed(1)
    tokens = torch.randint(12, (400,), generator=drawn)
    hold = settings.pop("hold_masks", True)
    network = LanguageModelConfig(
        hidden_size=4,
        embedding_size=3,
        num_layers=2,
        embedding_dropout=0.1,
        hold_masks=hold,
        **RATES,
    )
    model = LanguageNetwork(12, network, streams.weights)
    # its state goes through an epoch, at whose end alone it is validated
    config = LanguageTrainingConfig(**{**SMALL, "batch_size": 4, **settings, "validations": 1})
    return Case(model, Stream(tokens, 5, end=0), Stream(tokens[:50], 5, end=0), config, streams)


def chunks_drawn_anew(**settings: Any) -> Case:
    return language(hold_masks=False, **settings)


@pytest.fixture(autouse=True)
def _write_always(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_SHARE", 1e9)


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def run(
    case: Case,
    path: Path | None = None,
    on_epoch: Callable[[History], None] = lambda _: None,
    every_seconds: float = 0.0,
) -> History:
    checkpoint = None if path is None else Checkpoint(path, case.config, every_seconds)
    return fit(
        case.model,
        case.train,
        case.validation,
        case.config,
        case.streams,
        on_epoch,
        case.losses,
        checkpoint,
    )


def run_killed(make: Callable[[], Case], path: Path) -> tuple[Case, History, list[int]]:
    """Kill a fit after each of its validations, and let it go on from its checkpoint each time."""
    killed: list[int] = []

    def kill(history: History) -> None:
        if history.looks not in killed and history.stopped is None:
            killed.append(history.looks)
            raise KilledError

    while True:
        case = make()
        with contextlib.suppress(KilledError):
            return case, run(case, path, kill), killed


def outcome(case: Case, history: History) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Give what equal fits have in common: the history but for seconds, weights, random numbers."""
    drawn = {name: stream.get_state() for name, stream in case.streams._asdict().items()}
    return history.model_dump(exclude={"seconds"}), {**case.model.state_dict(), **drawn}


def assert_same(one: tuple[Case, History], other: tuple[Case, History]) -> None:
    history, tensors = outcome(*one)
    other_history, other_tensors = outcome(*other)
    assert history == other_history
    assert tensors.keys() == other_tensors.keys()
    for name, tensor in tensors.items():
        assert torch.equal(tensor, other_tensors[name]), name


@pytest.mark.parametrize(
    "settings",
    [
        {"average": 0.0},
        {"average": 0.9},
        {"schedule": "one_cycle", "average": 0.9},
        {"validations": 1, "max_steps": 13},
        {"learning_rate": 0.3, "patience": 1, "max_epochs": 9},
    ],
    ids=["plain", "average", "one-cycle", "cut-short", "early"],
)
@pytest.mark.parametrize("make", [forecasting, labelling, language, chunks_drawn_anew])
def test_a_fit_that_is_killed_again_and_again_ends_as_one_that_is_not(
    make: Callable[..., Case], settings: dict[str, Any], tmp_path: Path
) -> None:
    whole = make(**settings)
    expected = run(whole)

    case, history, killed = run_killed(lambda: make(**settings), tmp_path / "fit")

    assert killed == list(range(1, expected.looks))
    assert_same((case, history), (whole, expected))


def test_a_checkpoint_changes_nothing_of_a_fit(tmp_path: Path) -> None:
    plain, kept = forecasting(), forecasting()

    expected, history = run(plain), run(kept, tmp_path / "fit")

    assert_same((kept, history), (plain, expected))


def test_nothing_is_drawn_from_the_default_generator() -> None:
    before = torch.get_rng_state()
    cases = [make() for make in (forecasting, labelling, language)]
    torch.set_rng_state(before)

    for case in cases:
        run(case)

    assert torch.equal(torch.get_rng_state(), before)


def test_a_fit_that_has_ended_is_not_fitted_again(tmp_path: Path) -> None:
    first, again = forecasting(), forecasting()
    expected = run(first, tmp_path / "fit", every_seconds=1e9)
    told: list[int] = []

    def no_step(*_: Any) -> Iterator[Tensor]:
        raise AssertionError("a step was taken")

    history = run(again._replace(losses=no_step), tmp_path / "fit", lambda h: told.append(h.looks))

    assert history == expected
    assert told == [expected.looks]
    assert all(
        torch.equal(one, other)
        for one, other in zip(
            first.model.state_dict().values(), again.model.state_dict().values(), strict=True
        )
    )
    assert not again.model.training


def test_a_fit_that_goes_on_keeps_the_seconds_of_before(tmp_path: Path) -> None:
    before: list[list[float]] = []

    def kill(history: History) -> None:
        before.append(list(history.seconds))
        if history.looks == 4:
            raise KilledError

    with pytest.raises(KilledError):
        run(forecasting(), tmp_path / "fit", kill)
    history = run(forecasting(), tmp_path / "fit")

    assert history.seconds[:4] == before[-1]
    assert len(history.seconds) == history.looks


def test_it_is_written_when_the_last_writing_is_long_ago(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock, writings = [0.0], []
    monkeypatch.setattr(module.time, "monotonic", lambda: clock[0])
    write = module._write
    monkeypatch.setattr(
        module, "_write", lambda *args: (writings.append(args[2].history.looks), write(*args))
    )

    def pass_time(_: History) -> None:
        clock[0] += 25.0

    history = run(forecasting(), tmp_path / "fit", pass_time, every_seconds=60.0)

    # at 0, 25, 50 and 75 seconds: 60 have passed at the fourth, and 60 more at the seventh
    assert writings == [4, 7, history.looks] == [4, 7, 9]


def test_a_slow_disk_is_written_to_less_often(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock, writings = [0.0], []
    monkeypatch.setattr(module, "_SHARE", 0.05)
    monkeypatch.setattr(module.time, "monotonic", lambda: clock[0])

    def write_slowly(*args: Any) -> None:
        writings.append(args[2].history.looks)
        clock[0] += 10.0

    monkeypatch.setattr(module, "_write", write_slowly)

    def pass_time(_: History) -> None:
        clock[0] += 70.0

    run(forecasting(), tmp_path / "fit", pass_time, every_seconds=60.0)

    # 10 seconds of writing are 5 % of the 200 that pass until the next
    assert writings == [2, 5, 8, 9]


def test_a_fit_without_a_finite_loss_leaves_nothing(tmp_path: Path) -> None:
    case = forecasting(learning_rate=1e38, average=0.0, validations=1)

    history = run(case, tmp_path / "fit")

    assert (history.stopped, history.kept_look) == ("diverged", 0)
    assert not (tmp_path / "fit").exists()


@pytest.fixture
def begun(tmp_path: Path) -> Path:
    """Return the checkpoint of a fit that was killed."""

    def kill(history: History) -> None:
        if history.looks == 2:
            raise KilledError

    with pytest.raises(KilledError):
        run(forecasting(), tmp_path / "fit", kill)
    return tmp_path / "fit"


def test_another_setting_is_named(begun: Path) -> None:
    message = "learning_rate is 0.003 there and 0.004 here; delete it to fit anew"
    with pytest.raises(DataError, match=message):
        run(forecasting(learning_rate=0.004), begun)


@pytest.mark.parametrize("other", [{"seed": 1}, {"rows": 91}])
def test_other_random_numbers_and_other_data_are_refused(
    begun: Path, other: dict[str, Any]
) -> None:
    with pytest.raises(DataError, match="its data, first weights or random numbers are others"):
        run(forecasting(**other), begun)


def test_data_of_the_same_size_are_told_apart_by_their_values(begun: Path) -> None:
    case = forecasting()
    case.train.inputs[40] += 1.0  # type: ignore[attr-defined]

    with pytest.raises(DataError, match="its data, first weights or random numbers are others"):
        run(case, begun)


def test_another_format_is_refused(begun: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FORMAT_VERSION", 3)

    with pytest.raises(DataError, match="format_version is 2 there and 3 here; delete it"):
        run(forecasting(), begun)


@pytest.mark.parametrize("share", [0.0, 0.001, 0.3, 0.999])
def test_a_truncated_file_is_told_of(begun: Path, share: float) -> None:
    content = begun.read_bytes()
    begun.write_bytes(content[: int(share * len(content))])

    with pytest.raises(DataError, match=r"a file that is damaged: .+; delete it to fit anew"):
        run(forecasting(), begun)


def test_a_single_wrong_bit_anywhere_is_told_of(begun: Path) -> None:
    content, drawn = begun.read_bytes(), np.random.default_rng(0)
    for _ in range(50):
        place = drawn.integers(len(content))
        wrong = bytearray(content)
        wrong[place] ^= 1 << int(drawn.integers(8))
        begun.write_bytes(wrong)
        with pytest.raises(DataError, match="delete it to fit anew"):
            run(forecasting(), begun)


def test_what_is_no_checkpoint_is_told_of(begun: Path) -> None:
    save_file({"weight": torch.zeros(2)}, begun)

    with pytest.raises(DataError, match="damaged: its digest is not that of what it holds"):
        run(forecasting(), begun)


def test_a_folder_in_its_place_is_told_of(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="must be a regular file"):
        run(forecasting(), tmp_path)


def test_it_holds_tensors_and_json_alone(begun: Path) -> None:
    with safe_open(begun, framework="pt") as file:
        head = file.metadata()

    assert json.loads(head["history"])["steps"] == [3, 7]
    assert json.loads(head["about"])["settings"] == json.loads(
        forecasting().config.model_dump_json()
    )
    groups = {name.partition("/")[0] for name in load_file(begun)}
    assert groups == {"model", "average", "kept", "optimizer", "streams"}
    assert [path.name for path in begun.parent.iterdir()] == ["fit"]


def test_no_file_is_no_checkpoint() -> None:
    assert at(None, forecasting().config) is None


def fit_slowly(name: str, path: str) -> None:
    """Fit in a process of its own, in which much of the time is spent writing."""
    torch.set_num_threads(1)
    module._SHARE = 1e9
    run(globals()[name](**LONG), Path(path))


LONG: dict[str, Any] = {"max_epochs": 120, "patience": 300}


@pytest.mark.slow
@pytest.mark.parametrize("make", [forecasting, labelling, language])
def test_a_process_that_is_killed_at_random_moments_ends_as_one_that_is_not(
    make: Callable[..., Case], tmp_path: Path
) -> None:
    path, drawn, looks = tmp_path / "fit", np.random.default_rng(0), []
    for _ in range(4):
        with subprocess.Popen([sys.executable, __file__, make.__name__, str(path)]) as process:
            before = path.stat().st_mtime_ns if path.exists() else None
            while process.poll() is None and (
                not path.exists() or path.stat().st_mtime_ns == before
            ):
                time.sleep(0.001)
            time.sleep(drawn.uniform(0.0, 0.1))
            process.kill()
        with safe_open(path, framework="pt") as file:
            looks.append(len(json.loads(file.metadata()["history"])["steps"]))
    whole, case = make(**LONG), make(**LONG)

    expected, history = run(whole), run(case, path)

    assert 0 < looks[0] < looks[-1]
    assert looks[1] < expected.looks
    assert looks == sorted(looks)
    assert_same((case, history), (whole, expected))


if __name__ == "__main__":
    fit_slowly(*sys.argv[1:])
