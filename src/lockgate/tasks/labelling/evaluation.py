"""Score a classifier on labelled data that it has not learned from."""

from typing import Any, NamedTuple, Protocol

from lockgate.errors import DataError, count_of
from lockgate.scoring.arrays import FloatArray
from lockgate.tasks.base import Section
from lockgate.tasks.labelling.config import LabelConfig
from lockgate.tasks.labelling.examples import Examples
from lockgate.tasks.labelling.labelled import Labelled, Ragged, check_items
from lockgate.tasks.labelling.predictions import count_notes, text_notes
from lockgate.tasks.labelling.preprocessing import LabelPreprocessing
from lockgate.tasks.labelling.scorer import Ends, LabelScorer, block_order, units_of
from lockgate.tasks.labelling.shown import Sampled, certainty
from lockgate.tasks.labelling.sources.read import cut_alike, leave_out_unlabelled, read_part


class Labels(Sampled, Protocol):
    """What labels: a fitted classifier."""

    @property
    def preprocessing(self) -> LabelPreprocessing:
        """What it learned beside its weights."""
        ...

    @property
    def config(self) -> LabelConfig:
        """The settings that it was trained with."""
        ...

    def lay_out(self, data: Labelled, items: Ragged) -> Examples:
        """Lay out what was read and how it was encoded, as the network takes it."""
        ...

    def predict_examples(self, examples: Examples) -> FloatArray:
        """Predict what is laid out."""
        ...


class LabelEvaluation(NamedTuple):
    """How a classifier does on labelled data that it has not learned from."""

    metric: str
    source: str
    rows: int
    """Texts, sequences or steps that were scored."""
    notices: tuple[str, ...]
    """What a reader should know of how they were read."""
    scores: dict[str, float | None]
    intervals: dict[str, Ends]
    """Of 95 % over other rows of the kind; None where there is a single one."""
    certainty: dict[str, Any] | None
    """The accuracy by the share of rows kept; None of numbers."""

    def to_dict(self) -> dict[str, Any]:
        """Give everything as plain values that JSON can hold."""
        return {**self._asdict(), "notices": list(self.notices)}

    def sections(self) -> tuple[Section, ...]:
        """Give what a terminal shows: which rows, a table of the scores, and how certain."""
        title = f"{count_of(self.rows, 'row')} of {self.source}"
        rows: list[dict[str, Any]] = [{"model": "model", **self.scores}]
        ends = {n: f"[{e[0]:.3g}, {e[1]:.3g}]" for n, e in self.intervals.items() if e}
        if ends:
            rows.append({"model": "95 % interval", **ends})
        notes = (f"note: {notice}" for notice in self.notices)
        scored = Section((title, *notes), tuple(rows))
        return (scored, *_certainty(self.certainty)) if self.certainty else (scored,)


def _certainty(certainty: dict[str, Any]) -> tuple[Section, ...]:
    """Show the accuracy of the most certain rows, by probability and by Monte-Carlo dropout."""
    drawn = certainty["monte_carlo"]
    curves = {"by probability": certainty["probability"]}
    if drawn:
        curves[f"by Monte-Carlo dropout, {drawn['samples']} passes"] = drawn["shares"]
    rows = tuple(
        {"certain": name, **{f"{one['share']:.0%}": f"{one['accuracy']:.3f}" for one in shares}}
        for name, shares in curves.items()
    )
    shown = Section(("", "Accuracy of the most certain share of the rows"), rows)
    if drawn:
        return (shown,)
    nothing = "The network drops nothing, so that there is no Monte-Carlo dropout."
    return (shown, Section((nothing,)))


def evaluate(fitted: Labels, source: Any, mc_samples: int = 20) -> LabelEvaluation:
    """Score a classifier on labelled data, read as those that it was trained on were.

    Args:
        fitted: The classifier.
        source: The data.
        mc_samples: Passes of Monte-Carlo dropout.

    Raises:
        DataError: If the data cannot be read, or have other labels.
    """
    if mc_samples < 2:
        raise DataError(f"mc_samples must be 2 or more, got {mc_samples}")
    preprocessing, config = fitted.preprocessing, fitted.config
    data = read_part(source, config.data)
    check_items(data, blank_texts=True)
    kind = preprocessing.kind
    if data.kind != kind:
        raise DataError(
            f"{data.source} must have labels as the training part did, {kind}, got {data.kind}"
        )
    pieces = leave_out_unlabelled(cut_alike(data, config.data))
    items, notices = preprocessing.encode_with_notices(pieces)
    notices += count_notes(text_notes(pieces, items, preprocessing))
    examples, truth = fitted.lay_out(pieces, items), preprocessing.targets(pieces)
    lengths = None
    if kind == "number":
        truth = pieces.labels
    elif kind == "steps" and isinstance(pieces.items, Ragged):
        truth = preprocessing.shortened_labels(truth, pieces.items)
        lengths = examples.lengths.numpy()
    units = units_of(pieces.groups, lengths)
    scorer = LabelScorer(
        truth, config.training.metric, block_order(units, truth, in_order=True), units, None
    )
    prediction = fitted.predict_examples(examples)
    number = kind == "number"
    return LabelEvaluation(
        metric=config.training.metric,
        source=data.source,
        rows=len(scorer.order),
        notices=(*pieces.notices, *notices),
        scores=scorer.scores(prediction),
        intervals=scorer.intervals(prediction),
        certainty=None if number else certainty(fitted, examples, prediction, truth, mc_samples),
    )
