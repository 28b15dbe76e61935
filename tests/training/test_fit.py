"""A fit keeps its best weights, counts what it is told to count, and repeats itself by its seed."""

import importlib
import math
from collections.abc import Iterator
from typing import ClassVar

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from lockgate.tasks.forecasting.config import ForecasterConfig, ForecastTrainingConfig
from lockgate.tasks.forecasting.network import build
from lockgate.tasks.forecasting.windows import Series, WindowBatch, Windows
from lockgate.training.fit import evaluate, fit
from lockgate.training.history import History
from lockgate.training.losses import mean_loss
from lockgate.training.streams import Streams

# the package's own `fit` hides the module of that name
module = importlib.import_module("lockgate.training.fit")

LOOKBACK, HORIZON, CHANNELS = 3, 2, 2
RATES = ("input_dropout", "dropout", "recurrent_dropout", "output_dropout")


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


ONE = Series(np.zeros(1, np.int64), np.zeros(1), np.ones(1))


def make_windows(rows: int, seed: int = 0, missing: float = 0.0, flip: bool = False) -> Windows:
    """Draw a noisy wave whose first channel is the target; `flip` turns the targets round."""
    generator = torch.Generator().manual_seed(seed)
    wave = torch.sin(torch.arange(rows) / 3)
    inputs = wave[:, None] + 0.3 * torch.randn(rows, CHANNELS, generator=generator)
    target = -inputs[:, 0] if flip else inputs[:, 0].clone()
    target[torch.rand(rows, generator=generator) < missing] = torch.nan
    origins = torch.arange(LOOKBACK - 1, rows - HORIZON)
    observed = target.unfold(0, HORIZON, 1)[origins + 1].isfinite().any(dim=1)
    return Windows(inputs, target, origins[observed], LOOKBACK, HORIZON, ONE)


class Linear(nn.Module):
    """A linear network that notes the batches it is trained on."""

    def __init__(self) -> None:
        super().__init__()
        self.head = nn.Linear(LOOKBACK * CHANNELS, HORIZON)
        nn.init.constant_(self.head.weight, 0.01)
        nn.init.zeros_(self.head.bias)
        self.seen: list[Tensor] = []

    def forward(self, x: Tensor, **_: object) -> Tensor:
        if self.training:
            self.seen.append(x)
        return self.head(x.flatten(1))


def make_config(**settings: object) -> ForecastTrainingConfig:
    return ForecastTrainingConfig(
        **{
            "device": "cpu",
            "batch_size": 16,
            "max_epochs": 3,
            "learning_rate": 0.01,
            "average": 0.0,
            "validations": 1,
            "patience": 10,
            "patience_steps": 0,
            **settings,
        }
    )


def make_network(streams: Streams, rate: float = 0.3, **settings: object) -> nn.Module:
    config = ForecasterConfig(hidden_size=4, **dict.fromkeys(RATES, rate), **settings)
    return build(config, CHANNELS, HORIZON, streams.weights)


def run(model: nn.Module, train: Windows, validation: Windows, **settings: object) -> History:
    return fit(model, train, validation, make_config(**settings), Streams.of(0, 0))


def loop_loss(model: nn.Module, windows: Windows, origins: list[int], metric: str) -> float:
    """Judge the loss: plain numbers, window by window, in evaluation mode."""
    model.eval()
    errors = []
    for origin in origins:
        with torch.no_grad():
            forecast = model(windows.inputs[None, origin - LOOKBACK + 1 : origin + 1])[0].tolist()
        truth = windows.target[origin + 1 : origin + 1 + HORIZON].tolist()
        errors += [f - y for f, y in zip(forecast, truth, strict=True) if not math.isnan(y)]
    return sum(e * e if metric == "rmse" else abs(e) for e in errors) / len(errors)


def weights_of(model: nn.Module) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in model.state_dict().items()}


def same(one: dict[str, Tensor], other: dict[str, Tensor]) -> bool:
    return all(torch.equal(value, other[name]) for name, value in one.items())


