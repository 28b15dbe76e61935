"""The report of a study: its results as one HTML file that opens offline."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from lockgate.files import write_text
from lockgate.reports import pages
from lockgate.reports.frame import check_finite, render
from lockgate.tasks.results import Results, checked_results

TEMPLATE = "report.html.j2"  # the task's, which extends the frame


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
    check_finite(checked)
    path = folder / "report.html"
    write_text(path, _render(checked))
    return path


def _render(results: Results) -> str:
    return render(
        TEMPLATE,
        pages.figures(results),
        pages.task_pages(results).package,
        r=results,
        page=pages.page(results),
        own=pages.own_values(results),
        config=yaml.safe_dump(results["config"], sort_keys=False, allow_unicode=True),
    )
