"""A search asks batch after batch and ends by trials or time, once and for all."""

import json
import math
from types import SimpleNamespace

import pytest
from made_search import MadeBench, MadePreparation, made_default

from lockgate import DataError
from lockgate.tuning.bench import DEFAULT
from lockgate.tuning.halving import BATCH
from lockgate.tuning.search import (
    ENDED,
    Searched,
    Searching,
    most_fits,
    search,
    seconds_of,
    to_deliver,
)
from lockgate.tuning.space import Range
from lockgate.tuning.storage import open_storage
from lockgate.tuning.trial import Trial

SPACE = {"model.hidden_size": Range(2, 64, log=True, whole=True)}


class MadeClock:
    """A clock that a bench moves on."""

    of_this_run = 0.0


class TimedBench(MadeBench):
    """Takes ten seconds a batch."""

    def __init__(self, clock, diverges=False):
        super().__init__(lambda name, run, _: self.loss(name, run))
        self.clock, self.diverges = clock, diverges

    def loss(self, name, run):
        if name == DEFAULT:
            return 1.0
        return None if self.diverges else 8 / run.model.hidden_size

    def fit(self, wanted):
        self.clock.of_this_run += 5.0
        return super().fit(wanted)

    def seconds_of(self, _):
        return 2.0


@pytest.fixture
def searching(tmp_path):
    def make(trials=20, budget=math.inf, resume=False, **bench):
        clock = MadeClock()
        preparation = MadePreparation()
        config = SimpleNamespace(
            trials=trials,
            rounds=5,
            members=2,
            training=SimpleNamespace(random_state=0, metric="mae"),
        )
        folds = SimpleNamespace(folds=preparation.stretches(0))
        plan = SimpleNamespace(config=config, folds=folds, workers=1, budget=budget)
        preparations = SimpleNamespace(of=lambda _: preparation)
        storage = open_storage(tmp_path / "j", "s", {}, SPACE, resume=resume)
        return Searching(
            *(plan, tmp_path, SPACE, None, made_default(preparation), TimedBench(clock, **bench)),
            *(preparations, storage, clock),
        )

    return make


def test_it_asks_for_batches_until_there_are_enough(searching):
    told = []
    found = search(searching(trials=20), told.append)

    assert [trial.number for trial in found.trials] == list(range(20))
    assert [trial.batch for trial in found.trials] == [n // BATCH for n in range(20)]
    assert list(found.trials) == told
    assert (found.ended, found.fitted_again) == ("trials", 3)
    sizes = [trial.values["model.hidden_size"] for trial in found.candidates]
    complete = [t.values["model.hidden_size"] for t in found.trials if t.state == "complete"]
    assert sizes == sorted(set(complete), reverse=True)[:3]


def test_it_ends_in_time_for_what_follows(searching):
    """A batch takes 10 s; a pass of four networks over three folds 24 s, two members 8 s."""
    found = search(searching(trials=100, budget=80.0), lambda _: None)

    assert found.ended == "budget"
    assert len(found.trials) == 3 * BATCH  # 20 + 10 + 32 < 64 <= 30 + 10 + 32
    assert found.fitted_again == 3


def test_of_little_time_one_batch_is_searched_and_one_trial_fitted_again(searching):
    found = search(searching(trials=100, budget=1.0), lambda _: None)

    assert (len(found.trials), found.ended, found.fitted_again) == (BATCH, "budget", 1)
    assert len(found.candidates) == 1


def test_what_has_ended_is_not_searched_on(searching, tmp_path):
    first = search(searching(trials=100, budget=80.0), lambda _: None)

    resumed = searching(trials=100, resume=True)
    again = search(resumed, lambda _: None)

    assert again == first
    assert resumed.bench.wanted == []


def test_the_storage_must_hold_what_was_searched(searching, tmp_path):
    search(searching(trials=6), lambda _: None)
    (tmp_path / "j").unlink()

    with pytest.raises(DataError, match="storage must hold the 6 trials of this search, got 0"):
        search(searching(trials=6), lambda _: None)


@pytest.mark.parametrize("content", ["", "{}", '{"trials": "x"}', "[]"])
def test_a_search_whose_end_cannot_be_read_is_refused(searching, tmp_path, content):
    with_ = searching()
    (tmp_path / ENDED).write_text(content)

    with pytest.raises(DataError, match=r"search\.json must tell how a search ended"):
        search(with_, lambda _: None)


def test_trials_that_all_diverge_leave_no_candidates(searching):
    found = search(searching(trials=8, diverges=True), lambda _: None)

    assert found.candidates == []
    assert {trial.state for trial in found.trials} == {"diverged"}


def test_what_is_counted_is_what_is_fitted(searching):
    with_ = searching(trials=20)
    search(with_, lambda _: None)
    of_search = {(name, place) for name, place in with_.bench.wanted}

    again = (1 + 3) * with_.plan.config.rounds
    assert most_fits(with_.plan.config, 3) == len(of_search) + again


def test_what_looked_worse_than_the_default_is_not_fitted_again():
    def trial(number, change):
        return Trial(
            number=number, batch=0, values={"x": number}, state="complete", by_fold={"a": change}
        )

    def candidates(*changes):
        found = Searched(tuple(map(trial, range(len(changes)), changes)), "trials", 3)
        return [one.number for one in found.candidates]

    assert candidates(0.1, -0.2, 0.0, -0.3) == [3, 1]
    assert candidates(0.1, 0.05, 0.2) == [1]
    assert candidates(-0.1, -0.2, -0.3, -0.4) == [3, 2, 1]


def test_seconds_are_those_of_the_fits(searching):
    with_ = searching(trials=6)
    found = search(with_, lambda _: None)

    assert seconds_of(with_, found.candidates[:1]) == {DEFAULT: 2.0, found.candidates[0].name: 2.0}
    assert to_deliver(with_.plan, 3.0) == 12.0
    assert json.loads((with_.out / ENDED).read_text())["ended"] == "trials"
