"""Fold labelled rows, so that nothing of a judged row is learned from or stops a fit."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from lockgate.errors import count_of, listed, quoted
from lockgate.tasks.folds import Fold, Folds, as_rows, rolling_folds
from lockgate.tasks.labelling.labelled import LABEL_SEPARATOR, Labelled, Ragged, take
from lockgate.tasks.labelling.parts import (
    FEW,
    FEWEST_GROUPS,
    Rows,
    cut_off,
    left_and_cut,
    not_given,
    units_in,
)

FEWEST_JUDGED = 5
"""Rows of a stretch of time that is judged."""


class _Cut(NamedTuple):
    """Rows of one fold before it is looked at what they hold."""

    train: Rows
    stopping: Rows
    judged: Rows


def fold_rows(
    data: Labelled,
    rows: Rows,
    folds: int,
    seed: int,
    *,
    of_pass: int = 0,
    stopping: Rows | None = None,
) -> Folds:
    """Fold `rows`, stratified by label; the rows of a group, and exact duplicates, stay in one.

    What stops the fits of a fold is drawn from the rows that are left as `split_parts` draws a
    validation part. Where there are times the folds are those of `rolling_folds`, and what is
    learned from loses the rows that belong to later ones. No label is judged, or stops a fit, that
    does not occur in the rows learned from: what would stop is learned from instead, and what would
    be judged is left out of the fold.

    Args:
        data: What was read.
        rows: All but the test part, and but `stopping`.
        folds: How many to make. A class with fewer rows makes fewer.
        seed: Seed of what is drawn.
        of_pass: Which drawing it is: each has other folds, but by time.
        stopping: Rows that stop the fits of every fold. Default: drawn anew for each.
    """
    of_all = rows if stopping is None else np.concatenate([rows, stopping])
    # nothing of other rows, such as a duplicate in the test part, moves a fold
    own = take(data, of_all)
    units = _by_first(units_in(own, own.content()))
    given = None if stopping is None else np.arange(len(rows), len(of_all))
    if own.times is None:
        most, why = _most_folds(own, units[: len(rows)], folds, given is None)
        cuts = _drawn(own, units, most, (seed, of_pass), given)
    else:
        of_pass, why = 0, _why_fewer_by_time(len(rows), folds)
        cuts = _by_time(own.times, units, folds, given)
    labels = _label_sets(own)
    found = [_sound(one, labels, units, keep=given is not None) for one in cuts]
    held = [one for one in found if all(map(len, one)) and _can_be_told(own, labels, one.train)]
    if len(held) < len(found):
        lost = count_of(len(found) - len(held), "fold")
        why.append(f"{lost} left out, of which a part holds no row that can be learned or judged")
    return Folds(
        tuple(
            Fold(number, of_pass, *(np.sort(of_all[part]) for part in one))
            for number, one in enumerate(held)
        ),
        "; ".join(why) or None,
    )


def _by_first(units: Rows) -> Rows:
    """Number units by the first row of each: what else tells them apart is their content."""
    _, first, place = np.unique(units, return_index=True, return_inverse=True)
    return np.asarray(first[place], dtype=np.int64)


def _most_folds(data: Labelled, units: Rows, folds: int, draws: bool) -> tuple[int, list[str]]:
    """Return how many folds there can be, and why there are no more."""
    most, why = folds, []
    if data.kind == "class":
        labels = data.labels[: len(units)]
        counts = {name: len(np.unique(units[labels == name])) for name in np.unique(labels)}
        # what is there once is never judged, however many folds there are
        rare = {name: count for name, count in counts.items() if 1 < count < folds}
        if rare:
            most = min(rare.values())
            names = [f"{quoted(str(name))} {count}" for name, count in rare.items()]
            why.append(
                f"every fold judges each class, and of some there are fewer rows than {folds} that "
                f"may be parted: {listed(names, 4)}; join such classes, or drop them"
            )
    count = len(np.unique(units))
    if count < most:
        why.append(f"there are {count_of(count, 'group')} that may be parted")
    # of what a fold leaves, some is learned from and some stops
    enough = count >= FEWEST_GROUPS + draws
    return (min(most, count) if enough else 0), why


def _drawn(
    data: Labelled, units: Rows, folds: int, seed: tuple[int, int], given: Rows | None
) -> Iterator[_Cut]:
    rows = np.arange(len(data)) if given is None else not_given(data, given)
    if folds < FEWEST_GROUPS:
        return
    for number, (rest, judged) in enumerate(left_and_cut(data, units, rows, folds, _seed(*seed))):
        # groups of unlike sizes can leave one alone, of which none is left to stop
        if given is not None or len(np.unique(units[rows[rest]])) < FEWEST_GROUPS:
            yield _Cut(rows[rest], rows[:0] if given is None else given, rows[judged])
            continue
        parts = 5 if len(rest) <= FEW else 10
        train, stopping = cut_off(data, units, rows[rest], parts, _seed(*seed, number), False)
        yield _Cut(train, stopping, rows[judged])


def _seed(*of: int) -> int:
    return int(np.random.SeedSequence(of).generate_state(1)[0])


def _by_time(
    times: npt.NDArray[np.generic], units: Rows, folds: int, given: Rows | None
) -> Iterator[_Cut]:
    count = len(times) - (0 if given is None else len(given))
    order = np.argsort(times[:count], kind="stable")
    for fold in rolling_folds(count, folds, least=FEWEST_JUDGED):
        judged = order[as_rows(fold.judged)]
        if given is None:
            stopping = _apart(units, order[as_rows(fold.stopping)], judged)
            before = order[as_rows(fold.train)]
        else:
            stopping, before = given, order[: fold.judged[0]]
        own = judged if given is not None else np.concatenate([judged, stopping])
        yield _Cut(_apart(units, before, own), stopping, judged)


def _why_fewer_by_time(rows: int, folds: int) -> list[str]:
    half = rows - rows // 2
    if half // FEWEST_JUDGED >= folds:
        return []
    return [
        f"a fold is judged on {FEWEST_JUDGED} rows or more, and half of what is before the test "
        f"part has {count_of(half, 'row')}"
    ]


def _apart(units: Rows, rows: Rows, others: Rows) -> Rows:
    """Return the rows that share no unit with others."""
    return rows[~np.isin(units[rows], units[others])]


def _label_sets(data: Labelled) -> list[set[str]]:
    """Return the labels of each row; none where they are numbers."""
    if data.kind == "number":
        return [set() for _ in range(len(data))]
    if data.kind == "steps" and isinstance(data.items, Ragged):
        ragged = Ragged(data.labels, data.items.starts)
        return [set(ragged[i].tolist()) - {""} for i in range(len(ragged))]
    return [set(text.split(LABEL_SEPARATOR)) - {""} for text in data.labels.tolist()]


def _sound(cut: _Cut, labels: list[set[str]], units: Rows, *, keep: bool) -> _Cut:
    """Return a fold without labels that it cannot learn; `keep` of what stops it keeps it apart."""
    train, stopping, judged = cut
    if keep:
        stopping = _apart(units, stopping, np.concatenate([train, judged]))
    else:
        lost = stopping[~_known(labels, train, stopping)]
        learned = np.isin(units[stopping], units[lost])
        train, stopping = np.concatenate([train, stopping[learned]]), stopping[~learned]
    stopping = stopping[_known(labels, train, stopping)]
    return _Cut(train, stopping, judged[_known(labels, train, judged)])


def _known(labels: list[set[str]], train: Rows, rows: Rows) -> npt.NDArray[np.bool_]:
    """Tell which rows have labels of the training rows alone."""
    known = set().union(*(labels[row] for row in train))
    return np.array([labels[row] <= known for row in rows], dtype=bool)


def _can_be_told(data: Labelled, labels: list[set[str]], train: Rows) -> bool:
    """Tell whether there are classes to tell apart, or numbers."""
    least = {"number": 0, "classes": 1}.get(data.kind, 2)
    return len(set().union(*(labels[row] for row in train))) >= least
