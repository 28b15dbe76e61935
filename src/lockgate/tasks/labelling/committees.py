"""Several fits of a classifier, and a linear model of texts, as one."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from lockgate.errors import count_of
from lockgate.scoring.arrays import FloatArray
from lockgate.scoring.probabilities import fit_temperature, probabilities
from lockgate.tasks.base import Candidate, HeldOut, Span
from lockgate.tasks.labelling.baselines.common import Calibrated
from lockgate.tasks.labelling.baselines.texts import TextLogistic, refit_text_logistic
from lockgate.tasks.labelling.config import LabelConfig
from lockgate.tasks.labelling.fitted import FittedClassifier
from lockgate.tasks.labelling.linear_fit import path_of
from lockgate.tasks.labelling.linear_path import LinearPath
from lockgate.tasks.labelling.mixture import LabelMixture
from lockgate.tasks.labelling.parts import FEWEST_HALVED
from lockgate.tasks.labelling.prepare import PreparedLabelled
from lockgate.tasks.labelling.scorer import known


@dataclass(frozen=True)
class LabelCommittees:
    """Makes one classifier of several: the mean of their probabilities, mixed with a baseline's."""

    def why_not_halved(self, prepared: PreparedLabelled) -> str | None:
        """Tell whether validation has too few rows, or one group."""
        if len(prepared.parts.mixing):
            return None
        rows = len(prepared.parts.validation)
        of_groups = "of one group" if rows >= FEWEST_HALVED else f"under {FEWEST_HALVED}"
        return f"the validation part has {count_of(rows, 'row')}, {of_groups}, and is not halved"

    def join(
        self,
        members: Sequence[FittedClassifier],
        prepared: PreparedLabelled,
        calibrate: Span | None,
        like: Any = None,
    ) -> FittedClassifier:
        """Return the classifier that gives the mean of the members' probabilities."""
        joined = replace(members[0], models=tuple(one.model for one in members), temperature=1.0)
        if like is not None:
            return replace(joined, temperature=like.temperature, config=like.config)
        return joined if calibrate is None else calibrated(joined, prepared, calibrate)

    def temperature(self, fitted: FittedClassifier) -> float:
        """Give what scores are divided by."""
        return fitted.temperature

    def alone(self, joined: FittedClassifier, member: int) -> FittedClassifier:
        """Return one of the members by itself."""
        return replace(joined, models=(joined.models[member],), mixture=None)

    def mixes(self, baseline: Candidate) -> bool:
        """Tell whether it is the linear model of texts, which alone a folder keeps."""
        return _linear(baseline) is not None

    def refit(
        self,
        data: Any,
        prepared: PreparedLabelled,
        config: LabelConfig,  # noqa: ARG002
        baseline: Candidate,
    ) -> Candidate:
        """Fit the linear model to all but the test part; terms, strength and temperature stay."""
        return refitted(data, prepared, baseline)

    def mixed(
        self, joined: FittedClassifier, baseline: Candidate | None, weight: float
    ) -> FittedClassifier:
        """Return the classifier that gives `weight` to its networks and the rest to a baseline."""
        if baseline is None:
            return replace(joined, mixture=None)
        several = joined.preprocessing.kind == "classes"
        mixture = LabelMixture(weight, baseline.model, several, baseline.predict)
        return replace(joined, mixture=mixture)

    def with_held_out(
        self,
        fitted: FittedClassifier,
        held_out: Sequence[HeldOut],  # noqa: ARG002
    ) -> FittedClassifier:
        """Return the classifier as it is: its probabilities tell how far off it may be."""
        return fitted

    def spreads(
        self,
        fitted: FittedClassifier,  # noqa: ARG002
        prepared: PreparedLabelled,  # noqa: ARG002
        part: Span,  # noqa: ARG002
    ) -> None:
        """Give none: probabilities tell how far off they may be."""
        return

    def intervals(
        self,
        fitted: FittedClassifier,  # noqa: ARG002
        scorer: Any,  # noqa: ARG002
        prediction: FloatArray,  # noqa: ARG002
        spreads: FloatArray | None,  # noqa: ARG002
    ) -> None:
        """Give none."""
        return


def calibrated(
    fitted: FittedClassifier, prepared: PreparedLabelled, part: Span
) -> FittedClassifier:
    """Return the classifier with the temperature of the least log loss on a part."""
    examples = prepared.examples(part)
    if fitted.preprocessing.kind == "number" or not len(examples):
        return fitted
    truth = examples.truth().numpy()
    rows = known(truth)
    if not rows.any():
        return fitted
    return replace(fitted, temperature=fit_temperature(fitted.scores(examples)[rows], truth[rows]))


def refitted(data: Any, prepared: PreparedLabelled, baseline: Candidate) -> Candidate:
    """Return the linear model of a candidate, fitted to all but the test part."""
    found = _linear(baseline)
    assert found is not None
    linear, temperature = found
    preprocessing, texts = prepared.preprocessing, data.all.items
    y = preprocessing.targets(data.all).astype(np.int64)
    again = refit_text_logistic(
        *(linear, texts, y, prepared.parts.rows("development"), preprocessing.outputs)
    )
    path = path_of(again.terms, again.model, temperature)
    several = preprocessing.kind == "classes"
    predict = partial(_classify, path, texts, prepared, several)
    return Candidate(baseline.name, baseline.setting, predict, path)


def _linear(baseline: Candidate) -> tuple[TextLogistic, float] | None:
    """Return the linear model of a candidate and its temperature, if that is what it is."""
    model = baseline.model
    if isinstance(model, Calibrated) and isinstance(model.baseline, TextLogistic):
        return model.baseline, model.temperature
    return (model, 1.0) if isinstance(model, TextLogistic) else None


def _classify(
    path: LinearPath, texts: Sequence[str], prepared: PreparedLabelled, several: bool, part: Span
) -> FloatArray:
    rows = prepared.parts.rows(part)
    return probabilities(path.scores([texts[row] for row in rows]).numpy(), several=several)
