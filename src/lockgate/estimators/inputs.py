"""Tell what an estimator was given: texts, sequences, or a table with a row for each."""

from typing import Any

from lockgate.errors import DataError
from lockgate.tasks.labelling.config import LabelledConfig
from lockgate.tasks.labelling.labelled import Labelled, check_items
from lockgate.tasks.labelling.sources.arrays import is_missing
from lockgate.tasks.labelling.sources.memory import MemoryKind, held
from lockgate.tasks.labelling.sources.read import read_part


def form_of(X: Any) -> MemoryKind:
    """Tell texts and sequences from a table of numbers, which scikit-learn checks.

    A list of arrays of one dimension and one length is a table too.
    """
    return held(X).kind


def in_memory(X: Any, y: Any, config: LabelledConfig, groups: Any = None) -> Labelled:
    """Take texts, sequences, or a table whose columns are the steps of one channel.

    Args:
        X: What `form_of` tells.
        y: A label for each, or None.
        config: Whether labels are numbers.
        groups: What each belongs to, or None.

    Raises:
        DataError: If something is empty or infinite; texts that are to be predicted may be blank.
    """
    data = read_part((X, y), config, groups=groups)
    check_items(data, blank_texts=y is None)
    return data


def check_y(y: Any, what: str) -> None:
    """Refuse y that is not there, in the words that scikit-learn has for it."""
    if y is None:
        raise DataError(f"This {what} requires y to be passed, but the target y is None.")


def check_labels(y: Any) -> None:
    """Refuse a class that is missing, which nothing can be learned from."""
    row = next((i for i, label in enumerate(y, 1) if is_missing(label)), None)
    if row is not None:
        raise DataError(f"y must hold a label for each row, got none in row {row}")
