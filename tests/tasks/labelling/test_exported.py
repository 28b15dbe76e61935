"""What stands beside the graph of a classifier holds all that was learned of texts."""

from pathlib import Path

import torch
from exported_models import texts

import lockgate
from lockgate.tasks.labelling.exported import exportable


def test_the_schema_names_files_that_are_there(tmp_path: Path) -> None:
    fitted, _ = lockgate.train(
        texts(),
        task="labels",
        out=tmp_path / "run",
        hidden_size=4,
        max_epochs=1,
        members=1,
        linear_path="on",
    )
    told = exportable(fitted)
    linear = {name: one["file"] for name, one in told.schema["linear"].items()}
    assert {told.schema["texts"]["file"], *linear.values()} == set(told.files)
    assert told.files[linear["path"]] == list(fitted.linear_path.terms)
    tokens = fitted.preprocessing.tokens
    vocabulary = told.files["tokens.json"]["vocabulary"]
    assert vocabulary == list(tokens.vocabulary)
    assert [vocabulary[i] for i in told.files["tokens.json"]["words"]] == [
        word for word, says in zip(tokens.vocabulary, tokens.are_words, strict=True) if says
    ]
    # what is drawn to compare by fits the graph, at every length
    for length in told.graph.lengths:
        drawn = told.graph.draw(5, length, torch.Generator().manual_seed(0))
        assert tuple(drawn) == tuple(told.graph.axes)
        with torch.no_grad():
            (p,) = told.graph.module(*drawn.values())
        torch.testing.assert_close(p.sum(dim=1), torch.ones(5, dtype=torch.float64))
