"""A report as one self-contained page, for the command that writes it into a file."""

from __future__ import annotations

from opportune.console.report_page import overview_html, report_html

__all__ = ["overview_html", "report_html"]
