"""Rows in runs are read as the rows themselves, one by one, are."""

import numpy as np
import pytest
import torch

from lockgate.tasks.forecasting.runs import Runs

ROWS = np.array([3, 4, 5, 6, 20, 30, 31, 32, 33, 34, 35, 36])


def test_rows_by_number_are_those_of_the_list() -> None:
    runs, rows = Runs.of(ROWS), torch.from_numpy(ROWS)

    assert len(runs) == len(rows)
    assert runs.first.tolist() == [3, 20, 30]
    for index in (torch.tensor([11, 0, 4, 4]), slice(2, 9), slice(None), slice(None, None, 5)):
        assert torch.equal(runs[index], rows[index])
    assert runs[rows > 31].tolist() == rows[rows > 31].tolist()
    assert int(runs[7]) == 32
    assert [int(row) for row in runs] == ROWS.tolist()
    assert runs.numpy().tolist() == ROWS.tolist()
    assert torch.equal((runs + 5)[:], rows + 5)


def test_a_run_ends_with_its_series() -> None:
    runs = Runs.of(np.arange(6), np.array([0, 0, 0, 1, 1, 2]))

    assert runs.first.tolist() == [0, 3, 5]
    assert runs.counts.tolist() == [3, 2, 1]


def test_joined_runs_are_the_rows_side_by_side() -> None:
    parts = [Runs.of(ROWS[:5]), Runs.of(ROWS[:0]), Runs.of(ROWS[5:])]

    assert Runs.joined(parts).numpy().tolist() == ROWS.tolist()
    assert len(Runs.joined([])) == 0
    assert Runs.joined([]).numpy().tolist() == []


@pytest.mark.parametrize("count", [1, 3, 4, 50])
def test_stretches_part_each_run_at_every_phase(count: int) -> None:
    runs = Runs.of(ROWS)
    for phase in range(count):
        # the judge: walk over the rows, and begin anew with a run or a whole stretch
        expected: list[list[int]] = []
        for place, row in enumerate(ROWS):
            within = int(row - runs.first[runs.first <= row][-1])
            if within == 0 or (within + phase) % count == 0:
                expected.append([place, 0])
            expected[-1][1] += 1

        assert runs.stretches(count, phase).tolist() == expected
