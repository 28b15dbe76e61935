"""Results of studies and searches, each as one HTML file that opens offline."""

from lockgate.reports.study import write_report
from lockgate.reports.tune import write_tune_report

__all__ = ["write_report", "write_tune_report"]
