"""Fit one classifier to prepared sequences or texts."""

from collections.abc import Callable

from lockgate.data.errors import DataError
from lockgate.data.label_prepare import PreparedLabelled
from lockgate.data.label_preprocessing import LabelPreprocessing
from lockgate.fitted.classifier import FittedClassifier, build_classifier
from lockgate.fitted.config import LabelRunConfig
from lockgate.fitted.environment import check_device
from lockgate.training import History, LabelTrainingConfig, Streams, fit


def check_metric(learned: LabelPreprocessing, training: LabelTrainingConfig) -> None:
    """Refuse a metric that does not suit the labels.

    Raises:
        DataError: If classes are to be scored as numbers are, or numbers as classes.
    """
    if (training.metric == "log_loss") == (learned.kind == "number"):
        rule = "mae or rmse" if learned.kind == "number" else "log_loss"
        raise DataError(f"metric must be {rule} for labels of this kind, got {training.metric!r}")


def train_classifier(
    prepared: PreparedLabelled,
    config: LabelRunConfig,
    *,
    seed: int = 0,
    name: str = "",
    on_epoch: Callable[[History], None] = lambda _: None,
) -> tuple[FittedClassifier, History]:
    """Build the network of `config.model` and fit it to labelled data; arguments as in `train`.

    The temperature of its probabilities is left at 1: whoever scores it fits one.

    Raises:
        DataError: If this machine lacks `config.training.device`, or the metric does not suit the
            labels.
    """
    check_device(config.training.device)
    learned = prepared.preprocessing
    check_metric(learned, config.training)
    streams = Streams.of(config.training.random_state, seed, name)
    model = build_classifier(config.model, learned, streams.weights)
    validation = prepared.examples("validation")
    history = fit(
        model,
        prepared.examples("train"),
        validation if len(validation) else None,
        config.training,
        streams,
        on_epoch,
    )
    return FittedClassifier(model.cpu(), learned, config), history
