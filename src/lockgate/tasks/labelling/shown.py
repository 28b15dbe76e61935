"""What is shown of a model's predictions of labels: sureness, confusion, mistakes."""

from collections.abc import Iterator
from typing import Any, Protocol

import numpy as np

from lockgate.errors import count_of
from lockgate.scoring.arrays import FloatArray, IntArray
from lockgate.tasks.base import Chosen
from lockgate.tasks.labelling.examples import Examples
from lockgate.tasks.labelling.labelled import Labelled, Ragged
from lockgate.tasks.labelling.prepare import PreparedLabelled
from lockgate.tasks.labelling.scorer import LabelScorer, known
from lockgate.tasks.labelling.scores import (
    accuracy_by_share,
    confusion,
    decided,
    mistakes,
    predictive_entropy,
    score_classes,
)

MOST_MISTAKES = 10
MOST_LETTERS = 400


class Sampled(Protocol):
    """A network that can be asked several times, each time with other units dropped."""

    @property
    def drops(self) -> bool:
        """Whether it drops anything in training."""
        ...

    def mc_probabilities(self, examples: Examples, n: int = 20, seed: int = 0) -> FloatArray:
        """Average the probabilities of `n` passes with dropout."""
        ...


def labels_shown(
    data: Labelled, prepared: PreparedLabelled, mc_samples: int, scorer: LabelScorer, chosen: Chosen
) -> dict[str, Any]:
    """Give what the results show of what is delivered on the test part.

    Returns:
        `scores`: each score of it and of the reference baseline, with bootstrap intervals;
        `confusion`, of several labels a table for each; `certainty`, see there; `mistakes`: the
        surest, or of numbers the largest; of labels at steps the sequences with the most wrong
        steps. What a kind of label does not have is None.
    """
    preprocessing, truth, prediction = prepared.preprocessing, scorer.truth, chosen.prediction
    number, several = preprocessing.kind == "number", preprocessing.kind == "classes"
    tell = (
        _largest_errors
        if number
        else _worst_sequences
        if preprocessing.kind == "steps"
        else _surest_rows
    )
    shown: dict[str, Any] = {
        "reference": chosen.name,
        "scores": list(_scores(scorer, chosen)),
        "confusion": None,
        "certainty": None,
        "mistakes": list(tell(data, prepared, prediction, truth)),
    }
    if not number:
        guess, rows = decided(prediction, several=several), scorer.rows
        shown["confusion"] = confusion(truth[rows], guess[rows], len(preprocessing.classes))
        examples = prepared.examples("test")
        shown["certainty"] = certainty(chosen.fitted, examples, prediction, truth, mc_samples)
    return shown


def certainty(
    fitted: Sampled, examples: Examples, prediction: FloatArray, truth: IntArray, mc_samples: int
) -> dict[str, Any]:
    """Give the accuracy of the most certain rows, by two ways of telling how certain one is.

    Args:
        fitted: The network.
        examples: What it was asked.
        prediction: The probabilities that it gave.
        truth: The classes.
        mc_samples: Passes of Monte-Carlo dropout.

    Returns:
        `probability`: the accuracy by share kept, where certain is what was given a high
        probability; `monte_carlo`: the same of probabilities averaged over passes with dropout,
        where certain is what has a low predictive entropy, with their `samples` and `scores`, or
        None where the network drops nothing.
    """
    several, rows = truth.ndim == 2, known(truth)
    prediction, truth = prediction[rows], truth[rows]
    # of several labels, how probable it is that all are right
    sure = (
        np.maximum(prediction, 1.0 - prediction).prod(axis=1) if several else prediction.max(axis=1)
    )
    shares: dict[str, Any] = {
        "probability": _shares(prediction, 1.0 - sure, truth),
        "monte_carlo": None,
    }
    if fitted.drops:
        drawn = fitted.mc_probabilities(examples, mc_samples)[rows]
        shares["monte_carlo"] = {
            "samples": mc_samples,
            "scores": score_classes(drawn, truth)._asdict(),
            "shares": _shares(drawn, predictive_entropy(drawn, several=several), truth),
        }
    return shares


