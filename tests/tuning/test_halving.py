"""All trials of a batch see the first fold, a third of them the others, each beside the default."""

import math
from types import SimpleNamespace

import pytest
from made_search import MadeBench, MadePreparation, made_default

from lockgate import DataError
from lockgate.studies.config import MOST_ROUNDS
from lockgate.tuning.halving import SEARCH_PASS, judge_batch


def judge(loss, sizes, folds=3, refuse=()):
    preparation = MadePreparation(folds)

    def of(run):
        if run.model.hidden_size in refuse:
            raise DataError("nothing can be learned from it")
        return preparation

    bench = MadeBench(loss)
    preparations = SimpleNamespace(of=of, refuse=lambda *_: None)
    proposed = {6 + i: {"model.hidden_size": size} for i, size in enumerate(sizes)}
    default = made_default(preparation)
    return judge_batch(bench, preparations, default, 1, proposed), bench


def by_size(name, run, fold):
    """The larger the better, and every fold has a scale of its own."""
    return 10.0 ** (fold + 1) * (1.0 if name == "default" else 1.0 / run.model.hidden_size)


def test_a_third_goes_on_and_scores_are_log_ratios_to_the_default():
    trials, bench = judge(by_size, [2, 9, 4, 8, 3, 5])

    assert [trial.number for trial in trials] == [6, 7, 8, 9, 10, 11]
    assert [trial.state == "complete" for trial in trials] == [0, 1, 0, 1, 0, 0]
    assert {trial.state for trial in trials} == {"complete", "halved"}
    assert trials[1].change == pytest.approx(-math.log(9))
    assert trials[0].by_fold == {"pass-0-fold-0": pytest.approx(-math.log(2))}
    assert trials[0].seconds == {"pass-0-fold-0": 2.0}
    assert (trials[0].parameters, trials[0].batch) == (7, 1)
    seen = [(name, place.fold) for name, place in bench.wanted]
    assert seen.count(("default", 0)) == 1
    assert {name for name, fold in seen if fold} == {"default", "trial-7", "trial-9"}


def test_seeds_and_drawings_are_no_rounds_that_judge():
    _, bench = judge(by_size, [2, 9])

    assert {place.of_pass for _, place in bench.wanted} == {SEARCH_PASS}
    assert {place.seed for _, place in bench.wanted} == {SEARCH_PASS + fold for fold in range(3)}
    assert SEARCH_PASS > MOST_ROUNDS


def test_what_diverges_is_out_whenever_it_does():
    def loss(name, run, fold):
        if name == "trial-6" or (name == "trial-7" and fold == 2):
            return None
        return by_size(name, run, fold)

    trials, _ = judge(loss, [99, 50, 2, 3, 4, 5])

    assert [trial.state for trial in trials[:2]] == ["diverged", "diverged"]
    assert trials[0].by_fold == {}
    assert len(trials[1].by_fold) == 2
    assert trials[5].state == "complete"  # of five that have a score the second best
    assert all(trial.change is None for trial in trials[:2])


def test_what_is_refused_is_told_and_takes_no_fit():
    trials, bench = judge(by_size, [2, 9, 4], refuse=(9,))

    assert (trials[1].state, trials[1].reason) == ("refused", "nothing can be learned from it")
    assert "trial-7" not in {name for name, _ in bench.wanted}
    assert trials[2].state == "complete"


def test_with_one_fold_all_are_judged_on_every_fold():
    trials, _ = judge(by_size, [2, 9, 4], folds=1)

    assert {trial.state for trial in trials} == {"complete"}


def test_a_default_that_diverges_ends_it():
    with pytest.raises(DataError, match=r"default settings diverged in fold 2, .* learning_rate"):
        judge(lambda name, _, fold: None if name == "default" and fold == 1 else 1.0, [2, 3])


def test_a_batch_of_which_all_are_refused_is_told():
    trials, _ = judge(by_size, [9, 9], refuse=(9,))

    assert [trial.state for trial in trials] == ["refused", "refused"]