@pytest.fixture
def overfit() -> tuple[Linear, History, list[dict[str, Tensor]]]:
    """Fit where what is learned soon harms: the validation targets are upside down."""
    model, epochs = Linear(), []
    validation = make_windows(60, flip=True)
    history = fit(
        model,
        make_windows(90),
        validation,
        make_config(max_epochs=50, patience=4),
        Streams.of(0, 0),
        on_epoch=lambda _: epochs.append(weights_of(model)),
    )
    return model, history, epochs


def test_the_best_weights_are_restored_not_the_last(overfit: tuple) -> None:
    model, history, epochs = overfit

    assert history.best_epoch < history.epochs == len(epochs)
    assert same(weights_of(model), epochs[history.best_epoch - 1])
    assert not same(weights_of(model), epochs[-1])
    assert evaluate(model, make_windows(60, flip=True), "mae") == min(history.validation)
    assert not model.training


def test_training_stops_after_patience_epochs_without_a_better_loss(overfit: tuple) -> None:
    _, history, _ = overfit

    assert history.stopped == "early"
    assert history.epochs == history.best_epoch + 4


def test_an_equal_loss_is_no_better_one() -> None:
    model = Linear()
    model.head.requires_grad_(requires_grad=False)
    model.bias = nn.Parameter(torch.zeros(1))
    model.forward = lambda x, **_: model.head(x.flatten(1)) + 0 * model.bias  # type: ignore[method-assign]

    history = run(model, make_windows(40), make_windows(40), max_epochs=50, patience=3)

    assert (history.stopped, history.best_epoch, history.epochs) == ("early", 1, 4)


def test_patience_lasts_a_number_of_steps_where_epochs_are_short() -> None:
    model = Linear()
    model.requires_grad_(requires_grad=False)
    model.bias = nn.Parameter(torch.zeros(1))
    model.forward = lambda x, **_: model.head(x.flatten(1)) + 0 * model.bias  # type: ignore[method-assign]

    # 40 windows are 3 batches of 16
    told = {"max_epochs": 50, "patience": 3, "patience_steps": 20}
    history = run(model, make_windows(40), make_windows(40), **told)

    assert (history.stopped, history.best_epoch) == ("early", 1)
    assert history.steps[-2] - history.kept_steps < 20 <= history.steps[-1] - history.kept_steps


def test_training_stops_at_max_epochs() -> None:
    history = run(Linear(), make_windows(60), make_windows(60), max_epochs=3)

    assert (history.stopped, history.epochs) == ("max_epochs", 3)
    lengths = {len(history.training), len(history.gradient_norm), len(history.seconds)}
    assert lengths == {3}


@pytest.mark.parametrize("steps", [1, 3, 4, 5, 9])
def test_max_steps_is_the_exact_number_of_steps(steps: int) -> None:
    model, train = Linear(), make_windows(60)  # 56 windows: 4 batches an epoch

    history = run(model, train, make_windows(60), max_epochs=50, max_steps=steps)

    assert len(model.seen) == steps
    assert history.stopped == "max_steps"
    assert history.epochs == math.ceil(steps / 4)


@pytest.mark.parametrize(("epoch_windows", "sizes"), [(20, [16, 4]), (16, [16]), (99, [16, 16, 4])])
def test_an_epoch_draws_at_most_epoch_windows_and_none_twice(
    epoch_windows: int, sizes: list[int]
) -> None:
    model, train = Linear(), make_windows(40)  # 36 windows

    run(model, train, make_windows(40), max_epochs=2, epoch_windows=epoch_windows)

    assert [len(x) for x in model.seen] == 2 * sizes
    known = train.batch(slice(None)).x
    epochs = [torch.cat(model.seen[: len(sizes)]), torch.cat(model.seen[len(sizes) :])]
    for drawn in epochs:
        places = [int((known == x).all(dim=(1, 2)).nonzero()) for x in drawn]
        assert len(set(places)) == len(places) == min(epoch_windows, 36)
    assert not torch.equal(*epochs)


