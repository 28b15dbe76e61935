"""A language model's part of the report: what the parts hold, and the words it is worst at."""

from collections.abc import Mapping
from typing import NamedTuple, TypedDict, cast

from lockgate.charts.figures import Figure
from lockgate.charts.formats import decimals_for
from lockgate.tasks.base import ScoreColumns
from lockgate.tasks.results import Results

NAMES = {"log_loss": "log loss", "perplexity": "perplexity"}


class WordResult(TypedDict):
    """A word of the test part, and the mean log losses of its occurrences."""

    word: str
    count: int
    trained: int  # how often the training part has it
    network: float
    reference: float


class LanguageShown(TypedDict):
    """What the results show of what is delivered beside its scores."""

    reference: str
    least: int  # occurrences of the words that are compared
    worst: list[WordResult]


class LanguageResults(Results):
    """The results of a study of a language model."""

    language: LanguageShown


class LanguageValues(NamedTuple):
    """What the templates need beside the results."""

    digits: int  # decimals of the words' log losses


class LanguagePages:
    """What the report of a study shows of a language model."""

    @property
    def package(self) -> str:
        """Name of the package whose `templates` hold its own."""
        return "lockgate.tasks.language"

    def columns(self, results: Results) -> ScoreColumns:  # noqa: ARG002 - they are always the same
        """Give the scores that the tables show: the perplexity beside the log loss."""
        return ScoreColumns(NAMES, validated=("log_loss",), beside=("perplexity",))

    def values(self, results: Results, digits: Mapping[str, int]) -> LanguageValues:  # noqa: ARG002
        """Give how many decimals the log losses of words have."""
        worst = cast(LanguageResults, results)["language"]["worst"]
        return LanguageValues(decimals_for(one["network"] for one in worst))

    def figures(self, results: Results, digits: Mapping[str, int]) -> dict[str, Figure]:  # noqa: ARG002
        """Draw nothing of its own."""
        return {}


PAGES = LanguagePages()
