"""What is exported of a classifier: the chain, and what the runtime does around it."""

from typing import Any

import torch

from lockgate.tasks.graphs import Exportable, Graph, Inputs
from lockgate.tasks.labelling.chain import Chain, Trained
from lockgate.tasks.labelling.config import NAME
from lockgate.tasks.labelling.linear_path import LinearPath
from lockgate.tasks.labelling.sources.read import FEW_SEQUENCES, STRETCH
from lockgate.tasks.labelling.step import step_of

LENGTHS = (12, 70, 3)
TERMS = 9
"""Different terms of a text that is drawn."""
TOKENS = "tokens.json"


def exportable(fitted: Trained) -> Exportable:
    """Give the chain of a classifier."""
    chain = Chain(fitted)
    free = {
        "lengths": {0: "batch"},
        "path_terms": {0: "batch", 1: "terms"},
        "path_counts": {0: "batch", 1: "terms"},
        "mixed_terms": {0: "batch", 1: "mixed"},
        "mixed_counts": {0: "batch", 1: "mixed"},
    }
    axes = {name: free.get(name, {0: "batch", 1: "steps"}) for name in chain.inputs}
    graph = Graph(chain, axes, chain.outputs, lambda *size: _drawn(chain, *size), LENGTHS)
    schema, files = _schema(fitted)
    return Exportable(graph, step_of(chain), schema, files)


def _schema(fitted: Trained) -> tuple[dict[str, Any], dict[str, Any]]:
    learned, data = fitted.preprocessing, fitted.config.data
    files: dict[str, Any] = {}
    schema: dict[str, Any] = {
        "task": NAME,
        "kind": learned.kind,
        "classes": list(learned.classes),
        "channels": list(learned.channels),
        "masked": list(learned.masked),
        "means": list(learned.means),
        "max_length": learned.max_length,
        "keep": learned.keep,
        "several": data.several,
        "cut": data.cut if data.at_steps else None,
        "few": FEW_SEQUENCES if data.at_steps else 0,
        "stretch": STRETCH,
        "texts": None,
        "linear": {},
    }
    if learned.is_text:
        tokens = learned.tokens
        schema["texts"] = {
            "file": TOKENS,
            "kind": tokens.kind,
            "lowercase": tokens.lowercase,
            "clean_html": tokens.clean_html,
        }
        files[TOKENS] = {
            "vocabulary": list(tokens.vocabulary),
            "merges": [list(pair) for pair in tokens.merges],
            "words": tokens.are_words.nonzero()[0].tolist(),
        }
    mixed = None if fitted.mixture is None else fitted.mixture.linear
    for name, linear in (("path", fitted.linear_path), ("mixed", mixed)):
        if linear is not None:
            files[f"{name}.json"] = _terms(linear)
            schema["linear"][name] = {"file": f"{name}.json", "kind": linear.kind}
    return schema, files


def _terms(linear: LinearPath) -> list[str]:
    return list(linear.terms)


def _drawn(chain: Chain, batch: int, steps: int, generator: torch.Generator) -> Inputs:
    """Draw sequences of unlike lengths, the first as long as the batch."""
    learned = chain.learned

    def whole(high: int, *shape: int) -> torch.Tensor:
        return torch.randint(1, high + 1, shape, generator=generator)

    lengths = whole(steps, batch)
    lengths[0] = steps
    valid = torch.arange(steps) < lengths[:, None]
    channels, masked = len(learned.channels), len(learned.masked)
    draws: dict[str, Any] = {
        "tokens": lambda: whole(learned.vocabulary_size - 1, batch, steps) * valid,
        "values": lambda: (
            chain.means
            + chain.deviations * torch.randn(batch, steps, channels, generator=generator).double()
        ),
        "missing": lambda: (torch.rand(batch, steps, masked, generator=generator) < 0.1).float(),
        "lengths": lambda: lengths,
        "path_counts": lambda: whole(3, batch, TERMS).float(),
        "mixed_counts": lambda: whole(3, batch, TERMS).float(),
    }
    for name, linear in (("path_terms", chain.path), ("mixed_terms", chain.mixed)):
        if linear is not None:
            most = int(linear.terms)
            # a term occurs once among those of a text; 0 is padding
            drawn = [torch.randperm(most + 1, generator=generator)[:TERMS] for _ in range(batch)]
            filled = [torch.nn.functional.pad(one, (0, TERMS - len(one))) for one in drawn]
            draws[name] = lambda filled=filled: torch.stack(filled)
    return {name: draws[name]() for name in chain.inputs}
