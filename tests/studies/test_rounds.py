"""Rounds are played pass after pass until nothing is open, and what is decided rests."""

import math
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from lockgate import api
from lockgate.studies import rounds as module
from lockgate.studies.clock import Clock
from lockgate.studies.folder import open_folder
from lockgate.studies.plan import SILENT, Plan, Watcher
from lockgate.studies.rounds import Played, _affordable, _round_seconds, play_rounds
from lockgate.studies.stretches import Stretches


@pytest.fixture
def play(table: Any, small_study: Any, tmp_path: Path) -> Any:
    def run(watcher: Watcher | None = None, **settings: Any) -> Played:
        plan = api.plan_study(table, **{**small_study, "max_epochs": 1, **settings})
        open_folder(tmp_path, plan, resume=True)
        stretches = Stretches(plan, tmp_path, SILENT)
        return play_rounds(plan, tmp_path, stretches, Clock(), watcher or SILENT)

    return run


def test_a_pass_judges_every_fold_and_every_rung_once(play: Any) -> None:
    played = play(rungs="lstm,both,stacked", rounds=3)

    assert [(one.round, one.fold) for one in played.rounds] == [(1, 0), (2, 1), (3, 2)]
    assert all(set(one.predictions) == {"lstm", "both", "stacked"} for one in played.rounds)
    assert len(played.fits) == 9
    assert played.choosing == ()
    assert [(one.rung, one.parent) for one in played.verdicts] == [
        ("both", "lstm"),
        ("stacked", "lstm"),
    ]


def test_the_cell_is_chosen_by_fits_that_no_verdict_uses(play: Any) -> None:
    played = play(rungs="rnn,gru,both", rounds=3)

    assert {one.round for one in played.choosing} == {0}
    assert all(set(one.predictions) == {"rnn", "gru"} for one in played.choosing)
    assert all(set(one.predictions) == {played.cell_rung, "both"} for one in played.rounds)
    assert (played.cell, played.verdicts[0].parent) == (played.cell_rung, played.cell_rung)


def test_what_rests_is_fitted_no_more(play: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(module, "resting", lambda _: {"both"})
    monkeypatch.setattr(module, "stop", lambda _: None)

    played = play(rungs="lstm,both,stacked", rounds=6)

    assert [set(one.predictions) for one in played.rounds[3:]] == [{"lstm", "stacked"}] * 3
    assert played.ended == "rounds"
    assert len(played.at_looks) == 2


@pytest.mark.parametrize(("outcome", "ended"), [("open", "rows"), ("helps", "decided")])
def test_a_study_ends_when_more_rounds_are_useless(
    play: Any, monkeypatch: Any, outcome: str, ended: str
) -> None:
    told = SimpleNamespace(rung="both", parent="lstm", outcome=outcome)
    monkeypatch.setattr(module, "judge", lambda *_: (told,))
    monkeypatch.setattr(module, "resting", lambda _: set())
    monkeypatch.setattr(module, "stop", lambda _: "told")

    played = play(rungs="lstm,both", rounds=6)

    assert (len(played.rounds), played.ended) == (3, ended)


def plan(budget: float) -> Any:
    return SimpleNamespace(
        budget=budget,
        config=SimpleNamespace(rounds=10, members=5, mix=True),
        task=SimpleNamespace(committees=object()),
        workers=2,
        epoch_seconds={"lstm": 2.0, "gru": 1.0},
        round_epoch=4.0,
    )


def test_what_a_budget_affords_is_told_by_the_fits_so_far() -> None:
    fits: Any = [
        SimpleNamespace(rung="lstm", seconds=20.0),
        SimpleNamespace(rung="gru", seconds=10),
    ]

    assert _affordable(plan(math.inf), fits, 0.0) == 10
    # 0.8 of 1,000 seconds less 100 and three times two members of 10 epochs of 1.5 seconds, of 10
    # epochs of 4 seconds a round
    assert _affordable(plan(1000.0), fits, 100.0) == int((800 - 100 - 45) / 40)
    # no cell is chosen: 15 epochs are usual
    assert _affordable(plan(1000.0), [], 0.0) == int((800 - 67.5) / 60)
    assert _affordable(plan(1.0), fits, 100.0) == 1


def test_preparing_and_delivering_are_of_the_budget(play: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(module, "stop", lambda _: None)
    monkeypatch.setattr(module, "_affordable", lambda *_: 6)
    settings = {"rungs": "lstm,both", "rounds": 6, "budget": "1h"}

    assert play(**settings).ended == "rounds"
    with monkeypatch.context() as delivering:
        delivering.setattr(module, "_to_deliver", lambda *_: 3600.0)
        assert play(**settings).ended == "budget"
    monkeypatch.setattr(Clock, "of_this_run", 3600.0)
    assert play(**settings).ended == "budget"


def test_the_number_of_fits_is_told_that_the_budget_affords(play: Any, monkeypatch: Any) -> None:
    class Counts(Watcher):
        def __init__(self) -> None:
            self.most: list[int] = []

        def on_fit(self, _: Any, __: int, total: int) -> None:
            self.most.append(total)

    monkeypatch.setattr(module, "stop", lambda _: None)
    monkeypatch.setattr(module, "resting", lambda _: set())
    monkeypatch.setattr(module, "_affordable", lambda *_: 7)
    counts = Counts()

    played = play(counts, rungs="rnn,lstm,both", rounds=9)

    # two cells choose on three folds; then so many whole passes are expected as are affordable
    assert counts.most[:6] == [6 + 2 * 9] * 6
    assert counts.most[6:18] == [6 + 2 * 6] * 12
    assert counts.most[18:] == [6 + 2 * 9] * 6  # there was time for more
    assert len(played.fits) == 24


def test_a_budget_that_affords_no_pass_is_told_once(
    play: Any, monkeypatch: Any, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(module, "_affordable", lambda *_: 2)
    monkeypatch.setattr(module, "_epochs", lambda *_: 100.0)
    monkeypatch.setattr(Plan, "round_epoch", 0.5)
    settings = {"rungs": "lstm,both", "rounds": 6, "budget": "10m"}

    assert len(play(**settings).rounds) == 3
    told = (
        "a pass over the 3 folds takes about 2 min 30 s, more than the budget of 10m leaves: it is "
        "played all the same, as less tells nothing"
    )
    assert [one.getMessage().replace("\xa0", " ") for one in caplog.records] == [told]
    caplog.clear()
    play(**settings)  # goes on in the same folder
    assert not caplog.records


def test_a_further_round_takes_what_its_rungs_took_on_average() -> None:
    fits: Any = [
        SimpleNamespace(rung=rung, seconds=seconds)
        for rung, seconds in (("lstm", 2.0), ("lstm", 4.0), ("both", 5.0), ("rnn", 99.0))
    ]

    assert _round_seconds(fits, {"lstm", "both"}, 2) == 4.0
