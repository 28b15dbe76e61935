"""The page of a sweep over learning rates: its picture as one HTML file that opens offline."""

from pathlib import Path

import yaml

from lockgate.charts.figures import Figure
from lockgate.charts.formats import metric_name
from lockgate.charts.rates import Marked, rate_sweep
from lockgate.files import write_text
from lockgate.reports.frame import render
from lockgate.tuning.rate_words import in_words
from lockgate.tuning.rates import RateResult

TEMPLATE = "rates.html.j2"


def write_rate_report(result: RateResult, folder: Path) -> Path:
    """Write `report.html` into `folder`, made as the report of a study is.

    Args:
        result: What a sweep saw.
        folder: Where the file goes; made if it does not exist.
    """
    path = folder / "report.html"
    config = yaml.safe_dump(result.config, sort_keys=False, allow_unicode=True)
    shown = {
        "set": in_words(result.learning_rate),
        "suggested": result.suggestion and [in_words(one) for one in result.suggestion],
        "metric": metric_name(result.metric),
    }
    write_text(path, render(TEMPLATE, figures(result), r=result, shown=shown, config=config))
    return path


def figures(result: RateResult) -> dict[str, Figure]:
    """The chart by the name under which the template places it."""
    marked = Marked(result.learning_rate, result.suggestion)
    return {"rates": rate_sweep(result.rates, result.losses, result.smoothed, marked)}
