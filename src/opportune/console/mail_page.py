"""Mails as HTML that mail programs show: tables, styles inline, 600 pixels at most, pictures made of table cells.

Most mail programs show no SVG, and pictures by address are blocked until somebody allows them. Bars of coloured
cells with the words beside them are seen at once everywhere, and read aloud.
"""

from __future__ import annotations

from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined

from opportune.core.learnings.switched_off import SwitchedOff
from opportune.core.learnings.weekly import Weekly


def weekly_html(weekly: Weekly) -> str:
    return (
        _templates()
        .get_template("mail/weekly.html")
        .render(weekly=weekly, subject=weekly.subject, preheader=weekly.verdict.sentence)
    )


def switched_off_html(told: SwitchedOff) -> str:
    return (
        _templates()
        .get_template("mail/switched_off.html")
        .render(told=told, subject=told.subject, preheader=told.headline)
    )


@cache
def _templates() -> Environment:
    return Environment(
        loader=PackageLoader("opportune.console"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