def _shares(
    prediction: FloatArray, uncertainty: FloatArray, truth: IntArray
) -> list[dict[str, Any]]:
    return [share._asdict() for share in accuracy_by_share(prediction, uncertainty, truth)]


def _scores(scorer: LabelScorer, chosen: Chosen) -> Iterator[dict[str, Any]]:
    """Give each score that has an interval."""
    sides = {"network": chosen.prediction, "reference": chosen.reference}
    scores = {side: scorer.scores(prediction) for side, prediction in sides.items()}
    intervals = {side: scorer.intervals(prediction) for side, prediction in sides.items()}
    for name in intervals["network"]:
        row: dict[str, Any] = {"name": name}
        for side in sides:
            low, high = intervals[side][name] or (None, None)
            row[side] = {"score": scores[side][name], "low": low, "high": high}
        yield row


def _surest_rows(
    data: Labelled, prepared: PreparedLabelled, prediction: FloatArray, truth: IntArray
) -> Iterator[dict[str, Any]]:
    """Give the rows of the most confident mistakes."""
    names, several = prepared.preprocessing.classes, truth.ndim == 2
    guess = decided(prediction, several=several)
    for i in mistakes(prediction, truth, MOST_MISTAKES):
        row = int(prepared.parts.test[i])
        if several:
            wrong = guess[i] != truth[i]
            sure = float(np.maximum(prediction[i], 1.0 - prediction[i])[wrong].max())
            said = [[names[k] for k in np.flatnonzero(of[i])] for of in (truth, guess)]
        else:
            sure, said = float(prediction[i].max()), [[names[of[i]]] for of in (truth, guess)]
        yield {
            "name": data.names[row],
            "text": _shown_text(data, row),
            "truth": said[0],
            "predicted": said[1],
            "probability": sure,
        }


def _worst_sequences(
    data: Labelled, prepared: PreparedLabelled, prediction: FloatArray, truth: IntArray
) -> Iterator[dict[str, Any]]:
    """Give the sequences with the largest share of wrong steps, with the surest of these."""
    preprocessing, lengths = prepared.preprocessing, prepared.examples("test").lengths.numpy()
    first = np.cumsum(lengths) - lengths
    guess, sure = decided(prediction), prediction.max(axis=1)
    is_wrong, labelled = (guess != truth) & known(truth), known(truth)
    wrong, steps_known = (np.add.reduceat(of, first, dtype=np.int64) for of in (is_wrong, labelled))
    assert isinstance(data.items, Ragged)
    for i in np.argsort(-wrong / np.maximum(steps_known, 1), kind="stable")[:MOST_MISTAKES]:
        if not wrong[i]:
            return
        steps = slice(first[i], first[i] + lengths[i])
        step = int(np.where(is_wrong[steps], sure[steps], 0.0).argmax())
        row, at = int(prepared.parts.test[i]), first[i] + step
        cut = len(data.items[row]) - int(lengths[i]) if preprocessing.keep == "end" else 0
        yield {
            "name": data.names[row],
            "steps": int(steps_known[i]),
            "wrong": int(wrong[i]),
            "step": cut + step + 1,
            "truth": [preprocessing.classes[truth[at]]],
            "predicted": [preprocessing.classes[guess[at]]],
            "probability": float(sure[at]),
        }


def _largest_errors(
    data: Labelled, prepared: PreparedLabelled, prediction: FloatArray, truth: FloatArray
) -> Iterator[dict[str, Any]]:
    """Give the rows whose number is farthest off."""
    errors = prediction[:, 0] - truth
    for i in np.argsort(-np.abs(errors), kind="stable")[:MOST_MISTAKES]:
        row = int(prepared.parts.test[i])
        yield {
            "name": data.names[row],
            "text": _shown_text(data, row),
            "truth": float(truth[i]),
            "predicted": float(prediction[i, 0]),
            "error": float(errors[i]),
        }


def _shown_text(data: Labelled, row: int) -> str:
    if isinstance(data.items, Ragged):
        return count_of(len(data.items[row]), "step")
    text = data.items[row]
    return text if len(text) <= MOST_LETTERS else f"{text[:MOST_LETTERS]}…"
