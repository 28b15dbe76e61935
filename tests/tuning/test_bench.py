"""A fit is done once, kept where its preparation is, and counted."""

import pytest

from lockgate.running.places import Local
from lockgate.settings import resolve
from lockgate.studies.clock import Clock
from lockgate.studies.plan import SILENT
from lockgate.tasks.registry import task
from lockgate.tuning.bench import DEFAULT, Bench, Entrant, Place
from lockgate.tuning.config import tune_config
from lockgate.tuning.plan import plan_tuning
from lockgate.tuning.prepared import Preparations
from lockgate.tuning.space import configured

FORECAST = task("forecast")


@pytest.fixture
def setting(table, small_tune, tmp_path):
    planned = plan_tuning(table, resolve(tune_config(FORECAST.run), small_tune), FORECAST, Local(1))
    preparations = Preparations(planned.study, planned.run, tmp_path, SILENT)
    told = []

    def bench():
        return Bench(planned.study, tmp_path, Clock(), lambda _, __, done: told.append(done))

    longer = configured(planned.run, {"data.lookback": 14})
    entrants = [
        Entrant(DEFAULT, planned.run, preparations.of(planned.run)),
        Entrant("trial-0", longer, preparations.of(longer)),
    ]
    return bench, entrants, told


def test_each_is_fitted_once_and_read_in_another_run(setting, break_off, tmp_path):
    bench, entrants, told = setting
    done, places = break_off(None), [Place(7, 0, 0), Place(8, 0, 1)]
    wanted = [(one, place) for one in entrants for place in places]

    first = bench()
    found = first.fit(wanted[:3])
    found |= first.fit(wanted)
    again = bench().fit(wanted)

    assert sorted(done) == [("default", 7), ("default", 8), ("trial-0", 7), ("trial-0", 8)]
    assert told == [1, 2, 3, 4, 1, 2, 3, 4]
    assert set(again) == set(found) == {(one.name, place) for one, place in wanted}
    for key, one in again.items():
        assert one.fit == found[key].fit
        assert (one.judged == found[key].judged).all()
        assert one.spreads is None
        assert one.fit.fold == one.stretch.fold.name
    assert (tmp_path / "rounds" / "7-pass-0-fold-0" / "default" / "fit.json").exists()
    assert not (tmp_path / "rounds" / "7-pass-0-fold-0" / "trial-0").exists()
    assert len(list(tmp_path.glob("prepared-for/*/rounds/*/trial-0"))) == 2


def test_it_tells_seconds_and_the_fits_of_rounds(setting):
    bench, entrants, _ = setting
    one = bench()
    assert one.seconds_of(DEFAULT) is None
    found = one.fit([(entrants[0], Place(seed, 0, 0)) for seed in (1000, 2, 1)])

    seconds = [fitted.fit.seconds for fitted in found.values()]
    assert one.seconds_of(DEFAULT) == pytest.approx(sum(seconds) / 3)
    assert [fit.seed for fit in one.fits_of(DEFAULT, 1, 100)] == [1, 2]
    assert one.power == 1.0
