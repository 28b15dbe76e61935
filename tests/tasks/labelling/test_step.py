"""Step after step a classifier says what it says of the whole sequence."""

from typing import Any

import pytest
import torch
from exported_models import tagger

from lockgate.tasks.graphs import Step
from lockgate.tasks.labelling.chain import Chain
from lockgate.tasks.labelling.exported import exportable
from lockgate.tasks.labelling.step import StepChain, step_of

MODELS: dict[str, dict[str, Any]] = {
    "lstm": {"hidden_size": (7, 4)},
    "gru": {"cell": "gru", "hidden_size": 5, "num_layers": 3, "residual": True},
    "rnn": {"cell": "rnn", "hidden_size": 9, "members": 1},
}


@pytest.mark.parametrize("name", MODELS)
def test_steps_give_what_the_sequence_gives(name: str) -> None:
    chain = Chain(tagger(**MODELS[name]))
    one = StepChain(chain)
    given = exportable(tagger(**MODELS[name])).graph.draw(3, 17, torch.Generator().manual_seed(0))
    states = [torch.zeros(3, size) for size in one.sizes.values()]
    answers = []
    with torch.no_grad():
        for step in range(17):
            read = [given[name][:, step] for name in one.read]
            answer, *states = one(*read, *states)
            answers.append(answer)
        (wanted,) = chain(*given.values())
    valid = torch.arange(17) < given["lengths"][:, None]
    torch.testing.assert_close(torch.stack(answers, dim=1)[valid], wanted[valid])
    assert wanted.std() > 0.01


def test_every_layer_of_every_network_has_its_state() -> None:
    step = step_of(Chain(tagger(**MODELS["lstm"])))
    assert isinstance(step, Step)
    cells = ["h_1_1", "c_1_1", "h_1_2", "c_1_2", "h_2_1", "c_2_1", "h_2_2", "c_2_2"]
    assert list(step.graph.axes) == ["values", "missing", *cells]
    assert list(step.states) == cells
    assert step.graph.outputs == ("probabilities", *(f"next_{name}" for name in cells))
    drawn = step.graph.draw(5, 1, torch.Generator().manual_seed(0))
    assert drawn["c_2_2"].shape == (5, 4)


def test_what_reads_both_directions_is_refused_with_the_reason() -> None:
    step = step_of(Chain(tagger(bidirectional=(True, False), hidden_size=4)))
    assert step == (
        "it reads both directions, and the reverse one begins where a sequence ends; train it with "
        "bidirectional=false (--set bidirectional=false)"
    )


def test_what_labels_whole_sequences_is_refused_with_the_reason() -> None:
    fitted = tagger(hidden_size=4)
    chain = Chain(fitted)
    chain.learned = fitted.preprocessing.model_copy(update={"kind": "class"})
    assert step_of(chain) == (
        "it gives one answer for a whole sequence; train one on labels at every step"
    )
