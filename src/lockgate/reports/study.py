"""The report of a study: its results as one HTML file that opens offline."""

import base64
import hashlib
import json
import math
from collections.abc import Iterator, Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

import jinja2
import yaml
from markupsafe import Markup
from plotly.offline import get_plotlyjs

from lockgate.charts import formats
from lockgate.files import write_text
from lockgate.reports import pages
from lockgate.tasks.results import Results, checked_results

TEMPLATE = "report.html.j2"  # the task's, which extends the frame
FILTERS = (
    "duration",
    "interval",
    "enumerated",
    "moment",
    "number",
    "numbered",
    "plural",
    "tied",
    "times",
)
ESCAPES = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}


def write_report(results: Mapping[str, Any], folder: Path) -> Path:
    """Write `report.html`, the whole of a study on one page, into `folder`.

    The page holds its own script and data and asks the network for nothing; its content security
    policy has the browser enforce that, and lets no script run but the two that are written here,
    whatever a column may be called. It links to `results.json`, which stands beside it. The file
    is complete or absent: it is written under another name first, then renamed.

    Args:
        results: What `results.json` holds. A missing number is None.
        folder: Where the file goes; made if it does not exist.

    Returns:
        The path of the written file.

    Raises:
        DataError: If they are of another format.
        ValueError: If a number is NaN or infinite.

    Example:
        >>> write_report({"format_version": 1}, Path("runs/weather"))
        Traceback (most recent call last):
        ...
        lockgate.errors.DataError: results must have format_version 2, got 1. Use the lockgate \
that wrote it.
    """
    checked = checked_results(results)
    if bad := next(_not_finite(checked, "results"), None):
        place, value = bad
        raise ValueError(f"{place} must be finite, or null where it is missing, got {value}")
    path = folder / "report.html"
    write_text(path, _render(checked))
    return path


def _not_finite(value: Any, place: str) -> Iterator[tuple[str, float]]:
    if isinstance(value, float) and not math.isfinite(value):
        yield place, value
    elif isinstance(value, dict):
        for key, child in value.items():
            yield from _not_finite(child, f"{place}.{key}")
    elif isinstance(value, list):
        for index, child in enumerate(value):
            yield from _not_finite(child, f"{place}[{index}]")


def _render(results: Results) -> str:
    scripts = [_normal(get_plotlyjs()), _normal(_asset("page.js"))]
    figures = pages.figures(results)
    return (
        _environment(pages.task_pages(results).package)
        .get_template(TEMPLATE)
        .render(
            r=results,
            page=pages.page(results),
            own=pages.own_values(results),
            charts=_embedded(figures),
            drawn=set(figures),
            config=yaml.safe_dump(results["config"], sort_keys=False, allow_unicode=True),
            policy=_policy(scripts),
            scripts=[Markup(script) for script in scripts],  # noqa: S704
            style=Markup(_asset("style.css")),  # noqa: S704
        )
    )


def _environment(package: str) -> jinja2.Environment:
    """The frame's templates, and those of the package of a task."""
    loaders = [jinja2.PackageLoader(name) for name in ("lockgate.reports", package)]
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
