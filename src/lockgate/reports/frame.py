"""The frame of every page: one HTML file that opens offline and runs no script but its own two."""

import base64
import hashlib
import json
import math
from collections.abc import Iterator, Mapping
from importlib.resources import files
from typing import Any

import jinja2
from markupsafe import Markup
from plotly.offline import get_plotlyjs

from lockgate.charts import formats

FILTERS = (
    "duration",
    "interval",
    "enumerated",
    "moment",
    "number",
    "numbered",
    "percent",
    "plural",
    "tied",
    "times",
)
ESCAPES = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}
OWN = "lockgate.reports"


def render(template: str, figures: Mapping[str, Any], package: str = OWN, **values: Any) -> str:
    """Return a page: a template filled with values, its charts, its scripts and its style.

    Args:
        template: Its name, among the templates of the frame and those of `package`.
        figures: The charts by the names under which the template places them.
        package: Of a task, whose templates fill those of the frame.
        values: What the template needs beside.
    """
    scripts = [_normal(get_plotlyjs()), _normal(_asset("page.js"))]
    return (
        _environment(package)
        .get_template(template)
        .render(
            charts=_embedded(dict(figures)),
            drawn=set(figures),
            policy=_policy(scripts),
            scripts=[Markup(script) for script in scripts],  # noqa: S704
            style=Markup(_asset("style.css")),  # noqa: S704
            **values,
        )
    )


def check_finite(results: Any) -> None:
    """Refuse a number that JSON does not have.

    Raises:
        ValueError: If one is NaN or infinite.
    """
    if bad := next(_not_finite(results, "results"), None):
        place, value = bad
        raise ValueError(f"{place} must be finite, or null where it is missing, got {value}")


def _not_finite(value: Any, place: str) -> Iterator[tuple[str, float]]:
    if isinstance(value, float) and not math.isfinite(value):
        yield place, value
    elif isinstance(value, dict):
        for key, child in value.items():
            yield from _not_finite(child, f"{place}.{key}")
    elif isinstance(value, list):
        for index, child in enumerate(value):
            yield from _not_finite(child, f"{place}[{index}]")


def _environment(package: str) -> jinja2.Environment:
    """The frame's templates, and those of the package of a task."""
    loaders = [jinja2.PackageLoader(name) for name in dict.fromkeys((OWN, package))]
    environment = jinja2.Environment(
        loader=jinja2.ChoiceLoader(loaders),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    for name in FILTERS:
        environment.filters[name] = getattr(formats, name)
    return environment


def _asset(name: str) -> str:
    return (files(OWN) / "templates" / name).read_text(encoding="utf-8")


def _normal(script: str) -> str:
    """Line ends as the browser's parser will make them, so that the hash of the policy holds."""
    return script.replace("\r\n", "\n").replace("\r", "\n")


def _policy(scripts: list[str]) -> str:
    hashes = [base64.b64encode(hashlib.sha256(s.encode()).digest()).decode() for s in scripts]
    allowed = " ".join(f"'sha256-{value}'" for value in hashes)
    return f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; img-src data:"


def _embedded(figures: dict[str, Any]) -> Markup:
    """JSON in which no text can end the script element it stands in."""
    text = json.dumps(figures, allow_nan=False, separators=(",", ":"))
    for character, escape in ESCAPES.items():
        text = text.replace(character, escape)
    return Markup(text)  # noqa: S704
