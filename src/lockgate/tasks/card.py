"""The card of a fitted folder: what the model is, was learned from, is worth and is not for."""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from lockgate.charts.formats import decimals_for, metric_name, number, times

FILE = "README.md"
MOST_NOTICES = 20


class About(NamedTuple):
    """What a task tells of a model."""

    title: str
    pipeline: str
    """Hugging Face's name of the task, `pipeline_tag`."""
    cell: str
    facts: Mapping[str, Any]
    """What it reads and predicts, by name."""
    use: Sequence[str]
    """Lines of a shell that use the folder, called `FOLDER`."""
    limits: Sequence[str]
    """Sentences on what it is not for."""


def card(about: About, metrics: Mapping[str, Any]) -> str:
    """Write the card, in Markdown with the front matter of Hugging Face.

    Args:
        about: The model.
        metrics: Its scores, as a fitted folder keeps them; none of a model that was not scored.
    """
    parts = [
        _front(about, metrics),
        f"# {_plain(about.title)}",
        "\n".join(f"- {name}: {_plain(told)}" for name, told in about.facts.items()),
        "## Use\n\n```\n" + "\n".join(about.use) + "\n```",
        _scores(metrics),
        _limits(about, metrics),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _front(about: About, metrics: Mapping[str, Any]) -> str:
    """Return the front matter; JSON is YAML, whatever a name holds."""
    lines = [
        "library_name: lockgate",
        f"pipeline_tag: {about.pipeline}",
        f"tags: {json.dumps(['lockgate', about.cell, 'recurrent-neural-network'])}",
    ]
    if test := metrics.get("test"):
        scores = [
            {"type": name, "name": metric_name(name), "value": value}
            for name, value in test.items()
            if value is not None
        ]
        # the kind of a data set that lies on nobody's hub
        data = {"type": "private", "name": "test part"}
        result = {"task": {"type": about.pipeline}, "dataset": data, "metrics": scores}
        index = [{"name": about.title, "results": [result]}]
        lines.append(f"model-index: {json.dumps(index)}")
    return "\n".join(["---", *lines, "---"])


def _scores(metrics: Mapping[str, Any]) -> str:
    """Return the scores of the test part beside those of the baselines, with what is said."""
    if not (test := metrics.get("test")):
        return ""
    columns = [name for name, value in test.items() if value is not None]
    delivered = metrics.get("delivered") or {}
    rows: list[tuple[str, Mapping[str, Any]]] = [("this model", test)]
    if single := delivered.get("single"):
        rows.append(("one of its networks, on average", single))
    rows += [(one["name"], one["test"] or {}) for one in metrics.get("baselines", [])]
    decimals = {
        name: decimals_for([row[name] for _, row in rows if row.get(name)]) for name in columns
    }
    lines = [
        f"| | {' | '.join(map(metric_name, columns))} |",
        "|---" * (len(columns) + 1) + "|",
        *(
            f"| {_plain(name)} | "
            + " | ".join(number(row.get(column), decimals[column]) for column in columns)
            + " |"
            for name, row in rows
        ),
    ]
    words = [*delivered.get("words", []), *(delivered.get("intervals") or {}).get("words", [])]
    told = "\n\n".join(_plain(sentence) for sentence in dict.fromkeys(words))
    table = "\n".join(lines)
    return f"## Scores\n\nOf the test part, which the model has not seen.\n\n{table}" + (
        f"\n\n{told}" if told else ""
    )


def _limits(about: About, metrics: Mapping[str, Any]) -> str:
    sentences = list(about.limits)
    if looks := metrics.get("test_looks"):
        sentences.append(
            f"The test part was looked at {times(looks)}, by all runs whose folders lie beside "
            "this one: with many looks its scores flatter."
        )
    if metrics.get("test"):
        sentences.append(
            "Scores are of one stretch of one set of data. On other data they are other."
        )
    notices = list(metrics.get("notices", []))[:MOST_NOTICES]
    if notices:
        sentences.append("Of the data that it has learned from: " + "; ".join(notices) + ".")
    return "## Limits\n\n" + "\n".join(f"- {_plain(one)}" for one in sentences)


def _plain(text: Any) -> str:
    """Return text that Markdown shows as it is, on one line."""
    return re.sub(r"([|<>`*\\\[\]_])", r"\\\1", " ".join(str(text).split()))
