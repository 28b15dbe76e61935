"""Folds of labelled data, each a run of its own."""

from dataclasses import dataclass

import numpy as np

from lockgate.errors import DataError
from lockgate.scoring.arrays import IntArray
from lockgate.tasks.folds import FOLDS, Fold, Folds, Round, as_rows, telling
from lockgate.tasks.labelling.config import LabelConfig
from lockgate.tasks.labelling.folds import fold_rows
from lockgate.tasks.labelling.labelled import LabelData, take
from lockgate.tasks.labelling.ladder import compares_linear_path
from lockgate.tasks.labelling.parts import Parts
from lockgate.tasks.labelling.prepare import PreparedLabelled, prepare_parts
from lockgate.tasks.labelling.scorer import LabelScorer


@dataclass(frozen=True)
class LabelRounds:
    """Stratified folds of all but the test part, or rolling-origin ones where there are times."""

    ample = FOLDS
    """Each pass draws others anyway."""

    def folds(
        self, data: LabelData, prepared: PreparedLabelled, config: LabelConfig, of_pass: int = 0
    ) -> Folds:
        """Draw the folds of a pass.

        Raises:
            DataError: If a validation part is to be kept and none was given.
        """
        settings, rows = config.data, prepared.parts.rows("development")
        if settings.keep_validation and data.validation is None:
            raise DataError(
                "keep_validation must be false where no validation part is given, got true; give "
                "one (--validation FILE)"
            )
        kept = data.validation if settings.keep_validation else None
        rest = rows if kept is None else np.setdiff1d(rows, kept)
        asked = settings.folds or FOLDS
        return fold_rows(
            *(data.all, rest, asked, settings.split_seed), of_pass=of_pass, stopping=kept
        )

    def prepare(self, data: LabelData, config: LabelConfig, fold: Fold) -> Round:
        """Take the rows of a fold and learn from its training rows."""
        parts = [as_rows(part) for part in fold[2:]]
        rows = np.sort(np.concatenate(parts))
        own = take(data.all, rows)
        train, stopping, judged = (np.searchsorted(rows, part) for part in parts)
        places = Parts(train, stopping, judged, overlap=np.empty(0, dtype=np.int64))
        compares = compares_linear_path(config)
        with telling(fold):
            prepared = prepare_parts(own, places, config.data, config.model, compares_path=compares)
        return Round(LabelData(own, None, None), prepared)

    def when(self, data: LabelData, fold: Fold) -> None:
        """Tell nothing: rows that are drawn lie anywhere."""

    def judged(self, fold: Fold, prepared: PreparedLabelled, scorer: LabelScorer) -> IntArray:
        """Give the row of each loss, in the order of the verdict's blocks."""
        rows = as_rows(fold.judged)
        if prepared.preprocessing.kind == "steps":
            rows = np.repeat(rows, prepared.examples("test").lengths.numpy())
        return rows[scorer.order]
