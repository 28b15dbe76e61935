"""A stage plays every round of every rung, keeps it, and goes on where it was left."""

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import truth_stages as stages

from lockgate.api import plan_study
from lockgate.errors import DataError
from lockgate.studies.evidence import Table

FOLDS = 3
RUNGS = ("gru", "input-dropout", "recurrent-dropout")
SMALL = {"rungs": RUNGS, "budget": "none", "workers": 1, "folds": FOLDS, "max_epochs": 1}


@pytest.fixture(scope="module")
def planned() -> Any:
    return plan_study("sample:co2", hidden_size=4, lookback=8, horizon=4, **SMALL)


@pytest.fixture(scope="module")
def texts() -> Any:
    rng = np.random.default_rng(0)
    words, labels = np.array(["good", "bad", "film", "plot"]), rng.integers(2, size=90)
    rows = [
        " ".join([words[label], *rng.choice(words, 3), str(n)]) for n, label in enumerate(labels)
    ]
    small = {**SMALL, "rungs": ("gru", "bidirectional", "input-dropout")}
    few = {"hidden_size": 4, "embedding_size": 4, "linear_path": "off"}
    return plan_study((rows, labels.tolist()), task="labels", **few, **small)


def test_all_rounds_are_played_with_seeds_of_their_own(planned: Any, tmp_path: Path) -> None:
    told: list[str] = []

    stages.play(planned, tmp_path / "co2", 2, commit="abc1234", tell=told.append)

    kept = stages.read(tmp_path / "co2")
    assert kept is not None
    assert kept.table.rungs == RUNGS
    assert kept.table.logs.shape == (2, FOLDS, 3)
    assert np.isfinite(kept.table.logs).all()
    assert kept.table.fixed
    assert not np.isclose(kept.table.logs[0], kept.table.logs[1]).any()
    assert kept.pairs == [("input-dropout", "gru"), ("recurrent-dropout", "gru")]
    assert kept.about["fits"] == 2 * FOLDS * 3
    assert kept.about["command"].startswith("lockgate study --sample co2")
    assert (kept.about["passes"], kept.about["commit"]) == (2, "abc1234")
    assert [line.partition(":")[0] for line in told] == ["pass 1 of 2", "pass 2 of 2"]


def test_what_is_played_is_not_fitted_again(planned: Any, tmp_path: Path, monkeypatch: Any) -> None:
    out = tmp_path / "co2"
    stages.play(planned, out, 1)
    before = stages.read(out)
    with pytest.raises(DataError, match="resume"):
        stages.play(planned, out, 1)
    monkeypatch.setattr("lockgate.studies.fits.write_fit", pytest.fail)

    stages.play(planned, out, 1, resume=True)

    after = stages.read(out)
    assert before is not None
    assert after is not None
    np.testing.assert_array_equal(after.table.logs, before.table.logs)
    np.testing.assert_array_equal(after.table.moves, before.table.moves)


def test_folds_of_labels_are_drawn_anew_in_each_pass(texts: Any, tmp_path: Path) -> None:
    stages.play(texts, tmp_path / "texts", 2)

    kept = stages.read(tmp_path / "texts")
    assert kept is not None
    assert not kept.table.fixed
    names = {path.name for path in (tmp_path / "texts" / "prepared").iterdir()}
    assert names - {"whole"} == {f"pass-{p}-fold-{f}" for p in range(2) for f in range(FOLDS)}
    assert kept.pairs == [("bidirectional", "gru"), ("input-dropout", "bidirectional")]


def test_a_table_is_read_as_it_was_kept(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    given = Table(
        ("a", "b"),
        rng.normal(size=(2, 3, 2)),
        rng.normal(size=(2, 3, 2, 8)),
        np.arange(6).reshape(2, 3),
        np.arange(8),
        fixed=False,
    )

    stages.keep(tmp_path, given, {"pairs": [["b", "a"]]})
    kept = stages.read(tmp_path)

    assert kept is not None
    assert kept.pairs == [("b", "a")]
    assert kept.table.rungs == given.rungs
    assert kept.table.fixed is False
    for name in ("logs", "moves", "numbers", "stretches"):
        np.testing.assert_array_equal(getattr(kept.table, name), getattr(given, name))


def test_nothing_is_read_where_nothing_is_kept(tmp_path: Path) -> None:
    assert stages.read(tmp_path) is None
    assert stages.read_stage(tmp_path / "none") == []


def test_subsets_share_no_text_and_are_drawn_from_everywhere(
    tmp_path: Path, monkeypatch: Any
) -> None:
    monkeypatch.setattr(stages, "TEXTS", 20)
    rows = [f"text {n % 100}" for n in range(120)]  # the last twenty stand twice
    pl.DataFrame({"label": ["pos"] * 60 + ["neg"] * 60, "text": rows}).write_csv(
        tmp_path / "imdb.csv"
    )

    subsets = [stages.subset(tmp_path / "imdb.csv", number) for number in range(5)]

    drawn = [text for texts, _ in subsets for text in texts]
    assert len(drawn) == len(set(drawn)) == 100
    for texts, labels in subsets:
        assert set(labels) == {"pos", "neg"}
        for text, label in zip(texts, labels, strict=True):
            assert label == ("pos" if int(text.split()[1]) < 60 else "neg")


@pytest.mark.parametrize("name", list(stages.STAGES))
def test_every_stage_has_a_plain_cell_and_the_parents_of_its_rungs(name: str) -> None:
    rungs = stages.STAGES[name].settings["rungs"]

    assert sum(rung in ("rnn", "lstm", "gru") for rung in rungs) == 1
    assert stages.STAGES[name].passes == (2 if name == "imdb" else 12)
