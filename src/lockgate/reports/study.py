"""The report of a study: its results as one HTML file that opens offline."""

import base64
import hashlib
import json
import math
import os
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import jinja2
import yaml
from markupsafe import Markup
from plotly.offline import get_plotlyjs

from lockgate.reports import pages, words

FORMAT_VERSION = 1
FILTERS = (
    "duration",
    "interval",
    "listed",
    "moment",
    "number",
    "numbered",
    "plural",
    "tied",
    "times",
)
ESCAPES = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}


def write_report(results: dict[str, Any], folder: Path) -> Path:
    """Write `report.html`, the whole of a study on one page, into `folder`.

    The page holds its own script and data and asks the network for nothing; its content security
    policy has the browser enforce that, and lets no script run but the two that are written here,
    whatever a column may be called. It links to `results.json`, which stands beside it. The file
    is complete or absent: it is written under another name first, then renamed.

    Args:
        results: What `results.json` holds, format version 1. A missing number is None.
        folder: Where the file goes; made if it does not exist.

    Returns:
        The path of the written file.

    Raises:
        ValueError: If the format version is another one, or a number is NaN or infinite.

    Example:
        >>> write_report({"format_version": 2}, Path("runs/weather"))
        Traceback (most recent call last):
        ...
        ValueError: format_version must be 1, got 2. Use the lockgate that wrote these results.
    """
    # results from before there was another task
    results = {"task": "forecast", **results}
    _check(results)
    page = _render(results)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "report.html"
    temporary = folder / f".report.html.{os.getpid()}"
    try:
        temporary.write_text(page, encoding="utf-8", newline="\n")
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    return path


def _check(results: dict[str, Any]) -> None:
    if (version := results.get("format_version")) != FORMAT_VERSION:
        raise ValueError(
            f"format_version must be {FORMAT_VERSION}, got {version}. "
            "Use the lockgate that wrote these results."
        )
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


def _render(results: dict[str, Any]) -> str:
    scripts = [_normal(get_plotlyjs()), _normal(_asset("page.js"))]
    figures = pages.figures(results)
    return (
        _environment()
        .get_template("study.html.j2")
        .render(
            r=results,
            page=pages.page(results),
            charts=_embedded(figures),
            drawn=set(figures),
            config=yaml.safe_dump(results["config"], sort_keys=False, allow_unicode=True),
            policy=_policy(scripts),
            scripts=[Markup(script) for script in scripts],  # noqa: S704
            style=Markup(_asset("style.css")),  # noqa: S704
        )
    )


def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("lockgate.reports"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    for name in FILTERS:
        environment.filters[name] = getattr(words, name)
    return environment


def _asset(name: str) -> str:
    return (files("lockgate.reports") / "templates" / name).read_text(encoding="utf-8")


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
