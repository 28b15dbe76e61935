"""Folds of a text: each learns from what is written before the stretch that it is judged on."""

from dataclasses import dataclass

from lockgate.errors import count_of
from lockgate.scoring.arrays import IntArray
from lockgate.tasks.folds import FOLDS, Fold, Folds, Round, as_rows, rolling_folds, telling
from lockgate.tasks.language.config import LanguageConfig
from lockgate.tasks.language.prepare import FEWEST_WORDS, PreparedText, TextData, prepare_text


@dataclass(frozen=True)
class LanguageRounds:
    """Rolling-origin folds of the words before the test part."""

    ample = FOLDS
    """More words in a fold tell more than more folds."""

    def folds(
        self,
        data: TextData,
        prepared: PreparedText,  # noqa: ARG002 - the parts are those of the data
        config: LanguageConfig,
        of_pass: int = 0,  # noqa: ARG002 - a text has one order
    ) -> Folds:
        """Give the folds, which are the same in each pass."""
        words, asked = len(_words(data)), config.data.folds or FOLDS
        laid = rolling_folds(words, asked, least=FEWEST_WORDS)
        held = [fold for fold in laid if len(fold.train) >= FEWEST_WORDS]
        folds = tuple(fold._replace(number=number) for number, fold in enumerate(held))
        few = f"the text has {count_of(words, 'word')} before the test part"
        return Folds(folds, few if len(folds) < asked else None)

    def prepare(self, data: TextData, config: LanguageConfig, fold: Fold) -> Round:
        """Take the words of a fold and learn the vocabulary of those it is trained on."""
        words = _words(data)
        train, stopping, judged = (
            words[int(rows[0]) : int(rows[-1]) + 1]
            for rows in (fold.train, fold.stopping, fold.judged)
        )
        own = TextData(data.source, train, stopping, judged, ())
        with telling(fold):
            return Round(own, prepare_text(own, config.data))

    def judged(self, fold: Fold, prepared: PreparedText, scorer: object) -> IntArray:  # noqa: ARG002
        """Give the place of each word."""
        return as_rows(fold.judged)

    def when(self, data: TextData, fold: Fold) -> None:
        """Tell nothing: words have no time."""


def _words(data: TextData) -> list[str]:
    return [*data.train, *data.validation]