@pytest.mark.parametrize("metric", ["mae", "rmse", "mase"])
def test_both_losses_are_those_of_evaluation_over_the_windows(metric: str) -> None:
    streams = Streams.of(0, 0)
    model = make_network(streams, rate=0.6)
    train, validation = make_windows(60, missing=0.3), make_windows(50, seed=1, missing=0.3)
    expected: list[tuple[float, float]] = []

    def judge(_: History) -> None:
        parts = (train, validation)
        expected.append(tuple(loop_loss(model, p, p.origins.tolist(), metric) for p in parts))

    history = fit(model, train, validation, make_config(metric=metric), streams, judge)

    np.testing.assert_allclose(
        np.stack([history.training, history.validation], axis=1), expected, rtol=1e-5
    )


def test_the_training_loss_is_that_of_two_thousand_windows_spread_over_the_part() -> None:
    model, train = Linear(), make_windows(2_600, missing=0.1)

    history = run(model, train, make_windows(40), max_epochs=1, epoch_windows=50)

    every = [train.origins[round(i * (len(train) - 1) / 1_999)].item() for i in range(2_000)]
    assert history.training[0] == pytest.approx(loop_loss(model, train, every, "mae"), rel=1e-5)


@pytest.mark.parametrize(("metric", "power"), [("mae", 1), ("mase", 1), ("rmse", 2)])
def test_missing_targets_reach_neither_loss_nor_gradient(metric: str, power: int) -> None:
    generator = torch.Generator().manual_seed(0)
    forecast = torch.randn(5, 4, generator=generator).requires_grad_()
    y = torch.randn(5, 4, generator=generator)
    y[[0, 1, 1, 1, 1, 3], [2, 0, 1, 2, 3, 3]] = torch.nan
    seen = y.isfinite()

    loss = mean_loss(forecast, WindowBatch(torch.empty(5, 0), y), metric)
    (gradient,) = torch.autograd.grad(loss, forecast)

    expected = (forecast[seen] - y[seen]).abs().pow(power).mean()
    (expected_gradient,) = torch.autograd.grad(expected, forecast)
    torch.testing.assert_close(loss, expected)
    torch.testing.assert_close(gradient, expected_gradient)
    assert not gradient[~seen].any()


class Spy(torch.optim.AdamW):
    """Adam that notes the norm of every gradient it gets."""

    norms: ClassVar[list[float]] = []

    def step(self, closure: None = None) -> None:
        gradients = [p.grad.flatten() for group in self.param_groups for p in group["params"]]
        self.norms.append(float(torch.cat(gradients).norm()))
        super().step(closure)


