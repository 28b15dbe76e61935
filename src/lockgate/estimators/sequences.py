"""A classifier and a regressor of sequences and texts with scikit-learn's contract."""

import warnings
from collections.abc import Mapping
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.utils import check_random_state, compute_sample_weight
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import (
    assert_all_finite,
    check_array,
    check_consistent_length,
    check_is_fitted,
    column_or_1d,
    validate_data,
)

from lockgate.errors import DataError
from lockgate.estimators.inputs import check_labels, check_y, form_of, in_memory
from lockgate.scoring.arrays import FloatArray
from lockgate.settings import resolve
from lockgate.tasks.config import ONE_NETWORK
from lockgate.tasks.labelling.config import LabelConfig
from lockgate.tasks.labelling.fitted import FittedClassifier
from lockgate.tasks.labelling.labelled import Labelled
from lockgate.tasks.labelling.learn_encoder import learn_encoder
from lockgate.tasks.labelling.parts import split_validation
from lockgate.tasks.labelling.prepare import PreparedLabelled, prepare_parts
from lockgate.tasks.labelling.task import Labelling
from lockgate.training.history import History

LARGEST_SEED = 2**31 - 1


class _SequenceEstimator(BaseEstimator):  # type: ignore[misc]  # scikit-learn is not typed
    """What the classifier and the regressor share."""

    fitted_: FittedClassifier
    history_: History

    def __sklearn_tags__(self) -> Any:
        """Tell scikit-learn what it may be given."""
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        tags.input_tags.allow_nan = True
        tags.target_tags.required = True
        return tags

    def _checked(self, X: Any, y: Any, *, numbers: bool) -> tuple[Any, Any]:
        """Return what `fit` was given, checked as scikit-learn's contract asks."""
        if form_of(X) == "table":
            X, y = validate_data(
                self, X, y, dtype=np.float64, y_numeric=numbers, ensure_all_finite="allow-nan"
            )
            return X, y
        # of what an earlier fit has seen, nothing holds any more
        for name in ("n_features_in_", "feature_names_in_"):
            if hasattr(self, name):
                delattr(self, name)
        check_y(y, type(self).__name__)
        y = column_or_1d(y, warn=True)
        check_consistent_length(X, y)
        if numbers:
            y = y.astype(np.float64)
            assert_all_finite(y, input_name="y")
        return X, y

    def _read(self, X: Any) -> Labelled:
        """Return what is to be predicted.

        Raises:
            NotFittedError: If nothing was fitted.
        """
        check_is_fitted(self, "fitted_")
        if form_of(X) == "table":
            if hasattr(self, "n_features_in_"):
                X = validate_data(
                    self, X, dtype=np.float64, reset=False, ensure_all_finite="allow-nan"
                )
            else:
                X = check_array(X, dtype=np.float64, ensure_all_finite="allow-nan")
        return in_memory(X, None, self.fitted_.config.data)

    def _config(self, **more: Any) -> LabelConfig:
        settings = {**self.get_params(deep=False), **more}
        settings["random_state"] = _seed(settings["random_state"])
        return resolve(LabelConfig, {**settings, **ONE_NETWORK})

    def _prepared(
        self, X: Any, y: Any, groups: Any, config: LabelConfig
    ) -> tuple[Labelled, PreparedLabelled]:
        if groups is not None:
            check_consistent_length(X, groups)
        data = in_memory(X, y, config.data, groups)
        parts = split_validation(data, config.data.split_seed)
        prepared = prepare_parts(data, parts, config.data, config.model)
        return data, learn_encoder(data, prepared, config)

    def _fit(self, prepared: PreparedLabelled, config: LabelConfig) -> Self:
        fitted, history = Labelling().train(prepared, config)
        if not history.best_epoch:
            raise DataError("training diverged in its first epoch: pass a smaller learning_rate")
        if history.stopped == "interrupted":
            warnings.warn("interrupted: the best weights so far are kept", stacklevel=3)
        self.fitted_, self.history_ = fitted, history
        return self


