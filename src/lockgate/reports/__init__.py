"""Results of a study as one HTML file that opens offline."""

from lockgate.reports.study import write_report

__all__ = ["write_report"]