def test_gradients_are_clipped_and_the_history_tells_their_norm_before(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    train, model = make_windows(60), Linear()
    batch = train.batch(slice(None))
    loss = mean_loss(model(batch.x), batch, "mae")
    gradients = torch.autograd.grad(loss, list(model.parameters()))
    whole = torch.cat([g.flatten() for g in gradients]).norm().item()
    monkeypatch.setattr(torch.optim, "AdamW", Spy)
    monkeypatch.setattr(Spy, "norms", [])

    # steps so small that both epochs have the same gradient, and none is left over
    settings = {"max_epochs": 2, "batch_size": 999, "learning_rate": 1e-9}
    clipped = run(Linear(), train, train, clip_norm=0.1, **settings)
    free = run(Linear(), train, train, clip_norm=1e6, **settings)

    assert whole > 0.1
    assert Spy.norms == pytest.approx([0.1, 0.1, whole, whole], rel=1e-4)
    assert clipped.gradient_norm == free.gradient_norm == pytest.approx([whole] * 2, rel=1e-4)


def test_a_fit_that_runs_off_is_diverged_and_keeps_finite_weights() -> None:
    model = Linear()
    began = weights_of(model)

    history = run(
        model, make_windows(60), make_windows(60), learning_rate=1e30, metric="rmse", max_epochs=9
    )

    assert history.stopped == "diverged"
    assert not math.isfinite(history.validation[-1])
    assert history.best_epoch == 0
    assert same(weights_of(model), began)
    assert History.model_validate_json(history.model_dump_json()).stopped == "diverged"


def test_a_gradient_that_is_not_finite_ends_as_diverged() -> None:
    train = make_windows(60)
    train.inputs[20] = torch.inf

    history = run(Linear(), train, make_windows(60), max_epochs=9)

    assert history.stopped == "diverged"
    assert not math.isfinite(history.gradient_norm[-1])


def interrupt_at(epoch: int):
    def on_epoch(history: History) -> None:
        if history.epochs == epoch:
            raise KeyboardInterrupt

    return on_epoch


def test_an_interrupted_fit_keeps_the_best_so_far() -> None:
    train, validation = make_windows(90), make_windows(60, flip=True)
    model, whole = Linear(), Linear()

    history = fit(
        model, train, validation, make_config(max_epochs=9), Streams.of(0, 0), interrupt_at(5)
    )

    assert (history.stopped, history.epochs) == ("interrupted", 5)
    assert history.best_epoch < 5
    run(whole, train, validation, max_epochs=history.best_epoch)
    assert same(weights_of(model), weights_of(whole))
    assert not model.training


def test_an_interrupt_before_the_first_epoch_ended_is_passed_on() -> None:
    class Interrupted(Linear):
        def forward(self, x: Tensor, **_: object) -> Tensor:
            if len(self.seen) == 2:
                raise KeyboardInterrupt
            return super().forward(x)

    with pytest.raises(KeyboardInterrupt):
        run(Interrupted(), make_windows(60), make_windows(60))


@pytest.mark.parametrize("call", [3, 4], ids=["in training loss", "in validation loss"])
def test_an_interrupt_while_scoring_leaves_whole_curves(
    call: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = []

    def interrupted(*args: object) -> float:
        calls.append(args)
        if len(calls) == call:
            raise KeyboardInterrupt
        return evaluate(*args)

    monkeypatch.setattr(module, "evaluate", interrupted)
    history = run(Linear(), make_windows(60), make_windows(60))

    assert history.stopped == "interrupted"
    curves = (history.training, history.validation, history.gradient_norm, history.seconds)
    assert [len(curve) for curve in curves] == [1, 1, 1, 1]


@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
def test_a_seed_repeats_a_fit_bit_for_bit(cell: str) -> None:
    train, validation = make_windows(60, missing=0.1), make_windows(50, seed=1)
    results = []
    for seed in (0, 0, 1):
        torch.manual_seed(len(results))  # what else is drawn has no say
        streams = Streams.of(0, seed)
        model = make_network(streams, cell=cell)
        history = fit(model, train, validation, make_config(), streams)
        results.append((weights_of(model), history.training, history.validation))

    first, again, other = results
    assert same(first[0], again[0])
    assert first[1:] == again[1:]
    assert first[1:] != other[1:]


def test_rungs_of_one_seed_see_the_same_batches_in_the_same_order() -> None:
    seen = []
    for name in ("lstm", "both"):
        model = Linear()
        fit(model, make_windows(60), make_windows(40), make_config(), Streams.of(0, 3, name))
        seen.append(torch.cat(model.seen))

    assert torch.equal(*seen)


def test_masks_come_from_their_stream_and_change_the_result() -> None:
    validations = []
    for name in ("lstm", "lstm", "both"):
        streams = Streams.of(0, 0, name)
        model = make_network(streams)
        history = fit(model, make_windows(60), make_windows(40), make_config(), streams)
        validations.append(history.validation)

    assert validations[0] == validations[1] != validations[2]


def test_a_fit_learns_a_wave() -> None:
    streams = Streams.of(0, 0)
    model = make_network(streams, rate=0.0)
    train, validation = make_windows(200), make_windows(90, seed=1)
    before = evaluate(model, validation, "mae")

    history = fit(model, train, validation, make_config(max_epochs=8), streams)

    assert evaluate(model, validation, "mae") == min(history.validation) < 0.9 * before


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_a_fit_with_masks_runs_on_a_gpu() -> None:
    streams = Streams.of(0, 0)
    model = make_network(streams)

    history = fit(model, make_windows(60), make_windows(40), make_config(device="cuda"), streams)

    assert history.stopped == "max_epochs"


def test_without_validation_it_goes_on_and_keeps_the_last_weights() -> None:
    train, ends = make_windows(80), []

    def keep(history: History) -> None:
        ends.append({name: value.clone() for name, value in model.state_dict().items()})

    model = Linear()
    history = fit(model, train, None, make_config(max_epochs=5, patience=1), Streams.of(0, 0), keep)

    assert (history.epochs, history.stopped, history.validation) == (5, "max_epochs", [])
    assert all(torch.equal(ends[-1][name], value) for name, value in model.state_dict().items())
    assert not torch.equal(ends[0]["head.weight"], model.head.weight)


def test_without_validation_a_training_loss_that_is_not_finite_ends_it() -> None:
    config = make_config(learning_rate=1e38, metric="rmse")

    history = fit(Linear(), make_windows(80), None, config, Streams.of(0, 0))

    assert (history.stopped, history.best_epoch) == ("diverged", 0)


def test_a_schedule_goes_to_its_end_and_keeps_the_last_weights() -> None:
    model, kept = Linear(), []
    history = fit(
        model,
        make_windows(90),
        make_windows(60, flip=True),  # what is learned harms: a fit that may stop stops early
        make_config(max_epochs=6, patience=1, schedule="one_cycle"),
        Streams.of(0, 0),
        on_epoch=lambda _: kept.append(weights_of(model)),
    )

    assert (history.stopped, history.epochs, history.best_epoch) == ("end", 6, 6)
    assert history.validation.index(min(history.validation)) < 5
    assert same(weights_of(model), kept[-1])
    assert history.kept_loss == history.validation[-1]


def test_max_steps_shortens_a_schedule_to_its_end() -> None:
    train, ends = make_windows(60), []
    for settings in ({"max_epochs": 2}, {"max_epochs": 50, "max_steps": 8}):
        model = Linear()
        history = run(model, train, train, schedule="cosine", **settings)
        ends.append(weights_of(model))
        assert (history.stopped, history.steps[-1]) == ("end", 8)

    assert same(*ends)


def test_what_is_validated_and_kept_is_the_average() -> None:
    model, validation = Linear(), make_windows(60)
    history = run(model, make_windows(90), validation, max_epochs=4, average=0.9)

    plain = Linear()
    run(plain, make_windows(90), validation, max_epochs=4)

    assert not same(weights_of(model), weights_of(plain))
    assert evaluate(model, validation, "mae") == history.kept_loss


def test_validations_part_an_epoch_and_change_no_step() -> None:
    train, ends = make_windows(90), []
    for validations in (1, 3):
        model = Linear()
        history = run(model, train, train, max_epochs=3, validations=validations, schedule="cosine")
        ends.append(weights_of(model))
        assert (history.epochs, history.looks) == (3, 3 * validations)

    assert same(*ends)


def test_patience_counts_epochs_however_often_they_are_validated() -> None:
    history = run(
        Linear(), make_windows(90), make_windows(60, flip=True), patience=2, validations=3
    )

    assert history.stopped == "early"
    assert history.looks - history.kept_look == 6
    assert history.epochs == pytest.approx(history.best_epoch + 2, abs=0.01)


def test_weight_decay_takes_from_weights_and_not_from_biases() -> None:
    """A loss without a gradient leaves the decay alone: (1 - rate * decay) a step."""
    model = Linear()
    before = weights_of(model)
    train = make_windows(90)

    def losses(network, batch, config, masks):  # type: ignore[no-untyped-def]
        yield 0.0 * network(*batch.inputs, generator=masks).sum()

    config = make_config(max_steps=3, weight_decay=0.5, learning_rate=0.1)
    history = fit(model, train, make_windows(60), config, Streams.of(0, 0), losses=losses)

    assert history.steps == [3]
    for name, weight in model.state_dict().items():
        share = 1.0 if before[name].ndim == 1 else 0.95**3
        torch.testing.assert_close(weight, share * before[name])
