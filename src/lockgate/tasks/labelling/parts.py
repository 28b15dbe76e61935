"""Part labelled examples into training, validation and test, so that none of them leaks."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from sklearn.model_selection import KFold, StratifiedGroupKFold, StratifiedKFold

from lockgate.errors import DataError, count_of, listed
from lockgate.tasks.base import Span
from lockgate.tasks.labelling.labelled import Labelled, classes_of

Rows = npt.NDArray[np.int64]
TEST_FOLDS = 5
FEWEST_GROUPS = 2
FEW = 5_000
"""Rows up to which a fifth of the training part is kept for validation, and else a tenth."""
FEWEST_HALVED = 40
"""Rows of a validation part of which each half still tells something."""
FEW_ROWS = 100
"""Rows below which what is fitted in memory learns from all of them."""


class Parts(NamedTuple):
    """Rows of each part, and what should be said of how they were parted."""

    train: Rows
    validation: Rows
    test: Rows
    overlap: Rows
    """Rows of a given test part whose content is in another part too."""
    notices: tuple[str, ...] = ()
    mixing: Rows = np.empty(0, dtype=np.int64)
    """The half of validation that stops no fit; empty where it cannot be halved."""

    def rows(self, part: Span) -> Rows:
        """Return the rows of a part, or of a half of validation, or of all but the test part."""
        if part == "development":
            return np.sort(np.concatenate([self.train, self.validation]))
        if part == "stopping":
            return np.setdiff1d(self.validation, self.mixing)
        rows: Rows = getattr(self, part)
        return rows


def split_parts(
    data: Labelled,
    seed: int,
    *,
    test: Rows | None = None,
    validation: Rows | None = None,
    by_time: bool = False,
) -> Parts:
    """Part `data`: what is not given is drawn from the rest, stratified by label.

    A test part that is not given is a fifth; a validation part a fifth of what is left, or a tenth
    of more than 5,000 rows. Exact duplicates, and the rows of a group, stay in one part. By time,
    the last rows are the test part and those before it the validation part.

    Args:
        data: Everything that was read.
        seed: Seed of what is drawn; one for all rounds of a study.
        test: Rows of a test part that was given.
        validation: Rows of a validation part that was given.
        by_time: Whether to cut by `data.times`.

    Raises:
        DataError: If a label of the test or validation part does not occur in training, or a part
            would be empty.
    """
    content = data.content()
    units = units_in(data, content)
    rest = not_given(data, test, validation)
    notices: list[str] = []
    if test is None:
        rest, test = cut_off(data, units, rest, TEST_FOLDS, seed, by_time)
    if validation is None:
        folds = 5 if len(rest) <= FEW else 10
        rest, validation = cut_off(data, units, rest, folds, seed + 1, by_time)
    duplicates = len(content) - len(np.unique(content))
    if duplicates:
        notices.append(f"{count_of(duplicates, 'exact duplicate')}, kept in one part each")
    seen = np.concatenate([content[rest], content[validation]])
    overlap = test[np.isin(content[test], seen)]
    if len(overlap):
        notices.append(
            f"{count_of(len(overlap), 'row')} of the given test part also in another part: scores "
            "are given with and without them"
        )
    mixing = _half(data, units, validation, seed + 2, by_time)
    parts = Parts(rest, validation, test, overlap, tuple(notices), mixing)
    _check(data, parts)
    return parts


def _half(data: Labelled, units: Rows, rows: Rows, seed: int, by_time: bool) -> Rows:
    """Return half of the rows, groups whole; none of too few."""
    if len(rows) < FEWEST_HALVED or len(np.unique(units[rows])) < FEWEST_GROUPS:
        return np.empty(0, dtype=np.int64)
    return cut_off(data, units, rows, 2, seed, by_time)[1]


def split_validation(data: Labelled, seed: int) -> Parts:
    """Keep a validation part for what is fitted in memory: there is no test part.

    Drawn as `split_parts` draws it; of fewer than `FEW_ROWS` rows, or too few that differ, there is
    no validation part, and no class is without an example to learn from.
    """
    rows, none = np.arange(len(data)), np.empty(0, dtype=np.int64)
    units = units_in(data, data.content())
    folds = 5 if len(rows) <= FEW else 10
    if len(rows) < FEW_ROWS or len(np.unique(units)) < folds:
        return Parts(rows, none, none, none)
    train, validation = cut_off(data, units, rows, folds, seed, by_time=False)
    if data.kind == "class":
        known = np.isin(data.labels[validation], data.labels[train])
        train = np.sort(np.concatenate([train, validation[~known]]))
        validation = validation[known]
    return Parts(train, validation, none, none)


def folds_of(data: Labelled, rows: Rows, folds: int, seed: int) -> Rows:
    """Part `rows` into folds, each drawn as `split_parts` draws a part.

    Returns:
        The fold of each of `rows`, `(len(rows),)`; of a few groups there are fewer, of one group 1.
    """
    of_rows = np.zeros(len(rows), dtype=np.int64)
    for fold, (_, cut) in enumerate(
        left_and_cut(data, units_in(data, data.content()), rows, folds, seed)
    ):
        of_rows[cut] = fold
    return of_rows


def units_in(data: Labelled, content: npt.NDArray[np.uint64]) -> npt.NDArray[np.int64]:
    """Number what must stay together: rows of one group, and rows of the same content."""
    _, by_content = np.unique(content, return_inverse=True)
    if data.groups is None:
        return np.asarray(by_content, dtype=np.int64)
    _, unit = np.unique(data.groups, return_inverse=True)
    unit = np.asarray(unit, dtype=np.int64)
    while True:
        # groups that share a duplicate become one
        lowest = np.full(by_content.max() + 1, len(data), dtype=np.int64)
        np.minimum.at(lowest, by_content, unit)
        least = np.full(unit.max() + 1, len(data), dtype=np.int64)
        np.minimum.at(least, unit, lowest[by_content])
        joined = least[unit]
        if np.array_equal(joined, unit):
            return unit
        unit = joined


def cut_off(
    data: Labelled, units: Rows, rows: Rows, folds: int, seed: int, by_time: bool
) -> tuple[Rows, Rows]:
    """Cut one of `folds` parts off `rows`; return what is left and that part."""
    if by_time:
        assert data.times is not None
        order = rows[np.argsort(data.times[rows], kind="stable")]
        last = max(1, round(len(rows) / folds))
        return np.sort(order[:-last]), np.sort(order[-last:])
    count = len(np.unique(units[rows]))
    if count < FEWEST_GROUPS:
        raise DataError(
            f"groups must be {FEWEST_GROUPS} or more to be parted, got {count}; give the parts "
            "yourself (--test, --validation)"
        )
    kept, cut = next(left_and_cut(data, units, rows, folds, seed))
    return rows[kept], rows[cut]


def left_and_cut(
    data: Labelled, units: Rows, rows: Rows, folds: int, seed: int
) -> Iterator[tuple[Rows, Rows]]:
    """Yield for each fold the places in `rows` of what is left and of what is cut off."""
    own = units[rows]
    count = len(np.unique(own))
    # of a few groups a part is one of them
    folds = min(folds, count)
    if folds < FEWEST_GROUPS:
        return
    try:
        yield from _cuts(data, rows, own, folds, seed, alone=count == len(own))
    except ValueError as error:
        raise DataError(f"labels must allow {folds} parts: {error}") from None


def _cuts(data: Labelled, rows: Rows, units: Rows, folds: int, seed: int, *, alone: bool) -> Any:
    if data.kind in ("number", "steps", "classes"):
        kinds = np.zeros(len(rows), dtype=np.int64)
    else:
        _, kinds = np.unique(data.labels[rows], return_inverse=True)
    fewest = np.bincount(kinds).min()
    if not alone:
        # rare classes are spread as one
        counts = np.bincount(kinds)
        rare = counts[kinds] < folds
        common = 0 if counts[0] >= folds else counts.argmax()
        joined = len(counts) if rare.sum() >= folds else common
        kinds = np.where(rare, joined, kinds)
        split = StratifiedGroupKFold(folds, shuffle=True, random_state=seed)
        return split.split(rows, kinds, units)
    if fewest < folds:
        # a class with fewer examples than folds: shuffled, each class by itself
        order = np.random.default_rng(seed).permutation(len(rows))
        ranks = _rank_within(kinds[order])
        if ranks.max() < folds - 1:
            return KFold(folds, shuffle=True, random_state=seed).split(rows)
        # the last ranks first: a class with too few for all folds is missing in those of them
        cuts = [np.sort(order[ranks % folds == fold]) for fold in reversed(range(folds))]
        return ((np.setdiff1d(np.arange(len(rows)), cut), cut) for cut in cuts)
    return StratifiedKFold(folds, shuffle=True, random_state=seed).split(rows, kinds)


def _rank_within(kinds: Rows) -> Rows:
    """Count how many of the same kind came before each."""
    ranks = np.zeros(len(kinds), dtype=np.int64)
    for kind in np.unique(kinds):
        own = kinds == kind
        ranks[own] = np.arange(own.sum())
    return ranks


def not_given(data: Labelled, *parts: Rows | None) -> Rows:
    """Return the rows that are in none of the parts that were given."""
    given = [part for part in parts if part is not None]
    rows = np.arange(len(data))
    return np.setdiff1d(rows, np.concatenate(given)) if given else rows


def _check(data: Labelled, parts: Parts) -> None:
    for name in ("train", "validation", "test"):
        if not len(getattr(parts, name)):
            raise DataError(f"the {name} part must hold an example, got none")
    check_labels(data, parts.train, {"validation": parts.validation, "test": parts.test})


def check_labels(data: Labelled, train: Rows, others: dict[str, Rows | None]) -> None:
    """Refuse labels of other parts that do not occur in training.

    Raises:
        DataError: If there are any.
    """
    if data.kind in ("number", "steps"):
        return
    known = set(classes_of(_rows(data, train)))
    for name, rows in others.items():
        if rows is None:
            continue
        unknown = [label for label in classes_of(_rows(data, rows)) if label not in known]
        if unknown:
            first = next(i for i in rows if unknown[0] in data.labels[i].split("\x1f"))
            raise DataError(
                f"labels of the {name} part must occur in training, got "
                f"{listed(map(repr, unknown), 3)} in {data.names[first]}"
            )


def _rows(data: Labelled, rows: Rows) -> Labelled:
    return Labelled((), data.labels[rows], data.kind, (), data.source)
