"""`/reports` and `/reports/RULE`: the report pages of the console, behind the session that a one-time link opens."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from opportune.console.pages import REPORTS, Pages
from opportune.console.report_page import overview_html, report_html
from opportune.services.experiments.reporting import overview, report


async def show_reports(pages: Pages, request: Request) -> Response:
    """Everything on one page, or one rule's report."""
    now = pages.house.clock()
    rule = request.scope["path"].removeprefix(REPORTS).strip("/")
    if rule:
        return pages.page(report_html(await pages.reader(report, rule, now), root=REPORTS))
    return pages.page(overview_html(await pages.reader(overview, now), root=REPORTS))
