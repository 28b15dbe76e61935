"""Results of studies, searches and sweeps, each as one HTML file that opens offline."""

from lockgate.reports.rates import write_rate_report
from lockgate.reports.study import write_report
from lockgate.reports.tune import write_tune_report

__all__ = ["write_rate_report", "write_report", "write_tune_report"]
