"""What the processes of a group compute of a batch adds up to what one process computes of it."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from lockgate.tasks.forecasting.config import ForecasterConfig, ForecastTrainingConfig
from lockgate.tasks.forecasting.network import ForecastNetwork, read_by
from lockgate.tasks.forecasting.windows import Series, Windows
from lockgate.tasks.labelling import truncated
from lockgate.tasks.labelling.config import ClassifierConfig, LabelTrainingConfig
from lockgate.tasks.labelling.examples import Examples
from lockgate.tasks.labelling.language_model import LanguageModel, SampledLoss
from lockgate.tasks.labelling.network import ClassifierNetwork
from lockgate.tasks.labelling.pieces import Pieces
from lockgate.tasks.language.config import LanguageModelConfig, LanguageTrainingConfig
from lockgate.tasks.language.network import LanguageNetwork
from lockgate.tasks.language.streams import Stream
from lockgate.training import group as module
from lockgate.training.group import ALONE, Group, LostError, joined
from lockgate.training.losses import Batch, whole_loss

RATES = {"input_dropout": 0.3, "dropout": 0.3, "recurrent_dropout": 0.3, "output_dropout": 0.3}
NET: dict[str, Any] = {**RATES, "hidden_size": (5, 4), "weight_dropout": 0.2}
# in a call: the network, batches that follow each other, the losses, the settings
Case = tuple[nn.Module, list[Any], Any, Any]
SIZES = pytest.mark.parametrize("size", [2, 3, 8])
ROWS = 5  # so that 2 and 3 processes have unequal shares, and of 8 some have none


def draw(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def forecast(metric: str = "mae", **told: Any) -> Case:
    rows, lookback, horizon, channels = 40, 7, 4, 2
    inputs = torch.randn(rows, channels, generator=draw())
    target = inputs[:, 0].clone()
    target[::3] = torch.nan  # so that windows have unequal numbers of targets
    one = Series(np.zeros(1, np.int64), np.full(1, 3.0), np.full(1, 2.0))
    config = ForecasterConfig(**{**NET, "normalise": "last", "linear_path": "off", **told})
    windows = Windows(inputs, target, torch.arange(6, 36), lookback, horizon, one)
    windows = read_by(config, windows)
    model = ForecastNetwork(channels, horizon, config, draw(1))
    batch = windows.batch(torch.arange(3, 3 + ROWS))
    return model, [batch], whole_loss, ForecastTrainingConfig(metric=metric)


def examples(kind: str, tokens: int = 0) -> Examples:
    lengths = torch.tensor([3, 9, 1, 6, 4])
    starts = torch.cat([torch.zeros(1, dtype=torch.int64), lengths.cumsum(0)])
    steps = int(starts[-1])
    values = torch.randn(steps, 2, generator=draw())
    if tokens:
        values = torch.randint(1, tokens, (steps,), generator=draw(), dtype=torch.int32)
    y = torch.randint(3, (steps if kind == "steps" else ROWS,), generator=draw(1))
    if kind == "several":
        y = torch.randint(2, (ROWS, 3), generator=draw(1)).float()
    weights = torch.rand(len(y), generator=draw(2)) if kind != "number" else None
    if kind == "number":
        y = torch.randn(ROWS, 1, generator=draw(1))
    return Examples(values, starts, y, torch.arange(ROWS), weights, at_steps=kind == "steps")


def label(kind: str, tokens: int = 0, steps: int | None = None, **told: Any) -> Case:
    config = ClassifierConfig(
        **{**NET, "bidirectional": steps is None, "embedding_size": 3, **told}
    )
    outputs = 1 if kind == "number" else 3
    sizes = (0 if tokens else 2, tokens, outputs, config)
    model = ClassifierNetwork(*sizes, at_steps=kind == "steps", generator=draw(1))
    metric = "mae" if kind == "number" else "log_loss"
    training = LabelTrainingConfig(metric=metric, truncated_bptt_steps=steps, label_smoothing=0.1)
    return model, [examples(kind, tokens).batch(slice(None))], truncated.losses, training


def language(hold: bool) -> Case:
    tokens = torch.randint(9, (83,), generator=draw())
    config = LanguageModelConfig(**{**NET, "embedding_size": 3, "hold_masks": hold})
    batches = Stream(tokens, steps=6, end=0).draw_batches(ROWS, 1_000, draw(1))
    return LanguageNetwork(9, config, draw(2)), batches, whole_loss, LanguageTrainingConfig()


def pretraining(sampled: bool) -> Case:
    config = ClassifierConfig(**{**NET, "hidden_size": 4, "embedding_size": 3})
    model = LanguageModel(ClassifierNetwork(0, 30, 2, config, generator=draw(1)), draw(2))
    pieces = Pieces.of(examples("class", tokens=30), 2)
    # drawn beside those of the batch is one token alone, so that each of the others counts
    others = torch.zeros(9, dtype=torch.int64)
    # rare and frequent ones, so that the number of draws counts
    shares = torch.linspace(1e-4, 1e-2, 29, dtype=torch.float64)
    losses = SampledLoss(others, shares) if sampled else whole_loss
    return model, [pieces.batch(slice(None))], losses, LabelTrainingConfig()


CASES: dict[str, Callable[[], Case]] = {
    "forecast-mae": forecast,
    "forecast-rmse": lambda: forecast("rmse", zoneout=0.2),
    "forecast-per-step": lambda: forecast(mask_over="step"),
    "forecast-quantiles": lambda: forecast(head="quantiles"),
    "forecast-student-t": lambda: forecast(head="student_t", normalise="mean"),
    "forecast-counts": lambda: forecast(head="negative_binomial"),
    "forecast-recursive": lambda: forecast(decoder="recursive"),
    "forecast-segments": lambda: forecast(segment_length=2, segment_head="positions"),
    "class": lambda: label("class"),
    "class-per-step": lambda: label("class", mask_over="step"),
    "texts": lambda: label("class", tokens=12, pooling="attention"),
    "several": lambda: label("several"),
    "number": lambda: label("number"),
    "steps": lambda: label("steps"),
    "steps-truncated": lambda: label("steps", steps=4),
    "class-truncated": lambda: label("class", steps=2),
    "language": lambda: language(hold=True),
    "language-anew": lambda: language(hold=False),
    "pretraining": lambda: pretraining(sampled=False),
    "pretraining-sampled": lambda: pretraining(sampled=True),
}


def gradients(case: Callable[[], Case], group: Group) -> tuple[list[dict[str, Tensor]], Tensor]:
    """Return the gradient of each batch on one process, and where its masks end."""
    model, batches, losses, config = case()
    model.train()
    masks, found = draw(3), []
    for batch in batches:
        model.zero_grad()
        share = group.share(batch, config.metric)
        with share.masks(model):
            for loss in losses(model, share.batch, config, masks):
                (loss if share.weight is None else loss * share.weight).backward()
        named = model.named_parameters()
        found.append({name: one.grad.clone() for name, one in named if one.grad is not None})
    return found, masks.get_state()


@SIZES
@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_gradients_of_all_processes_add_up_to_that_of_one(
    case: Callable[[], Case], size: int
) -> None:
    expected, masks = gradients(case, ALONE)

    parts = [gradients(case, Group(rank, size, rank)) for rank in range(size)]

    assert len(expected[0]) > 5
    for number, whole in enumerate(expected):
        for name, gradient in whole.items():
            total = torch.stack([found[number][name] for found, _ in parts]).sum(dim=0)
            torch.testing.assert_close(total, gradient, rtol=1e-5, atol=1e-6, msg=name)
    assert all(torch.equal(ends, masks) for _, ends in parts)


@pytest.mark.parametrize("rows", [0, 1, 2, 7, 64])
@SIZES
def test_every_row_is_of_one_process(rows: int, size: int) -> None:
    own = [Group(rank, size, rank).rows(rows) for rank in range(size)]

    assert [row for which in own for row in range(which.start, which.stop)] == list(range(rows))
    lengths = [which.stop - which.start for which in own]
    assert max(lengths) - min(lengths) <= 1


def test_a_process_by_itself_computes_on_the_batch_as_it_is() -> None:
    _, [batch], _, _ = forecast()

    share = ALONE.share(batch, "mae")

    assert share.batch is batch is ALONE.own(batch)
    assert share.weight is share.rows is None
    assert ALONE.summed([1.5, 2.0]) == [1.5, 2.0]
    assert ALONE.told("what") == "what"


def test_who_observes_nothing_weighs_nothing() -> None:
    _, [batch], _, _ = forecast()
    holes: Batch = batch._replace(y=torch.full_like(batch.y, torch.nan))

    assert float(Group(0, 2, 0).share(holes, "mae").weight) == 1.0  # times a loss of 0
    batch.y[:2] = torch.nan
    shares = [Group(rank, 2, rank).share(batch, "mae") for rank in range(2)]
    assert float(shares[1].weight) == 1.0


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch) -> Group:
    """A group whose other process is gone."""

    def gone(*_: object) -> None:
        raise RuntimeError("Connection closed by peer")

    for name in ("all_reduce", "broadcast"):
        monkeypatch.setattr(module.distributed, name, gone)
    return Group(0, 2, 0)


def test_that_another_process_is_gone_is_told(broken: Group) -> None:
    model = nn.Linear(2, 1)
    model(torch.ones(1, 2)).sum().backward()

    for use in (
        lambda: broken.summed([1.0]),
        lambda: broken.told(1),
        lambda: broken.sum_gradients(model),
        lambda: broken.call(len, []),
    ):
        with pytest.raises(
            LostError, match="another process of the training is gone: continue with"
        ):
            use()


def test_a_group_of_one_process_sends_to_itself_and_ends(tmp_path: Any) -> None:
    store = torch.distributed.FileStore(str(tmp_path / "store"), 1)

    with joined(0, 1, 0, store) as group:
        assert module.here() is group
        assert torch.distributed.is_initialized()

    assert module.here() is ALONE
    assert not torch.distributed.is_initialized()
