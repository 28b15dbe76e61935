"""Every rung of the ladder for labels adds its trick to its parent and nothing else."""

from typing import Any

import pytest

from lockgate.errors import DataError
from lockgate.tasks.labelling.config import ClassifierConfig
from lockgate.tasks.labelling.ladder import LADDER
from lockgate.tasks.stack.rungs import (
    RATES,
    Rung,
    choose_rungs,
    default_names,
    model_config,
    parent_name,
)

BY_NAME = {rung.name: rung for rung in LADDER}
BASE = ClassifierConfig(
    input_dropout=0.31,
    dropout=0.32,
    recurrent_dropout=0.33,
    weight_dropout=0.34,
    embedding_dropout=0.35,
    output_dropout=0.36,
    zoneout=0.1,
    pooling="max",
    stride=2,
)


def settings(rung: Rung, cell: Any = "gru") -> dict[str, Any]:
    return model_config(rung, BASE, cell).model_dump()


@pytest.mark.parametrize(
    ("name", "parent", "changes"),
    [
        ("linear-path", "gru", {"linear_path": "on"}),
        ("bidirectional", "gru", {"bidirectional": True}),
        ("embedding-dropout", "bidirectional", {"embedding_dropout": 0.35}),
        ("input-dropout", "bidirectional", {"input_dropout": 0.31}),
        ("recurrent-dropout", "bidirectional", {"recurrent_dropout": 0.33}),
        ("recurrent-dropout-per-batch", "recurrent-dropout", {"mask_for": "batch"}),
        ("weight-dropout", "bidirectional", {"weight_dropout": 0.34}),
        ("last-dropout", "bidirectional", {"output_dropout": 0.36}),
        ("stacked", "bidirectional", {"num_layers": 2}),
        ("all", "bidirectional", {rate: getattr(BASE, rate) for rate in RATES}),
        ("stacked+all", "stacked", {rate: getattr(BASE, rate) for rate in RATES}),
    ],
)
def test_a_rung_differs_from_its_parent_by_its_trick(
    name: str, parent: str, changes: dict[str, Any]
) -> None:
    rung = BY_NAME[name]

    assert parent_name(rung, "gru") == parent
    assert settings(rung) == {**settings(BY_NAME[parent]), **changes}


@pytest.mark.parametrize("name", ["rnn", "lstm", "gru"])
def test_the_plain_cells_have_no_trick(name: str) -> None:
    found = settings(BY_NAME[name])

    assert parent_name(BY_NAME[name], "gru") is None
    assert (found["cell"], found["num_layers"], found["bidirectional"]) == (name, 1, False)
    assert not any(found[rate] for rate in RATES if rate != "zoneout")
    kept = {"zoneout": 0.1, "pooling": "max", "stride": 2}
    assert found | kept == found


def test_every_parent_stands_before_its_rungs() -> None:
    names = [rung.name for rung in LADDER]

    assert len(set(names)) == len(names)
    for i, rung in enumerate(LADDER):
        parent = parent_name(rung, "lstm")
        assert parent is None or parent in names[:i]


def test_tricks_name_the_rate_that_is_used() -> None:
    found = {rung.name: rung.trick.format(**settings(rung)) for rung in LADDER if not rung.cell}

    assert found["embedding-dropout"] == "embedding dropout 0.35"
    assert found["last-dropout"] == "dropout 0.36 before the head"
    assert found["stacked"] == "a stack of 2 layers"
    assert all(found.values())


def test_rungs_are_chosen_from_this_ladder() -> None:
    chosen = choose_rungs(("all", "gru", "bidirectional"), LADDER)
    assert [rung.name for rung in chosen] == ["gru", "bidirectional", "all"]
    left_out = {"linear-path", "last-dropout", "recurrent-dropout-per-batch"}
    left_out |= {"zoneout", "layer-norm"}
    assert set(BY_NAME) - set(default_names(LADDER)) == left_out
    with pytest.raises(DataError, match="rungs must be among the ladder's, got 'both'"):
        choose_rungs(("lstm", "both"), LADDER)