class SequenceClassifier(ClassifierMixin, _SequenceEstimator):  # type: ignore[misc]
    """A recurrent network that gives sequences of unequal length, or texts, a class each.

    The arguments are the settings of `lockgate train` for labelled data, by the same names and with
    the same defaults; `set_params` and `clone` work as in scikit-learn. Of 100 rows or more, a
    fifth (of more than 5,000 a tenth), stratified, is kept for validation: it decides when training
    stops and calibrates the probabilities. Fewer rows are all learned from, for `max_epochs`.

    Args:
        cell, hidden_size, num_layers, bidirectional, residual: The stack; see
            `lockgate.tasks.labelling.config.ClassifierConfig` for these and the next two.
        embedding_size, stride, pooling, linear_path: What goes into it, and what comes of it.
        vectors, freeze_vectors, pretrain, pretrain_epochs, encoder: What it begins with.
        input_dropout, dropout, recurrent_dropout, output_dropout, zoneout: Rates of dropping, in
            [0, 1).
        weight_dropout, embedding_dropout: The same of weights and of whole tokens.
        layer_norm, mask_per, mask_over, mask_for, init: How states, masks and initial weights are
            made.
        learning_rate, schedule, average, weight_decay, batch_size, clip_norm: How it is trained;
            see `lockgate.tasks.labelling.config.LabelTrainingConfig` for these and the next two.
        max_epochs, patience, patience_steps, validations, max_steps, epoch_windows: For how long.
        label_smoothing, truncated_bptt_steps, device: By which targets and steps, and where.
        tokens, vocab_size, min_count, lowercase, clean_html: How texts are taken apart; see
            `lockgate.tasks.labelling.config.LabelledConfig`.
        max_length, keep: Most steps or tokens, and which end of what is longer is kept.
        class_weight: "balanced", or the weight of each class by its name, as in scikit-learn.
        split_seed: Seed of the validation part.
        random_state: Chooses initial weights, batches and masks; an integer, None or a
            `numpy.random.RandomState`.

    Attributes:
        classes_: The classes, sorted.
        n_features_in_: Columns of the table fitted to, if it was one.
        fitted_: The fitted model, whose `save` writes a folder that `lockgate predict` takes.
        history_: Losses by epoch, and why training stopped.

    Example:
        >>> import numpy as np
        >>> sequences = [np.full(2 + i % 3, i % 2) for i in range(20)]
        >>> labels = ["low", "high"] * 10
        >>> model = SequenceClassifier(hidden_size=4, max_epochs=2).fit(sequences, labels)
        >>> model.predict_proba(sequences).shape
        (20, 2)
    """

    def __init__(
        self,
        *,
        split_seed: int = 0,
        tokens: str = "auto",
        vocab_size: int = 20_000,
        min_count: int = 2,
        lowercase: bool = True,
        clean_html: bool = True,
        max_length: int | None = None,
        keep: str = "start",
        class_weight: str | Mapping[Any, float] | None = None,
        cell: str = "lstm",
        hidden_size: int | tuple[int, ...] = 64,
        num_layers: int = 1,
        bidirectional: bool | tuple[bool, ...] = True,
        input_dropout: float = 0.25,
        dropout: float = 0.25,
        recurrent_dropout: float = 0.25,
        weight_dropout: float = 0.25,
        output_dropout: float = 0.25,
        zoneout: float = 0.0,
        layer_norm: bool = False,
        residual: bool = False,
        mask_per: str | None = None,
        mask_over: str = "sequence",
        mask_for: str = "sample",
        init: str = "keras",
        embedding_size: int = 64,
        embedding_dropout: float = 0.1,
        vectors: str | None = None,
        freeze_vectors: int | str = 3,
        pretrain: bool = False,
        pretrain_epochs: int = 5,
        encoder: str | None = None,
        stride: int = 1,
        pooling: str = "last+max",
        linear_path: str = "auto",
        learning_rate: float = 0.003,
        schedule: str = "constant",
        average: float = 0.99,
        weight_decay: float = 0.0,
        batch_size: int = 64,
        clip_norm: float = 1.0,
        max_epochs: int = 100,
        patience: int = 10,
        patience_steps: int = 0,
        validations: int = 3,
        max_steps: int | None = None,
        epoch_windows: int = 20_000,
        random_state: Any = 0,
        device: str = "auto",
        label_smoothing: float = 0.0,
        truncated_bptt_steps: int | None = None,
    ) -> None:
        # scikit-learn's contract: an argument is kept as it is, under its own name
        settings = locals()
        for name in self._get_param_names():
            setattr(self, name, settings[name])

    def fit(self, X: Any, y: Any, groups: Any = None) -> Self:
        """Fit to labelled sequences or texts.

        Args:
            X: A list of arrays `(steps, channels)` or `(steps,)`; an array `(rows, steps,
                channels)`; a table `(rows, steps)` of one channel; or a list of texts. Missing
                values are NaN; a sequence that is padded with NaN ends before its padding.
            y: A class for each.
            groups: What each belongs to: no group is parted between training and validation.

        Raises:
            DataError: If the data or a setting cannot be used.
        """
        X, y = self._checked(X, y, numbers=False)
        check_labels(y)
        check_classification_targets(y)
        classes, first = np.unique(y, return_index=True)
        if len(classes) < 2:
            raise DataError(f"y must hold two classes or more, got one class, {classes.tolist()}")
        by_name = isinstance(self.class_weight, Mapping)
        config = self._config(class_weight=None if by_name else self.class_weight)
        data, prepared = self._prepared(X, y, groups, config)
        if by_name:
            weights = compute_sample_weight(self.class_weight, y)
            prepared.arrays["weights"] = weights.astype(np.float32)
        self._fit(prepared, config)
        # the network's outputs stand in the order of the classes as text
        of_text = {name: i for i, name in enumerate(self.fitted_.preprocessing.classes)}
        self._outputs = np.array([of_text[data.labels[row]] for row in first])
        self.classes_ = classes
        return self

    def predict_proba(self, X: Any) -> npt.NDArray[np.float32]:
        """Return the probability of each of `classes_`, (rows, classes).

        They are float32, as the network computes: more digits would differ with the other rows.
        """
        data = self._read(X)
        probabilities = self.fitted_.predict_data(data)[:, self._outputs]
        return probabilities.astype(np.float32)

    def predict(self, X: Any) -> npt.NDArray[Any]:
        """Return the most probable class of each."""
        highest = self.predict_proba(X).argmax(axis=1)
        chosen: npt.NDArray[Any] = self.classes_[highest]
        return chosen


