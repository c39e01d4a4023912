"""The report: claims, tables, figures and where every number comes from, on one page that needs no other file."""

from analysis.report.page import write_report

__all__ = ["write_report"]