class SequenceRegressor(RegressorMixin, _SequenceEstimator):  # type: ignore[misc]
    """A recurrent network that gives sequences of unequal length, or texts, a number each.

    Arguments, rows kept for validation and attributes are those of `SequenceClassifier`, without
    `class_weight` and `classes_`.

    Args:
        metric: What is lowered, "rmse" or "mae".

    Example:
        >>> import numpy as np
        >>> sequences = [np.full(2 + i % 3, float(i)) for i in range(20)]
        >>> model = SequenceRegressor(hidden_size=4, max_epochs=2).fit(sequences, np.arange(20))
        >>> model.predict(sequences).shape
        (20,)
    """

    def __init__(
        self,
        *,
        split_seed: int = 0,
        tokens: str = "auto",
        vocab_size: int = 20_000,
        min_count: int = 2,
        lowercase: bool = True,
        clean_html: bool = True,
        max_length: int | None = None,
        keep: str = "start",
        cell: str = "lstm",
        hidden_size: int | tuple[int, ...] = 64,
        num_layers: int = 1,
        bidirectional: bool | tuple[bool, ...] = True,
        input_dropout: float = 0.25,
        dropout: float = 0.25,
        recurrent_dropout: float = 0.25,
        weight_dropout: float = 0.25,
        output_dropout: float = 0.25,
        zoneout: float = 0.0,
        layer_norm: bool = False,
        residual: bool = False,
        mask_per: str | None = None,
        mask_over: str = "sequence",
        mask_for: str = "sample",
        init: str = "keras",
        embedding_size: int = 64,
        embedding_dropout: float = 0.1,
        vectors: str | None = None,
        freeze_vectors: int | str = 3,
        pretrain: bool = False,
        pretrain_epochs: int = 5,
        encoder: str | None = None,
        stride: int = 1,
        pooling: str = "last+max",
        metric: str = "rmse",
        learning_rate: float = 0.003,
        schedule: str = "constant",
        average: float = 0.99,
        weight_decay: float = 0.0,
        batch_size: int = 64,
        clip_norm: float = 1.0,
        max_epochs: int = 100,
        patience: int = 10,
        patience_steps: int = 0,
        validations: int = 3,
        max_steps: int | None = None,
        epoch_windows: int = 20_000,
        random_state: Any = 0,
        device: str = "auto",
        label_smoothing: float = 0.0,
        truncated_bptt_steps: int | None = None,
    ) -> None:
        # scikit-learn's contract: an argument is kept as it is, under its own name
        settings = locals()
        for name in self._get_param_names():
            setattr(self, name, settings[name])

    def fit(self, X: Any, y: Any, groups: Any = None) -> Self:
        """Fit to sequences or texts with a number each; arguments as in `SequenceClassifier.fit`.

        Raises:
            DataError: If the data or a setting cannot be used.
        """
        X, y = self._checked(X, y, numbers=True)
        config = self._config(as_number=True)
        _, prepared = self._prepared(X, y, groups, config)
        return self._fit(prepared, config)

    def predict(self, X: Any) -> FloatArray:
        """Return the number of each, in the unit of `y`."""
        data = self._read(X)
        numbers: FloatArray = self.fitted_.predict_data(data)[:, 0]
        return numbers


def _seed(random_state: Any) -> int:
    """Turn what scikit-learn takes for a seed into one."""
    if isinstance(random_state, int | np.integer) and not isinstance(random_state, bool):
        return int(random_state)
    return int(check_random_state(random_state).randint(LARGEST_SEED))
